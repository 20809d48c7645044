-- The analyses that a submission asks for.
-- $1: video id  $2: kinds as a JSON array
INSERT INTO spotlist_data.analyses (video_id, kind, state)
SELECT $1::uuid, kind, 'pending' FROM jsonb_array_elements_text($2::jsonb) AS kind
