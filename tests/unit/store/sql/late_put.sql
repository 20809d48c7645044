-- Breaks a reference, which shows at COMMIT.
-- $1: thing that is not there
INSERT INTO spotlist_data.late VALUES ($1::bigint)
