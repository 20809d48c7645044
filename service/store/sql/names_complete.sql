-- The same for what someone has typed so far: names that begin so, then those with a word that does,
-- then those that are like it; the trigrams' index finds the candidates.
-- $1: celebrity or label  $2: how to sort: match, name, videos, appearances or on_screen
-- $3: value, $4: folded name, $5: id to start behind  $6: how many
-- $7: what was typed  $8: distance to start behind
WITH typed AS (
    SELECT spotlist_data.fold(btrim($7::text)) AS text
), asked AS (
    SELECT t.text, regexp_replace(t.text, '([\\%_])', '\\\1', 'g') AS pattern, ARRAY(
        -- A pattern that is no part of a word has no trigram to look for.
        SELECT '%' || part || '%'
        FROM generate_series(1, length(t.text) - 2) AS at, substr(t.text, at, 3) AS part
        WHERE part !~ '[[:space:][:punct:]]'
        UNION
        SELECT unnest(ARRAY[part || '%', '% ' || part || '%'])
        FROM regexp_split_to_table(t.text, '[[:space:][:punct:]]+') AS word,
            left(word, 2) AS part
        WHERE length(part) = 2) AS parts, ARRAY(
        -- Two letters in the wrong order share few trigrams with the right ones.
        SELECT before || regexp_replace(swapped, '([\\%_])', '\\\1', 'g') || '%'
        FROM generate_series(1, least(length(t.text), 24) - 1) AS at,
            overlay(t.text PLACING reverse(substr(t.text, at, 2)) FROM at FOR 2) AS swapped,
            unnest(ARRAY['', '% ']) AS before
        WHERE length(t.text) > 2) AS swaps
    FROM typed t
), candidates AS (
    SELECT n.*, CASE
        WHEN n.folded LIKE a.pattern || '%' THEN -3
        WHEN n.folded LIKE '% ' || a.pattern || '%' THEN -2
        WHEN n.folded LIKE ANY (a.swaps) THEN -1
        ELSE -spotlist_data.closeness(a.text, n.folded) END::double precision AS distance
    FROM spotlist_data.names n, asked a
    WHERE n.kind = $1::text AND n.folded LIKE ANY ((
        SELECT o.parts || o.swaps || ARRAY[o.pattern || '%', '% ' || o.pattern || '%']
        FROM asked o)::text[])
), ranked AS (
    SELECT CASE $2::text WHEN 'match' THEN c.distance ELSE 0 END AS distance,
        CASE $2::text WHEN 'name' THEN 0 WHEN 'appearances' THEN -c.appearances
            WHEN 'on_screen' THEN -c.on_screen_ms ELSE -c.videos END AS value,
        c.id, c.kind, c.name, c.celebrity_id, c.folded, c.videos, c.appearances, c.on_screen_ms
    FROM candidates c
    WHERE c.distance <= -0.3
), page AS (
    SELECT * FROM ranked r
    WHERE (r.distance, r.value, r.folded, r.id)
        > ($8::double precision, $3::bigint, $4::text, $5::bigint)
    ORDER BY r.distance, r.value, r.folded, r.id LIMIT $6::bigint
)
SELECT p.distance, p.value, p.folded, p.id, d.body
FROM page p
\ir names_described.inc
ORDER BY p.distance, p.value, p.folded, p.id
