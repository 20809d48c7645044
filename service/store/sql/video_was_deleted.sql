-- Whether there was such a video that somebody deleted; a row or none.
-- $1: id
SELECT id FROM spotlist_data.deleted_videos WHERE id = $1::uuid
