-- The labels of a video, before they are loaded again.
-- $1: video id
WITH instances AS (DELETE FROM spotlist_data.label_instances WHERE video_id = $1::uuid),
    detections AS (DELETE FROM spotlist_data.label_detections WHERE video_id = $1::uuid)
DELETE FROM spotlist_data.labels WHERE video_id = $1::uuid
