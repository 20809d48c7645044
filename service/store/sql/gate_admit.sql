-- Fills the free places of a gate in order of turn. The gate is locked.
-- $1: gate  $2: places in all
WITH room AS (
    SELECT greatest($2::bigint - count(*), 0) AS places
    FROM spotlist_data.steps WHERE gate = $1 AND NOT parked
), next AS (
    SELECT id FROM spotlist_data.steps
    WHERE gate = $1 AND parked
    ORDER BY turn, id
    LIMIT (SELECT places FROM room)
    FOR UPDATE SKIP LOCKED
), admitted AS (
    UPDATE spotlist_data.steps s
    SET parked = false, due_at = now(), created_at = now()
    FROM next
    WHERE s.id = next.id
    RETURNING s.id
)
SELECT id, pg_notify('spotlist_steps', '') FROM admitted
