-- What videos cost: the units that AWS bills, sums by month, and what is reserved below a monthly cap.

CREATE TABLE spotlist_data.charges (
    video_id    uuid NOT NULL,
    part        text NOT NULL CHECK (part IN ('transcode', 'celebrities', 'labels', 'transcript')),
    attempt     integer NOT NULL,
    unit        text NOT NULL,
    month       date NOT NULL,
    quantity    bigint NOT NULL CHECK (quantity >= 0),
    price_nanos bigint NOT NULL CHECK (price_nanos >= 0),
    per         integer NOT NULL CHECK (per > 0),
    micros      bigint NOT NULL GENERATED ALWAYS AS (
        round(quantity::numeric * price_nanos / (per::numeric * 1000))::bigint) STORED,
    region      text NOT NULL,
    prices_date date NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (video_id, part, attempt, unit, month)
);
CREATE INDEX charges_by_month ON spotlist_data.charges (month);

COMMENT ON TABLE spotlist_data.charges IS 'What AWS bills for a run of a part of a video, by our count, and what that costs by the price table. Stays when the video is deleted.';
COMMENT ON COLUMN spotlist_data.charges.video_id IS 'The video, which may be gone.';
COMMENT ON COLUMN spotlist_data.charges.part IS 'transcode, or the analysis.';
COMMENT ON COLUMN spotlist_data.charges.attempt IS 'Which run of it, from 1.';
COMMENT ON COLUMN spotlist_data.charges.unit IS 'Name of the price in the price table.';
COMMENT ON COLUMN spotlist_data.charges.month IS 'First day of the month (UTC) that it counts in.';
COMMENT ON COLUMN spotlist_data.charges.quantity IS 'Seconds, or images.';
COMMENT ON COLUMN spotlist_data.charges.price_nanos IS 'The price in billionths of a dollar.';
COMMENT ON COLUMN spotlist_data.charges.per IS 'How many seconds or images the price is for.';
COMMENT ON COLUMN spotlist_data.charges.micros IS 'The cost in millionths of a dollar, rounded to the nearest.';
COMMENT ON COLUMN spotlist_data.charges.region IS 'The region of the price table that the price is of.';
COMMENT ON COLUMN spotlist_data.charges.prices_date IS 'Date of the price table.';
COMMENT ON COLUMN spotlist_data.charges.at IS 'When it was counted first.';


CREATE TABLE spotlist_data.spending (
    month  date NOT NULL,
    shard  integer NOT NULL,
    micros bigint NOT NULL,
    PRIMARY KEY (month, shard)
);

COMMENT ON TABLE spotlist_data.spending IS 'Sums of charges by month, kept by a trigger. Several rows a month, so that those who count do not wait for each other.';
COMMENT ON COLUMN spotlist_data.spending.month IS 'First day of the month (UTC).';
COMMENT ON COLUMN spotlist_data.spending.shard IS 'Which of the rows; the month is their sum.';
COMMENT ON COLUMN spotlist_data.spending.micros IS 'Millionths of a dollar; may be negative in one row.';

CREATE FUNCTION spotlist_data.sum_spending() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_month date := coalesce(NEW.month, OLD.month);
    more bigint := coalesce(NEW.micros, 0) - coalesce(OLD.micros, 0);
BEGIN
    IF more <> 0 THEN
        INSERT INTO spotlist_data.spending AS s (month, shard, micros)
        VALUES (of_month, pg_backend_pid() % 16, more)
        ON CONFLICT (month, shard) DO UPDATE SET micros = s.micros + excluded.micros;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION spotlist_data.sum_spending IS 'Keeps spotlist_data.spending.';
CREATE TRIGGER sum_spending AFTER INSERT OR UPDATE OR DELETE ON spotlist_data.charges
    FOR EACH ROW EXECUTE FUNCTION spotlist_data.sum_spending();


