-- A new video.
-- $1: id  $2: state  $3: source  $4: bucket  $5: key  $6: size in bytes or null  $7: etag or null
-- $8: title or null  $9: tags as a JSON array  $10: options as JSON  $11: milliseconds between frames
-- $12: seconds until an upload expires, or null  $13: callback URL or null
INSERT INTO spotlist_data.videos
    (id, state, source, bucket, key, size_bytes, etag, title, tags, options, frame_interval_ms,
     upload_expires_at, callback_url)
VALUES ($1::uuid, $2, $3, $4, $5, $6::bigint, $7, $8,
    ARRAY(SELECT jsonb_array_elements_text($9::jsonb)), $10::jsonb, $11::integer,
    now() + make_interval(secs => $12::double precision), $13)
