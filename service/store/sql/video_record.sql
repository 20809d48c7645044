-- All that DynamoDB's videos/<id> item keeps: the row as it will be once settled, its analyses,
-- and which frames have someone in them, so that every other item can be found without a scan.
-- $1: id  $2: final state  $3: when it is reached (RFC 3339)
SELECT (json_build_object(
    'video', to_jsonb(v) || jsonb_build_object('state', $2::text,
        'completed_at', to_jsonb($3::timestamptz), 'updated_at', to_jsonb($3::timestamptz)),
    'analyses', (
        SELECT coalesce(json_agg(row_to_json(a) ORDER BY a.kind), '[]')
        FROM spotlist_data.analyses a WHERE a.video_id = v.id),
    'timeline', (
        SELECT coalesce(json_agg(json_build_object('at', t.at, 'event', t.event,
            'analysis', t.analysis, 'message', t.message) ORDER BY t.id), '[]')
        FROM spotlist_data.timeline t WHERE t.video_id = v.id)
))::text AS record,
    v.title, v.source, v.frames_prefix, v.frame_count, v.mp4_key, v.audio_key, v.transcript_key,
    v.duration_ms, spotlist_data.rfc3339(v.created_at) AS created_at,
    (SELECT json_agg(c.frame_index ORDER BY c.frame_index)::text
     FROM (SELECT DISTINCT frame_index FROM spotlist_data.celebrity_detections
           WHERE video_id = v.id) c) AS celebrity_frames
FROM spotlist_data.videos v
WHERE v.id = $1::uuid
