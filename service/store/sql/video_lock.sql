-- Serialises what is decided about one video. Returns its state.
-- $1: id
SELECT state FROM spotlist_data.videos WHERE id = $1::uuid FOR UPDATE
