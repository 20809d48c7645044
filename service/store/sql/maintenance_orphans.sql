-- What should have a step and has none: cannot be, and is mended and told all the same.
WITH missing AS (
    SELECT v.id AS video_id, CASE WHEN v.state IN ('canceling', 'deleting') THEN 'end'
        ELSE 'video' END AS track,
        CASE WHEN v.state = 'deleting' THEN 1 ELSE 0 END AS part,
        CASE
            WHEN v.state IN ('canceling', 'deleting') THEN 'end'
            WHEN v.state = 'awaiting_upload' THEN 'upload_wait'
            WHEN v.state = 'transcoding' AND v.transcode_job_id IS NOT NULL THEN 'transcode_poll'
            WHEN v.state = 'analyzing' THEN 'settle'
            ELSE 'transcode_start' END AS kind,
        CASE WHEN v.state IN ('queued', 'transcoding') THEN 'transcode' END AS gate
    FROM spotlist_data.videos v
    WHERE v.state IN (
            'awaiting_upload', 'queued', 'transcoding', 'analyzing', 'canceling', 'deleting')
        AND NOT EXISTS (SELECT FROM spotlist_data.steps s
            WHERE s.video_id = v.id)
        AND NOT (v.state = 'analyzing' AND EXISTS (
            SELECT FROM spotlist_data.analyses a
            WHERE a.video_id = v.id AND a.state IN ('pending', 'running', 'collecting')))
    UNION ALL
    SELECT v.id, a.kind, 0,
        CASE WHEN a.job_id IS NOT NULL THEN a.kind || '_poll' ELSE 'analysis_begin' END,
        CASE WHEN a.job_id IS NOT NULL THEN a.kind END
    FROM spotlist_data.videos v
        JOIN spotlist_data.analyses a ON a.video_id = v.id
            AND a.state IN ('pending', 'running', 'collecting')
    WHERE v.state = 'analyzing' AND NOT EXISTS (
        SELECT FROM spotlist_data.steps s WHERE s.video_id = v.id AND s.track = a.kind)
), added AS (
    INSERT INTO spotlist_data.steps (video_id, track, part, kind, gate)
    SELECT video_id, track, part, kind, gate FROM missing
    ON CONFLICT (video_id, track, part) DO NOTHING
    RETURNING video_id, track, kind
)
SELECT video_id, track, kind, pg_notify('spotlist_steps', '') FROM added
