# SPDX-License-Identifier: Apache-2.0
"""`spotlist rebuild`: PostgreSQL's mirror out of DynamoDB, and the check that tells them apart."""

import contextlib
import json
import re
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

import replay
from harness import BUCKET, TABLE, Cloud, Spotlist, wait_until

SETTINGS = {"SPOTLIST_POLL_INTERVAL_MS": "1000", "SPOTLIST_LOG_LEVEL": "info"}
# What is split: labels (1,200 with 4 instances each), items and segments of the transcript.
LARGE = {"frames": 120, "celebrities": 2, "labels": 10, "instances": 4, "words": 14000}


# What is run a second time, with other options; the first runs stay readable.
AGAIN = {"large": "labels", "small": "celebrities"}


class World:
    """Finished videos of every kind, and both stores."""

    def __init__(self, svc, cloud, videos):
        self.svc = svc
        self.cloud = cloud
        self.videos = videos
        self.table = cloud.resource("dynamodb").Table(TABLE)

    def __getitem__(self, name):
        return self.videos[name]

    def answers(self):
        """Everything that the API says, as bytes."""
        targets = ["/videos", "/videos?limit=2", "/videos?state=partial", "/videos?tag=large"]
        for video_id in self.videos.values():
            targets += [f"/videos/{video_id}", f"/videos/{video_id}/metadata",
                        f"/videos/{video_id}/analyses"]
        targets += [f"/videos/{self[name]}/analyses/{kind}/{attempt}"
                    for name, kind in AGAIN.items() for attempt in (1, 2)]
        return {target: self.svc.get(target).body for target in targets}

    def rebuild(self, *arguments, status=0):
        done = self.svc.command("rebuild", *arguments, check=False)
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}{done.stderr[-3000:]}"
        return done.stdout.splitlines()

    def check(self, status=1):
        return self.rebuild("--check", status=status)

    def query(self, sql, *parameters):
        return self.svc.database.query(sql, *parameters)

    def forget(self):
        """PostgreSQL is lost: an empty database of the right schema, under a running service."""
        self.query("DROP SCHEMA spotlist_data CASCADE")
        self.query("DROP SCHEMA IF EXISTS spotlist CASCADE")
        self.svc.command("migrate")

    def items(self):
        """The whole table, by name."""
        found, page = {}, self.table.scan()
        while True:
            found.update({item["fileName"]: item for item in page["Items"]})
            if "LastEvaluatedKey" not in page:
                return found
            page = self.table.scan(ExclusiveStartKey=page["LastEvaluatedKey"])

    def item(self, name):
        return self.table.get_item(Key={"fileName": name})["Item"]

    def names(self, pattern):
        """Names in the table that match, sorted."""
        return sorted(name for name in self.items() if re.search(pattern, name))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    directory = tmp_path_factory.mktemp("replays")
    replay.write(directory, "small")
    replay.write(directory, "large", **LARGE)
    replay.write(directory, "silent", audio=False)
    replay.write(directory, "partial", fail={"labels": "the picture is too dark"})
    replay.write(directory, "failed", fail={"transcode": "no such codec \"☃\""})
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data",
                  arguments=["--replay", str(directory)])
    cloud.replays = {path.name: replay.Replay(path) for path in directory.iterdir()}
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory, pg, cloud):
    svc = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings=SETTINGS)
    videos = {}
    for name, one in sorted(cloud.replays.items()):
        uri = one.upload(cloud, BUCKET, f"in/{name}.mp4")
        videos[name] = svc.submit(uri, title=f"the {name} one, „quoted“ \"so\" \\ ☃",
                                  tags=[name, "all"])["id"]
    for name, video_id in videos.items():
        expected = {"partial": "partial", "failed": "failed"}.get(name, "complete")
        svc.wait_state(video_id, expected)
    for name, kind in AGAIN.items():
        assert svc.post(f"/videos/{videos[name]}/analyses", {"analyses": [kind]}).status == 202
    for name in AGAIN:
        svc.wait_state(videos[name], "complete")
    yield World(svc, cloud, videos)
    svc.stop()


