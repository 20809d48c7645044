-- The supported interface for SQL. These views keep their columns, whatever becomes of the tables below.
-- docs/sql.md tells how to use it.

-- Not IF NOT EXISTS: that asks for a privilege even where an administrator made it.
DO $$ BEGIN
    IF to_regnamespace('spotlist') IS NULL THEN
        CREATE SCHEMA spotlist;
    END IF;
END $$;
COMMENT ON SCHEMA spotlist IS 'What spotlist knows of videos, to be read: see docs/sql.md. Times are milliseconds from the start of a video, boxes fractions of the picture.';

CREATE VIEW spotlist.videos AS
SELECT v.id, v.state, v.source, v.bucket, v.key, v.size_bytes, v.title, v.tags, v.options,
    v.created_at, v.started_at, v.updated_at, v.completed_at, v.duration_ms, v.width,
    v.height, v.frame_rate, v.codec, v.has_audio, v.frame_interval_ms, v.frame_count,
    v.frames_prefix, v.mp4_key, v.audio_key, v.transcript_key, v.error_code, v.error_message
FROM spotlist_data.videos v;

COMMENT ON VIEW spotlist.videos IS 'Every video. Deleted ones are gone.';
COMMENT ON COLUMN spotlist.videos.id IS 'UUID version 7: sorts by time of submission.';
COMMENT ON COLUMN spotlist.videos.state IS 'awaiting_upload, queued, transcoding, analyzing, canceling, deleting, or final: complete, partial (some analysis failed), failed, canceled.';
COMMENT ON COLUMN spotlist.videos.source IS 'As submitted: an S3 URI, or upload.';
COMMENT ON COLUMN spotlist.videos.bucket IS 'Bucket of the source object.';
COMMENT ON COLUMN spotlist.videos.key IS 'Key of the source object.';
COMMENT ON COLUMN spotlist.videos.size_bytes IS 'Size of the source object; null until known.';
COMMENT ON COLUMN spotlist.videos.title IS 'Title given by the submitter.';
COMMENT ON COLUMN spotlist.videos.tags IS 'Tags given by the submitter.';
COMMENT ON COLUMN spotlist.videos.options IS 'What was asked for: analyses, frames, labels, transcript.';
COMMENT ON COLUMN spotlist.videos.created_at IS 'When the submission was accepted.';
COMMENT ON COLUMN spotlist.videos.started_at IS 'When it left the queue.';
COMMENT ON COLUMN spotlist.videos.updated_at IS 'When anything about it last changed.';
COMMENT ON COLUMN spotlist.videos.completed_at IS 'When it reached its final state; null before.';
COMMENT ON COLUMN spotlist.videos.duration_ms IS 'Length in milliseconds; null until known.';
COMMENT ON COLUMN spotlist.videos.width IS 'Width of the MP4 in pixels.';
COMMENT ON COLUMN spotlist.videos.height IS 'Height of the MP4 in pixels.';
COMMENT ON COLUMN spotlist.videos.frame_rate IS 'Frames per second of the source.';
COMMENT ON COLUMN spotlist.videos.codec IS 'Video codec of the source, as MediaConvert names it.';
COMMENT ON COLUMN spotlist.videos.has_audio IS 'Whether there is an audio track; null until known.';
COMMENT ON COLUMN spotlist.videos.frame_interval_ms IS 'Milliseconds between the frames in which celebrities are looked for.';
COMMENT ON COLUMN spotlist.videos.frame_count IS 'How many frames there are.';
COMMENT ON COLUMN spotlist.videos.frames_prefix IS 'S3 key prefix of the frames.';
COMMENT ON COLUMN spotlist.videos.mp4_key IS 'S3 key of the MP4.';
COMMENT ON COLUMN spotlist.videos.audio_key IS 'S3 key of the audio for Transcribe.';
COMMENT ON COLUMN spotlist.videos.transcript_key IS 'S3 key of the transcript JSON.';
COMMENT ON COLUMN spotlist.videos.error_code IS 'Stable code of what went wrong; null when nothing did.';
COMMENT ON COLUMN spotlist.videos.error_message IS 'The same for people.';

