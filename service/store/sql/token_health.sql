-- For spotlist doctor: how many tokens are good, and which of those that are in use ends first within
-- two weeks.
SELECT count(*) AS good,
       (SELECT coalesce(name, id::text) FROM spotlist_data.tokens
        WHERE revoked_at IS NULL AND expires_at > now() AND expires_at < now() + interval '14 days'
          AND last_used_at > now() - interval '7 days'
        ORDER BY expires_at LIMIT 1) AS ending,
       (SELECT spotlist_data.rfc3339(min(expires_at)) FROM spotlist_data.tokens
        WHERE revoked_at IS NULL AND expires_at > now() AND expires_at < now() + interval '14 days'
          AND last_used_at > now() - interval '7 days') AS ends_at
FROM spotlist_data.tokens
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
