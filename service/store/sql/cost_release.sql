-- Nothing more is to come of a video: what was reserved and not used is given back.
-- $1: video id
DELETE FROM spotlist_data.reservations WHERE video_id = $1::uuid
