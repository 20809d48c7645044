-- A row when more than so many steps wait at a gate. Costs as much as there are, up to that.
-- $1: gate  $2: how many may wait
SELECT 1 AS full FROM spotlist_data.steps
WHERE gate = $1 AND parked
OFFSET $2::bigint - 1
LIMIT 1
