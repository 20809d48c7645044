-- Counts what a run of a part of a video costs; what was reserved for it becomes less.
-- $1: video id  $2: part  $3: lines as JSON: unit, quantity, price (10^-9 dollars), per  $4: region
-- $5: date of the prices  $6: whether that comes on top of what the run was charged before
SELECT spotlist_data.charge($1::uuid, $2::text, $3::jsonb, $4::text, $5::date, $6::boolean) AS micros
