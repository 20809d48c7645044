-- $1: id
-- $2: name
-- $3: ratio
-- $4: flag
INSERT INTO spotlist_data.things (id, name, ratio, flag)
VALUES ($1::bigint, $2, $3::double precision, $4::boolean)
