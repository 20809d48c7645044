-- Reserves an estimate below the monthly cap, one at a time until the transaction's end.
-- $1: video id  $2: millionths of a dollar  $3: the cap, or null: granted whatever was spent
SELECT granted, spent, reserved FROM spotlist_data.reserve($1::uuid, $2::bigint, $3::bigint)
