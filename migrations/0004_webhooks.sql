-- The completion webhook: what is to be told to whom, and every attempt to do so.

ALTER TABLE spotlist_data.videos ADD COLUMN callback_url text;
COMMENT ON COLUMN spotlist_data.videos.callback_url IS 'Where the submitter wants to be told of the end.';

CREATE TABLE spotlist_data.webhook_deliveries (
    id           uuid PRIMARY KEY,
    video_id     uuid NOT NULL REFERENCES spotlist_data.videos ON DELETE CASCADE,
    url          text NOT NULL,
    origin       text NOT NULL,
    type         text NOT NULL,
    body         text NOT NULL,
    state        text NOT NULL DEFAULT 'pending' CHECK (state IN (
        'pending', 'delivered', 'failed', 'superseded')),
    due_at       timestamptz DEFAULT now(),
    held         boolean NOT NULL DEFAULT false,
    claims       bigint NOT NULL DEFAULT 0,
    tries        integer NOT NULL DEFAULT 0,
    attempts     integer NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    CHECK ((state = 'pending') = (due_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_by_video ON spotlist_data.webhook_deliveries (video_id, created_at);
CREATE INDEX webhook_deliveries_due ON spotlist_data.webhook_deliveries (due_at, id)
    WHERE due_at IS NOT NULL;

COMMENT ON TABLE spotlist_data.webhook_deliveries IS 'Messages to submitters, and the queue of those to be sent: receivers can be slow, and take no worker''s time.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.id IS 'webhook-id: the same on every attempt.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.video_id IS 'The video it is about.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.url IS 'Where it goes.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.origin IS 'Scheme, host and port of url: one slow receiver does not get every sender.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.type IS 'Type of the event, as in the body.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.body IS 'What is sent, byte for byte.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.state IS 'pending, delivered, failed (given up), or superseded: by that of a later end of the same video.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.due_at IS 'Waiting: not before this. Held: when anyone may take over. Null: nothing is to be sent.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.held IS 'A sender has it.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.claims IS 'Fencing token: grows with each claim.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.tries IS 'Failed attempts since it was made or replayed: the place in the schedule of retries.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.attempts IS 'Attempts in all: the last number in webhook_attempts.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.created_at IS 'When it was decided to send it.';
COMMENT ON COLUMN spotlist_data.webhook_deliveries.completed_at IS 'When it was delivered or given up.';

CREATE TABLE spotlist_data.webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES spotlist_data.webhook_deliveries ON DELETE CASCADE,
    number      integer NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint NOT NULL,
    http_status integer,
    error       text,
    PRIMARY KEY (delivery_id, number)
);

COMMENT ON TABLE spotlist_data.webhook_attempts IS 'The delivery log.';
COMMENT ON COLUMN spotlist_data.webhook_attempts.delivery_id IS 'The message.';
COMMENT ON COLUMN spotlist_data.webhook_attempts.number IS 'From 1.';
COMMENT ON COLUMN spotlist_data.webhook_attempts.at IS 'When it ended.';
COMMENT ON COLUMN spotlist_data.webhook_attempts.duration_ms IS 'How long it took.';
COMMENT ON COLUMN spotlist_data.webhook_attempts.http_status IS 'What the receiver answered; null: no answer.';
COMMENT ON COLUMN spotlist_data.webhook_attempts.error IS 'Why there was no good answer.';