CREATE VIEW spotlist.analyses AS
SELECT a.video_id, a.kind, a.state, a.attempt, a.reason, a.error_message, a.started_at,
    a.completed_at
FROM spotlist_data.analyses a;

COMMENT ON VIEW spotlist.analyses IS 'The analyses of each video: what was looked for, and what came of it.';
COMMENT ON COLUMN spotlist.analyses.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.analyses.kind IS 'celebrities, labels or transcript.';
COMMENT ON COLUMN spotlist.analyses.state IS 'pending, running, collecting, or final: complete, skipped, failed, canceled.';
COMMENT ON COLUMN spotlist.analyses.attempt IS 'How often it was asked for, this time included.';
COMMENT ON COLUMN spotlist.analyses.reason IS 'Stable code of why it was skipped or failed.';
COMMENT ON COLUMN spotlist.analyses.error_message IS 'The same for people.';
COMMENT ON COLUMN spotlist.analyses.started_at IS 'When the provider was first asked.';
COMMENT ON COLUMN spotlist.analyses.completed_at IS 'When it ended.';

CREATE VIEW spotlist.frames AS
SELECT f.video_id, f.index, f.time_ms, f.key
FROM spotlist_data.frames f;

COMMENT ON VIEW spotlist.frames IS 'The frames that were taken from each video to look for celebrities.';
COMMENT ON COLUMN spotlist.frames.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.frames.index IS 'Number of the frame, from 0.';
COMMENT ON COLUMN spotlist.frames.time_ms IS 'Its time.';
COMMENT ON COLUMN spotlist.frames.key IS 'S3 key of the picture.';

CREATE VIEW spotlist.celebrities AS
SELECT n.video_id, n.name, n.celebrity_id, n.confidence, n.appearances, n.on_screen_ms, n.first_ms
FROM spotlist_data.video_names n
WHERE n.kind = 'celebrity';

COMMENT ON VIEW spotlist.celebrities IS 'The celebrities of each video, one row each, with the sums of their appearances.';
COMMENT ON COLUMN spotlist.celebrities.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.celebrities.name IS 'Name.';
COMMENT ON COLUMN spotlist.celebrities.celebrity_id IS 'Rekognition''s id of the celebrity; null where it gives none. Namesakes have different ones.';
COMMENT ON COLUMN spotlist.celebrities.confidence IS 'The highest confidence of all detections, 0 to 100.';
COMMENT ON COLUMN spotlist.celebrities.appearances IS 'How many appearances there are: rows of celebrity_appearances.';
COMMENT ON COLUMN spotlist.celebrities.on_screen_ms IS 'Their length together.';
COMMENT ON COLUMN spotlist.celebrities.first_ms IS 'When the first one begins.';

CREATE VIEW spotlist.celebrity_appearances AS
SELECT a.video_id, a.name, a.celebrity_id, a.from_ms, a.to_ms, a.confidence
FROM spotlist_data.appearances a
WHERE a.kind = 'celebrity';

COMMENT ON VIEW spotlist.celebrity_appearances IS 'Who is on screen from when to when. Detections that follow each other without a gap are one appearance.';
COMMENT ON COLUMN spotlist.celebrity_appearances.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.celebrity_appearances.name IS 'Name.';
COMMENT ON COLUMN spotlist.celebrity_appearances.celebrity_id IS 'Rekognition''s id of the celebrity, or null.';
COMMENT ON COLUMN spotlist.celebrity_appearances.from_ms IS 'Beginning.';
COMMENT ON COLUMN spotlist.celebrity_appearances.to_ms IS 'End: one frame interval behind the last detection, or the end of the video.';
COMMENT ON COLUMN spotlist.celebrity_appearances.confidence IS 'The highest confidence of its detections, 0 to 100.';

