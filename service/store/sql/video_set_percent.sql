-- How far MediaConvert is; never goes back. News that come after the video's end come too late:
-- they would be in PostgreSQL only.
-- $1: id  $2: percent
UPDATE spotlist_data.videos
SET transcode_percent = greatest(transcode_percent, $2::integer), updated_at = now()
WHERE id = $1::uuid AND completed_at IS NULL
    AND transcode_percent IS DISTINCT FROM greatest(transcode_percent, $2::integer)
