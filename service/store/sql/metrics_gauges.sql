-- What a scrape looks up, one sample a row, the rows of a family together: its number in gauges.c, the
-- values of its labels, the sample. One pass over the queue.
-- $1: states of videos  $2: gates, as JSON arrays
WITH queue AS (
    SELECT kind, gate, parked, created_at, due_at,
        CASE WHEN parked THEN 'parked' WHEN holder IS NOT NULL THEN 'held'
             WHEN due_at <= now() THEN 'due' ELSE 'later' END AS state
    FROM spotlist_data.steps
), by_kind AS (
    SELECT kind, state, count(*) AS steps,
        extract(epoch FROM now() - min(CASE WHEN state = 'parked' THEN created_at ELSE due_at END))
            AS oldest_s
    FROM queue GROUP BY kind, state
), by_gate AS (
    SELECT g.gate, count(*) FILTER (WHERE q.parked) AS waiting,
        count(*) FILTER (WHERE NOT q.parked) AS open,
        extract(epoch FROM now() - min(q.created_at) FILTER (WHERE q.parked)) AS oldest_s
    FROM jsonb_array_elements_text($2::jsonb) AS g (gate) LEFT JOIN queue q ON q.gate = g.gate
    GROUP BY g.gate
), callbacks AS (
    SELECT count(*) AS waiting, extract(epoch FROM now() - min(created_at)) AS oldest_s
    FROM spotlist_data.webhook_deliveries WHERE due_at IS NOT NULL
), samples AS (
    SELECT 0 AS family, s.state AS a, NULL AS b, count(v.id)::numeric AS value
    FROM jsonb_array_elements_text($1::jsonb) AS s (state)
        LEFT JOIN spotlist_data.videos v ON v.state = s.state
    GROUP BY s.state
    UNION ALL
    SELECT 1, kind, state, steps FROM by_kind
    UNION ALL
    SELECT 2, kind, state, greatest(oldest_s, 0) FROM by_kind WHERE state IN ('due', 'parked')
    UNION ALL
    SELECT 3, gate, NULL, waiting FROM by_gate
    UNION ALL
    SELECT 4, gate, NULL, coalesce(greatest(oldest_s, 0), 0) FROM by_gate
    UNION ALL
    SELECT 5, gate, NULL, open FROM by_gate
    UNION ALL
    SELECT 6, NULL, NULL, waiting FROM callbacks
    UNION ALL
    SELECT 7, NULL, NULL, coalesce(greatest(oldest_s, 0), 0) FROM callbacks
    UNION ALL
    SELECT 8, NULL, NULL, coalesce(sum(micros), 0) / 1000000.0
    FROM spotlist_data.spending WHERE month = spotlist_data.this_month()
    UNION ALL
    SELECT 9, NULL, NULL, coalesce(sum(micros), 0) / 1000000.0 FROM spotlist_data.reservations
)
SELECT family, a, b, round(value, 6)::text AS value FROM samples ORDER BY family, a, b
