-- When a video ends: decided once. Whoever writes the record, and however late a worker that stood
-- still does, all write the same. No row: the lease was lost.
-- $1: id of the settling step  $2: claims when taken  $3: now, RFC 3339
UPDATE spotlist_data.steps
SET payload = jsonb_build_object('at', $3::text) || payload
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING payload ->> 'at' AS at