CREATE VIEW spotlist.celebrity_detections AS
SELECT d.video_id, d.time_ms, d.frame_index, f.key AS frame_key, d.name, d.celebrity_id, d.urls,
    d.confidence, d.box_left, d.box_top, d.box_width, d.box_height
FROM spotlist_data.celebrity_detections d
    LEFT JOIN spotlist_data.frames f ON f.video_id = d.video_id AND f.index = d.frame_index;

COMMENT ON VIEW spotlist.celebrity_detections IS 'Every celebrity in every frame.';
COMMENT ON COLUMN spotlist.celebrity_detections.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.celebrity_detections.time_ms IS 'Time of the frame.';
COMMENT ON COLUMN spotlist.celebrity_detections.frame_index IS 'Number of the frame.';
COMMENT ON COLUMN spotlist.celebrity_detections.frame_key IS 'S3 key of the frame''s picture.';
COMMENT ON COLUMN spotlist.celebrity_detections.name IS 'Name.';
COMMENT ON COLUMN spotlist.celebrity_detections.celebrity_id IS 'Rekognition''s id of the celebrity, or null.';
COMMENT ON COLUMN spotlist.celebrity_detections.urls IS 'Links about the celebrity, as Rekognition gives them.';
COMMENT ON COLUMN spotlist.celebrity_detections.confidence IS 'How sure Rekognition is of the name, 0 to 100.';
COMMENT ON COLUMN spotlist.celebrity_detections.box_left IS 'Left edge of the face, fraction of the picture''s width; null without a box.';
COMMENT ON COLUMN spotlist.celebrity_detections.box_top IS 'Top edge of the face, fraction of the height.';
COMMENT ON COLUMN spotlist.celebrity_detections.box_width IS 'Width of the face, fraction of the picture''s width.';
COMMENT ON COLUMN spotlist.celebrity_detections.box_height IS 'Height of the face, fraction of the height.';

CREATE VIEW spotlist.labels AS
SELECT n.video_id, n.name, l.parents, l.aliases, l.categories, n.confidence, n.appearances,
    n.on_screen_ms, n.first_ms
FROM spotlist_data.video_names n
    JOIN spotlist_data.labels l ON l.video_id = n.video_id AND l.name = n.name
WHERE n.kind = 'label';

COMMENT ON VIEW spotlist.labels IS 'The labels (kinds of things and scenes) of each video, one row each, with the sums of their appearances.';
COMMENT ON COLUMN spotlist.labels.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.labels.name IS 'Rekognition''s name of the label.';
COMMENT ON COLUMN spotlist.labels.parents IS 'Names of the label''s ancestors: Vehicle for Car.';
COMMENT ON COLUMN spotlist.labels.aliases IS 'Other names.';
COMMENT ON COLUMN spotlist.labels.categories IS 'Rekognition''s categories.';
COMMENT ON COLUMN spotlist.labels.confidence IS 'The highest confidence of all detections, 0 to 100.';
COMMENT ON COLUMN spotlist.labels.appearances IS 'How many appearances there are: rows of label_appearances.';
COMMENT ON COLUMN spotlist.labels.on_screen_ms IS 'Their length together.';
COMMENT ON COLUMN spotlist.labels.first_ms IS 'When the first one begins.';

CREATE VIEW spotlist.label_appearances AS
SELECT a.video_id, a.name, a.from_ms, a.to_ms, a.confidence
FROM spotlist_data.appearances a
WHERE a.kind = 'label';

COMMENT ON VIEW spotlist.label_appearances IS 'What is on screen from when to when. Detections that follow each other without a gap are one appearance.';
COMMENT ON COLUMN spotlist.label_appearances.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.label_appearances.name IS 'Name of the label.';
COMMENT ON COLUMN spotlist.label_appearances.from_ms IS 'Beginning.';
COMMENT ON COLUMN spotlist.label_appearances.to_ms IS 'End: one sampling step behind the last detection, or the end of the video.';
COMMENT ON COLUMN spotlist.label_appearances.confidence IS 'The highest confidence of its detections, 0 to 100.';