@pytest.fixture
def restored(world):
    """Undoes what a test does to DynamoDB; and to PostgreSQL, when it says that it did."""
    items = world.items()
    world.dirty = False
    yield world
    now = world.items()
    for name in set(now) - set(items):
        world.table.delete_item(Key={"fileName": name})
    for name, item in items.items():
        if now.get(name) != item:
            world.table.put_item(Item=item)
    if world.dirty:
        world.rebuild()


def test_the_stores_agree(world):
    assert world.check(status=0) == []


def test_a_lost_database_comes_back_byte_for_byte(world):
    before = world.answers()
    assert world.names(rf"{world['large']}.*#objects#00001$")  # split, or this proves less
    assert world.names(rf"{world['large']}.*#items#00001$")
    assert world.names(rf"{world['large']}.*#version#labels#1#result#00001$")
    world.forget()
    assert world.svc.get(f"/videos/{world['large']}").status == 404
    assert world.rebuild() == []
    assert world.answers() == before
    assert world.check(status=0) == []
    frames = world.query("SELECT count(*), max(index) FROM spotlist_data.frames WHERE video_id = %s",
                         world["large"])
    assert frames == [(LARGE["frames"], LARGE["frames"] - 1)]


def test_twice_is_as_good_as_once(world):
    before = world.answers()
    assert world.rebuild() == []
    assert world.rebuild() == []
    assert world.answers() == before


def test_a_single_video(world):
    before = world.answers()
    world.query("UPDATE spotlist_data.videos SET title = 'wrong'")
    assert world.rebuild("--video", world["large"], "--video", world["failed"]) == []
    wrong = world.check()
    assert {line.split()[0] for line in wrong} == {
        world["small"], world["silent"], world["partial"]}
    assert all("videos: title is \"wrong\" in PostgreSQL" in line for line in wrong
               if "documents" not in line)
    world.rebuild()
    assert world.answers() == before


def test_missing_goes_on_where_it_was_stopped(world):
    before = world.answers()
    world.query("UPDATE spotlist_data.videos SET title = 'wrong' WHERE id = %s", world["small"])
    world.query("DELETE FROM spotlist_data.videos WHERE id = %s", world["large"])
    assert world.rebuild("--missing") == []
    assert [line for line in world.check() if "documents" not in line] == [
        f"{world['small']} videos: title is \"wrong\" in PostgreSQL, "
        f"{json.dumps(json.loads(before['/videos/' + world['small']])['title'], ensure_ascii=False)}"
        " in DynamoDB"]
    world.rebuild()
    assert world.answers() == before


@pytest.mark.parametrize("arguments", [
    ["--video"], ["--chekc"], ["--check", "--check"], ["large"]])
def test_what_it_does_not_know_is_refused(world, arguments):
    done = world.svc.command("rebuild", *arguments, check=False)
    assert done.returncode == 2 and "usage" in done.stderr


def test_what_is_no_id_is_refused(world):
    done = world.svc.command("rebuild", "--video", "../x", check=False)
    assert done.returncode == 1 and "no video's id" in done.stderr


def test_an_unknown_video_is_told(world):
    nobody = "01900000-0000-7000-8000-000000000000"
    assert world.rebuild("--video", nobody, status=1) == [
        f"{nobody} videos/{nobody}: in neither store"]


# --- single differences: what is done, to which video, and what must be told ---------------------

def delete_item(pattern):
    def act(world, video_id):
        name = world.names(pattern.format(id=video_id))[0]
        world.table.delete_item(Key={"fileName": name})
        return f"{re.escape(name)}: missing in DynamoDB"
    return act


def change_item(pattern, attribute, change, line):
    def act(world, video_id):
        name = world.names(pattern.format(id=video_id))[0]
        item = world.item(name)
        item[attribute] = change(item.get(attribute))
        if item[attribute] is None:
            del item[attribute]
        world.table.put_item(Item=item)
        return line.format(name=re.escape(name))
    return act


def put_item(name):
    def act(world, video_id):
        full = name.format(id=video_id)
        world.table.put_item(Item={"fileName": full, "videoId": video_id})
        return f"{re.escape(full)}: left over: nothing refers to it"
    return act


def change_rows(sql, line):
    def act(world, video_id):
        world.query(sql, video_id)
        return line
    return act


