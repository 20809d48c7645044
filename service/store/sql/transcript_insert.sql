-- The whole text.
-- $1: video id  $2: language or null  $3: text
INSERT INTO spotlist_data.transcripts (video_id, language, text) VALUES ($1::uuid, $2, $3)
