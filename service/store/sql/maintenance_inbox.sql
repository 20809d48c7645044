-- Messages that are older than any that would be accepted again.
-- $1: seconds to keep
DELETE FROM spotlist_data.inbox
WHERE received_at < now() - make_interval(secs => $1::double precision)
