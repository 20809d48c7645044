-- A settled video is worked on again: nothing that was said of its end holds any more, and its time
-- counts anew.
-- $1: id  $2: options as JSON
WITH document AS (DELETE FROM spotlist_data.documents WHERE video_id = $1::uuid)
UPDATE spotlist_data.videos
SET options = $2::jsonb, error_code = NULL, error_message = NULL, error_provider = NULL,
    started_at = now(), updated_at = now()
WHERE id = $1::uuid
