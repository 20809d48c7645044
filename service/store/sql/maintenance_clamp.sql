-- A clock that was set back would leave steps waiting for it to catch up: none of these waits
-- longer than $1.
-- $1: the longest wait in ms
UPDATE spotlist_data.steps
SET due_at = now()
WHERE due_at > now() + make_interval(secs => $1::double precision / 1000)
    AND NOT parked
