-- The newest video made of an object.
-- $1: bucket  $2: key
SELECT id, state FROM spotlist_data.videos
WHERE bucket = $1 AND key = $2
ORDER BY created_at DESC
LIMIT 1
