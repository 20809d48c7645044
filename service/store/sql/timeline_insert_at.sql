-- Something happened, at a time that is told elsewhere too, or now.
-- $1: video id  $2: event  $3: analysis or null  $4: message  $5: RFC 3339 or null
INSERT INTO spotlist_data.timeline (video_id, event, analysis, message, at)
VALUES ($1::uuid, $2, $3, $4, coalesce($5::timestamptz, clock_timestamp()))
