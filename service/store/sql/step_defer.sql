-- Hands a held step back because it cannot be done now. `failures` counts up when $4, to make the
-- next delay longer. The payload counts apart, under the name $5: "deferred", when nothing was asked
-- of anyone; "nonsense", answers that were not understood. No row: the lease was lost.
-- $1: id  $2: claims when taken  $3: delay in ms  $4: whether to wait longer next time
-- $5: what is counted, or null
UPDATE spotlist_data.steps
SET due_at = now() + make_interval(secs => $3::double precision / 1000),
    holder = NULL, wake = false, failures = failures + $4::boolean::integer,
    payload = CASE WHEN $5::text IS NULL THEN payload ELSE payload || jsonb_build_object(
        $5::text, coalesce((payload ->> $5::text)::integer, 0) + 1) END
WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
RETURNING id
