-- Revokes a token, for good.
-- $1: id, or null  $2: name, or null
UPDATE spotlist_data.tokens SET revoked_at = now()
WHERE revoked_at IS NULL AND (id::text = $1 OR name = $2)
RETURNING id, coalesce(name, '') AS name
