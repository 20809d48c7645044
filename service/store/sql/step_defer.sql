-- Hands a held step back because there is no room now: no failure of its own. `failures` still
-- counts up when $4, to make the next delay longer. No row: the lease was lost.
-- $1: id  $2: claims when taken  $3: delay in ms  $4: whether to wait longer next time
UPDATE spotlist_data.steps
SET due_at = now() + make_interval(secs => $3::double precision / 1000),
    holder = NULL, wake = false, failures = failures + $4::boolean::integer
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING id
