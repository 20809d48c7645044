-- GET /videos/{id}/metadata?…: names, in the order of the whole document.
-- $1: video id  $2: celebrity or label  $3: least confidence  $4: names as a JSON array, or null
-- $5: from (ms)  $6: to (ms; of a moment: the next)
-- $7: behind this rank  $8: how many
SELECT n.rank, 0 AS place, 1 AS entries, NULL::text AS body
FROM
\ir filter_names.inc
    AS n
WHERE n.rank > $7::bigint
LIMIT $8::bigint
