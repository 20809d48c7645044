-- What MediaConvert tells of the input; null leaves what is known. News that come after the video's
-- end come too late: they would be in PostgreSQL only.
-- $1: id  $2: width  $3: height  $4: frame rate  $5: codec  $6: whether there is audio
UPDATE spotlist_data.videos
SET width = coalesce(width, $2::integer), height = coalesce(height, $3::integer),
    frame_rate = coalesce($4::double precision, frame_rate), codec = coalesce($5, codec),
    has_audio = coalesce($6::boolean, has_audio), updated_at = now()
WHERE id = $1::uuid AND completed_at IS NULL
