-- Statements of this transaction may take longer: their time grows with the video.
-- $1: milliseconds for each
SELECT set_config('statement_timeout', $1, true)
