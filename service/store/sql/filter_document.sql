-- GET /videos/{id}/metadata?…: what stands before the lists, what links are made of, and what changes
-- whenever an analysis begins or ends; no row when there is no such video.
-- $1: video id  $2: with the data of the picture  $3: with outputs  $4: with analyses
-- $5: time of the frame, or null
SELECT left(json_strip_nulls(json_build_object(
        'id', v.id,
        'state', v.state,
        'title', v.title,
        'tags', to_json(v.tags),
        'source', v.source,
        'created_at', spotlist_data.rfc3339(v.created_at),
        'completed_at', spotlist_data.rfc3339(v.completed_at),
        'duration_ms', v.duration_ms,
        'video', CASE WHEN $2::boolean THEN json_build_object('width', v.width,
            'height', v.height, 'frame_rate', v.frame_rate, 'codec', v.codec) END,
        'outputs', CASE WHEN $3::boolean THEN json_build_object(
            'mp4', v.mp4_key, 'audio', v.audio_key,
            'frames', json_build_object('count', v.frame_count,
                'interval_ms', v.frame_interval_ms, 'prefix', v.frames_prefix)) END,
        'analyses', CASE WHEN $4::boolean THEN coalesce(a.body, '{}') END))::text, -1) AS head,
\ir filter_version.inc
    AS version,
    v.mp4_key, v.audio_key, v.transcript_key, f.key AS frame_key, f.time_ms AS frame_time_ms,
    t.video_id IS NOT NULL AS has_transcript,
    left(json_strip_nulls(json_build_object('language', t.language))::text, -1) AS transcript,
    to_json(t.text)::text AS transcript_text
FROM spotlist_data.videos v
    LEFT JOIN LATERAL (
        SELECT json_object_agg(a.kind, json_build_object(
                'state', a.state, 'reason', a.reason,
                'started_at', spotlist_data.rfc3339(a.started_at),
                'completed_at', spotlist_data.rfc3339(a.completed_at)) ORDER BY a.kind) AS body
        FROM spotlist_data.analyses a
        WHERE a.video_id = v.id) a ON true
    LEFT JOIN spotlist_data.transcripts t ON t.video_id = v.id
    LEFT JOIN LATERAL (
        SELECT f.key, f.time_ms
        FROM spotlist_data.frames f
        WHERE f.video_id = v.id AND f.time_ms <= $5::bigint
        ORDER BY f.index DESC
        LIMIT 1) f ON true
WHERE v.id = $1::uuid
