-- The work queue (videos, analyses, steps, inbox, timeline) and the mirror of the results.
-- Times of day are timestamptz; times within a video are integer milliseconds from its start;
-- boxes are fractions of the picture. The schema spotlist_data is private to spotlist.

CREATE TABLE spotlist_data.videos (
    id                uuid PRIMARY KEY,
    state             text NOT NULL CHECK (state IN (
        'awaiting_upload', 'queued', 'transcoding', 'analyzing',
        'complete', 'partial', 'failed')),
    source            text NOT NULL,
    bucket            text NOT NULL,
    key               text NOT NULL,
    size_bytes        bigint,
    etag              text,
    title             text,
    tags              text[] NOT NULL DEFAULT '{}',
    options           jsonb NOT NULL,
    frame_interval_ms integer NOT NULL CHECK (frame_interval_ms > 0),
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    completed_at      timestamptz,
    upload_expires_at timestamptz,
    transcode_job_id  text,
    transcode_percent integer,
    duration_ms       bigint,
    width             integer,
    height            integer,
    frame_rate        double precision,
    codec             text,
    has_audio         boolean,
    frames_prefix     text,
    frame_count       integer,
    mp4_key           text,
    audio_key         text,
    transcript_key    text,
    error_code        text,
    error_message     text,
    error_provider    jsonb
);
CREATE INDEX videos_by_state ON spotlist_data.videos (state, id DESC);
CREATE INDEX videos_by_tag ON spotlist_data.videos USING gin (tags);
CREATE INDEX videos_by_job ON spotlist_data.videos (transcode_job_id);
CREATE INDEX videos_by_object ON spotlist_data.videos USING hash (key);

COMMENT ON TABLE spotlist_data.videos IS 'One row per accepted video.';
COMMENT ON COLUMN spotlist_data.videos.id IS 'UUID version 7: sorts by time of submission.';
COMMENT ON COLUMN spotlist_data.videos.state IS 'See `spotlist fsm --mermaid`.';
COMMENT ON COLUMN spotlist_data.videos.source IS 'As submitted: an S3 URI, or upload.';
COMMENT ON COLUMN spotlist_data.videos.bucket IS 'Bucket of the source object.';
COMMENT ON COLUMN spotlist_data.videos.key IS 'Key of the source object, raw.';
COMMENT ON COLUMN spotlist_data.videos.size_bytes IS 'Size of the source object; null until known.';
COMMENT ON COLUMN spotlist_data.videos.etag IS 'ETag of the source object when it was accepted.';
COMMENT ON COLUMN spotlist_data.videos.title IS 'Title given by the submitter.';
COMMENT ON COLUMN spotlist_data.videos.tags IS 'Tags given by the submitter.';
COMMENT ON COLUMN spotlist_data.videos.options IS 'What to do: analyses, frames, labels, transcript.';
COMMENT ON COLUMN spotlist_data.videos.frame_interval_ms IS 'Milliseconds between captured frames.';
COMMENT ON COLUMN spotlist_data.videos.created_at IS 'When the submission was accepted.';
COMMENT ON COLUMN spotlist_data.videos.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN spotlist_data.videos.completed_at IS 'When a final state was reached.';
COMMENT ON COLUMN spotlist_data.videos.upload_expires_at IS 'An upload that has not arrived by then never will.';
COMMENT ON COLUMN spotlist_data.videos.transcode_job_id IS 'MediaConvert job id.';
COMMENT ON COLUMN spotlist_data.videos.transcode_percent IS 'Progress that MediaConvert last told, 0 to 100.';
COMMENT ON COLUMN spotlist_data.videos.duration_ms IS 'Duration of the MP4 in milliseconds.';
COMMENT ON COLUMN spotlist_data.videos.width IS 'Width of the MP4 in pixels.';
COMMENT ON COLUMN spotlist_data.videos.height IS 'Height of the MP4 in pixels.';
COMMENT ON COLUMN spotlist_data.videos.frame_rate IS 'Frames per second of the source.';
COMMENT ON COLUMN spotlist_data.videos.codec IS 'Video codec of the source, as MediaConvert names it.';
COMMENT ON COLUMN spotlist_data.videos.has_audio IS 'Whether there is an audio track; null until known.';
COMMENT ON COLUMN spotlist_data.videos.frames_prefix IS 'S3 key prefix of the captured frames.';
COMMENT ON COLUMN spotlist_data.videos.frame_count IS 'Number of captured frames.';
COMMENT ON COLUMN spotlist_data.videos.mp4_key IS 'S3 key of the MP4.';
COMMENT ON COLUMN spotlist_data.videos.audio_key IS 'S3 key of the audio for Transcribe.';
COMMENT ON COLUMN spotlist_data.videos.transcript_key IS 'S3 key of the transcript JSON.';
COMMENT ON COLUMN spotlist_data.videos.error_code IS 'Stable code of what went wrong.';
COMMENT ON COLUMN spotlist_data.videos.error_message IS 'What went wrong, for people.';
COMMENT ON COLUMN spotlist_data.videos.error_provider IS 'The provider''s service, operation, code, message and request id.';

