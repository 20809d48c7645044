-- Sends a message again, from the beginning of the schedule, whatever became of it. One under way
-- is not waited for: its outcome is only written down.
-- $1: video id  $2: delivery id
WITH again AS (
    UPDATE spotlist_data.webhook_deliveries
    SET state = 'pending', due_at = now(), held = false, claims = claims + 1, tries = 0,
        completed_at = NULL
    WHERE video_id = $1::uuid AND id = $2::uuid
    RETURNING id
)
SELECT id, pg_notify('spotlist_webhooks', '') FROM again