CREATE VIEW spotlist.label_detections AS
SELECT d.video_id, d.ordinal AS detection, d.time_ms, d.name, d.confidence
FROM spotlist_data.label_detections d;

COMMENT ON VIEW spotlist.label_detections IS 'Every label at every time that Rekognition looked at.';
COMMENT ON COLUMN spotlist.label_detections.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.label_detections.detection IS 'Number of the detection in the video, from 0.';
COMMENT ON COLUMN spotlist.label_detections.time_ms IS 'Its time.';
COMMENT ON COLUMN spotlist.label_detections.name IS 'Name of the label.';
COMMENT ON COLUMN spotlist.label_detections.confidence IS '0 to 100.';

CREATE VIEW spotlist.label_instances AS
SELECT i.video_id, i.detection, i.ordinal AS instance, d.time_ms, d.name, i.confidence, i.box_left,
    i.box_top, i.box_width, i.box_height
FROM spotlist_data.label_instances i
    JOIN spotlist_data.label_detections d ON d.video_id = i.video_id AND d.ordinal = i.detection;

COMMENT ON VIEW spotlist.label_instances IS 'Where in the picture a label was seen: one row for each thing, so that things can be counted.';
COMMENT ON COLUMN spotlist.label_instances.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.label_instances.detection IS 'The row of label_detections.';
COMMENT ON COLUMN spotlist.label_instances.instance IS 'Number of the instance in the detection, from 0.';
COMMENT ON COLUMN spotlist.label_instances.time_ms IS 'Its time.';
COMMENT ON COLUMN spotlist.label_instances.name IS 'Name of the label.';
COMMENT ON COLUMN spotlist.label_instances.confidence IS '0 to 100.';
COMMENT ON COLUMN spotlist.label_instances.box_left IS 'Left edge, fraction of the picture''s width.';
COMMENT ON COLUMN spotlist.label_instances.box_top IS 'Top edge, fraction of the height.';
COMMENT ON COLUMN spotlist.label_instances.box_width IS 'Width, fraction of the picture''s width.';
COMMENT ON COLUMN spotlist.label_instances.box_height IS 'Height, fraction of the height.';

CREATE VIEW spotlist.names AS
SELECT n.kind, n.name, n.celebrity_id, sum(n.videos)::bigint AS videos, sum(n.appearances)::bigint AS
    appearances, sum(n.on_screen_ms)::bigint AS on_screen_ms
FROM (
    SELECT kind, name, celebrity_id, videos, appearances, on_screen_ms FROM spotlist_data.names
    UNION ALL
    SELECT kind, name, celebrity_id, videos, appearances, on_screen_ms
    FROM spotlist_data.name_changes
) n
GROUP BY n.kind, n.name, n.celebrity_id
HAVING sum(n.videos) > 0;

COMMENT ON VIEW spotlist.names IS 'The directory: every celebrity and label with the sums over all videos.';
COMMENT ON COLUMN spotlist.names.kind IS 'celebrity or label.';
COMMENT ON COLUMN spotlist.names.name IS 'Name.';
COMMENT ON COLUMN spotlist.names.celebrity_id IS 'Rekognition''s id of the celebrity, or null.';
COMMENT ON COLUMN spotlist.names.videos IS 'In how many videos.';
COMMENT ON COLUMN spotlist.names.appearances IS 'How many appearances there are.';
COMMENT ON COLUMN spotlist.names.on_screen_ms IS 'Their length together.';

CREATE VIEW spotlist.transcripts AS
SELECT t.video_id, t.language, t.text
FROM spotlist_data.transcripts t;

