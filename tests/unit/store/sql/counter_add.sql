-- $1: counter  $2: how much
UPDATE spotlist_data.counters SET value = value + $2::bigint WHERE id = $1::integer
RETURNING value
