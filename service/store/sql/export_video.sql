-- What exports say of a video, and how far its analyses are; `stamp` changes when one is run again.
-- $1: video id
SELECT v.title, v.frame_rate, v.mp4_key,
    coalesce(v.duration_ms, (SELECT max(to_ms) FROM spotlist_data.appearances
        WHERE video_id = v.id), 0) AS duration_ms,
    c.state AS celebrities_state, c.reason AS celebrities_reason,
    l.state AS labels_state, l.reason AS labels_reason,
    t.state AS transcript_state, t.reason AS transcript_reason,
    (SELECT language FROM spotlist_data.transcripts WHERE video_id = v.id) AS language,
    concat_ws(' ', c.state, c.attempt, c.completed_at, l.state, l.attempt, l.completed_at,
        t.state, t.attempt, t.completed_at) AS stamp
FROM spotlist_data.videos v
    LEFT JOIN spotlist_data.analyses c ON c.video_id = v.id AND c.kind = 'celebrities'
    LEFT JOIN spotlist_data.analyses l ON l.video_id = v.id AND l.kind = 'labels'
    LEFT JOIN spotlist_data.analyses t ON t.video_id = v.id AND t.kind = 'transcript'
WHERE v.id = $1::uuid
