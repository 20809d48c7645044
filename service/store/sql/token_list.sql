-- Tokens, the oldest first, without what they are.
-- $1: whether revoked ones too
SELECT id, coalesce(name, '') AS name, scope, rate,
       (extract(epoch FROM created_at) * 1000)::bigint AS created_ms,
       (extract(epoch FROM expires_at) * 1000)::bigint AS expires_ms,
       (extract(epoch FROM last_used_at) * 1000)::bigint AS last_used_ms,
       (extract(epoch FROM revoked_at) * 1000)::bigint AS revoked_ms,
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
            WHEN expires_at <= now() THEN 'expired' ELSE 'valid' END AS state
FROM spotlist_data.tokens
WHERE $1::boolean OR revoked_at IS NULL
ORDER BY created_at, id