COMMENT ON VIEW spotlist.transcripts IS 'What is said in each video, as one text.';
COMMENT ON COLUMN spotlist.transcripts.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.transcripts.language IS 'Language code, as Transcribe gives it: en-US.';
COMMENT ON COLUMN spotlist.transcripts.text IS 'The whole text.';

CREATE VIEW spotlist.transcript_segments AS
SELECT s.video_id, s.ordinal AS segment, s.from_ms, s.to_ms, s.speaker, s.text
FROM spotlist_data.transcript_segments s;

COMMENT ON VIEW spotlist.transcript_segments IS 'What is said, by sentences, or what lies between two pauses.';
COMMENT ON COLUMN spotlist.transcript_segments.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.transcript_segments.segment IS 'Order in the video, from 0.';
COMMENT ON COLUMN spotlist.transcript_segments.from_ms IS 'Start of the first word.';
COMMENT ON COLUMN spotlist.transcript_segments.to_ms IS 'End of the last word.';
COMMENT ON COLUMN spotlist.transcript_segments.speaker IS 'Who speaks (spk_0, …), where speakers were told apart.';
COMMENT ON COLUMN spotlist.transcript_segments.text IS 'The words with their punctuation.';

CREATE VIEW spotlist.transcript_words AS
SELECT w.video_id, w.ordinal AS word, w.from_ms, w.to_ms, w.confidence, w.text
FROM spotlist_data.transcript_words w;

COMMENT ON VIEW spotlist.transcript_words IS 'Every word that is said.';
COMMENT ON COLUMN spotlist.transcript_words.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.transcript_words.word IS 'Order in the video, from 0.';
COMMENT ON COLUMN spotlist.transcript_words.from_ms IS 'Start.';
COMMENT ON COLUMN spotlist.transcript_words.to_ms IS 'End.';
COMMENT ON COLUMN spotlist.transcript_words.confidence IS '0 to 1.';
COMMENT ON COLUMN spotlist.transcript_words.text IS 'The word without punctuation.';

CREATE VIEW spotlist.timeline AS
SELECT t.video_id, t.id AS entry, t.at, t.event, t.analysis, t.message
FROM spotlist_data.timeline t;

COMMENT ON VIEW spotlist.timeline IS 'What happened to each video, in order.';
COMMENT ON COLUMN spotlist.timeline.video_id IS 'The video.';
COMMENT ON COLUMN spotlist.timeline.entry IS 'Order of happening.';
COMMENT ON COLUMN spotlist.timeline.at IS 'When.';
COMMENT ON COLUMN spotlist.timeline.event IS 'Stable name of the event.';
COMMENT ON COLUMN spotlist.timeline.analysis IS 'The analysis it is about, or null.';
COMMENT ON COLUMN spotlist.timeline.message IS 'For people.';

CREATE FUNCTION spotlist.fold(t text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN spotlist_data.fold(t);
COMMENT ON FUNCTION spotlist.fold IS 'A text without accents and case, to compare names and words: fold(name) = fold(''Zoe Kravitz'').';
CREATE FUNCTION spotlist.timecode(ms bigint) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN spotlist_data.timecode(ms);
COMMENT ON FUNCTION spotlist.timecode IS 'A time in a video as HH:MM:SS.mmm.';

-- Roles belong to the whole cluster: it may be there already, for another database, or be made by an
-- administrator, before this or later (docs/sql.md).
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'spotlist_reader') THEN
        CREATE ROLE spotlist_reader NOLOGIN;
        COMMENT ON ROLE spotlist_reader IS 'Reads the schema spotlist, and nothing else of spotlist.';
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- made by a migration of another database at the same time
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'the role spotlist_reader was not created: docs/sql.md tells how to do so';
END $$;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'spotlist_reader') THEN
        GRANT USAGE ON SCHEMA spotlist TO spotlist_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA spotlist TO spotlist_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA spotlist GRANT SELECT ON TABLES TO spotlist_reader;
    END IF;
END $$;
