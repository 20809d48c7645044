-- A video and all that hangs on it.
-- $1: id
DELETE FROM spotlist_data.videos WHERE id = $1::uuid
