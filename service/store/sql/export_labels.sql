-- Every label at every time with every place in the picture, in the provider's order.
-- $1: video id; $2: lowest confidence, or null; $3: JSON array of names, or null
SELECT d.time_ms, spotlist_data.timecode(d.time_ms) AS time, d.name, d.confidence,
    i.ordinal + 1 AS instance, i.confidence AS instance_confidence,
    i.box_left, i.box_top, i.box_width, i.box_height,
    array_to_string(l.parents, '; ') AS parents, array_to_string(l.aliases, '; ') AS aliases,
    array_to_string(l.categories, '; ') AS categories
FROM spotlist_data.label_detections d
    JOIN spotlist_data.labels l ON l.video_id = d.video_id AND l.name = d.name
    LEFT JOIN spotlist_data.label_instances i
        ON i.video_id = d.video_id AND i.detection = d.ordinal
WHERE d.video_id = $1::uuid
    AND ($2::double precision IS NULL OR d.confidence >= $2::double precision)
    AND ($3::jsonb IS NULL OR l.name IN (
        SELECT known.name
        FROM spotlist_data.labels known, jsonb_array_elements_text($3::jsonb) asked
        WHERE known.video_id = $1::uuid
            AND spotlist_data.fold(known.name) = spotlist_data.fold(asked)))
ORDER BY d.ordinal, i.ordinal
