-- Keys whose day is over, and deleted videos whose upload URLs, which live for seven days at most, are.
WITH deleted AS (
    DELETE FROM spotlist_data.deleted_videos WHERE deleted_at < now() - interval '8 days'
)
DELETE FROM spotlist_data.idempotency_keys WHERE created_at < now() - interval '1 day'
