-- What videos cost, for SQL.

CREATE VIEW spotlist.charges AS
SELECT c.video_id, c.part, c.attempt, c.unit, c.month, c.quantity,
    round(c.micros / 1000000.0, 6) AS dollars, c.region, c.prices_date, c.at
FROM spotlist_data.charges c;

COMMENT ON VIEW spotlist.charges IS 'What AWS bills for each run of a part of a video, by our count, and what that costs by the price table. Stays when the video is deleted.';
COMMENT ON COLUMN spotlist.charges.video_id IS 'The video, which may be gone.';
COMMENT ON COLUMN spotlist.charges.part IS 'transcode, or the analysis: celebrities, labels, transcript.';
COMMENT ON COLUMN spotlist.charges.attempt IS 'Which run of it, from 1.';
COMMENT ON COLUMN spotlist.charges.unit IS 'Name of the price in the price table.';
COMMENT ON COLUMN spotlist.charges.month IS 'First day of the month (UTC) that it counts in.';
COMMENT ON COLUMN spotlist.charges.quantity IS 'Seconds, or images.';
COMMENT ON COLUMN spotlist.charges.dollars IS 'The cost in US dollars; discounts and free tiers are not known.';
COMMENT ON COLUMN spotlist.charges.region IS 'The region of the price table that the price is of.';
COMMENT ON COLUMN spotlist.charges.prices_date IS 'Date of the price table.';
COMMENT ON COLUMN spotlist.charges.at IS 'When it was counted first.';

-- The role may be there since the migration before, or have come later: docs/sql.md.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'spotlist_reader') THEN
        GRANT SELECT ON spotlist.charges TO spotlist_reader;
    END IF;
END $$;
