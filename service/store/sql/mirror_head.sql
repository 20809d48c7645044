-- Where a video stands, and what changes whenever that does; no row when there is none.
-- $1: id
SELECT state, state || ' ' || updated_at::text AS version
FROM spotlist_data.videos
WHERE id = $1::uuid
