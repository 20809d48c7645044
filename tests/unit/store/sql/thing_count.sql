-- How many there are, and the sum of their ids.
SELECT count(*) AS count, coalesce(sum(id), 0)::bigint AS sum FROM spotlist_data.things
