# SPDX-License-Identifier: Apache-2.0
"""The schema `spotlist`: the questions of docs/sql.md answered, every view and column explained, and
what its readers may not do."""

import contextlib
import datetime
import json
import re
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest

import replay
from harness import BUCKET

DOCS = Path(__file__).resolve().parents[2] / "docs" / "sql.md"
BOX = {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.25}
ADA, ALAN = ("Ada Lovelace", "ada"), ("Alan Turing", "alan")
# Frames of one second in which they are seen; "close": with a face as high as 60 %.
# labels: {name: (times in half seconds, number of instances at a time)}
# words: (start in ms, speaker, word), each 400 ms long; "." ends a sentence
VIDEOS = {
    "Evening news": {
        "frames": 20, "celebrities": {ADA: [2, 3, 4, 5, 12, 13], ALAN: [4, 5, 6]}, "close": [12],
        "labels": {"Car": (range(0, 20), {6: 5, 7: 3}), "Tree": (range(8, 12), {})},
        "words": [(500, 0, "Good"), (1000, 0, "evening."), (4200, 0, "The"), (4800, 0, "election."),
                  (9000, 1, "Election"), (9500, 1, "day."), (13200, 1, "ELECTION"), (13700, 1, "night.")]},
    "Interview": {
        "frames": 10, "celebrities": {ADA: list(range(10)), ALAN: [8, 9]}, "close": [0, 9],
        "labels": {"Person": (range(0, 20), {0: 1})},
        "words": [(2000, 0, "No"), (2500, 0, "élection."), (6000, 0, "Thanks.")]},
    "Empty street": {
        "frames": 4, "celebrities": {}, "labels": {"Car": (range(0, 8), {2: 4})}, "words": []},
    "Broken": {
        "frames": 2, "celebrities": {ALAN: [1]}, "close": [], "labels": {}, "words": [],
        "fail": {"labels": "the labels' job broke"}},
}


def write_faces(path, given):
    with open(path, "w", encoding="utf-8") as lines:
        for frame in range(given["frames"]):
            faces = []
            for (name, identifier), frames in given["celebrities"].items():
                if frame in frames:
                    height = 0.6 if frame in given["close"] else 0.25
                    faces.append({"Name": name, "Id": identifier, "Urls": [], "MatchConfidence": 99.0,
                                  "Face": {"BoundingBox": {**BOX, "Height": height},
                                           "Confidence": 99.0}})
            if faces:
                lines.write(json.dumps({"frame": frame, "CelebrityFaces": faces}) + "\n")


def write_labels(path, given):
    elements = []
    for name, (places, instances) in given["labels"].items():
        for place in places:
            found = [{"BoundingBox": BOX, "Confidence": 90.0}] * instances.get(place, 0)
            elements.append({"Timestamp": place * 500, "Label": {
                "Name": name, "Confidence": 90.0, "Instances": found, "Parents": [], "Aliases": [],
                "Categories": []}})
    with open(path, "w", encoding="utf-8") as lines:
        for element in sorted(elements, key=lambda one: one["Timestamp"]):
            lines.write(json.dumps(element) + "\n")


def write_speech(path, given):
    items = []
    for start, speaker, word in given["words"]:
        items.append({"type": "pronunciation", "start_time": f"{start / 1000:.3f}",
                      "end_time": f"{start / 1000 + 0.4:.3f}", "speaker_label": f"spk_{speaker}",
                      "alternatives": [{"confidence": "0.9", "content": word.rstrip(".")}]})
        if word.endswith("."):
            items.append({"type": "punctuation", "speaker_label": f"spk_{speaker}",
                          "alternatives": [{"confidence": "0.0", "content": "."}]})
    text = " ".join(word for _, _, word in given["words"])
    path.write_text(json.dumps({"jobName": "j", "accountId": "000000000000", "status": "COMPLETED",
                                "results": {"language_code": "en-US", "items": items,
                                            "transcripts": [{"transcript": text}]}}),
                    encoding="utf-8")


@pytest.fixture(scope="module")
def videos(svc, cloud, replays):
    """{title: id} of the videos above, ended."""
    found = {}
    for number, (title, given) in enumerate(VIDEOS.items()):
        made = replay.write(replays, f"video{number}", frames=given["frames"], celebrities=0,
                            labels=0, words=1 if given["words"] else 0, audio=bool(given["words"]),
                            fail=given.get("fail"))
        write_faces(made.path / "celebrities.jsonl", given)
        write_labels(made.path / "labels.jsonl", given)
        if given["words"]:
            write_speech(made.path / "transcript.json", given)
        uri = made.upload(cloud, BUCKET, f"in/{number}.mp4")
        found[title] = svc.submit(uri, title=title)["id"]
        svc.wait_state(found[title], "complete", "partial")
    return found


@pytest.fixture(scope="module")
def reader(svc, videos):
    """A connection of someone who was given spotlist_reader, as docs/sql.md says."""
    name = f"reader_{svc.database.name}"
    svc.database.query(f"CREATE ROLE {name} LOGIN IN ROLE spotlist_reader")
    with contextlib.closing(psycopg2.connect(
            re.sub(r"user=\w+", f"user={name}", svc.database.conninfo))) as connection:
        connection.autocommit = True
        yield connection
    svc.database.query(f"DROP ROLE {name}")


