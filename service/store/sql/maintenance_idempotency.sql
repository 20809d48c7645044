-- Keys whose day is over.
DELETE FROM spotlist_data.idempotency_keys WHERE created_at < now() - interval '1 day'
