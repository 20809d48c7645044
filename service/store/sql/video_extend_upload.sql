-- A new upload URL was given out: the upload may come until that expires.
-- $1: id  $2: seconds
UPDATE spotlist_data.videos
SET upload_expires_at = now() + make_interval(secs => $2::double precision), updated_at = now()
WHERE id = $1::uuid AND state = 'awaiting_upload'
