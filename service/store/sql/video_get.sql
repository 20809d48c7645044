-- What the pipeline knows of a video.
-- $1: id
SELECT id, state, source, bucket, key, title, options::text AS options, frame_interval_ms,
    transcode_job_id, duration_ms, frame_rate, has_audio, frames_prefix, frame_count, mp4_key, audio_key,
    transcript_key, upload_expires_at < now() AS upload_expired,
    coalesce(extract(epoch FROM clock_timestamp() - started_at), 0)::bigint AS running_s
FROM spotlist_data.videos
WHERE id = $1::uuid
