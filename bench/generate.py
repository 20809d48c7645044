# SPDX-License-Identifier: Apache-2.0
"""A database of N finished videos, projected from some that spotlist itself made of replayed
answers: each row of these stands again for every video, under its id, with names and words changed.
What spotlist derives (documents, appearances, search columns) is made by spotlist's own statements
and triggers.

The names a video has, and its words, follow Zipf's law over a vocabulary, so that a search finds
what is frequent and what is rare. The same arguments make the same data.
"""

import concurrent.futures
import contextlib
import hashlib
import io
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "service" / "store")]

import embed_sql
import harness
import replay

from cluster import MAKING

BATCH = 100         # videos per statement
VARIANTS = {"label": 32, "celebrity": 200}  # names that may stand for one of the replayed
VOCABULARY = 30_000
# Of each video that others are projected from: 5,000 label instances, 1,000 words.
TEMPLATES = {f"template-{number}": {"frames": 100, "celebrities": 2, "labels": 10, "instances": 5,
                                    "words": 1000, "seed": number} for number in range(4)}
SHORT = {"frames": 10, "celebrities": 1, "labels": 3, "instances": 1, "words": 60}
FAST = {"SPOTLIST_RATE_RECOGNIZE_CELEBRITIES": "10000", "SPOTLIST_RATE_CREATE_JOB": "1000",
        "SPOTLIST_RATE_GET_LABEL_DETECTION": "10000", "SPOTLIST_POLL_INTERVAL_MS": "400"}
# Which tables a video's rows are in that no projection makes.
NOT_PROJECTED = {"documents", "document_parts", "steps", "inbox", "idempotency_keys",
                 "webhook_deliveries"}
DERIVED = ["appearances", "video_names"]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def database_name(videos):
    return f"bench_{videos}"


def signature():
    """Changes when the data would be another."""
    digest = hashlib.sha256()
    for path in [Path(__file__), *sorted((ROOT / "migrations").glob("*.sql")),
                 ROOT / "service" / "store" / "sql" / "document_parts.inc"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_made(cluster, videos):
    name = database_name(videos)
    if not cluster.has(name):
        return False
    made = cluster.query("SELECT to_regclass('bench.made') IS NOT NULL", database=name)[0][0]
    return made and cluster.query("SELECT signature FROM bench.made", database=name) == [
        (signature(),)]


def facts(cluster, videos):
    """What is there, for people."""
    name = database_name(videos)
    (seconds, instances, words), = cluster.query(
        "SELECT seconds, instances, words FROM bench.made", database=name)
    (size,), = cluster.query("SELECT pg_database_size(%s)", name)
    return {"videos": videos, "instances": instances, "words": words, "bytes": size,
            "seconds": seconds}


# --- what is projected from ---------------------------------------------------------------------

def make_templates(cluster, name, settings):
    """{replay's name: id} of videos that spotlist made."""
    made = {}
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        replays = directory / "replays"
        replays.mkdir()
        cloud = harness.Cloud(directory / "data", arguments=["--replay", str(replays)])
        stack.callback(cloud.stop)
        svc = harness.Spotlist(directory / "svc", harness.Database(cluster, name), cloud,
                               settings={**FAST, **settings})
        stack.callback(svc.stop)
        for kind, shape in {**TEMPLATES, "short": SHORT}.items():
            uri = replay.write(replays, kind, **shape).upload(cloud, svc.bucket, f"in/{kind}.mp4")
            made[kind] = svc.submit(uri, title=f"The {kind}", tags=["template"])["id"]
        for video in made.values():
            svc.wait_state(video, "complete", timeout=120)
    return made


# --- what changes from video to video -----------------------------------------------------------

def syllables(draw, count):
    return "".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(count))


def make_names(cursor):
    """bench.names: what may stand for each replayed name. bench.vocabulary: words by rank."""
    draw = random.Random("names")
    cursor.execute("CREATE TABLE bench.names (kind text, base text, variant int, name text, "
                   "celebrity_id text, PRIMARY KEY (kind, base, variant))")
    rows = []
    for kind, bases in (("label", [label[0] for label in replay.LABELS]),
                        ("celebrity", replay.NAMES)):
        for number, base in enumerate(bases):
            for variant in range(VARIANTS[kind]):
                other = f"{syllables(draw, 2).title()} {syllables(draw, 3).title()}"
                rows.append((kind, base, variant,
                             base if variant == 0 else
                             f"{base} {other.split()[0]}" if kind == "label" else other,
                             f"B{number:02d}{variant:04d}"))
    put(cursor, "bench.names", rows)
    words, seen = list(replay.WORDS), set(replay.WORDS)
    while len(words) < VOCABULARY:
        word = syllables(draw, draw.choice((1, 2, 2, 3, 3, 4)))
        if word not in seen:
            seen.add(word)
            words.append(word)
    cursor.execute("CREATE TABLE bench.vocabulary (rank int PRIMARY KEY, word text)")
    put(cursor, "bench.vocabulary", enumerate(words))


