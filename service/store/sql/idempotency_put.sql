-- What a key stands for from now on: it is new, or its day is over.
-- $1: key  $2: SHA-256 of the request  $3: video id
INSERT INTO spotlist_data.idempotency_keys (key, request_sha256, video_id)
VALUES ($1, $2, $3::uuid)
ON CONFLICT (key) DO UPDATE
SET request_sha256 = excluded.request_sha256, video_id = excluded.video_id, created_at = now()
