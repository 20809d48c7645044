# SPDX-License-Identifier: Apache-2.0
"""Every migration after 0005 on a database that is full: what a release of then has left, owned by a
user without special rights. Afterwards everything must be as if the program of now had made it."""

import contextlib
import hashlib
import io
import json
import os
from pathlib import Path

import psycopg2
import pytest

import replay
from harness import BUCKET

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
# The tables of 0005, those that others refer to first.
TABLES = ["videos", "analyses", "analysis_versions", "frames", "celebrity_detections", "labels",
          "label_detections", "label_instances", "transcripts", "transcript_segments",
          "transcript_words", "timeline", "inbox", "idempotency_keys", "webhook_deliveries",
          "webhook_attempts", "deleted_videos", "quotas", "steps"]
REGISTRY = """
    CREATE SCHEMA spotlist_data;
    CREATE TABLE spotlist_data.migrations (
        number integer PRIMARY KEY CHECK (number > 0), name text NOT NULL UNIQUE,
        sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
    COMMENT ON TABLE spotlist_data.migrations IS 'Migrations';
    COMMENT ON COLUMN spotlist_data.migrations.number IS 'number';
    COMMENT ON COLUMN spotlist_data.migrations.name IS 'name';
    COMMENT ON COLUMN spotlist_data.migrations.sha256 IS 'sha256';
    COMMENT ON COLUMN spotlist_data.migrations.applied_at IS 'applied_at';"""
# A video that still runs, with its step, and one of 100,000 detections.
MORE = """
INSERT INTO spotlist_data.videos (id, state, source, bucket, key, options, frame_interval_ms, duration_ms)
SELECT ('019a0000-0000-7000-8000-00000000000' || n)::uuid, 'analyzing', 's3://bucket/key', 'bucket', 'key',
    '{"analyses": ["labels"], "frames": {"interval_ms": 1000}, "labels": {"min_confidence": 50},
      "transcript": {"language": "auto", "max_speakers": 2}}', 1000, 5000000
FROM generate_series(1, 2) n;
UPDATE spotlist_data.videos SET state = 'complete', completed_at = now()
WHERE id = '019a0000-0000-7000-8000-000000000002';
INSERT INTO spotlist_data.analyses (video_id, kind, state) VALUES
    ('019a0000-0000-7000-8000-000000000001', 'labels', 'collecting'),
    ('019a0000-0000-7000-8000-000000000002', 'labels', 'complete');
INSERT INTO spotlist_data.labels
SELECT ('019a0000-0000-7000-8000-00000000000' || v)::uuid, 'Label ' || n, '{}', '{}', '{}'
FROM generate_series(1, 2) v, generate_series(0, 9) n;
INSERT INTO spotlist_data.label_detections
SELECT '019a0000-0000-7000-8000-000000000002', n, 'Label ' || n % 10, n / 10 * 500, 90
FROM generate_series(0, 99999) n;
INSERT INTO spotlist_data.label_detections
SELECT '019a0000-0000-7000-8000-000000000001', n, 'Label ' || n % 10, n / 10 * 500, 90
FROM generate_series(0, 99) n;"""


@contextlib.contextmanager
def connected(conninfo):
    with contextlib.closing(psycopg2.connect(conninfo)) as connection:
        with connection, connection.cursor() as cursor:
            yield cursor


def fill(svc, cloud, replays):
    """Videos in the states that there are, made by the program of now."""
    videos = []
    for number, given in enumerate([
            {"frames": 12, "celebrities": 3, "labels": 4, "instances": 2, "words": 40},
            {"frames": 8, "celebrities": 1, "labels": 2, "instances": 1, "words": 0, "audio": False},
            {"frames": 6, "celebrities": 2, "labels": 3, "words": 15, "fail": {"labels": "broke"}},
            {"frames": 4, "fail": {"transcode": "broke"}}]):
        made = replay.write(replays, f"populated{number}", **given)
        uri = made.upload(cloud, BUCKET, f"in/{number}.mp4")
        video = svc.submit(uri, title=f"Vidéo {number}", tags=["été", f"t{number}"])["id"]
        svc.wait_state(video, "complete", "partial", "failed")
        videos.append(video)
    reply = svc.post(f"/videos/{videos[0]}/analyses", {"analyses": ["labels", "celebrities"]})
    assert reply.status == 202, reply.body
    svc.wait_state(videos[0], "complete")
    return videos


def without_timecodes(value):
    """A document as it was."""
    if isinstance(value, dict):
        return {name: without_timecodes(item) for name, item in value.items()
                if name not in ("from", "to", "time")}
    return [without_timecodes(item) for item in value] if isinstance(value, list) else value


def copy_rows(source, target, table):
    """What the table of then holds of the table of now."""
    target.execute("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
                   "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                   "AND attgenerated = ''", (f"spotlist_data.{table}",))
    columns, = target.fetchone()
    rows = io.StringIO()
    source.copy_expert(f"COPY (SELECT {columns} FROM spotlist_data.{table}) TO STDOUT", rows)
    rows.seek(0)
    target.copy_expert(f"COPY spotlist_data.{table} ({columns}) FROM STDIN", rows)
    target.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
                   "AND attidentity <> ''", (f"spotlist_data.{table}",))
    for column, in target.fetchall():
        target.execute(f"SELECT setval(pg_get_serial_sequence('spotlist_data.{table}', '{column}'), "
                       f"coalesce(max({column}), 0) + 1, false) FROM spotlist_data.{table}")