def put(cursor, table, rows):
    text = "".join("\t".join(str(value) for value in row) + "\n" for row in rows)
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))


# u in [0, 1), the same for the same pair of numbers.
UNIFORM = """
CREATE FUNCTION bench.uniform(a bigint, b bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (hashint8extended(a * 1000003 + b, 42) & 2147483647) / 2147483648.0::float8;
-- Zipf's law: rank r of n has a probability of about 1 / (r ln n).
CREATE FUNCTION bench.zipf(a bigint, b bigint, n int) RETURNS int
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN least(n - 1, floor(exp(bench.uniform(a, b) * ln(n))) - 1)::int;
"""

# Version 7, an hour apart, the last one an hour ago.
VIDEOS = """
CREATE TABLE bench.videos AS
SELECT n, base, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
    || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS id
FROM (SELECT n, date_trunc('second', now()) - (%(videos)s - n) * interval '1 hour' AS at,
          (%(bases)s::uuid[])[n %% array_length(%(bases)s::uuid[], 1) + 1] AS base
      FROM generate_series(0, %(videos)s - 1) n) v ORDER BY n;
ALTER TABLE bench.videos ADD PRIMARY KEY (n);
CREATE TABLE bench.casting AS
SELECT v.n, b.kind, b.base, c.name, c.celebrity_id
FROM bench.videos v
    CROSS JOIN (SELECT kind, base, count(*)::int AS variants, hashtext(base) AS seed
                FROM bench.names GROUP BY kind, base) b
    JOIN bench.names c ON c.kind = b.kind AND c.base = b.base
        AND c.variant = bench.zipf(v.n, b.seed, b.variants);
ALTER TABLE bench.casting ADD PRIMARY KEY (n, kind, base);
ANALYZE;
"""

LABEL = "LEFT JOIN bench.casting c ON c.n = v.n AND c.kind = 'label' AND c.base = t.name"
CELEBRITY = "LEFT JOIN bench.casting c ON c.n = v.n AND c.kind = 'celebrity' AND c.base = t.name"
KEY = "replace(t.{0}, v.base::text, v.id::text)"
SHIFT = "t.{0} + (v.at - b.created_at)"
# table: (columns that are not the template's, joins)
CHANGED = {
    "videos": ({"id": "v.id", "title": "'Recording ' || v.n || ' of the bench'",
                "tags": "ARRAY['bench', 'tag-' || v.n %% 50]", "callback_url": "NULL",
                "transcode_job_id": "t.transcode_job_id || '-' || v.n",
                **{name: KEY.format(name) for name in ("source", "key", "frames_prefix", "mp4_key",
                                                       "audio_key", "transcript_key")},
                **{name: SHIFT.format(name) for name in ("created_at", "updated_at", "started_at",
                                                         "completed_at")}}, ""),
    "analyses": ({"job_id": "t.job_id || '-' || v.n",
                  **{name: SHIFT.format(name) for name in ("started_at", "completed_at")}}, ""),
    "timeline": ({"at": SHIFT.format("at")}, ""),
    "frames": ({"key": KEY.format("key")}, ""),
    "labels": ({"name": "coalesce(c.name, t.name)"}, LABEL),
    "label_detections": ({"name": "coalesce(c.name, t.name)"}, LABEL),
    "celebrity_detections": ({"name": "coalesce(c.name, t.name)",
                              "celebrity_id": "coalesce(c.celebrity_id, t.celebrity_id)"},
                             CELEBRITY),
    "transcript_words": ({"text": "w.word"}, f"""JOIN bench.vocabulary w
        ON w.rank = bench.zipf(v.n, t.ordinal, {VOCABULARY})"""),
    # Sentences have ten words.
    "transcript_segments": ({"text": """(SELECT string_agg(w.text, ' ' ORDER BY w.ordinal) || '.'
        FROM spotlist_data.transcript_words w
        WHERE w.video_id = v.id AND w.ordinal BETWEEN t.ordinal * 10 AND t.ordinal * 10 + 9)"""},
                            ""),
    "transcripts": ({"text": """(SELECT string_agg(s.text, ' ' ORDER BY s.place)
        FROM (SELECT w.ordinal / 10 AS place,
                  string_agg(w.text, ' ' ORDER BY w.ordinal) || '.' AS text
              FROM spotlist_data.transcript_words w WHERE w.video_id = v.id GROUP BY 1) s)"""}, ""),
}
FIRST = ["videos"]
ALONE = ["label_instances"]  # as much as all the others
# Made of the first, the third by the language of the second; indexing that is work for two.
LAST = ["transcript_words", "transcripts"]
HALVED = ["transcript_segments"]


