-- GET /usage: what a month has cost, by unit. What is reserved belongs to the present month.
-- $1: first day of the month, or null: this one  $2: the cap in millionths of a dollar, or null
-- $3: what to tell of the price table, as JSON
WITH asked AS (
    SELECT coalesce($1::date, spotlist_data.this_month()) AS month,
        coalesce($1::date, spotlist_data.this_month()) = spotlist_data.this_month() AS present
), units AS (
    SELECT c.unit, c.per, sum(c.quantity) AS quantity, sum(c.micros) AS micros
    FROM spotlist_data.charges c JOIN asked a ON c.month = a.month
    GROUP BY c.unit, c.per
), sums AS (
    SELECT coalesce((SELECT sum(micros) FROM units), 0) AS spent,
        CASE WHEN a.present THEN coalesce(
            (SELECT sum(micros) FROM spotlist_data.reservations), 0) END AS reserved
    FROM asked a
)
SELECT json_strip_nulls(json_build_object(
    'month', to_char(a.month, 'YYYY-MM'),
    'currency', 'USD',
    'total', round(s.spent / 1000000.0, 6)::text,
    'videos', (SELECT count(DISTINCT c.video_id) FROM spotlist_data.charges c
               WHERE c.month = a.month),
    'items', (SELECT coalesce(json_agg(json_build_object(
            'unit', u.unit, 'quantity', u.quantity,
            'counted_in', CASE u.per WHEN 60 THEN 'seconds' ELSE 'images' END,
            'cost', round(u.micros / 1000000.0, 6)::text) ORDER BY u.unit), '[]') FROM units u),
    'reserved', round(s.reserved / 1000000.0, 6)::text,
    'cap', CASE WHEN a.present THEN round($2::bigint / 1000000.0, 6)::text END,
    'left', CASE WHEN a.present THEN
        round(greatest($2::bigint - s.spent - s.reserved, 0) / 1000000.0, 6)::text END,
    'starts_again_at', CASE WHEN a.present THEN
        spotlist_data.rfc3339((a.month + interval '1 month') AT TIME ZONE 'UTC') END,
    'prices', $3::json
))::text AS body
FROM asked a, sums s
