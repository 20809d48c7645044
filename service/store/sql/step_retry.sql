-- Hands a held step back after a failure that may pass. No row: the lease was lost.
-- $1: id  $2: claims when taken  $3: delay in ms
UPDATE spotlist_data.steps
SET due_at = now() + make_interval(secs => $3::double precision / 1000),
    holder = NULL, wake = false, failures = failures + 1
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING id