CREATE TABLE spotlist_data.analyses (
    video_id       uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    kind           text NOT NULL CHECK (kind IN ('celebrities', 'labels', 'transcript')),
    state          text NOT NULL CHECK (state IN (
        'pending', 'running', 'collecting', 'complete', 'skipped', 'failed')),
    attempt        integer NOT NULL DEFAULT 1,
    job_id         text,
    done           bigint,
    total          bigint,
    reason         text,
    error_message  text,
    error_provider jsonb,
    started_at     timestamptz,
    completed_at   timestamptz,
    PRIMARY KEY (video_id, kind)
);
CREATE INDEX analyses_by_job ON spotlist_data.analyses (job_id);

COMMENT ON TABLE spotlist_data.analyses IS 'One row per analysis of a video; one failing never fails the others.';
COMMENT ON COLUMN spotlist_data.analyses.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.analyses.kind IS 'celebrities, labels or transcript.';
COMMENT ON COLUMN spotlist_data.analyses.state IS 'See `spotlist fsm --mermaid`.';
COMMENT ON COLUMN spotlist_data.analyses.attempt IS 'Counts how often it was asked for; part of provider tokens and names.';
COMMENT ON COLUMN spotlist_data.analyses.job_id IS 'Rekognition JobId or TranscriptionJobName.';
COMMENT ON COLUMN spotlist_data.analyses.done IS 'Units done: frames looked at.';
COMMENT ON COLUMN spotlist_data.analyses.total IS 'Units there are.';
COMMENT ON COLUMN spotlist_data.analyses.reason IS 'Stable code of why it was skipped or failed.';
COMMENT ON COLUMN spotlist_data.analyses.error_message IS 'The same for people.';
COMMENT ON COLUMN spotlist_data.analyses.error_provider IS 'The provider''s service, operation, code, message and request id.';
COMMENT ON COLUMN spotlist_data.analyses.started_at IS 'When the provider was first asked.';
COMMENT ON COLUMN spotlist_data.analyses.completed_at IS 'When a final state was reached.';

CREATE TABLE spotlist_data.steps (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id   uuid REFERENCES spotlist_data.videos ON DELETE CASCADE,
    track      text NOT NULL CHECK (track IN (
        'video', 'celebrities', 'labels', 'transcript', 'sns')),
    part       integer NOT NULL DEFAULT 0,
    kind       text NOT NULL,
    due_at     timestamptz NOT NULL DEFAULT now(),
    holder     text,
    wake       boolean NOT NULL DEFAULT false,
    claims     bigint NOT NULL DEFAULT 0,
    failures   integer NOT NULL DEFAULT 0,
    payload    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (video_id, track, part),
    CHECK ((video_id IS NULL) = (track = 'sns'))
);
CREATE INDEX steps_due ON spotlist_data.steps (due_at, id);

