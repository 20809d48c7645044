-- All that DynamoDB's videos/<id> item keeps: the row as it will be once settled, its analyses and
-- their earlier versions, its timeline with the entry that settling adds, which frames there are, how
-- much the analyses found, and which frames have someone in them: every other item can be found
-- without a scan, and `spotlist rebuild` makes the same rows of it.
-- $1: id  $2: final state  $3: when it is reached (RFC 3339)  $4: event and  $5: message of the timeline
WITH runs AS (
    SELECT min(f.index) AS first, max(f.index) AS last
    FROM (SELECT index, index - row_number() OVER (ORDER BY index) AS run
          FROM spotlist_data.frames WHERE video_id = $1::uuid) f
    GROUP BY f.run
), odd_keys AS (
    SELECT f.index, f.key
    FROM spotlist_data.frames f JOIN spotlist_data.videos v ON v.id = f.video_id
    WHERE f.video_id = $1::uuid AND f.key IS DISTINCT FROM
        v.frames_prefix || 'frame.' || repeat('0', 7 - length(f.index::text)) || f.index || '.jpg'
), happened AS (
    SELECT row_number() OVER (ORDER BY t.id) AS place, t.at, t.event, t.analysis, t.message
    FROM spotlist_data.timeline t WHERE t.video_id = $1::uuid
    UNION ALL
    SELECT 9223372036854775807, $3::timestamptz, $4::text, NULL, $5::text
)
SELECT (json_build_object(
    'video', to_jsonb(v) || jsonb_build_object('state', $2::text,
        'completed_at', to_jsonb($3::timestamptz), 'updated_at', to_jsonb($3::timestamptz)),
    'analyses', (
        SELECT coalesce(json_agg(row_to_json(a) ORDER BY a.kind), '[]')
        FROM spotlist_data.analyses a WHERE a.video_id = v.id),
    'versions', (
        SELECT coalesce(json_agg(to_jsonb(a) - 'result' ORDER BY a.kind, a.attempt), '[]')
        FROM spotlist_data.analysis_versions a WHERE a.video_id = v.id),
    'charges', (
        SELECT coalesce(json_agg(to_jsonb(c) - 'video_id' - 'micros'
            ORDER BY c.part, c.attempt, c.unit, c.month), '[]')
        FROM spotlist_data.charges c WHERE c.video_id = v.id),
    'timeline', (
        SELECT json_agg(json_build_object('at', h.at, 'event', h.event,
            'analysis', h.analysis, 'message', h.message) ORDER BY h.place)
        FROM happened h),
    'frames', json_build_object(
        'runs', (SELECT coalesce(json_agg(json_build_array(r.first, r.last) ORDER BY r.first), '[]')
                 FROM runs r),
        'keys', (SELECT coalesce(json_object_agg(o.index, o.key ORDER BY o.index), '{}')
                 FROM odd_keys o)),
    'counts', json_build_object(
        'celebrity_detections', (
            SELECT count(*) FROM spotlist_data.celebrity_detections WHERE video_id = v.id),
        'label_detections', (
            SELECT count(*) FROM spotlist_data.label_detections WHERE video_id = v.id),
        'label_instances', (
            SELECT count(*) FROM spotlist_data.label_instances WHERE video_id = v.id),
        'transcripts', (SELECT count(*) FROM spotlist_data.transcripts WHERE video_id = v.id),
        'transcript_words', (
            SELECT count(*) FROM spotlist_data.transcript_words WHERE video_id = v.id))
))::text AS record,
    v.title, v.source, v.frames_prefix, v.frame_count, v.mp4_key, v.audio_key, v.transcript_key,
    v.duration_ms, spotlist_data.rfc3339(v.created_at) AS created_at,
    (SELECT json_agg(c.frame_index ORDER BY c.frame_index)::text
     FROM (SELECT DISTINCT frame_index FROM spotlist_data.celebrity_detections
           WHERE video_id = v.id) c) AS celebrity_frames
FROM spotlist_data.videos v
WHERE v.id = $1::uuid
