-- Who may call the API, and how often.

CREATE TABLE spotlist_data.tokens (
    id           uuid PRIMARY KEY,
    name         text CHECK (name ~ '^[0-9A-Za-z._@:/+-]{1,64}$'),
    scope        text NOT NULL CHECK (scope IN ('read', 'submit', 'admin')),
    hash         bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    rate         double precision CHECK (rate >= 0 AND rate <= 1000000),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
CREATE UNIQUE INDEX tokens_by_name ON spotlist_data.tokens (name) WHERE revoked_at IS NULL;

COMMENT ON TABLE spotlist_data.tokens IS 'Access tokens, by their hashes. What a token is, is told once, to who makes it.';
COMMENT ON COLUMN spotlist_data.tokens.id IS 'Names it in lists and logs; grants nothing.';
COMMENT ON COLUMN spotlist_data.tokens.name IS 'What people call it; free again once it is revoked.';
COMMENT ON COLUMN spotlist_data.tokens.scope IS 'read, submit or admin; each includes those before it.';
COMMENT ON COLUMN spotlist_data.tokens.hash IS 'SHA-256 of the token.';
COMMENT ON COLUMN spotlist_data.tokens.rate IS 'Requests a second over all processes; 0: no limit; null: SPOTLIST_TOKEN_RATE.';
COMMENT ON COLUMN spotlist_data.tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN spotlist_data.tokens.expires_at IS 'From then on it is refused; null: never.';
COMMENT ON COLUMN spotlist_data.tokens.revoked_at IS 'Since when it is refused; null: it was not revoked.';
COMMENT ON COLUMN spotlist_data.tokens.last_used_at IS 'When it was used last, to the minute.';

CREATE TABLE spotlist_data.token_rates (
    token_id uuid PRIMARY KEY REFERENCES spotlist_data.tokens ON DELETE CASCADE,
    level    double precision NOT NULL,
    granted  double precision NOT NULL,
    taken_at timestamptz NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE spotlist_data.token_rates IS 'A bucket of requests for each token that has a limit; processes take from it in batches.';
COMMENT ON COLUMN spotlist_data.token_rates.token_id IS 'The token.';
COMMENT ON COLUMN spotlist_data.token_rates.level IS 'Requests that could be taken at taken_at.';
COMMENT ON COLUMN spotlist_data.token_rates.granted IS 'What the last taker was given.';
COMMENT ON COLUMN spotlist_data.token_rates.taken_at IS 'When it was last taken from.';

-- Every process forgets what it knows of a token at once. Not for last_used_at.
CREATE FUNCTION spotlist_data.token_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('spotlist_tokens', CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END::text);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION spotlist_data.token_changed() IS 'Tells processes that a token is another now.';
CREATE TRIGGER token_changed
    AFTER INSERT OR DELETE OR UPDATE OF id, name, scope, hash, rate, expires_at, revoked_at
    ON spotlist_data.tokens FOR EACH ROW EXECUTE FUNCTION spotlist_data.token_changed();
