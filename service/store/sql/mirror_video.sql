-- The row of a video out of its record, new or over the one that is there. A column that
-- came after the record was written is null, or has its default stand before the record's.
-- $1: id  $2: the record as JSON
INSERT INTO spotlist_data.videos
SELECT v.*
FROM jsonb_populate_record(NULL::spotlist_data.videos,
    '{"tags": []}'::jsonb || ($2::jsonb -> 'video') || jsonb_build_object('id', $1::uuid)) AS v
ON CONFLICT (id) DO UPDATE SET (
    state, source, bucket, key, size_bytes, etag, title, tags, options, frame_interval_ms,
    created_at, updated_at, completed_at, upload_expires_at, transcode_job_id,
    transcode_percent, duration_ms, width, height, frame_rate, codec, has_audio, frames_prefix,
    frame_count, mp4_key, audio_key, transcript_key, error_code, error_message, error_provider,
    started_at, callback_url
) = ROW(
    excluded.state, excluded.source, excluded.bucket, excluded.key, excluded.size_bytes,
    excluded.etag, excluded.title, excluded.tags, excluded.options, excluded.frame_interval_ms,
    excluded.created_at, excluded.updated_at, excluded.completed_at, excluded.upload_expires_at,
    excluded.transcode_job_id, excluded.transcode_percent, excluded.duration_ms, excluded.width,
    excluded.height, excluded.frame_rate, excluded.codec, excluded.has_audio,
    excluded.frames_prefix, excluded.frame_count, excluded.mp4_key, excluded.audio_key,
    excluded.transcript_key, excluded.error_code, excluded.error_message,
    excluded.error_provider, excluded.started_at, excluded.callback_url
)