COMMENT ON TABLE spotlist_data.steps IS 'What is to be done next, one row per video, track and part; a row is deleted when its track is done. A step may run twice.';
COMMENT ON COLUMN spotlist_data.steps.id IS 'Order of creation.';
COMMENT ON COLUMN spotlist_data.steps.video_id IS 'The video; null on the sns track.';
COMMENT ON COLUMN spotlist_data.steps.track IS 'video (transcode, settle), the analysis that it belongs to, or sns.';
COMMENT ON COLUMN spotlist_data.steps.part IS 'Number of the chunk where a track is split (celebrities: frames).';
COMMENT ON COLUMN spotlist_data.steps.kind IS 'What to do: see service/pipeline/steps.c.';
COMMENT ON COLUMN spotlist_data.steps.due_at IS 'Waiting: not before this. Held: when the lease ends and anyone may take over.';
COMMENT ON COLUMN spotlist_data.steps.holder IS 'Who holds the lease; null while waiting.';
COMMENT ON COLUMN spotlist_data.steps.wake IS 'A callback came while the step was held: due at once when put back.';
COMMENT ON COLUMN spotlist_data.steps.claims IS 'Fencing token: grows with each claim.';
COMMENT ON COLUMN spotlist_data.steps.failures IS 'Failures in a row; drives the back-off.';
COMMENT ON COLUMN spotlist_data.steps.payload IS 'What the step needs to know besides the video.';
COMMENT ON COLUMN spotlist_data.steps.created_at IS 'When the track''s current kind of step began.';

CREATE TABLE spotlist_data.inbox (
    message_id  text PRIMARY KEY,
    topic_arn   text NOT NULL,
    type        text NOT NULL,
    subject     text,
    message     text NOT NULL,
    sent_at     timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    video_id    uuid REFERENCES spotlist_data.videos ON DELETE CASCADE
);
CREATE INDEX inbox_by_video ON spotlist_data.inbox (video_id);

COMMENT ON TABLE spotlist_data.inbox IS 'Verified SNS messages, once each.';
COMMENT ON COLUMN spotlist_data.inbox.message_id IS 'MessageId of SNS: the same on every retry of one delivery.';
COMMENT ON COLUMN spotlist_data.inbox.topic_arn IS 'The topic, one of the allow-list.';
COMMENT ON COLUMN spotlist_data.inbox.type IS 'Notification, SubscriptionConfirmation or UnsubscribeConfirmation.';
COMMENT ON COLUMN spotlist_data.inbox.subject IS 'Subject, when there is one.';
COMMENT ON COLUMN spotlist_data.inbox.message IS 'Message, as sent.';
COMMENT ON COLUMN spotlist_data.inbox.sent_at IS 'Timestamp of the message.';
COMMENT ON COLUMN spotlist_data.inbox.received_at IS 'When it was stored here.';
COMMENT ON COLUMN spotlist_data.inbox.video_id IS 'The video it is about, when that is known.';

CREATE TABLE spotlist_data.timeline (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    video_id uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    event    text NOT NULL,
    analysis text,
    message  text NOT NULL
);
CREATE INDEX timeline_by_video ON spotlist_data.timeline (video_id, id);

COMMENT ON TABLE spotlist_data.timeline IS 'What happened to a video, in order.';
COMMENT ON COLUMN spotlist_data.timeline.id IS 'Order of happening.';
COMMENT ON COLUMN spotlist_data.timeline.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.timeline.at IS 'When.';
COMMENT ON COLUMN spotlist_data.timeline.event IS 'Stable name of the event.';
COMMENT ON COLUMN spotlist_data.timeline.analysis IS 'The analysis it is about, or null.';
COMMENT ON COLUMN spotlist_data.timeline.message IS 'For people.';

CREATE TABLE spotlist_data.frames (
    video_id uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    index    integer NOT NULL,
    time_ms  bigint NOT NULL,
    key      text NOT NULL,
    PRIMARY KEY (video_id, index)
);

