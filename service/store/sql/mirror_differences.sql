-- What the rows of a video in one table differ in from those of its shadow, which were made of
-- DynamoDB's items.
-- $1: id  $2: the shadow's id  $3: the table
WITH rows AS (
    SELECT t.id = $1::uuid AS mine,
        '[]'::jsonb AS key, to_jsonb(t) - 'id' AS body
    FROM spotlist_data.videos t
    WHERE $3::text = 'videos' AND t.id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.kind) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.analyses t
    WHERE $3::text = 'analyses' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.kind, t.attempt) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.analysis_versions t
    WHERE $3::text = 'analysis_versions' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.at, t.event, t.analysis, row_number() OVER (
            PARTITION BY t.video_id, t.at, t.event, t.analysis ORDER BY t.id)) AS key,
        to_jsonb(t) - 'video_id' - 'id' AS body
    FROM spotlist_data.timeline t
    WHERE $3::text = 'timeline' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.index) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.frames t
    WHERE $3::text = 'frames' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.frame_index, t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.celebrity_detections t
    WHERE $3::text = 'celebrity_detections' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.name) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.labels t
    WHERE $3::text = 'labels' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.label_detections t
    WHERE $3::text = 'label_detections' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.detection, t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.label_instances t
    WHERE $3::text = 'label_instances' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.kind, t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.appearances t
    WHERE $3::text = 'appearances' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.kind, t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.video_names t
    WHERE $3::text = 'video_names' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        '[]'::jsonb AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.transcripts t
    WHERE $3::text = 'transcripts' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.transcript_segments t
    WHERE $3::text = 'transcript_segments' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(t.ordinal) AS key, to_jsonb(t) - 'video_id' AS body
    FROM spotlist_data.transcript_words t
    WHERE $3::text = 'transcript_words' AND t.video_id IN ($1::uuid, $2::uuid)
    UNION ALL
    SELECT t.video_id = $1::uuid AS mine,
        jsonb_build_array(p.at_byte) AS key, jsonb_build_object(
        'length', length(p.body), 'md5', md5(replace(p.body, $2::text, $1::text))) AS body
    FROM spotlist_data.documents t
        JOIN spotlist_data.document_parts p ON p.video_id = t.video_id AND p.document = t.document
    WHERE $3::text = 'documents' AND t.video_id IN ($1::uuid, $2::uuid)
        -- One in a format of before is made again anyway.
        AND NOT EXISTS (SELECT FROM spotlist_data.documents o
            WHERE o.video_id = $1::uuid AND o.format < spotlist_data.document_format())
), pairs AS (
    SELECT key, mine.body AS mine, shadow.body AS shadow
    FROM (SELECT key, body FROM rows WHERE mine) mine
        FULL JOIN (SELECT key, body FROM rows WHERE NOT mine) shadow USING (key)
    WHERE mine.body IS DISTINCT FROM shadow.body
)
SELECT translate(pairs.key::text, '[]"', '') AS key,
    CASE WHEN pairs.mine IS NULL THEN 'only in DynamoDB'
        WHEN pairs.shadow IS NULL THEN 'only in PostgreSQL'
        ELSE (
            SELECT string_agg(format('%s is %s in PostgreSQL, %s in DynamoDB', name,
                left((pairs.mine -> name)::text, 200), left((pairs.shadow -> name)::text, 200)),
                '; ' ORDER BY name)
            FROM jsonb_object_keys(pairs.mine) AS name
            WHERE pairs.mine -> name IS DISTINCT FROM pairs.shadow -> name)
    END AS what
FROM pairs
ORDER BY pairs.key
