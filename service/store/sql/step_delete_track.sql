-- Nothing more is to be done for a track (its analysis has failed).
-- $1: video id  $2: track
DELETE FROM spotlist_data.steps WHERE video_id = $1::uuid AND track = $2
