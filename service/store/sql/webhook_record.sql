-- Writes an attempt down, whoever made it, and what becomes of the message when it is still the
-- attempter's (a replay, or a lease that ran out, takes it away). No row: the video was deleted.
-- $1: id  $2: claims when taken  $3: new state  $4: delay in ms when that is pending
-- $5: duration in ms  $6: HTTP status or null  $7: why there was no good answer, or null
WITH told AS (
    UPDATE spotlist_data.webhook_deliveries d
    SET attempts = attempts + 1,
        (tries, held, state, due_at, completed_at) = (
            SELECT d.tries, d.held, d.state, d.due_at, d.completed_at
            WHERE d.claims <> $2::bigint OR (d.state <> 'pending' AND $3 <> 'delivered')
            UNION ALL
            SELECT d.tries + 1, false, $3,
                CASE WHEN $3 = 'pending' THEN
                    clock_timestamp() + make_interval(secs => $4::double precision / 1000) END,
                CASE WHEN $3 <> 'pending' THEN clock_timestamp() END
            WHERE d.claims = $2::bigint AND (d.state = 'pending' OR $3 = 'delivered'))
    WHERE id = $1::uuid
    RETURNING id, attempts
)
INSERT INTO spotlist_data.webhook_attempts (delivery_id, number, duration_ms, http_status, error)
SELECT id, attempts, $5::bigint, $6::integer, $7 FROM told
RETURNING number
