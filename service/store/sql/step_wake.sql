-- A callback came: the track's waiting steps are due now; a held one will be when put back.
-- $1: video id  $2: track
WITH woken AS (
    UPDATE spotlist_data.steps
    SET wake = holder IS NOT NULL,
        due_at = CASE WHEN holder IS NULL THEN least(due_at, now()) ELSE due_at END
    WHERE video_id = $1::uuid AND track = $2 AND NOT parked
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', '') FROM woken
