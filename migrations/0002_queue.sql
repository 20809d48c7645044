-- Quotas that all processes share, gates with fair turns in front of scarce provider jobs, time
-- limits, and the states of what is cancelled or deleted.

ALTER TABLE spotlist_data.videos
    DROP CONSTRAINT videos_state_check,
    ADD CONSTRAINT videos_state_check CHECK (state IN (
        'awaiting_upload', 'queued', 'transcoding', 'analyzing', 'canceling', 'deleting',
        'complete', 'partial', 'failed', 'canceled')),
    ADD COLUMN started_at timestamptz;
COMMENT ON COLUMN spotlist_data.videos.started_at IS 'When it left the queue: the time limit of a video counts from here.';

ALTER TABLE spotlist_data.analyses
    DROP CONSTRAINT analyses_state_check,
    ADD CONSTRAINT analyses_state_check CHECK (state IN (
        'pending', 'running', 'collecting', 'complete', 'skipped', 'failed', 'canceled'));

ALTER TABLE spotlist_data.steps
    DROP CONSTRAINT steps_track_check,
    ADD CONSTRAINT steps_track_check CHECK (track IN (
        'video', 'celebrities', 'labels', 'transcript', 'sns', 'end')),
    ADD COLUMN gate text,
    ADD COLUMN turn bigint NOT NULL DEFAULT 0,
    ADD COLUMN tag text NOT NULL DEFAULT '',
    ADD COLUMN parked boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT steps_parked_check CHECK (
        NOT parked OR (gate IS NOT NULL AND due_at = 'infinity' AND holder IS NULL));
CREATE INDEX steps_parked ON spotlist_data.steps (gate, turn, id) WHERE parked;
CREATE INDEX steps_admitted ON spotlist_data.steps (gate, turn) WHERE gate IS NOT NULL AND NOT parked;
CREATE INDEX steps_turn ON spotlist_data.steps (gate, tag, turn) WHERE gate IS NOT NULL;

COMMENT ON COLUMN spotlist_data.steps.gate IS 'The scarce thing that the step needs a place at: transcode, celebrities, labels, transcript; null: none. An admitted row is the place: when it is deleted, the place is free.';
COMMENT ON COLUMN spotlist_data.steps.turn IS 'Order of admission at the gate; counted so that each tag gets its share.';
COMMENT ON COLUMN spotlist_data.steps.tag IS 'Whose turn it is: the video''s first tag.';
COMMENT ON COLUMN spotlist_data.steps.parked IS 'Waits in front of the gate; due_at is infinity.';

CREATE INDEX inbox_by_age ON spotlist_data.inbox (received_at);

CREATE TABLE spotlist_data.quotas (
    api      text PRIMARY KEY,
    tokens   double precision NOT NULL,
    granted  boolean NOT NULL,
    taken_at timestamptz NOT NULL
);
COMMENT ON TABLE spotlist_data.quotas IS 'Token buckets of provider APIs, shared by all processes.';
COMMENT ON COLUMN spotlist_data.quotas.api IS 'The API: see service/pipeline/quota.c.';
COMMENT ON COLUMN spotlist_data.quotas.tokens IS 'Tokens left when one was last taken.';
COMMENT ON COLUMN spotlist_data.quotas.granted IS 'Whether whoever asked last got one.';
COMMENT ON COLUMN spotlist_data.quotas.taken_at IS 'When that was.';
