-- Every celebrity in every frame, by time.
-- $1: video id; $2: lowest confidence, or null; $3: JSON array of names, or null
SELECT d.time_ms, spotlist_data.timecode(d.time_ms) AS time, d.name, d.celebrity_id,
    d.confidence, d.box_left, d.box_top, d.box_width, d.box_height, f.key AS frame,
    array_to_string(d.urls, ' ') AS urls
FROM spotlist_data.celebrity_detections d
    LEFT JOIN spotlist_data.frames f ON f.video_id = d.video_id AND f.index = d.frame_index
WHERE d.video_id = $1::uuid
    AND ($2::double precision IS NULL OR d.confidence >= $2::double precision)
    AND ($3::jsonb IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements_text($3::jsonb) asked
        WHERE spotlist_data.fold(d.name) = spotlist_data.fold(asked)))
ORDER BY d.frame_index, d.ordinal
