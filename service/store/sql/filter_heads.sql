-- What stands at each of some celebrities or labels of a metadata document, up to its lists.
-- $1: video id  $2: celebrity or label  $3: their ranks as a JSON array
SELECT n.ordinal AS rank, left(json_strip_nulls(CASE n.kind
    WHEN 'celebrity' THEN json_build_object('name', n.name, 'id', n.celebrity_id, 'urls', (
        SELECT to_json(c.urls)
        FROM spotlist_data.celebrity_detections c
        WHERE c.video_id = n.video_id AND c.name = n.name
            AND c.celebrity_id IS NOT DISTINCT FROM n.celebrity_id
        ORDER BY c.frame_index
        LIMIT 1), 'confidence', n.confidence)
    ELSE json_build_object('name', n.name, 'parents', to_json(coalesce(l.parents, '{}')),
        'aliases', to_json(coalesce(l.aliases, '{}')),
        'categories', to_json(coalesce(l.categories, '{}')), 'confidence', n.confidence)
    END)::text, -1) AS body
FROM spotlist_data.video_names n
    LEFT JOIN spotlist_data.labels l
        ON n.kind = 'label' AND l.video_id = n.video_id AND l.name = n.name
WHERE n.video_id = $1::uuid AND n.kind = $2::text
    AND n.ordinal IN (SELECT r::integer FROM json_array_elements_text($3::json) AS r)
ORDER BY n.ordinal