def tables(cursor):
    """Tables with rows of a video, that the templates have rows in."""
    cursor.execute("""SELECT DISTINCT c.table_name FROM information_schema.columns c
        JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'spotlist_data' AND c.column_name = 'video_id'
            AND t.table_type = 'BASE TABLE'""")
    return sorted({name for name, in cursor.fetchall()} - NOT_PROJECTED - set(DERIVED))


def statement(cursor, table):
    """INSERT … SELECT of the videos %(low)s to %(high)s, in order of their rows."""
    cursor.execute("""SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'spotlist_data' AND table_name = %s AND is_generated = 'NEVER'
            AND is_identity = 'NO' ORDER BY ordinal_position""", (table,))
    changed, joins = CHANGED.get(table, ({}, ""))
    columns = {name: changed.get(name, "v.id" if name == "video_id" else f"t.{name}")
               for name, in cursor.fetchall()}
    cursor.execute("""SELECT string_agg('t.' || quote_ident(a.attname), ', ' ORDER BY k.place)
        FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = %s::regclass AND i.indisprimary""", (f"spotlist_data.{table}",))
    key = "t.id" if table in ("videos", "timeline") else cursor.fetchone()[0]
    key = f", {key}" if key else ""
    own = "id" if table == "videos" else "video_id"
    return f"""INSERT INTO spotlist_data.{table} ({', '.join(columns)})
        SELECT {', '.join(columns.values())}
        FROM bench.videos v JOIN spotlist_data.videos b ON b.id = v.base
            JOIN spotlist_data.{table} t ON t.{own} = v.base {joins}
        WHERE v.n BETWEEN %(low)s AND %(high)s ORDER BY v.n{key}"""


def project(cluster, name, names, videos, part=0, parts=1):
    with contextlib.closing(cluster.connect(name)) as connection:
        cursor = connection.cursor()
        cursor.execute("SET work_mem = '256MB'")
        for table in names:
            begin = time.monotonic()
            insert = statement(cursor, table)
            for low in range(part * BATCH, videos, parts * BATCH):
                cursor.execute(insert, {"low": low, "high": min(low + BATCH, videos) - 1})
            say(f"{table}: {time.monotonic() - begin:.1f} s")


# --- indexes and foreign keys, made again at the end --------------------------------------------

def set_aside(cursor, names):
    """Drops secondary indexes and stops foreign keys' checks: the rows are right by construction.
    Returns what makes the indexes again, and the triggers."""
    cursor.execute("""SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
        FROM pg_index i WHERE i.indrelid = ANY (%s::text[]::regclass[]) AND NOT i.indisunique""",
                   ([f"spotlist_data.{name}" for name in names],))
    indexes = cursor.fetchall()
    for index, _ in indexes:
        cursor.execute(f"DROP INDEX {index}")
    cursor.execute("""SELECT tgrelid::regclass::text, tgname FROM pg_trigger
        WHERE tgisinternal AND tgrelid = ANY (%s::text[]::regclass[])""",
                   ([f"spotlist_data.{name}" for name in names],))
    triggers = cursor.fetchall()
    for table, trigger in triggers:
        cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{trigger}"')
    return [definition for _, definition in indexes], triggers


def run_each(cluster, name, statements, settings="RESET maintenance_work_mem"):
    """Two at a time."""
    def one(text):
        with contextlib.closing(cluster.connect(name)) as connection:
            begin = time.monotonic()
            connection.cursor().execute(settings)
            connection.cursor().execute(text)
            if time.monotonic() - begin > 1:
                say(f"{' '.join(text.split())[:76]}: {time.monotonic() - begin:.1f} s")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in pool.map(one, statements):
            pass


