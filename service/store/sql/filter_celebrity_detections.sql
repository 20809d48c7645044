-- GET /videos/{id}/metadata?…: detections of the celebrities. Of a moment: the last one before it, which
-- is of the appearance that covers it.
-- $1: video id  $2: celebrity or label  $3: least confidence  $4: names as a JSON array, or null
-- $5: from (ms)  $6: to (ms; of a moment: the next)
-- $7: behind this rank  $9: and place  $8: how many  $10: of a moment
SELECT n.rank, d.place, 1 AS entries, json_strip_nulls(json_build_object(
    'time_ms', d.time_ms,
    'time', spotlist_data.timecode(d.time_ms),
    'confidence', d.confidence,
    'box', CASE WHEN d.box_left IS NOT NULL THEN json_build_object(
        'left', d.box_left, 'top', d.box_top, 'width', d.box_width, 'height', d.box_height) END,
    'frame', d.frame))::text AS body, d.frame
FROM
\ir filter_names.inc
    AS n CROSS JOIN LATERAL (
        SELECT d.*, d.frame_index * 4294967296 + d.ordinal AS place, (
            SELECT f.key
            FROM spotlist_data.frames f
            WHERE f.video_id = d.video_id AND f.index = d.frame_index) AS frame
        FROM spotlist_data.celebrity_detections d
        WHERE d.video_id = $1::uuid AND d.name = n.name
            AND d.celebrity_id IS NOT DISTINCT FROM n.celebrity_id
            AND d.confidence >= $3::double precision
            AND d.time_ms >= CASE WHEN $10::boolean THEN (
                SELECT max(b.time_ms)
                FROM spotlist_data.celebrity_detections b
                WHERE b.video_id = $1::uuid AND b.name = n.name
                    AND b.celebrity_id IS NOT DISTINCT FROM n.celebrity_id
                    AND b.time_ms <= $5::bigint) ELSE $5::bigint END
            AND d.time_ms < $6::bigint
            AND (n.rank, d.frame_index * 4294967296 + d.ordinal) > ($7::bigint, $9::bigint)
        ORDER BY d.frame_index, d.ordinal
        LIMIT $8::bigint
    ) d
LIMIT $8::bigint
