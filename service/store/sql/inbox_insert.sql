-- Stores a verified SNS message; no row when it is stored already.
-- $1: message id  $2: topic  $3: type  $4: subject or null  $5: message  $6: sent at (RFC 3339)
-- $7: video id or null
INSERT INTO spotlist_data.inbox (message_id, topic_arn, type, subject, message, sent_at, video_id)
VALUES ($1, $2, $3, $4, $5, $6::timestamptz, $7::uuid)
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id
