-- How far MediaConvert is; never goes back. Once the video is being settled news come too late: two
-- workers may write the record, and both must write the same. The video is locked.
-- $1: id  $2: percent
UPDATE spotlist_data.videos
SET transcode_percent = greatest(transcode_percent, $2::integer), updated_at = now()
WHERE id = $1::uuid AND completed_at IS NULL
    AND NOT EXISTS (
        SELECT FROM spotlist_data.steps s WHERE s.video_id = $1::uuid AND s.kind = 'settle')
    AND transcode_percent IS DISTINCT FROM greatest(transcode_percent, $2::integer)
