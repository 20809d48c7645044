-- GET /search: videos in which everything that was asked for is found, the best first, and where.
--
-- What has times (speech, celebrities, labels) is a criterion with a number; speech has 0. "Within N
-- of each other" means that one stretch of N milliseconds touches an occurrence of each: an
-- occurrence that begins last, the anchor, and of every other criterion one that begins no later and
-- ends no more than N before. So a running maximum for each criterion decides, in one sort.
--
-- $1: terms of speech (see speech_reading), or null
-- $2: [{"kind": "celebrity", "name": "…"}, …], at most 8  $3: tags as a JSON array  $4: state or null
-- $5: accepted from (ms since 1970) or null  $6: accepted before, or null
-- $7: least duration (ms) or null  $8: greatest duration, or null  $9: within (ms) or null
-- $10: how many videos  $11: how many hits of each  $12: newest first
-- $13: rank to go on behind, or null  $14: and id  $15: with facets
WITH question AS MATERIALIZED (
    SELECT asked, ranked FROM spotlist_data.speech_reading($1::jsonb)
), marks AS MATERIALIZED (
    SELECT c.config, spotlist_data.speech_marks(c.config, $1::jsonb) AS marks,
        spotlist_data.speech_runs($1::jsonb) AS runs
    FROM spotlist_data.speech_configs c WHERE $1::jsonb IS NOT NULL
), wanted AS MATERIALIZED (
    SELECT n AS criterion, e ->> 'kind' AS kind, spotlist_data.fold(e ->> 'name') AS folded
    FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS f (e, n)
), spoken AS MATERIALIZED (
    SELECT s.video_id, s.ordinal, s.from_ms, s.to_ms, ts_rank(s.search, question.ranked) AS rank
    FROM question JOIN spotlist_data.transcript_segments s ON s.search @@ question.asked
), spoken_videos AS (
    SELECT video_id, max(rank) * (1 + ln(count(*))) AS rank FROM spoken GROUP BY video_id
), named AS MATERIALIZED (
    SELECT w.criterion, w.kind, n.video_id, n.name, sum(n.on_screen_ms) AS on_screen_ms
    FROM wanted w JOIN spotlist_data.video_names n
        ON n.kind = w.kind AND spotlist_data.fold(n.name) = w.folded
    GROUP BY w.criterion, w.kind, n.video_id, n.name
), named_videos AS (
    SELECT video_id, ln(1 + sum(on_screen_ms) / 1000.0) AS rank
    FROM named GROUP BY video_id
    HAVING count(DISTINCT criterion) = (SELECT count(*) FROM wanted)
), sought AS MATERIALIZED (
    -- Grouped and not joined: a plan made without the values would join them row by row.
    SELECT video_id, max(spoken) AS spoken, max(named) AS named
    FROM (
        SELECT video_id, rank::double precision AS spoken, NULL::double precision AS named
        FROM spoken_videos
        UNION ALL
        SELECT video_id, NULL, rank FROM named_videos
    ) f
    GROUP BY video_id
), candidates AS MATERIALIZED (
    SELECT v.id, (CASE WHEN $12::boolean THEN 0 ELSE v.rank END)::double precision AS rank
    FROM (
        -- Looked up one by one, which OFFSET sees to: for a few, all videos would be read else.
        SELECT v.*, coalesce(s.spoken, s.named) AS rank
        FROM sought s CROSS JOIN LATERAL (
            SELECT id, tags, state, created_at, duration_ms FROM spotlist_data.videos WHERE id = s.video_id OFFSET 0) v
        WHERE ($1::jsonb IS NULL OR s.spoken IS NOT NULL)
            AND ($2::jsonb = '[]' OR s.named IS NOT NULL)
        UNION ALL
        SELECT id, tags, state, created_at, duration_ms, 0 FROM spotlist_data.videos
        WHERE $1::jsonb IS NULL AND $2::jsonb = '[]'
    ) v
    WHERE v.tags @> ARRAY(SELECT jsonb_array_elements_text($3::jsonb))
        AND CASE WHEN $4::text IS NULL THEN v.state <> 'deleting' ELSE v.state = $4 END
        AND ($5::bigint IS NULL OR v.created_at >= to_timestamp($5::bigint / 1000.0))
        AND ($6::bigint IS NULL OR v.created_at < to_timestamp($6::bigint / 1000.0))
        AND ($7::bigint IS NULL OR v.duration_ms >= $7::bigint)
        AND ($8::bigint IS NULL OR v.duration_ms <= $8::bigint)
), timed AS (
    -- "IS NULL OR", here and below, has each row looked for in a hash table, whatever the plan.
    SELECT s.video_id AS id, 0 AS criterion, s.ordinal, s.from_ms, s.to_ms
    FROM spoken s
    WHERE $9::bigint IS NOT NULL AND ($9::bigint IS NULL OR s.video_id IN (SELECT id FROM candidates))
    UNION ALL
    SELECT n.video_id, n.criterion, a.ordinal, a.from_ms, a.to_ms
    FROM named n JOIN spotlist_data.appearances a
        ON a.video_id = n.video_id AND a.kind = n.kind AND a.name = n.name
    WHERE $9::bigint IS NOT NULL AND ($9::bigint IS NULL OR n.video_id IN (SELECT id FROM candidates))
), ends AS (
    SELECT t.*, least(
            CASE WHEN $1::jsonb IS NOT NULL THEN coalesce(max(to_ms) FILTER (WHERE criterion = 0) OVER w, b.never) END,
            CASE WHEN b.count >= 1 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 1) OVER w, b.never) END,
            CASE WHEN b.count >= 2 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 2) OVER w, b.never) END,
            CASE WHEN b.count >= 3 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 3) OVER w, b.never) END,
            CASE WHEN b.count >= 4 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 4) OVER w, b.never) END,
            CASE WHEN b.count >= 5 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 5) OVER w, b.never) END,
            CASE WHEN b.count >= 6 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 6) OVER w, b.never) END,
            CASE WHEN b.count >= 7 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 7) OVER w, b.never) END,
            CASE WHEN b.count >= 8 THEN coalesce(max(to_ms) FILTER (WHERE criterion = 8) OVER w, b.never) END
        ) >= t.from_ms - $9::bigint AS anchor
    FROM timed t, (SELECT count(*) AS count, -9000000000000000::bigint AS never FROM wanted) b
    WINDOW w AS (PARTITION BY t.id ORDER BY t.from_ms)
), meets AS MATERIALIZED (
    SELECT id, criterion, ordinal
    FROM (SELECT e.*, min(from_ms) FILTER (WHERE anchor) OVER (
            PARTITION BY id ORDER BY from_ms DESC) AS next_anchor_ms FROM ends e) e
    WHERE next_anchor_ms <= to_ms + $9::bigint
), matched AS MATERIALIZED (
    SELECT c.id, c.rank
    FROM candidates c
    WHERE $9::bigint IS NULL OR c.id IN (SELECT id FROM meets)
), page AS MATERIALIZED (
    SELECT m.id, m.rank
    FROM matched m
    WHERE $14::uuid IS NULL OR (m.rank, m.id) < ($13::double precision, $14::uuid)
    ORDER BY m.rank DESC, m.id DESC
    LIMIT $10::bigint
), found AS (
    SELECT s.video_id AS id, 0 AS criterion, 'speech' AS kind, s.ordinal, s.from_ms, s.to_ms
    FROM spoken s
    WHERE $10::bigint IS NULL OR s.video_id IN (SELECT id FROM page)
    UNION ALL
    SELECT n.video_id, n.criterion, a.kind, a.ordinal, a.from_ms, a.to_ms
    FROM named n JOIN spotlist_data.appearances a
        ON a.video_id = n.video_id AND a.kind = n.kind AND a.name = n.name
    WHERE $10::bigint IS NULL OR n.video_id IN (SELECT id FROM page)
), placed AS (
    SELECT f.*, count(*) OVER (PARTITION BY f.id) AS total,
        row_number() OVER (PARTITION BY f.id ORDER BY f.from_ms, f.criterion, f.ordinal) AS place
    FROM (SELECT DISTINCT ON (id, kind, ordinal) * FROM found ORDER BY id, kind, ordinal, criterion) f
    WHERE $9::bigint IS NULL
        OR (f.id, f.criterion, f.ordinal) IN (SELECT id, criterion, ordinal FROM meets)
), hits AS (
    SELECT h.id, max(h.total) AS total, json_agg(CASE h.kind
        WHEN 'speech' THEN (
            SELECT json_build_object('kind', 'speech', 'from_ms', s.from_ms, 'to_ms', s.to_ms,
                'from', spotlist_data.timecode(s.from_ms), 'to', spotlist_data.timecode(s.to_ms),
                'speaker', s.speaker,
                'snippet', spotlist_data.speech_snippet(m.config, s.text, m.marks, m.runs),
                'words', (
                    SELECT json_agg(json_build_object('from_ms', w.from_ms, 'to_ms', w.to_ms,
                        'from', spotlist_data.timecode(w.from_ms),
                        'to', spotlist_data.timecode(w.to_ms), 'text', w.text) ORDER BY w.ordinal)
                    FROM spotlist_data.transcript_words w
                    WHERE w.video_id = s.video_id AND w.from_ms BETWEEN s.from_ms AND s.to_ms
                        AND spotlist_data.speech_said(m.config, w.text, m.marks, m.runs)))
            FROM spotlist_data.transcript_segments s
                JOIN spotlist_data.transcripts t ON t.video_id = s.video_id
                JOIN marks m ON m.config = spotlist_data.speech_config(t.language)
            WHERE s.video_id = h.id AND s.ordinal = h.ordinal)
        ELSE (
            SELECT json_build_object('kind', a.kind, 'name', a.name, 'id', a.celebrity_id,
                'confidence', a.confidence, 'from_ms', a.from_ms, 'to_ms', a.to_ms,
                'from', spotlist_data.timecode(a.from_ms), 'to', spotlist_data.timecode(a.to_ms))
            FROM spotlist_data.appearances a
            WHERE a.video_id = h.id AND a.kind = h.kind AND a.ordinal = h.ordinal)
        END ORDER BY h.place) AS body
    FROM placed h
    WHERE h.place <= $11::bigint
    GROUP BY h.id
), best AS (
    SELECT m.id FROM matched m WHERE $15::boolean ORDER BY m.rank DESC, m.id DESC LIMIT 200
), best_names AS (
    SELECT kind, name, count(*) AS videos
    FROM (SELECT DISTINCT n.kind, n.name, n.video_id
          FROM best b JOIN spotlist_data.video_names n ON n.video_id = b.id) n
    GROUP BY kind, name
), facets AS (
    SELECT 'celebrities' AS facet, name, videos FROM best_names WHERE kind = 'celebrity'
    UNION ALL
    SELECT 'labels', name, videos FROM best_names WHERE kind = 'label'
    UNION ALL
    SELECT 'tags', tag, count(*)
    FROM best b JOIN spotlist_data.videos v ON v.id = b.id, unnest(v.tags) tag GROUP BY tag
    UNION ALL
    SELECT 'states', v.state, count(*)
    FROM best b JOIN spotlist_data.videos v ON v.id = b.id GROUP BY v.state
), facet_lists AS (
    SELECT facet, json_agg(json_build_object('name', name, 'videos', videos)
        ORDER BY videos DESC, name) AS body
    FROM (SELECT f.*, row_number() OVER (PARTITION BY facet ORDER BY videos DESC, name) AS place
          FROM facets f) f
    WHERE place <= 10 GROUP BY facet
)
SELECT t.total,
    CASE WHEN $15::boolean THEN (SELECT json_build_object(
        'videos', least(t.total, 200),
        'celebrities', coalesce((SELECT body FROM facet_lists WHERE facet = 'celebrities'), '[]'),
        'labels', coalesce((SELECT body FROM facet_lists WHERE facet = 'labels'), '[]'),
        'tags', coalesce((SELECT body FROM facet_lists WHERE facet = 'tags'), '[]'),
        'states', coalesce((SELECT body FROM facet_lists WHERE facet = 'states'), '[]'))::text) END AS facets,
    p.id, p.rank,
    json_strip_nulls(json_build_object(
        'id', v.id, 'title', v.title, 'tags', to_json(v.tags), 'state', v.state,
        'created_at', spotlist_data.rfc3339(v.created_at), 'duration_ms', v.duration_ms,
        'rank', p.rank, 'hit_count', coalesce(h.total, 0), 'hits', coalesce(h.body, '[]'),
        'links', json_build_object(
            'self', '/videos/' || v.id, 'metadata', '/videos/' || v.id || '/metadata')))::text AS body
FROM (SELECT count(*) AS total FROM matched) t
    LEFT JOIN page p ON true
    LEFT JOIN spotlist_data.videos v ON v.id = p.id
    LEFT JOIN hits h ON h.id = p.id
ORDER BY p.rank DESC, p.id DESC
