-- What changes whenever one of a video's analyses begins or ends.
-- $1: video id
SELECT
\ir filter_version.inc
    AS version
