-- A message to a submitter. What is still to be sent of an earlier end of the video is not sent
-- any more: a late retry would tell what is no longer so.
-- $1: id  $2: video id  $3: URL  $4: origin  $5: type  $6: body
WITH older AS (
    UPDATE spotlist_data.webhook_deliveries
    SET state = 'superseded', due_at = NULL, held = false, completed_at = now()
    WHERE video_id = $2::uuid AND state = 'pending'
), added AS (
    INSERT INTO spotlist_data.webhook_deliveries (id, video_id, url, origin, type, body)
    VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6)
    RETURNING id
)
SELECT id, pg_notify('spotlist_webhooks', '') FROM added
