-- The uploaded object has arrived.
-- $1: id  $2: size in bytes  $3: etag
UPDATE spotlist_data.videos
SET size_bytes = $2::bigint, etag = $3, upload_expires_at = NULL, updated_at = now()
WHERE id = $1::uuid
