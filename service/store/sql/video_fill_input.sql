-- What a later provider tells of the picture, where nothing better is known.
-- $1: id  $2: width  $3: height  $4: frame rate; null where unknown
UPDATE spotlist_data.videos
SET width = coalesce(width, $2::integer), height = coalesce(height, $3::integer),
    frame_rate = coalesce(frame_rate, $4::double precision)
WHERE id = $1::uuid
