-- Videos in final states, in order of their ids, one page.
-- $1: id to start behind, or null  $2: how many
SELECT id FROM spotlist_data.videos
WHERE state IN ('complete', 'partial', 'failed', 'canceled')
    AND ($1::uuid IS NULL OR id > $1::uuid)
ORDER BY id
LIMIT $2::integer
