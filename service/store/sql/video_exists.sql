-- Whether there is such a video; a row or none.
-- $1: id
SELECT id FROM spotlist_data.videos WHERE id = $1::uuid
