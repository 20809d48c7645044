-- Takes up to so many requests from a token's bucket, which fills at its rate and holds one second's
-- worth, or one request. Tells how many there were, and the milliseconds until there is one more.
-- $1: token  $2: requests a second  $3: how many are wanted
INSERT INTO spotlist_data.token_rates AS r (token_id, level, granted, taken_at)
SELECT id, greatest($2::double precision, 1) - n.granted, n.granted, clock_timestamp()
FROM spotlist_data.tokens,
     (SELECT least($3::double precision, floor(greatest($2::double precision, 1))) AS granted) AS n
WHERE id = $1::uuid
ON CONFLICT (token_id) DO UPDATE SET (level, granted, taken_at) = (
    SELECT level - least($3::double precision, floor(level)), least($3::double precision, floor(level)),
           clock_timestamp()
    FROM (SELECT least(greatest($2::double precision, 1), r.level + $2::double precision
        * greatest(extract(epoch FROM clock_timestamp() - r.taken_at), 0)) AS level) AS now)
RETURNING granted::bigint AS granted,
          ceil(greatest(1 - level, 0) / $2::double precision * 1000)::bigint AS wait_ms
