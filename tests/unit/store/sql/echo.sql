-- Every kind of value, there and back; '$9' and "$8" are no parameters -- nor is $7.
-- $1: text
-- $2: integer
-- $3: number
-- $4: truth
SELECT $1::text AS t, $2::bigint AS i, $3::double precision AS f, $4::boolean AS b,
       '$9;' AS "$8" -- $7;