# What can be done at once and told in one check.
MISSING_ITEMS = [
    (delete_item("^thumbs/{id}/"), "large"),
    (delete_item("^mp4/{id}/.*#objects#00001$"), "large"),
    (delete_item("^transcripts/{id}/.*#items#00000$"), "large"),
    # The mirror does not need this one: a rebuild would not miss it.
    (delete_item("^transcripts/{id}/.*#audioSegments#00000$"), "large"),
    (delete_item("^mp4/{id}/[^#]*$"), "small"),
    (delete_item("^transcripts/{id}/[^#]*$"), "small"),
    (delete_item("^videos/{id}#version#labels#1#result#00000$"), "large"),
    (delete_item("^videos/{id}#version#celebrities#1$"), "small"),
    (delete_item("^videos/{id}$"), "silent"),
]
CHANGED_ITEMS = [
    (change_item("^videos/{id}$", "title", lambda text: text + "!",
                 "{name}: attribute title is not what its record says"), "small"),
    (change_item("^videos/{id}$", "state", lambda _: "complete",
                 "{name}: attribute state is not what its record says"), "failed"),
    (change_item("^videos/{id}$", "frameCount", lambda _: None,
                 "{name}: attribute frameCount is not what its record says"), "silent"),
    (change_item("^videos/{id}$", "record", lambda text: text.replace('"H_264"', '"H_265"'),
                 'videos: codec is ".*" in PostgreSQL, ".*5" in DynamoDB'), "small"),
    (change_item("^videos/{id}$", "record", lambda text: text.replace("too dark", "too bright"),
                 "analyses labels: error_message is .*too dark.* in PostgreSQL, "
                 ".*too bright.* in DynamoDB"), "partial"),
    (change_item("^thumbs/{id}/", "celebrityFaces",
                 lambda text: text.replace('"MatchConfidence":', '"MatchConfidence":1'),
                 r"celebrity_detections 0, 0: confidence is \d+\S* in PostgreSQL, 1\S* in DynamoDB.*"),
     "small"),
    (change_item("^thumbs/{id}/", "timestampMs", lambda number: number + 1,
                 "celebrity_detections 0, 0: .*time_ms is 0 in PostgreSQL, 1 in DynamoDB"),
     "small"),
    (change_item("^thumbs/{id}/", "celebrities", lambda _: ["Nobody"],
                 "{name}: attribute celebrities does not name who is in celebrityFaces"), "small"),
    (change_item("^mp4/{id}/", "objects",
                 lambda text: text.replace('"Timestamp":0', '"Timestamp":1', 1),
                 "label_detections 0: time_ms is 0 in PostgreSQL, 1 in DynamoDB"), "small"),
    (change_item("^transcripts/{id}/", "transcript", lambda text: text + " more",
                 'transcripts: text is ".*" in PostgreSQL, ".* more" in DynamoDB'), "small"),
]
GARBLED_ITEMS = [
    (change_item("^videos/{id}$", "record", lambda text: text[:-1],
                 "{name}: attribute record is malformed"), "silent"),
    (change_item("^mp4/{id}/", "objects", lambda text: text[:-1],
                 "{name}: attribute objects is malformed"), "small"),
    (change_item("^transcripts/{id}/", "items", lambda _: "[{}]",
                 "{name}: attribute items is malformed"), "small"),
    (change_item("^thumbs/{id}/", "celebrityFaces", lambda _: "{}",
                 "{name}: attribute celebrityFaces or timestampMs is malformed"), "large"),
    (change_item("^mp4/{id}/.*#00000", "objects", lambda text: text.replace('"Name"', '"Nmae"'),
                 "mp4/.*/video.mp4: attribute objects is malformed"), "large"),
]
FEWER_LABELS = [
    (change_item("^mp4/{id}/", "objects", lambda text: json.dumps(json.loads(text)[:-1]),
                 "label_(detections|instances): DynamoDB's items have 19, their record counts 20"),
     "small"),
]
LEFTOVERS = [
    (put_item("thumbs/{id}/frame.0000003.jpg"), "small"),
    (put_item("mp4/{id}/video.mp4#objects#00000"), "small"),
    (put_item("mp4/{id}/video.mp4"), "partial"),
    (put_item("videos/{id}#record#00000"), "failed"),
    (put_item("videos/{id}#version#celebrities#1#result#00000"), "small"),
]
ROWS = [
    (change_rows("DELETE FROM spotlist_data.videos WHERE id = %s",
                 "videos: missing in PostgreSQL"), "partial"),
    (change_rows("UPDATE spotlist_data.videos SET duration_ms = 1 WHERE id = %s",
                 r"videos: duration_ms is 1 in PostgreSQL, \d+ in DynamoDB"), "small"),
    (change_rows("DELETE FROM spotlist_data.analyses WHERE video_id = %s AND kind = 'labels'",
                 "analyses labels: only in DynamoDB"), "small"),
    (change_rows("DELETE FROM spotlist_data.timeline "
                 "WHERE video_id = %s AND event = 'settled_complete'",
                 r"timeline \S+, settled_complete, null, 1: only in DynamoDB"), "silent"),
    (change_rows("DELETE FROM spotlist_data.frames WHERE video_id = %s AND index = 7",
                 "frames 7: only in DynamoDB"), "large"),
    (change_rows("INSERT INTO spotlist_data.frames VALUES (%s, 200, 200000, 'x')",
                 "frames 200: only in PostgreSQL"), "large"),
    (change_rows("DELETE FROM spotlist_data.celebrity_detections "
                 "WHERE video_id = %s AND frame_index = 5 AND ordinal = 1",
                 "celebrity_detections 5, 1: only in DynamoDB"), "large"),
    (change_rows("UPDATE spotlist_data.labels SET parents = '{Nothing}' "
                 "WHERE video_id = %s AND name = 'Cat'",
                 r'labels Cat: parents is \["Nothing"\] in PostgreSQL, .*"Pet".* in DynamoDB'),
     "large"),
    (change_rows("DELETE FROM spotlist_data.label_detections WHERE video_id = %s AND ordinal = 1100",
                 "label_detections 1100: only in DynamoDB"), "large"),
    (change_rows("UPDATE spotlist_data.label_instances SET box_left = 0.125 "
                 "WHERE video_id = %s AND detection = 1 AND ordinal = 3",
                 r"label_instances 1, 3: box_left is 0\.125 in PostgreSQL, 0\.\d+ in DynamoDB"),
     "large"),
    (change_rows("DELETE FROM spotlist_data.transcript_segments WHERE video_id = %s AND ordinal = 0",
                 "transcript_segments 0: only in DynamoDB"), "small"),
    (change_rows("UPDATE spotlist_data.transcript_words SET text = 'Wort' "
                 "WHERE video_id = %s AND ordinal = 2",
                 'transcript_words 2: text is "Wort" in PostgreSQL, ".*" in DynamoDB'), "large"),
    (change_rows("UPDATE spotlist_data.analysis_versions SET result = '[]' WHERE video_id = %s",
                 r'analysis_versions labels, 1: result is "\[\]" in PostgreSQL, "\[.* in DynamoDB'),
     "large"),
    (change_rows("DELETE FROM spotlist_data.transcripts WHERE video_id = %s",
                 "transcripts: only in DynamoDB"), "small"),
    (change_rows("UPDATE spotlist_data.document_parts SET body = replace(body, 'small', 'big') "
                 "WHERE video_id = %s AND at_byte = 0",
                 "documents 0: .* in PostgreSQL, .* in DynamoDB"), "small"),
    (change_rows("DELETE FROM spotlist_data.documents WHERE video_id = %s",
                 "documents 0: only in DynamoDB"), "failed"),
]