def rows(connection, sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall()


def questions():
    """{number: statement} of docs/sql.md."""
    found = re.findall(r"^### (\d+)\. .*?\n\n```sql\n(.*?)```$", DOCS.read_text(encoding="utf-8"),
                       re.DOTALL | re.MULTILINE)
    return {int(number): statement for number, statement in found}


ANSWERS = {
    1: [("Evening news", "00:00:04.800", "00:00:02.000", "00:00:06.000"),
        ("Evening news", "00:00:13.200", "00:00:12.000", "00:00:14.000"),
        ("Interview", "00:00:02.500", "00:00:00.000", "00:00:10.000")],
    2: [("Interview", "00:00:10.000", 100.0, 1), ("Evening news", "00:00:06.000", 30.0, 2)],
    3: [("Ada Lovelace", "Alan Turing", 2, 4000)],
    4: [("celebrity", "Ada Lovelace"), ("celebrity", "Alan Turing"), ("label", "Car"),
        ("label", "Tree"), ("speech", "The election.")],
    5: [("Evening news", "00:00:03.000", 5), ("Empty street", "00:00:01.000", 4),
        ("Evening news", "00:00:03.500", 3)],
    7: [("Evening news", "spk_0", 1900, 4, 126), ("Evening news", "spk_1", 1800, 4, 133),
        ("Interview", "spk_0", 1300, 3, 138)],
    8: [("Empty street", "00:00:04.000")],
}


def test_there_are_ten_questions():
    assert sorted(questions()) == list(range(1, 11))


@pytest.mark.parametrize("number", sorted(ANSWERS))
def test_a_question_is_answered(reader, number):
    assert rows(reader, questions()[number]) == ANSWERS[number]


def test_close_ups_are_found(reader, videos):
    assert rows(reader, questions()[6]) == [
        ("Evening news", "00:00:12.000", "Ada Lovelace",
         f"thumbs/{videos['Evening news']}/frame.0000012.jpg"),
        ("Interview", "00:00:00.000", "Ada Lovelace",
         f"thumbs/{videos['Interview']}/frame.0000000.jpg")]


def test_failures_are_told(reader, videos):
    (kind, reason, times, last, title, message), = rows(reader, questions()[9])
    assert (kind, reason, times, title) == ("labels", "job_failed", 1, "Broken")
    assert "the labels' job broke" in message
    assert abs(datetime.datetime.now(datetime.timezone.utc) - last) < datetime.timedelta(days=1)


def test_durations_are_summed_up(reader, svc, videos):
    answers = rows(reader, questions()[10])
    assert sum(videos for _, videos, *_ in answers) == 4
    assert sum(seconds for _, _, seconds, *_ in answers) == 20 + 10 + 4 + 2
    for _, _, _, half, most in answers:
        assert datetime.timedelta(0) < half <= most


def test_appearances_are_those_of_the_documents(reader, svc, videos):
    for kind, view in (("celebrities", "celebrity_appearances"), ("labels", "label_appearances")):
        for video in videos.values():
            shown = [(one["name"], time["from_ms"], time["to_ms"])
                     for one in svc.metadata(video)[kind] for time in one["appearances"]]
            assert sorted(shown) == rows(reader, "SELECT name, from_ms, to_ms FROM spotlist." + view +
                                         " WHERE video_id = %s ORDER BY 1, 2, 3", video)


def test_detections_words_and_sums_are_those_of_the_documents(reader, svc, videos):
    for video in videos.values():
        document = svc.metadata(video)
        for kind in ("celebrities", "labels"):
            assert rows(reader, f"SELECT name, confidence, appearances FROM spotlist.{kind} "
                                "WHERE video_id = %s ORDER BY name", video) == sorted(
                (one["name"], one["confidence"], len(one["appearances"])) for one in document[kind])
        assert rows(reader, "SELECT name, time_ms, box_height FROM spotlist.celebrity_detections "
                            "WHERE video_id = %s ORDER BY 1, 2", video) == sorted(
            (one["name"], detection["time_ms"], detection["box"]["height"])
            for one in document["celebrities"] for detection in one["detections"])
        assert rows(reader, "SELECT l.name, l.time_ms, count(i.detection) "
                            "FROM spotlist.label_detections l LEFT JOIN spotlist.label_instances i "
                            "USING (video_id, detection) WHERE video_id = %s "
                            "GROUP BY detection, 1, 2 ORDER BY 1, 2", video) == sorted(
            (one["name"], detection["time_ms"], len(detection["instances"]))
            for one in document["labels"] for detection in one["detections"])
        speech = document.get("transcript", {"words": [], "segments": []})
        assert rows(reader, "SELECT text, from_ms, to_ms FROM spotlist.transcript_words "
                            "WHERE video_id = %s ORDER BY word", video) == [
            (one["text"], one["from_ms"], one["to_ms"]) for one in speech["words"]]
        assert rows(reader, "SELECT text, from_ms, speaker FROM spotlist.transcript_segments "
                            "WHERE video_id = %s ORDER BY segment", video) == [
            (one["text"], one["from_ms"], one.get("speaker")) for one in speech["segments"]]


def test_the_directory_is_that_of_the_api(reader, svc, videos):
    listed = [("celebrity", one["name"], one["videos"], one["appearances"], one["on_screen_ms"])
              for one in svc.get("/celebrities").json["celebrities"]]
    listed += [("label", one["name"], one["videos"], one["appearances"], one["on_screen_ms"])
               for one in svc.get("/labels").json["labels"]]
    assert rows(reader, "SELECT kind, name, videos, appearances, on_screen_ms FROM spotlist.names "
                        "ORDER BY kind, name") == sorted(listed)


def test_charges_are_those_of_the_api(reader, svc, videos):
    for video in videos.values():
        cost = svc.video(video)["cost"]
        assert cost["items"]
        assert rows(reader, "SELECT part, quantity, dollars::text FROM spotlist.charges "
                            "WHERE video_id = %s ORDER BY 1, 2, 3", video) == sorted(
            (item["part"], item["quantity"], item["cost"]) for item in cost["items"])


def test_everything_is_explained(svc):
    """In the database, and each view in docs/sql.md."""
    assert svc.database.query("""
        SELECT c.relname, a.attname
        FROM pg_class c
            CROSS JOIN LATERAL (
                SELECT NULL::name AS attname, 0 AS attnum
                UNION ALL
                SELECT attname, attnum FROM pg_attribute
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
            ) a
        WHERE c.relnamespace = 'spotlist'::regnamespace
            AND coalesce(col_description(c.oid, nullif(a.attnum, 0)),
                CASE a.attnum WHEN 0 THEN obj_description(c.oid, 'pg_class') END, '') = ''""") == []
    assert svc.database.query("""
        SELECT proname FROM pg_proc
        WHERE pronamespace = 'spotlist'::regnamespace
            AND obj_description(oid, 'pg_proc') IS NULL""") == []
    text = DOCS.read_text(encoding="utf-8")
    for name, kind in svc.database.query("SELECT relname, relkind::text FROM pg_class "
                                         "WHERE relnamespace = 'spotlist'::regnamespace"):
        assert kind == "v", f"{name} is no view"
        assert re.search(rf"^\| .*`{name}`.* \|", text, re.MULTILINE), f"{name} is not in docs/sql.md"


def denied(connection, sql, *others):
    with pytest.raises((psycopg2.errors.InsufficientPrivilege, *others)):
        rows(connection, sql)


def test_a_reader_reads_no_table(reader, svc):
    tables = svc.database.query("SELECT relname FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'S') "
                                "AND relnamespace = 'spotlist_data'::regnamespace")
    assert len(tables) > 20
    for table, in tables:
        denied(reader, f"SELECT * FROM spotlist_data.{table}")


def test_a_reader_writes_nothing(reader, svc):
    for view, column in svc.database.query(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "AND a.attnum = 1 WHERE c.relnamespace = 'spotlist'::regnamespace AND c.relkind = 'v'"):
        # Views of joined tables cannot be written to by anyone.
        for sql in (f"DELETE FROM spotlist.{view}", f"UPDATE spotlist.{view} SET {column} = NULL",
                    f"INSERT INTO spotlist.{view} ({column}) VALUES (NULL)"):
            denied(reader, sql, psycopg2.errors.ObjectNotInPrerequisiteState)
    denied(reader, "CREATE TABLE spotlist.mine (a integer)")
    denied(reader, "CREATE TABLE spotlist_data.mine (a integer)")
    denied(reader, "CREATE SCHEMA mine")
    denied(reader, "DROP VIEW spotlist.videos")


def test_a_reader_calls_none_of_our_functions(reader, svc):
    for function, arguments in svc.database.query(
            "SELECT proname, pg_get_function_identity_arguments(oid) FROM pg_proc "
            "WHERE pronamespace = 'spotlist_data'::regnamespace AND prokind = 'f' "
            "AND prorettype <> 'trigger'::regtype AND proname !~ '^(g(in|trgm)|unaccent_(init|lexize))' "
            "AND prorettype <> 'internal'::regtype"):
        if "internal" in arguments:
            continue
        count = len(arguments.split(",")) if arguments else 0
        denied(reader, f"SELECT spotlist_data.{function}({', '.join(['NULL'] * count)})")


def test_no_view_shows_what_is_secret(svc):
    """Tokens, callbacks and messages are no part of it, not even by a column."""
    assert svc.database.query("""
        SELECT DISTINCT v.relname, t.relname, a.attname
        FROM pg_depend d
            JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_class v ON v.oid = r.ev_class
            JOIN pg_class t ON t.oid = d.refobjid
            LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE v.relnamespace = 'spotlist'::regnamespace
            AND (t.relname ~ 'token|webhook|inbox|idempotency|rate' OR a.attname ~ 'callback')""") == []
