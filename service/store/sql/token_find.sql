-- What a token may, as long as it is asked for by who has it.
-- $1: SHA-256 of the token, hex
SELECT id, coalesce(name, '') AS name, scope, rate,
       revoked_at IS NOT NULL AS is_revoked,
       coalesce(expires_at <= clock_timestamp(), false) AS is_expired,
       (least(extract(epoch FROM expires_at - clock_timestamp()), 1e9) * 1000)::bigint AS expires_in_ms,
       coalesce(last_used_at < clock_timestamp() - interval '1 minute', true) AS is_use_old
FROM spotlist_data.tokens
WHERE hash = decode($1, 'hex')
