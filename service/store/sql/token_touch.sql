-- Notes that a token is in use, once a minute over all processes.
-- $1: token
UPDATE spotlist_data.tokens SET last_used_at = clock_timestamp()
WHERE id = $1::uuid AND coalesce(last_used_at < clock_timestamp() - interval '1 minute', true)