COMMENT ON TABLE spotlist_data.frames IS 'The captured frames.';
COMMENT ON COLUMN spotlist_data.frames.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.frames.index IS 'Number in the file name, from 0.';
COMMENT ON COLUMN spotlist_data.frames.time_ms IS 'index × frame interval.';
COMMENT ON COLUMN spotlist_data.frames.key IS 'S3 key.';

CREATE TABLE spotlist_data.celebrity_detections (
    video_id     uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    frame_index  integer NOT NULL,
    ordinal      integer NOT NULL,
    time_ms      bigint NOT NULL,
    name         text NOT NULL,
    celebrity_id text,
    urls         text[] NOT NULL,
    confidence   double precision NOT NULL,
    box_left     double precision,
    box_top      double precision,
    box_width    double precision,
    box_height   double precision,
    PRIMARY KEY (video_id, frame_index, ordinal)
);
CREATE INDEX celebrity_detections_by_name ON spotlist_data.celebrity_detections (name, video_id);

COMMENT ON TABLE spotlist_data.celebrity_detections IS 'A celebrity in a frame.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.frame_index IS 'The frame.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.ordinal IS 'Place in Rekognition''s answer for the frame.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.time_ms IS 'Time of the frame.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.name IS 'Name.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.celebrity_id IS 'Rekognition''s id of the celebrity.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.urls IS 'Links about the celebrity, as Rekognition gives them.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.confidence IS 'MatchConfidence, 0 to 100.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.box_left IS 'Left edge of the face, fraction of the width.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.box_top IS 'Top edge of the face, fraction of the height.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.box_width IS 'Width of the face, fraction of the width.';
COMMENT ON COLUMN spotlist_data.celebrity_detections.box_height IS 'Height of the face, fraction of the height.';

CREATE TABLE spotlist_data.labels (
    video_id   uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    name       text NOT NULL,
    parents    text[] NOT NULL,
    aliases    text[] NOT NULL,
    categories text[] NOT NULL,
    PRIMARY KEY (video_id, name)
);
CREATE INDEX labels_by_name ON spotlist_data.labels (name, video_id);

COMMENT ON TABLE spotlist_data.labels IS 'A kind of thing that is seen in a video.';
COMMENT ON COLUMN spotlist_data.labels.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.labels.name IS 'Rekognition''s name of the label.';
COMMENT ON COLUMN spotlist_data.labels.parents IS 'Names of the label''s ancestors.';
COMMENT ON COLUMN spotlist_data.labels.aliases IS 'Other names.';
COMMENT ON COLUMN spotlist_data.labels.categories IS 'Rekognition''s categories.';

CREATE TABLE spotlist_data.label_detections (
    video_id   uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    ordinal    integer NOT NULL,
    name       text NOT NULL,
    time_ms    bigint NOT NULL,
    confidence double precision NOT NULL,
    PRIMARY KEY (video_id, ordinal)
);
CREATE INDEX label_detections_by_name ON spotlist_data.label_detections (name, video_id, time_ms);

COMMENT ON TABLE spotlist_data.label_detections IS 'A label at a time.';
COMMENT ON COLUMN spotlist_data.label_detections.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.label_detections.ordinal IS 'Place in Rekognition''s Labels array.';
COMMENT ON COLUMN spotlist_data.label_detections.name IS 'Name of the label.';
COMMENT ON COLUMN spotlist_data.label_detections.time_ms IS 'Timestamp.';
COMMENT ON COLUMN spotlist_data.label_detections.confidence IS 'Confidence, 0 to 100.';

CREATE TABLE spotlist_data.label_instances (
    video_id   uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    detection  integer NOT NULL,
    ordinal    integer NOT NULL,
    confidence double precision NOT NULL,
    box_left   double precision NOT NULL,
    box_top    double precision NOT NULL,
    box_width  double precision NOT NULL,
    box_height double precision NOT NULL,
    PRIMARY KEY (video_id, detection, ordinal)
);

