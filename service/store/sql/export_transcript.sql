-- The transcript as JSON, in pieces of up to 1,000 segments or words.
-- $1: video id
WITH t AS (
    SELECT v.id, v.title, v.duration_ms, t.language, t.text
    FROM spotlist_data.transcripts t JOIN spotlist_data.videos v ON v.id = t.video_id
    WHERE t.video_id = $1::uuid
), fragments AS (
    SELECT 1 AS section, 0::bigint AS place,
        left(json_strip_nulls(json_build_object('id', t.id, 'title', t.title,
            'duration_ms', t.duration_ms, 'language', t.language, 'text', t.text))::text, -1)
        || ',"segments":[' AS body
    FROM t
    UNION ALL
    SELECT 2, row_number() OVER (ORDER BY s.ordinal),
        CASE WHEN row_number() OVER (ORDER BY s.ordinal) > 1 THEN ',' ELSE '' END
        || json_strip_nulls(json_build_object('from_ms', s.from_ms, 'to_ms', s.to_ms,
            'from', spotlist_data.timecode(s.from_ms), 'to', spotlist_data.timecode(s.to_ms),
            'speaker', s.speaker, 'text', s.text))::text
    FROM spotlist_data.transcript_segments s WHERE s.video_id = $1::uuid
    UNION ALL
    SELECT 3, 0, '],"words":[' FROM t
    UNION ALL
    SELECT 4, row_number() OVER (ORDER BY w.ordinal),
        CASE WHEN row_number() OVER (ORDER BY w.ordinal) > 1 THEN ',' ELSE '' END
        || json_build_object('from_ms', w.from_ms, 'to_ms', w.to_ms,
            'confidence', w.confidence, 'text', w.text)::text
    FROM spotlist_data.transcript_words w WHERE w.video_id = $1::uuid
    UNION ALL
    SELECT 5, 0, ']}' FROM t
)
SELECT string_agg(body, '' ORDER BY place) AS body
FROM fragments
GROUP BY section, place / 1000
ORDER BY section, place / 1000
