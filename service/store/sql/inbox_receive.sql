-- Stores a verified SNS message with the video that it is about, and if it was not stored already makes
-- due what waits for it: steps that are held will be when they are put back.
-- $1: message id  $2: topic  $3: type  $4: subject or null  $5: message  $6: sent at (RFC 3339)
-- $7: MediaConvert job that it names, or null  $8: Rekognition job, or null
-- $9: video id that the provider echoes, or null  $10: track to wake, or null
WITH video AS (
    SELECT coalesce(
        (SELECT id FROM spotlist_data.videos WHERE transcode_job_id = $7 LIMIT 1),
        (SELECT video_id FROM spotlist_data.analyses WHERE job_id = $8 LIMIT 1),
        (SELECT id FROM spotlist_data.videos WHERE id = $9::uuid)) AS id
), stored AS (
    INSERT INTO spotlist_data.inbox
        (message_id, topic_arn, type, subject, message, sent_at, video_id)
    SELECT $1, $2, $3, $4, $5, $6::timestamptz, video.id FROM video
    ON CONFLICT (message_id) DO NOTHING
    RETURNING video_id
), woken AS (
    UPDATE spotlist_data.steps s
    SET wake = s.holder IS NOT NULL,
        due_at = CASE WHEN s.holder IS NULL THEN least(s.due_at, now()) ELSE s.due_at END
    FROM stored
    WHERE s.video_id = stored.video_id AND s.track = $10 AND NOT s.parked
    RETURNING s.id
)
SELECT (SELECT video_id FROM stored) AS video_id, EXISTS (SELECT FROM stored) AS is_new,
    (SELECT count(pg_notify('spotlist_steps', '')) FROM woken) AS told
