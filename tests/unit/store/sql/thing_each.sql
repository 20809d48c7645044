-- Every thing, then "last" by division, so that a statement can fail behind its first rows.
-- $1: last
SELECT id, name, ratio, 1 / ($1::bigint - id) AS quotient FROM spotlist_data.things ORDER BY id
