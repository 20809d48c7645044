-- What a key stands for; no row when it is new, or older than a day.
-- $1: key
SELECT video_id, request_sha256 FROM spotlist_data.idempotency_keys
WHERE key = $1 AND created_at > now() - interval '1 day'
