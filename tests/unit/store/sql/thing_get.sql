-- $1: id
SELECT * FROM spotlist_data.things WHERE id = $1::bigint;
