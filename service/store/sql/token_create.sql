-- Makes a token; no row: another that is not revoked has this name.
-- $1: id  $2: name, or null  $3: scope  $4: SHA-256 of the token, hex  $5: seconds until it expires, or
-- null  $6: milliseconds since 1970 when it expires, or null  $7: requests a second; 0: no limit;
-- null: SPOTLIST_TOKEN_RATE
INSERT INTO spotlist_data.tokens (id, name, scope, hash, expires_at, rate)
VALUES ($1::uuid, $2, $3, decode($4, 'hex'),
        coalesce(now() + make_interval(secs => $5::double precision),
                 to_timestamp($6::double precision / 1000)),
        $7::double precision)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING (extract(epoch FROM expires_at) * 1000)::bigint AS expires_ms,
          expires_at <= now() AS is_expired
