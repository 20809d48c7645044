-- Hands a held step back as (perhaps) another kind, due after a delay, or at once when a callback
-- came meanwhile. Answers that were not understood are counted anew. No row: the lease was lost.
-- $1: id  $2: claims when taken  $3: kind  $4: delay in ms  $5: payload as JSON
WITH moved AS (
    UPDATE spotlist_data.steps
    SET due_at = CASE WHEN wake THEN now()
                      ELSE now() + make_interval(secs => $4::double precision / 1000) END,
        created_at = CASE WHEN kind = $3 THEN created_at ELSE now() END,
        kind = $3, holder = NULL, wake = false, failures = 0,
        payload = $5::jsonb - 'nonsense'
    WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', '') FROM moved
