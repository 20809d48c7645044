-- Where the directory's sums are not those of all videos.
WITH kept AS (
    SELECT kind, name, coalesce(celebrity_id, '') AS celebrity_id, sum(videos) AS videos,
        sum(appearances) AS appearances, sum(on_screen_ms) AS on_screen_ms
    FROM (
        SELECT kind, name, celebrity_id, videos, appearances, on_screen_ms
        FROM spotlist_data.names
        UNION ALL
        SELECT kind, name, celebrity_id, videos, appearances, on_screen_ms
        FROM spotlist_data.name_changes
    ) n
    GROUP BY kind, name, coalesce(celebrity_id, '')
), made AS (
    SELECT kind, name, coalesce(celebrity_id, '') AS celebrity_id, count(*) AS videos,
        sum(appearances) AS appearances, sum(on_screen_ms) AS on_screen_ms
    FROM spotlist_data.video_names
    GROUP BY kind, name, coalesce(celebrity_id, '')
), compared AS (
    SELECT kind, name, celebrity_id, what.*
    FROM kept FULL JOIN made USING (kind, name, celebrity_id),
        LATERAL (VALUES
            ('videos', coalesce(kept.videos, 0), coalesce(made.videos, 0)),
            ('appearances', coalesce(kept.appearances, 0), coalesce(made.appearances, 0)),
            ('on_screen_ms', coalesce(kept.on_screen_ms, 0), coalesce(made.on_screen_ms, 0))
        ) AS what (sum, kept, made)
)
SELECT kind, name || CASE WHEN celebrity_id <> '' THEN ' (' || celebrity_id || ')' ELSE '' END
    AS name, sum, kept, made
FROM compared
WHERE kept <> made
ORDER BY kind, name, celebrity_id, sum
