-- The transcript of a video, before it is loaded again.
-- $1: video id
WITH words AS (DELETE FROM spotlist_data.transcript_words WHERE video_id = $1::uuid),
    segments AS (DELETE FROM spotlist_data.transcript_segments WHERE video_id = $1::uuid)
DELETE FROM spotlist_data.transcripts WHERE video_id = $1::uuid