def do(world, differences):
    return [f"{world[name]} {act(world, world[name])}" for act, name in differences]


def hold(lines, expected):
    """Each line that is expected is there, and no other but of what follows from them."""
    for pattern in expected:
        assert any(re.fullmatch(pattern, line) for line in lines), f"{pattern}\n" + "\n".join(lines)
    others = [line for line in lines if not any(re.fullmatch(one, line) for one in expected)]
    assert all(re.search(" (appearances|video_names|documents) ", line) for line in others), others


@pytest.mark.parametrize("differences", [
    MISSING_ITEMS, CHANGED_ITEMS, GARBLED_ITEMS, FEWER_LABELS, LEFTOVERS, ROWS],
    ids=["missing items", "changed items", "garbled items", "fewer labels", "leftovers", "rows"])
def test_each_difference_is_told_and_nothing_is_changed(restored, differences):
    world = restored
    world.dirty = differences is ROWS
    expected = do(world, differences)
    if differences is FEWER_LABELS:
        expected += [f"{world['small']} labels Boat: only in PostgreSQL",
                     f"{world['small']} label_detections 19: only in PostgreSQL",
                     f"{world['small']} label_instances 19, 0: only in PostgreSQL"]
    rows = world.query("SELECT xmin::text, * FROM spotlist_data.videos ORDER BY id")
    items = world.items()
    hold(world.check(), expected)
    assert world.query("SELECT xmin::text, * FROM spotlist_data.videos ORDER BY id") == rows
    assert world.items() == items


