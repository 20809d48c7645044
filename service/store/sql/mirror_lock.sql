-- The same, and no step of the video commits until the transaction ends.
-- $1: id
SELECT state, state || ' ' || updated_at::text AS version
FROM spotlist_data.videos
WHERE id = $1::uuid
FOR UPDATE
