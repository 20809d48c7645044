-- GET /videos/{id}/metadata: everything, merged. Detections that follow each other without a gap
-- become one appearance. A detection stands for one sampling step: frames have their interval,
-- labels the smallest distance between two of their times.
-- $1: id
WITH v AS (
    SELECT * FROM spotlist_data.videos WHERE id = $1::uuid
), analyses AS (
    SELECT json_object_agg(a.kind, json_build_object(
        'state', a.state, 'reason', a.reason,
        'started_at', spotlist_data.rfc3339(a.started_at),
        'completed_at', spotlist_data.rfc3339(a.completed_at)) ORDER BY a.kind) AS body
    FROM spotlist_data.analyses a WHERE a.video_id = $1::uuid
), celebrity_runs AS (
    SELECT d.name, d.celebrity_id, d.time_ms,
        count(*) FILTER (WHERE d.new_run) OVER (
            PARTITION BY d.name, d.celebrity_id ORDER BY d.time_ms) AS run
    FROM (
        SELECT c.name, c.celebrity_id, c.time_ms,
            c.time_ms - lag(c.time_ms) OVER (
                PARTITION BY c.name, c.celebrity_id ORDER BY c.time_ms)
                > v.frame_interval_ms AS new_run
        FROM (SELECT DISTINCT name, celebrity_id, time_ms
              FROM spotlist_data.celebrity_detections WHERE video_id = $1::uuid) c, v
    ) d
), celebrity_appearances AS (
    SELECT r.name, r.celebrity_id, json_agg(json_build_object(
        'from_ms', r.from_ms,
        'to_ms', least(r.to_ms + v.frame_interval_ms,
            greatest(coalesce(v.duration_ms, r.to_ms + v.frame_interval_ms), r.to_ms)))
        ORDER BY r.from_ms) AS body
    FROM (SELECT name, celebrity_id, run, min(time_ms) AS from_ms, max(time_ms) AS to_ms
          FROM celebrity_runs GROUP BY name, celebrity_id, run) r, v
    GROUP BY r.name, r.celebrity_id
), celebrities AS (
    SELECT json_agg(c.body ORDER BY c.confidence DESC, c.name) AS body
    FROM (
        SELECT d.name, max(d.confidence) AS confidence, json_build_object(
            'name', d.name,
            'id', d.celebrity_id,
            'urls', (array_agg(to_json(d.urls) ORDER BY d.frame_index))[1],
            'confidence', max(d.confidence),
            'appearances', (SELECT a.body FROM celebrity_appearances a
                WHERE a.name = d.name AND a.celebrity_id IS NOT DISTINCT FROM d.celebrity_id),
            'detections', json_agg(json_build_object(
                'time_ms', d.time_ms,
                'confidence', d.confidence,
                'box', CASE WHEN d.box_left IS NOT NULL THEN json_build_object(
                    'left', d.box_left, 'top', d.box_top,
                    'width', d.box_width, 'height', d.box_height) END,
                'frame', f.key) ORDER BY d.frame_index, d.ordinal)) AS body
        FROM spotlist_data.celebrity_detections d
            LEFT JOIN spotlist_data.frames f
                ON f.video_id = d.video_id AND f.index = d.frame_index
        WHERE d.video_id = $1::uuid
        GROUP BY d.name, d.celebrity_id
    ) c
), label_times AS (
    SELECT DISTINCT time_ms FROM spotlist_data.label_detections WHERE video_id = $1::uuid
), label_step AS (
    SELECT coalesce(min(step), 0) AS ms
    FROM (SELECT time_ms - lag(time_ms) OVER (ORDER BY time_ms) AS step FROM label_times) s
), label_runs AS (
    SELECT d.name, d.time_ms,
        count(*) FILTER (WHERE d.new_run) OVER (PARTITION BY d.name ORDER BY d.time_ms) AS run
    FROM (
        SELECT l.name, l.time_ms,
            l.time_ms - lag(l.time_ms) OVER (PARTITION BY l.name ORDER BY l.time_ms)
                > label_step.ms * 3 / 2 AS new_run
        FROM (SELECT DISTINCT name, time_ms
              FROM spotlist_data.label_detections WHERE video_id = $1::uuid) l, label_step
    ) d
), label_appearances AS (
    SELECT r.name, json_agg(json_build_object(
        'from_ms', r.from_ms,
        'to_ms', least(r.to_ms + label_step.ms,
            greatest(coalesce(v.duration_ms, r.to_ms + label_step.ms), r.to_ms)))
        ORDER BY r.from_ms) AS body
    FROM (SELECT name, run, min(time_ms) AS from_ms, max(time_ms) AS to_ms
          FROM label_runs GROUP BY name, run) r, v, label_step
    GROUP BY r.name
), instances AS (
    SELECT i.detection, json_agg(json_build_object(
        'confidence', i.confidence,
        'box', json_build_object('left', i.box_left, 'top', i.box_top,
            'width', i.box_width, 'height', i.box_height)) ORDER BY i.ordinal) AS body
    FROM spotlist_data.label_instances i
    WHERE i.video_id = $1::uuid
    GROUP BY i.detection
), label_details AS (
    SELECT d.name, max(d.confidence) AS confidence, json_agg(json_build_object(
        'time_ms', d.time_ms, 'confidence', d.confidence,
        'instances', coalesce(i.body, '[]')) ORDER BY d.ordinal) AS body
    FROM spotlist_data.label_detections d LEFT JOIN instances i ON i.detection = d.ordinal
    WHERE d.video_id = $1::uuid
    GROUP BY d.name
), labels AS (
    SELECT json_agg(json_build_object(
        'name', l.name,
        'parents', to_json(l.parents),
        'aliases', to_json(l.aliases),
        'categories', to_json(l.categories),
        'confidence', d.confidence,
        'appearances', a.body,
        'detections', d.body) ORDER BY d.confidence DESC, l.name) AS body
    FROM spotlist_data.labels l
        JOIN label_details d ON d.name = l.name
        JOIN label_appearances a ON a.name = l.name
    WHERE l.video_id = $1::uuid
), transcript AS (
    SELECT json_build_object(
        'language', t.language,
        'text', t.text,
        'segments', (
            SELECT coalesce(json_agg(json_build_object(
                'from_ms', s.from_ms, 'to_ms', s.to_ms, 'speaker', s.speaker, 'text', s.text)
                ORDER BY s.ordinal), '[]')
            FROM spotlist_data.transcript_segments s WHERE s.video_id = t.video_id),
        'words', (
            SELECT coalesce(json_agg(json_build_object(
                'from_ms', w.from_ms, 'to_ms', w.to_ms, 'confidence', w.confidence,
                'text', w.text) ORDER BY w.ordinal), '[]')
            FROM spotlist_data.transcript_words w WHERE w.video_id = t.video_id)) AS body
    FROM spotlist_data.transcripts t WHERE t.video_id = $1::uuid
)
SELECT json_strip_nulls(json_build_object(
    'id', v.id,
    'state', v.state,
    'title', v.title,
    'tags', to_json(v.tags),
    'source', v.source,
    'created_at', spotlist_data.rfc3339(v.created_at),
    'completed_at', spotlist_data.rfc3339(v.completed_at),
    'duration_ms', v.duration_ms,
    'video', json_build_object('width', v.width, 'height', v.height,
        'frame_rate', v.frame_rate, 'codec', v.codec),
    'outputs', json_build_object(
        'mp4', v.mp4_key, 'audio', v.audio_key,
        'frames', json_build_object('count', v.frame_count, 'interval_ms', v.frame_interval_ms,
            'prefix', v.frames_prefix)),
    'analyses', coalesce((SELECT body FROM analyses), '{}'),
    'celebrities', coalesce((SELECT body FROM celebrities), '[]'),
    'labels', coalesce((SELECT body FROM labels), '[]'),
    'transcript', (SELECT body FROM transcript)
))::text AS body
FROM v
