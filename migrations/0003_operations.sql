-- Idempotent submission, what earlier runs of an analysis found, and which videos were deleted.

CREATE TABLE spotlist_data.idempotency_keys (
    key            text PRIMARY KEY,
    request_sha256 text NOT NULL,
    video_id       uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_keys_by_video ON spotlist_data.idempotency_keys (video_id);
CREATE INDEX idempotency_keys_by_age ON spotlist_data.idempotency_keys (created_at);

COMMENT ON TABLE spotlist_data.idempotency_keys IS 'Idempotency-Key of each submission that had one, kept for a day.';
COMMENT ON COLUMN spotlist_data.idempotency_keys.key IS 'As sent.';
COMMENT ON COLUMN spotlist_data.idempotency_keys.request_sha256 IS 'Of method, target and body: the same key with another request is refused.';
COMMENT ON COLUMN spotlist_data.idempotency_keys.video_id IS 'The video that it made.';
COMMENT ON COLUMN spotlist_data.idempotency_keys.created_at IS 'When.';

CREATE TABLE spotlist_data.analysis_versions (
    video_id       uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    kind           text NOT NULL,
    attempt        integer NOT NULL,
    state          text NOT NULL,
    reason         text,
    error_message  text,
    error_provider jsonb,
    options        jsonb,
    started_at     timestamptz,
    completed_at   timestamptz,
    result         text,
    recorded       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (video_id, kind, attempt)
);
-- Compressed text would be unpacked whole for each piece that is sent.
ALTER TABLE spotlist_data.analysis_versions ALTER COLUMN result SET STORAGE EXTERNAL;

COMMENT ON TABLE spotlist_data.analysis_versions IS 'Earlier runs of an analysis that was asked for again.';
COMMENT ON COLUMN spotlist_data.analysis_versions.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.analysis_versions.kind IS 'celebrities, labels or transcript.';
COMMENT ON COLUMN spotlist_data.analysis_versions.attempt IS 'Which run.';
COMMENT ON COLUMN spotlist_data.analysis_versions.state IS 'Its final state.';
COMMENT ON COLUMN spotlist_data.analysis_versions.reason IS 'Stable code of why it was skipped or failed.';
COMMENT ON COLUMN spotlist_data.analysis_versions.error_message IS 'The same for people.';
COMMENT ON COLUMN spotlist_data.analysis_versions.error_provider IS 'The provider''s service, operation, code, message and request id.';
COMMENT ON COLUMN spotlist_data.analysis_versions.options IS 'The options that it was made with.';
COMMENT ON COLUMN spotlist_data.analysis_versions.started_at IS 'When the provider was first asked.';
COMMENT ON COLUMN spotlist_data.analysis_versions.completed_at IS 'When it ended.';
COMMENT ON COLUMN spotlist_data.analysis_versions.result IS 'Its part of the metadata document, as JSON text.';
COMMENT ON COLUMN spotlist_data.analysis_versions.recorded IS 'Whether DynamoDB has it.';

CREATE TABLE spotlist_data.deleted_videos (
    id         uuid PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE spotlist_data.deleted_videos IS 'Ids of deleted videos, for as long as an upload URL of theirs may still be used.';
COMMENT ON COLUMN spotlist_data.deleted_videos.id IS 'The video.';
COMMENT ON COLUMN spotlist_data.deleted_videos.deleted_at IS 'When.';