def make_old(old, new, videos, svc):
    """A database of 0005 with the rows that `new` has, and documents in the form of then."""
    with connected(old.conninfo) as target, connected(new.conninfo) as source:
        target.execute(REGISTRY)
        for path in sorted(MIGRATIONS.glob("*.sql"))[:5]:
            target.execute(path.read_text(encoding="utf-8"))
            target.execute("INSERT INTO spotlist_data.migrations (number, name, sha256) "
                           "VALUES (%s, %s, %s)", (int(path.stem[:4]), path.stem, hashlib.sha256(
                               path.read_bytes()).hexdigest()))
        for table in TABLES:
            copy_rows(source, target, table)
        for video in videos:
            body = json.dumps(without_timecodes(svc.metadata(video)), ensure_ascii=False)
            target.execute("WITH d AS (INSERT INTO spotlist_data.documents (video_id, document, "
                           "size_bytes) VALUES (%s, gen_random_uuid(), octet_length(%s)) "
                           "RETURNING video_id, document) "
                           "INSERT INTO spotlist_data.document_parts (video_id, document, at_byte, "
                           "body) SELECT video_id, document, 0, %s FROM d", (video, body, body))
        target.execute(MORE)


@pytest.fixture(scope="module")
def both(pg_cluster, svc, cloud, replays, tmp_path_factory):
    """(what the program of now made, the migrated one, the videos)"""
    videos = fill(svc, cloud, replays)
    name = f"owner_{os.getpid()}"
    svc.database.query(f"CREATE ROLE {name} LOGIN")
    database = pg_cluster.create_database()
    superuser = database.conninfo
    svc.database.query(f"ALTER DATABASE {database.name} OWNER TO {name}")
    database.conninfo = superuser.replace("user=spotlist", f"user={name}")
    make_old(database, svc.database, videos, svc)
    done = svc.command("migrate", environment={"SPOTLIST_DATABASE_URL": database.conninfo})
    assert done.returncode == 0, done.stderr
    yield svc, database, videos
    database.drop()
    svc.database.query(f"DROP ROLE {name}")


def test_every_migration_is_applied(both):
    _, migrated, _ = both
    assert migrated.query("SELECT name FROM spotlist_data.migrations ORDER BY number") == [
        (path.stem,) for path in sorted(MIGRATIONS.glob("*.sql"))]


def tables_of_videos(database):
    return [table for table, in database.query(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'spotlist_data'::regnamespace AND c.relkind = 'r' "
        "AND a.attname = 'video_id' AND NOT a.attisdropped ORDER BY 1")]


def rows_of(database, table, videos):
    """Order of writing is no part of a row."""
    return database.query(
        f"SELECT to_jsonb(t) - 'id' FROM spotlist_data.{table} t WHERE t.video_id = ANY (%s::uuid[]) "
        f"ORDER BY (to_jsonb(t) - 'id')::text", videos)


def test_what_migrations_make_is_what_the_program_makes(both):
    """Also in tables and columns that this test does not know. Costs are counted from then on."""
    svc, migrated, videos = both
    tables = tables_of_videos(svc.database)
    assert {"appearances", "video_names", "transcript_segments"} <= set(tables)
    for table in tables:
        if table not in ("documents", "document_parts", "charges", "reservations"):
            assert rows_of(migrated, table, videos) == rows_of(svc.database, table, videos), table
    assert svc.database.query("SELECT count(*) FROM spotlist_data.appearances") > [(20,)]


def test_a_long_video_has_its_appearances(both):
    _, migrated, _ = both
    assert migrated.query(
        "SELECT name, from_ms, to_ms FROM spotlist_data.appearances "
        "WHERE video_id = '019a0000-0000-7000-8000-000000000002' ORDER BY ordinal") == [
        (f"Label {number}", 0, 5000000) for number in range(10)]


def test_what_still_runs_has_none_yet(both):
    _, migrated, _ = both
    for table in ("appearances", "video_names"):
        assert migrated.query(f"SELECT count(*) FROM spotlist_data.{table} "
                              "WHERE video_id = '019a0000-0000-7000-8000-000000000001'") == [(0,)]


def test_the_directory_has_every_name(both):
    _, migrated, _ = both
    assert migrated.query("SELECT kind, name, celebrity_id, videos, appearances, on_screen_ms "
                          "FROM spotlist.names ORDER BY 1, 2, 3") == migrated.query(
        "SELECT kind, name, celebrity_id, count(*), sum(appearances), sum(on_screen_ms) "
        "FROM spotlist_data.video_names GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")


def test_the_answers_are_right_afterwards(both, cloud, make_svc):
    svc, migrated, videos = both
    other = make_svc(cloud, migrated, subscribe=False)
    for video in videos:
        for path in ("", "/metadata", "/analyses"):
            assert {**other.get(f"/videos/{video}{path}").json, "cost": None} == \
                {**svc.get(f"/videos/{video}{path}").json, "cost": None}
    assert [one["id"] for one in other.get("/videos").json["videos"] if one["id"] in videos] == \
        videos[::-1]
    for target in ("/celebrities", "/celebrities?sort=videos", "/celebrities?prefix=ada"):
        assert other.get(target).json == svc.get(target).json, target
