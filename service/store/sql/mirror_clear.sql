-- All that is rebuilt of a video, but its own row. What is not in DynamoDB (deliveries, keys of
-- submissions, messages) stays.
-- $1: id
WITH analyses AS (DELETE FROM spotlist_data.analyses WHERE video_id = $1::uuid),
    versions AS (DELETE FROM spotlist_data.analysis_versions WHERE video_id = $1::uuid),
    timeline AS (DELETE FROM spotlist_data.timeline WHERE video_id = $1::uuid),
    frames AS (DELETE FROM spotlist_data.frames WHERE video_id = $1::uuid),
    faces AS (DELETE FROM spotlist_data.celebrity_detections WHERE video_id = $1::uuid),
    instances AS (DELETE FROM spotlist_data.label_instances WHERE video_id = $1::uuid),
    detections AS (DELETE FROM spotlist_data.label_detections WHERE video_id = $1::uuid),
    labels AS (DELETE FROM spotlist_data.labels WHERE video_id = $1::uuid),
    appearances AS (DELETE FROM spotlist_data.appearances WHERE video_id = $1::uuid),
    names AS (DELETE FROM spotlist_data.video_names WHERE video_id = $1::uuid),
    words AS (DELETE FROM spotlist_data.transcript_words WHERE video_id = $1::uuid),
    segments AS (DELETE FROM spotlist_data.transcript_segments WHERE video_id = $1::uuid),
    transcripts AS (DELETE FROM spotlist_data.transcripts WHERE video_id = $1::uuid)
DELETE FROM spotlist_data.documents WHERE video_id = $1::uuid
