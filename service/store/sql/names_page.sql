-- GET /celebrities, GET /labels: one page of the directory. Each way of sorting has an index, and only
-- the branch of the one that is asked for runs.
-- $1: celebrity or label  $2: how to sort: name, videos, appearances or on_screen
-- $3: value, $4: folded name, $5: id to start behind
-- $6: how many
WITH page AS (
    (SELECT 0::bigint AS value, n.* FROM spotlist_data.names n
    WHERE $2::text = 'name' AND n.kind = $1::text AND (n.folded, n.id) > ($4::text, $5::bigint)
    ORDER BY n.folded, n.id LIMIT $6::bigint)
    UNION ALL
    (SELECT -n.videos, n.* FROM spotlist_data.names n
    WHERE $2::text = 'videos' AND n.kind = $1::text
        AND (-n.videos, n.folded, n.id) > ($3::bigint, $4::text, $5::bigint)
    ORDER BY -n.videos, n.folded, n.id LIMIT $6::bigint)
    UNION ALL
    (SELECT -n.appearances, n.* FROM spotlist_data.names n
    WHERE $2::text = 'appearances' AND n.kind = $1::text
        AND (-n.appearances, n.folded, n.id) > ($3::bigint, $4::text, $5::bigint)
    ORDER BY -n.appearances, n.folded, n.id LIMIT $6::bigint)
    UNION ALL
    (SELECT -n.on_screen_ms, n.* FROM spotlist_data.names n
    WHERE $2::text = 'on_screen' AND n.kind = $1::text
        AND (-n.on_screen_ms, n.folded, n.id) > ($3::bigint, $4::text, $5::bigint)
    ORDER BY -n.on_screen_ms, n.folded, n.id LIMIT $6::bigint)
)
SELECT 0::double precision AS distance, p.value, p.folded, p.id, d.body
FROM page p
\ir names_described.inc
ORDER BY p.value, p.folded, p.id
