-- What should have a step and has none: cannot be, and is mended and told all the same.
-- $1: frames in a part
WITH open AS (
    SELECT v.id, v.state, v.transcode_job_id FROM spotlist_data.videos v
    WHERE v.state IN ('awaiting_upload', 'queued', 'transcoding', 'analyzing')
), missing AS (
    SELECT o.id AS video_id, 'video' AS track, 0 AS part, CASE
        WHEN o.state = 'awaiting_upload' THEN 'upload_wait'
        WHEN o.state = 'transcoding' AND o.transcode_job_id IS NOT NULL THEN 'transcode_poll'
        ELSE 'transcode_start' END AS kind,
        CASE WHEN o.state <> 'awaiting_upload' THEN 'transcode' END AS gate
    FROM open o
    WHERE o.state <> 'analyzing' AND NOT EXISTS (
        SELECT FROM spotlist_data.steps s WHERE s.video_id = o.id AND s.track = 'video')
    UNION ALL
    SELECT o.id, 'video', 0, 'settle', NULL
    FROM open o
    WHERE o.state = 'analyzing'
        AND NOT EXISTS (SELECT FROM spotlist_data.steps s WHERE s.video_id = o.id)
        AND NOT EXISTS (SELECT FROM spotlist_data.analyses a WHERE a.video_id = o.id
            AND a.state IN ('pending', 'running', 'collecting'))
    UNION ALL
    SELECT o.id, a.kind, parts.part, CASE
        WHEN a.kind = 'celebrities' THEN 'celebrities_frames'
        WHEN a.job_id IS NOT NULL THEN a.kind || '_poll'
        ELSE a.kind || '_start' END, a.kind
    FROM open o
        JOIN spotlist_data.analyses a ON a.video_id = o.id
            AND a.state IN ('pending', 'running', 'collecting')
        CROSS JOIN LATERAL (
            SELECT DISTINCT f.index / $1::integer AS part FROM spotlist_data.frames f
            WHERE a.kind = 'celebrities' AND f.video_id = o.id
            UNION ALL SELECT 0 WHERE a.kind <> 'celebrities') parts
    WHERE o.state = 'analyzing' AND NOT EXISTS (
        SELECT FROM spotlist_data.steps s WHERE s.video_id = o.id AND s.track = a.kind)
), added AS (
    INSERT INTO spotlist_data.steps (video_id, track, part, kind, gate)
    SELECT video_id, track, part, kind, gate FROM missing
    ON CONFLICT (video_id, track, part) DO NOTHING
    RETURNING video_id, track, kind
)
SELECT video_id, track, kind, pg_notify('spotlist_steps', '') FROM added