COMMENT ON TABLE spotlist_data.label_instances IS 'Where in the picture a label was seen.';
COMMENT ON COLUMN spotlist_data.label_instances.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.label_instances.detection IS 'ordinal of the row in label_detections.';
COMMENT ON COLUMN spotlist_data.label_instances.ordinal IS 'Place in the detection''s Instances array.';
COMMENT ON COLUMN spotlist_data.label_instances.confidence IS 'Confidence, 0 to 100.';
COMMENT ON COLUMN spotlist_data.label_instances.box_left IS 'Left edge, fraction of the width.';
COMMENT ON COLUMN spotlist_data.label_instances.box_top IS 'Top edge, fraction of the height.';
COMMENT ON COLUMN spotlist_data.label_instances.box_width IS 'Width, fraction of the width.';
COMMENT ON COLUMN spotlist_data.label_instances.box_height IS 'Height, fraction of the height.';

CREATE TABLE spotlist_data.transcripts (
    video_id uuid PRIMARY KEY REFERENCES spotlist_data.videos ON DELETE CASCADE,
    language text,
    text     text NOT NULL
);

COMMENT ON TABLE spotlist_data.transcripts IS 'What is said in a video.';
COMMENT ON COLUMN spotlist_data.transcripts.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.transcripts.language IS 'Language code, as Transcribe gives it.';
COMMENT ON COLUMN spotlist_data.transcripts.text IS 'The whole text.';

CREATE TABLE spotlist_data.transcript_segments (
    video_id uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    ordinal  integer NOT NULL,
    from_ms  bigint NOT NULL,
    to_ms    bigint NOT NULL,
    speaker  text,
    text     text NOT NULL,
    PRIMARY KEY (video_id, ordinal)
);

COMMENT ON TABLE spotlist_data.transcript_segments IS 'Sentences, or what lies between two pauses.';
COMMENT ON COLUMN spotlist_data.transcript_segments.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.transcript_segments.ordinal IS 'Order in the video.';
COMMENT ON COLUMN spotlist_data.transcript_segments.from_ms IS 'Start of the first word.';
COMMENT ON COLUMN spotlist_data.transcript_segments.to_ms IS 'End of the last word.';
COMMENT ON COLUMN spotlist_data.transcript_segments.speaker IS 'Speaker label, when speakers were told apart.';
COMMENT ON COLUMN spotlist_data.transcript_segments.text IS 'The words with their punctuation.';

CREATE TABLE spotlist_data.transcript_words (
    video_id   uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    ordinal    integer NOT NULL,
    from_ms    bigint NOT NULL,
    to_ms      bigint NOT NULL,
    confidence double precision NOT NULL,
    text       text NOT NULL,
    PRIMARY KEY (video_id, ordinal)
);

COMMENT ON TABLE spotlist_data.transcript_words IS 'Every word with its time.';
COMMENT ON COLUMN spotlist_data.transcript_words.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.transcript_words.ordinal IS 'Order in the video.';
COMMENT ON COLUMN spotlist_data.transcript_words.from_ms IS 'Start.';
COMMENT ON COLUMN spotlist_data.transcript_words.to_ms IS 'End.';
COMMENT ON COLUMN spotlist_data.transcript_words.confidence IS 'Confidence, 0 to 1.';
COMMENT ON COLUMN spotlist_data.transcript_words.text IS 'The word.';

CREATE TABLE spotlist_data.documents (
    video_id uuid PRIMARY KEY REFERENCES spotlist_data.videos ON DELETE CASCADE,
    body     text NOT NULL
);

COMMENT ON TABLE spotlist_data.documents IS 'The metadata document of a video in a final state, as GET /videos/{id}/metadata answers it.';
COMMENT ON COLUMN spotlist_data.documents.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.documents.body IS 'JSON text.';

CREATE FUNCTION spotlist_data.rfc3339(t timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
COMMENT ON FUNCTION spotlist_data.rfc3339 IS 'A time as the API writes it: UTC with milliseconds.';
