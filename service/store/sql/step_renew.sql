-- Prolongs a lease. No row: it was lost.
-- $1: id  $2: claims when taken  $3: lease in ms
UPDATE spotlist_data.steps
SET due_at = clock_timestamp() + make_interval(secs => $3::double precision / 1000)
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING id