@pytest.mark.parametrize("differences", [MISSING_ITEMS, GARBLED_ITEMS, FEWER_LABELS],
                         ids=["missing items", "garbled items", "fewer labels"])
def test_what_dynamodb_does_not_have_is_not_rebuilt(restored, differences):
    """Whole or not at all: PostgreSQL keeps what it has."""
    before = restored.answers()
    expected = do(restored, differences)
    ids = {restored[name] for _, name in differences}
    lines = restored.rebuild(*(word for one in ids for word in ("--video", one)), status=1)
    hold(lines, [one for one in expected if "audioSegments" not in one])
    assert restored.answers() == before


def test_what_postgresql_has_wrong_is_put_right(world):
    before = world.answers()
    do(world, ROWS)
    assert world.rebuild() == []
    assert world.answers() == before
    assert world.check(status=0) == []


def test_every_column_of_a_video_is_put_right(world):
    """mirror_video.sql names the columns: a new one must not be forgotten."""
    columns = dict(world.query(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'spotlist_data' AND table_name = 'videos' AND column_name <> 'id'"))
    others = {"text": "coalesce({0}, '') || 'x'", "ARRAY": "'{{x}}'", "jsonb": "'{{\"x\": 1}}'",
              "boolean": "NOT coalesce({0}, false)", "timestamp with time zone": "'2001-01-01Z'"}
    changes = {name: others.get(kind, "coalesce({0}, 0) + 1").format(name)
               for name, kind in columns.items()}
    changes["state"] = "'failed'"
    before = world.answers()
    world.query("UPDATE spotlist_data.videos SET " +
                ", ".join(f"{name} = {change}" for name, change in changes.items()) +
                " WHERE id = %s", world["small"])
    told = next(line for line in world.check() if " videos: " in line)
    assert [name for name in changes if not re.search(rf"[:;] {name} is ", told)] == []
    assert world.rebuild("--video", world["small"]) == []
    assert world.answers() == before
    assert world.check(status=0) == []


# --- beside a running service -------------------------------------------------------------------

def test_a_video_in_work_is_left_alone(restored):
    video_id = restored["small"]
    restored.dirty = True
    restored.query("UPDATE spotlist_data.videos SET state = 'analyzing', title = 'in work' "
                   "WHERE id = %s", video_id)
    # Somebody is at work on it: maintenance would settle a video without a step.
    restored.query("INSERT INTO spotlist_data.steps (video_id, track, kind, due_at, holder) "
                   "VALUES (%s, 'video', 'settle', now() + interval '1 h', 'test')", video_id)
    restored.table.delete_item(Key={"fileName": f"mp4/{video_id}/video.mp4"})
    assert restored.check(status=0) == []
    assert restored.rebuild("--video", video_id) == []
    assert restored.query("SELECT title FROM spotlist_data.videos WHERE id = %s", video_id) == [
        ("in work",)]
    restored.query("DELETE FROM spotlist_data.steps WHERE video_id = %s", video_id)
    restored.query("UPDATE spotlist_data.videos SET state = 'complete' WHERE id = %s", video_id)


def test_it_waits_for_the_lock_of_a_video(world):
    before = world.answers()
    with contextlib.closing(psycopg2.connect(world.svc.database.conninfo)) as connection, \
            connection.cursor() as cursor, ThreadPoolExecutor() as pool:
        cursor.execute("SELECT 1 FROM spotlist_data.videos WHERE id = %s FOR UPDATE",
                       [world["small"]])
        result = pool.submit(world.rebuild, "--video", world["small"])
        wait_until(lambda: world.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'spotlist rebuild' "
            "AND wait_event_type = 'Lock'"))
        cursor.execute("UPDATE spotlist_data.videos SET title = 'later', updated_at = now() "
                       "WHERE id = %s", [world["small"]])
        connection.commit()  # the items were read before this: they are read again
        assert result.result() == []
    assert world.answers() == before


def test_deliveries_and_keys_are_kept(world):
    video_id = world["small"]
    world.query("INSERT INTO spotlist_data.idempotency_keys (key, request_sha256, video_id) "
                "VALUES ('kept', 'x', %s)", video_id)
    world.query("INSERT INTO spotlist_data.inbox (message_id, topic_arn, type, message, sent_at, "
                "video_id) VALUES ('kept', 'x', 'Notification', 'x', now(), %s)", video_id)
    assert world.rebuild() == []
    for table in ("idempotency_keys", "inbox"):
        assert world.query(f"SELECT count(*) FROM spotlist_data.{table} WHERE video_id = %s",
                           video_id)[0][0] >= 1


def test_a_record_of_before_it_told_frames_and_counts(restored):
    before = restored.answers()
    for name in restored.names("^videos/[^#]*$"):
        item = restored.item(name)
        record = json.loads(item["record"])
        for member in ("frames", "counts"):
            del record[member]
        if not record["versions"]:
            del record["versions"]
        item["record"] = json.dumps(record)
        restored.table.put_item(Item=item)
    restored.forget()
    assert restored.rebuild() == []
    assert restored.answers() == before


def test_gaps_and_odd_names_of_frames_come_back(restored):
    """Frame 1 was never captured, frame 2 has more digits: as a record would tell it."""
    video_id = restored["small"]
    restored.dirty = True
    restored.query("DELETE FROM spotlist_data.frames WHERE video_id = %s AND index = 3", video_id)
    odd = f"thumbs/{video_id}/frame.00000005.jpg"
    restored.query("UPDATE spotlist_data.frames SET key = %s WHERE video_id = %s AND index = 5",
                   odd, video_id)
    name = f"thumbs/{video_id}/frame.0000005.jpg"
    restored.table.put_item(Item={**restored.item(name), "fileName": odd})
    restored.table.delete_item(Key={"fileName": name})
    item = restored.item(f"videos/{video_id}")
    record = json.loads(item["record"])
    record["frames"] = {"runs": [[0, 2], [4, 9]], "keys": {"5": odd}}
    item["record"] = json.dumps(record)
    restored.table.put_item(Item=item)
    rows = restored.query("SELECT * FROM spotlist_data.frames WHERE video_id = %s ORDER BY index",
                          video_id)
    assert len(rows) == 9
    restored.rebuild("--video", video_id)
    assert restored.query("SELECT * FROM spotlist_data.frames WHERE video_id = %s ORDER BY index",
                          video_id) == rows
    assert odd in restored.svc.get(f"/videos/{video_id}/metadata").body.decode()
    assert restored.check(status=0) == []


# --- bad days ------------------------------------------------------------------------------------

def test_throttled_and_broken_dynamodb_only_costs_time(world):
    before = world.answers()
    world.forget()
    world.cloud.faults([
        {"service": "dynamodb", "operation": operation, "kind": kind, "count": 3}
        for operation in ("Scan", "GetItem", "BatchGetItem")
        for kind in ("throttle", "server_error", "cut_after")])
    try:
        assert world.rebuild() == []
        assert all(rule["fired"] > 0 for rule in world.cloud.faults()["rules"])
    finally:
        world.cloud.clear_faults()
    assert world.answers() == before


def test_pages_of_the_scan_are_followed(world):
    """More than a megabyte of items lies between the first video and the last."""
    large = "x" * 390_000
    for number in range(8):
        world.table.put_item(Item={"fileName": f"elsewhere/{number}", "of": large})
    before = world.answers()
    world.forget()
    assert world.rebuild() == []
    assert world.answers() == before
    assert world.check(status=0) == []
    for number in range(8):
        world.table.delete_item(Key={"fileName": f"elsewhere/{number}"})
