-- A step that belongs to no video: confirming an SNS subscription.
-- $1: kind  $2: payload as JSON
WITH added AS (
    INSERT INTO spotlist_data.steps (track, kind, payload) VALUES ('sns', $1, $2::jsonb)
    RETURNING id
)
SELECT id, pg_notify('spotlist_steps', '') FROM added
