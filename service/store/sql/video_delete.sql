-- A video and all that hangs on it. That there was one is remembered for a while.
-- $1: id
WITH gone AS (DELETE FROM spotlist_data.videos WHERE id = $1::uuid RETURNING id)
INSERT INTO spotlist_data.deleted_videos (id) SELECT id FROM gone
ON CONFLICT (id) DO NOTHING
