-- A kind of thing that is seen; the first description stands.
-- $1: video id  $2: name  $3: parents  $4: aliases  $5: categories, each a JSON array of names
INSERT INTO spotlist_data.labels (video_id, name, parents, aliases, categories)
VALUES ($1::uuid, $2,
    ARRAY(SELECT jsonb_array_elements_text($3::jsonb)),
    ARRAY(SELECT jsonb_array_elements_text($4::jsonb)),
    ARRAY(SELECT jsonb_array_elements_text($5::jsonb)))
ON CONFLICT (video_id, name) DO NOTHING
