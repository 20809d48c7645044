-- Something happened.
-- $1: video id  $2: event  $3: analysis or null  $4: message
INSERT INTO spotlist_data.timeline (video_id, event, analysis, message)
VALUES ($1::uuid, $2, $3, $4)
