-- How many steps a track still has.
-- $1: video id  $2: track
SELECT count(*) AS count FROM spotlist_data.steps WHERE video_id = $1::uuid AND track = $2