CREATE TABLE spotlist_data.reservations (
    video_id uuid PRIMARY KEY REFERENCES spotlist_data.videos ON DELETE CASCADE,
    micros   bigint NOT NULL CHECK (micros >= 0)
);

COMMENT ON TABLE spotlist_data.reservations IS 'What videos that are worked on are still expected to cost. Only while there is a monthly cap.';
COMMENT ON COLUMN spotlist_data.reservations.video_id IS 'The video.';
COMMENT ON COLUMN spotlist_data.reservations.micros IS 'Millionths of a dollar, less what was counted already.';

CREATE FUNCTION spotlist_data.this_month() RETURNS date LANGUAGE sql STABLE
    RETURN date_trunc('month', now() AT TIME ZONE 'UTC')::date;
COMMENT ON FUNCTION spotlist_data.this_month IS 'First day of the month that we are in (UTC).';

-- Counts what a run costs, and takes as much from what was reserved for its video. `more`: it comes on
-- top of what the run was charged before; else it stands in its place.
CREATE FUNCTION spotlist_data.charge(of_video uuid, of_part text, lines jsonb, of_region text,
    of_prices date, more boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    run integer;
    before bigint;
    cost bigint;
BEGIN
    SELECT coalesce(max(a.attempt), 1) INTO run
    FROM spotlist_data.analyses a WHERE a.video_id = of_video AND a.kind = of_part;
    SELECT coalesce(sum(c.micros), 0) INTO before FROM spotlist_data.charges c
    WHERE c.video_id = of_video AND c.part = of_part AND c.attempt = run;
    INSERT INTO spotlist_data.charges AS c
        (video_id, part, attempt, unit, month, quantity, price_nanos, per, region, prices_date)
    SELECT of_video, of_part, run, l ->> 'unit', spotlist_data.this_month(),
        (l ->> 'quantity')::bigint, (l ->> 'price')::bigint, (l ->> 'per')::integer, of_region,
        of_prices
    FROM jsonb_array_elements(lines) AS l
    WHERE more OR NOT EXISTS (
        SELECT FROM spotlist_data.charges o
        WHERE o.video_id = of_video AND o.part = of_part AND o.attempt = run
            AND o.unit = l ->> 'unit')
    ON CONFLICT (video_id, part, attempt, unit, month) DO UPDATE
        SET quantity = c.quantity + excluded.quantity;
    SELECT coalesce(sum(c.micros), 0) - before INTO cost FROM spotlist_data.charges c
    WHERE c.video_id = of_video AND c.part = of_part AND c.attempt = run;
    UPDATE spotlist_data.reservations r SET micros = greatest(r.micros - cost, 0)
    WHERE r.video_id = of_video;
    RETURN cost;
END $$;
COMMENT ON FUNCTION spotlist_data.charge IS 'Counts what a run of a part of a video costs.';

-- Reserves what is expected, unless that would go beyond the cap. One at a time over all processes,
-- until the end of the transaction; each statement here sees what those before have committed.
CREATE FUNCTION spotlist_data.reserve(of_video uuid, wanted bigint, cap bigint,
    OUT granted boolean, OUT spent bigint, OUT reserved bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('spotlist cost', 0));
    SELECT coalesce((SELECT sum(s.micros) FROM spotlist_data.spending s
                     WHERE s.month = spotlist_data.this_month()), 0),
        coalesce((SELECT sum(r.micros) FROM spotlist_data.reservations r), 0)
        INTO spent, reserved;
    granted := cap IS NULL OR spent + reserved + wanted <= cap;
    IF granted THEN
        INSERT INTO spotlist_data.reservations AS r (video_id, micros) VALUES (of_video, wanted)
        ON CONFLICT (video_id) DO UPDATE SET micros = r.micros + excluded.micros;
    END IF;
END $$;
COMMENT ON FUNCTION spotlist_data.reserve IS 'Reserves an estimate below the monthly cap.';
