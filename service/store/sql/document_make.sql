-- GET /videos/{id}/metadata of a video without a final state: everything so far, merged, in pieces
-- that follow each other.
-- $1: id  $2: state to show instead of the video's, or null
-- $3: when it was reached (RFC 3339), or null
\ir document_parts.inc
SELECT body FROM parts ORDER BY at_byte
