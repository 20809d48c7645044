-- What the transcode left in the bucket.
-- $1: id  $2: prefix of the frames  $3: number of frames  $4: key of the MP4
-- $5: key of the audio or null  $6: duration in ms or null  $7: width or null  $8: height or null
UPDATE spotlist_data.videos
SET frames_prefix = $2, frame_count = $3::integer, mp4_key = $4, audio_key = $5::text,
    has_audio = $5::text IS NOT NULL, duration_ms = coalesce($6::bigint, duration_ms),
    width = coalesce($7::integer, width), height = coalesce($8::integer, height),
    transcode_percent = 100, updated_at = now()
WHERE id = $1::uuid
