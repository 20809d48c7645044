-- The track is done. No row: the lease was lost.
-- $1: id  $2: claims when taken
DELETE FROM spotlist_data.steps
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING id
