-- Takes a token from a bucket that fills at a rate and holds one second's worth. Tells whether
-- there was one, and how many are left. A clock that was set back does not stop it.
-- $1: api  $2: tokens a second
INSERT INTO spotlist_data.quotas AS q (api, tokens, granted, taken_at)
VALUES ($1, greatest($2::double precision, 1) - 1, true, clock_timestamp())
ON CONFLICT (api) DO UPDATE SET (tokens, granted, taken_at) = (
    SELECT CASE WHEN level >= 1 THEN level - 1 ELSE level END, level >= 1, clock_timestamp()
    FROM (SELECT least(greatest($2::double precision, 1), q.tokens + $2::double precision
        * greatest(extract(epoch FROM clock_timestamp() - q.taken_at), 0)) AS level) AS now)
RETURNING granted, tokens
