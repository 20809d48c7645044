-- $1: counter
SELECT value FROM spotlist_data.counters WHERE id = $1::integer
