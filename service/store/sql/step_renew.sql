-- Prolongs a lease. No row: it was lost. A row that is locked is being handed on by its holder, who
-- may take long over it: it is not waited for.
-- $1: id  $2: claims when taken  $3: lease in ms
WITH mine AS (
    SELECT id FROM spotlist_data.steps
    WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
), free AS (
    SELECT id FROM spotlist_data.steps
    WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
    FOR UPDATE SKIP LOCKED
), renewed AS (
    UPDATE spotlist_data.steps s
    SET due_at = clock_timestamp() + make_interval(secs => $3::double precision / 1000)
    FROM free
    WHERE s.id = free.id
)
SELECT id FROM mine