# --- what spotlist derives ----------------------------------------------------------------------

def product_statement(name):
    return embed_sql.read_statement(ROOT / "service" / "store" / "sql" / f"{name}.sql")[1]


def derive(cluster, name, what, names, arguments):
    """Runs spotlist's statements for every video, on two connections."""
    def one(part):
        with contextlib.closing(cluster.connect(name)) as connection:
            cursor = connection.cursor()
            cursor.execute("SET jit = off")
            for each in names:
                cursor.execute(f"PREPARE {each} AS {product_statement(each)}")
            cursor.execute("""SELECT v.id, v.state, v.completed_at, gen_random_uuid()
                FROM spotlist_data.videos v JOIN bench.videos b USING (id)
                WHERE b.n %% 2 = %s ORDER BY b.n""", (part,))
            for row in cursor.fetchall():
                for each, values in zip(names, arguments(*row)):
                    cursor.execute(f"EXECUTE {each} ({', '.join(['%s'] * len(values))})", values)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in pool.map(one, (0, 1)):
            pass
    say(f"{what}: {time.monotonic() - begin:.1f} s")


def make_appearances(cluster, name):
    derive(cluster, name, "appearances", ["appearances_make"],
           lambda video, state, at, document: [(video, None)])


def make_documents(cluster, name):
    derive(cluster, name, "documents", ["document_store", "document_put"],
           lambda video, state, at, document: [(video, state, at, document), (video, document)])


# --- all of it ----------------------------------------------------------------------------------

def make(cluster, videos, settings):
    """Makes the database, unless it is there; the cluster is running afterwards."""
    cluster.start()
    if is_made(cluster, videos):
        return
    say(f"making a database of {videos} videos; it is kept")
    begin = time.monotonic()
    name = database_name(videos)
    cluster.start(MAKING)
    cluster.query(f"DROP DATABASE IF EXISTS {name}")
    cluster.query(f"CREATE DATABASE {name}")
    templates = make_templates(cluster, name, settings)
    with contextlib.closing(cluster.connect(name)) as connection:
        fill(cluster, connection.cursor(), name, videos, templates)
        make_documents(cluster, name)
        finish(cluster, connection.cursor(), name, begin)
    cluster.start()


def fill(cluster, cursor, name, videos, templates):
    cursor.execute("CREATE SCHEMA bench")
    cursor.execute(UNIFORM)
    make_names(cursor)
    cursor.execute(VIDEOS, {"videos": videos, "bases": [templates[one] for one in TEMPLATES]})
    cursor.execute("CREATE TABLE bench.templates (name text PRIMARY KEY, id uuid)")
    put(cursor, "bench.templates", templates.items())
    names = tables(cursor)
    everything = names + DERIVED
    others = [one for one in names if one not in FIRST + ALONE + LAST + HALVED]
    project(cluster, name, FIRST, videos)
    indexes, triggers = set_aside(cursor, everything)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(project, cluster, name, part, videos)
                     for part in (ALONE, others + LAST)]:
            done.result()
        for done in [pool.submit(project, cluster, name, HALVED, videos, part, 2)
                     for part in (0, 1)]:
            done.result()
    # What was known of the templates alone would have each video's rows sought in all of them.
    run_each(cluster, name, [f"ANALYZE spotlist_data.{one}" for one in everything])
    make_appearances(cluster, name)
    for table, trigger in triggers:
        cursor.execute(f'ALTER TABLE {table} ENABLE TRIGGER "{trigger}"')
    run_each(cluster, name, indexes, "SET maintenance_work_mem = '1GB'")
    run_each(cluster, name, [f"VACUUM (ANALYZE, PARALLEL 0) spotlist_data.{one}"
                             for one in [*FIRST, *everything]])


def finish(cluster, cursor, name, begin):
    run_each(cluster, name, ["VACUUM (ANALYZE) spotlist_data.documents",
                             "VACUUM (ANALYZE) spotlist_data.document_parts"])
    cursor.execute("""CREATE TABLE bench.made AS SELECT %s AS signature, %s::float8 AS seconds,
        (SELECT count(*) FROM spotlist_data.label_instances) AS instances,
        (SELECT count(*) FROM spotlist_data.transcript_words) AS words""",
                   (signature(), time.monotonic() - begin))
    cursor.execute("CHECKPOINT")
    cluster.stop()
    os.sync()
