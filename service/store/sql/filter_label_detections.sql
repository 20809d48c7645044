-- GET /videos/{id}/metadata?…: detections of the labels. Of a moment: the last one before it, which is of
-- the appearance that covers it.
-- $1: video id  $2: celebrity or label  $3: least confidence  $4: names as a JSON array, or null
-- $5: from (ms)  $6: to (ms; of a moment: the next)
-- $7: behind this rank  $9: and place  $8: how many  $10: of a moment
-- $11: with instances
SELECT n.rank, d.ordinal AS place, 1 + coalesce(i.count, 0) AS entries,
    '{"time_ms":' || d.time_ms || ',"time":"' || spotlist_data.timecode(d.time_ms)
    || '","confidence":' || d.confidence
    || CASE WHEN $11::boolean THEN ',"instances":[' || coalesce(i.body, '') || ']' ELSE '' END
    || '}' AS body
FROM
\ir filter_names.inc
    AS n CROSS JOIN LATERAL (
        SELECT d.*
        FROM spotlist_data.label_detections d
        WHERE d.video_id = $1::uuid AND d.name = n.name AND d.confidence >= $3::double precision
            AND d.time_ms >= CASE WHEN $10::boolean THEN (
                SELECT max(b.time_ms)
                FROM spotlist_data.label_detections b
                WHERE b.video_id = $1::uuid AND b.name = n.name AND b.time_ms <= $5::bigint)
                ELSE $5::bigint END
            AND d.time_ms < $6::bigint
            AND (n.rank, d.ordinal::bigint) > ($7::bigint, $9::bigint)
        ORDER BY d.ordinal
        LIMIT $8::bigint
    ) d
    LEFT JOIN LATERAL (
        SELECT count(*) AS count, string_agg(format('{"confidence":%s,"box":{"left":%s,"top":%s,'
            '"width":%s,"height":%s}}', i.confidence, i.box_left, i.box_top, i.box_width,
            i.box_height), ',' ORDER BY i.ordinal) AS body
        FROM spotlist_data.label_instances i
        WHERE i.video_id = $1::uuid AND i.detection = d.ordinal
            AND i.confidence >= $3::double precision
    ) i ON $11::boolean
LIMIT $8::bigint
