-- Hands a held step back because there is no room now: no failure of its own. `failures` still
-- counts up when $4, to make the next delay longer; else nothing was asked of anyone, and the payload
-- counts that. No row: the lease was lost.
-- $1: id  $2: claims when taken  $3: delay in ms  $4: whether to wait longer next time
UPDATE spotlist_data.steps
SET due_at = now() + make_interval(secs => $3::double precision / 1000),
    holder = NULL, wake = false, failures = failures + $4::boolean::integer,
    payload = CASE WHEN $4::boolean THEN payload ELSE payload || jsonb_build_object(
        'deferred', coalesce((payload ->> 'deferred')::integer, 0) + 1) END
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING id
