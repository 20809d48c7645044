-- Hands a held step back untouched, due at once: this process is stopping.
-- $1: id  $2: claims when taken
WITH released AS (
    UPDATE spotlist_data.steps
    SET due_at = now(), holder = NULL
    WHERE id = $1::bigint AND claims = $2::bigint AND holder IS NOT NULL
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', '') FROM released
