# SPDX-License-Identifier: Apache-2.0
"""A long video, replayed: everything that the providers handed out arrives, in bounded memory.

In ./run test a tenth of three hours; ./run bench runs the whole with SPOTLIST_THREE_HOURS=1.
"""

import contextlib
import http.client
import json
import os
import re
import time
import urllib.parse

import psycopg2
import pytest

import replay
from harness import BUCKET, TABLE, Cloud, Spotlist

WHOLE = bool(os.environ.get("SPOTLIST_THREE_HOURS"))
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
FRAMES = 10_800 if WHOLE else 1_080
WORDS = 30_000 if WHOLE else 3_000
ITEM_BYTES = 400 * 1024
# As fast as the stand-in answers: AWS's rates are not what is looked at here.
SETTINGS = {"SPOTLIST_RATE_RECOGNIZE_CELEBRITIES": "10000",
            "SPOTLIST_RATE_GET_LABEL_DETECTION": "10000", "SPOTLIST_LOG_LEVEL": "info"}


@pytest.fixture(scope="module")
def long(tmp_path_factory, pg):
    """(spotlist, what was replayed, the settled video, figures)"""
    directory = tmp_path_factory.mktemp("long")
    made = replay.write(directory / "replays", "long", frames=FRAMES, celebrities=2, labels=10,
                        instances=10, words=WORDS)
    cloud = Cloud(directory / "data", arguments=["--replay", str(directory / "replays")])
    svc = Spotlist(directory / "svc", pg, cloud, settings=SETTINGS)
    at_rest = peak_mb(svc)
    begin = time.monotonic()
    uri = made.upload(cloud, BUCKET, "in/long.mp4")
    video = svc.submit(uri)
    settled = svc.wait_state(video["id"], "complete", timeout=600)
    figures = {"seconds": time.monotonic() - begin, "at_rest": at_rest, "peak": peak_mb(svc)}
    yield svc, made, settled, figures
    svc.stop()
    cloud.stop()


def peak_mb(svc):
    with open(f"/proc/{svc.process.child.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


@contextlib.contextmanager
def rows(svc, sql, *parameters):
    """The rows of a statement as they come."""
    with contextlib.closing(psycopg2.connect(svc.database.conninfo)) as connection:
        with connection, connection.cursor(name="rows") as cursor:
            cursor.itersize = 5000
            cursor.execute(sql, parameters)
            yield cursor


def item_bytes(item):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations"""
    def value(typed):
        (kind, content), = typed.items()
        if kind == "L":
            return 3 + sum(1 + value(one) for one in content)
        assert kind in "SN", kind
        return len(content.encode())
    return sum(len(name.encode()) + value(typed) for name, typed in item.items())


def test_memory_stays_bounded(long):
    svc, made, _, figures = long
    size = (made.path / "labels.jsonl").stat().st_size / 1e6
    print(f"\n{FRAMES} frames, {FRAMES * 100} label instances ({size:.0f} MB of answers), "
          f"{WORDS} words: complete {figures['seconds']:.1f} s after the submission; peak resident "
          f"{figures['peak']:.1f} MB, {figures['at_rest']:.1f} MB at rest; "
          f"now {peak_mb(svc):.1f} MB")
    if not SANITIZED:
        assert figures["peak"] < 200


def test_postgresql_has_every_label(long):
    svc, made, video, _ = long
    with rows(svc, "SELECT ordinal, name, time_ms, confidence FROM spotlist_data.label_detections "
                   "WHERE video_id = %s ORDER BY ordinal", video["id"]) as found:
        for ordinal, element in enumerate(made.labels()):
            label = element["Label"]
            assert found.fetchone() == (
                ordinal, label["Name"], element["Timestamp"], label["Confidence"])
        assert found.fetchone() is None


def test_postgresql_has_every_instance(long):
    svc, made, video, _ = long
    with rows(svc, "SELECT detection, ordinal, confidence, box_left, box_top, box_width, "
                   "box_height FROM spotlist_data.label_instances WHERE video_id = %s "
                   "ORDER BY detection, ordinal", video["id"]) as found:
        for detection, element in enumerate(made.labels()):
            for ordinal, instance in enumerate(element["Label"]["Instances"]):
                box = instance["BoundingBox"]
                assert next(found) == (detection, ordinal, instance["Confidence"], box["Left"],
                                       box["Top"], box["Width"], box["Height"])
        assert next(found, None) is None


def test_postgresql_has_every_face_and_frame(long):
    svc, made, video, _ = long
    assert svc.database.query("SELECT count(*), min(index), max(index) FROM spotlist_data.frames "
                              "WHERE video_id = %s", video["id"]) == [(FRAMES, 0, FRAMES - 1)]
    with rows(svc, "SELECT frame_index, ordinal, name, confidence FROM "
                   "spotlist_data.celebrity_detections WHERE video_id = %s "
                   "ORDER BY frame_index, ordinal", video["id"]) as found:
        for line in made.faces():
            for ordinal, face in enumerate(line["CelebrityFaces"]):
                assert found.fetchone() == (
                    line["frame"], ordinal, face["Name"], face["MatchConfidence"])
        assert found.fetchone() is None


def test_postgresql_has_every_word(long):
    svc, made, video, _ = long
    spoken = [item for item in made.transcript()["results"]["items"]
              if item["type"] == "pronunciation"]
    assert len(spoken) == WORDS
    with rows(svc, "SELECT ordinal, text, from_ms, to_ms, confidence FROM "
                   "spotlist_data.transcript_words WHERE video_id = %s ORDER BY ordinal",
              video["id"]) as found:
        for ordinal, item in enumerate(spoken):
            best = item["alternatives"][0]
            assert found.fetchone() == (
                ordinal, best["content"], round(float(item["start_time"]) * 1000),
                round(float(item["end_time"]) * 1000), float(best["confidence"]))
        assert found.fetchone() is None


class Table:
    """Items of the table by key; every one that is seen is weighed."""

    def __init__(self, cloud):
        self.client = cloud.client("dynamodb")

    def get(self, name):
        item = self.client.get_item(TableName=TABLE, Key={"fileName": {"S": name}}).get("Item")
        assert item is not None, name
        assert item_bytes(item) <= ITEM_BYTES, name
        return item

    def elements(self, name, attribute):
        """Of an array that may be split into parts."""
        first = self.get(name)
        if attribute in first:
            yield from json.loads(first[attribute]["S"])
            return
        for part in range(int(first[f"{attribute}Parts"]["N"])):
            yield from json.loads(
                self.get(f"{name}#{attribute}#{part:05d}")[attribute]["S"])


def same(found, expected):
    """Whether two sequences are equal to their ends."""
    for wanted in expected:
        assert next(found) == wanted
    assert next(found, None) is None


def test_dynamodb_has_every_label(long):
    svc, made, video, _ = long
    same(Table(svc.cloud).elements(f"mp4/{video['id']}/video.mp4", "objects"), made.labels())


def test_dynamodb_has_every_word(long):
    svc, made, video, _ = long
    table = Table(svc.cloud)
    key, = svc.database.query("SELECT transcript_key FROM spotlist_data.videos WHERE id = %s",
                              video["id"])[0]
    results = made.transcript()["results"]
    same(table.elements(key, "items"), iter(results["items"]))
    same(table.elements(key, "audioSegments"), iter(results["audio_segments"]))


def test_no_item_is_missing_doubled_or_too_large(long):
    svc, made, video, _ = long
    faces = {f"{line['frame']:07d}": line["CelebrityFaces"] for line in made.faces()}
    largest = items = frames = 0
    pages = svc.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    for item in (item for page in pages for item in page["Items"]):
        items += 1
        largest = max(largest, item_bytes(item))
        name = item["fileName"]["S"]
        if name.startswith("thumbs/"):
            frames += 1
            number = re.search(r"\.(\d{7})\.", name).group(1)
            assert json.loads(item["celebrityFaces"]["S"]) == faces[number]
            assert len(item["celebrities"]["L"]) == len(faces[number])
    assert frames == len(faces)
    assert largest <= ITEM_BYTES
    print(f"\n{items} items in DynamoDB, the largest of {largest} bytes")


def test_the_document_is_whole_and_costs_no_memory(long):
    svc, made, video, _ = long
    before = peak_mb(svc)
    url = urllib.parse.urlsplit(svc.url)
    begin = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection(url.hostname, url.port)) as connection:
        connection.request("GET", f"/videos/{video['id']}/metadata")
        reply = connection.getresponse()
        assert reply.status == 200
        body = b"".join(iter(lambda: reply.read(1 << 20), b""))
    print(f"\n{len(body) / 1e6:.0f} MB of metadata in {time.monotonic() - begin:.2f} s")
    assert len(body) == int(reply.headers["Content-Length"])
    assert body.count(b'"box":') == FRAMES * 100 + sum(
        len(line["CelebrityFaces"]) for line in made.faces())
    if not SANITIZED:
        assert peak_mb(svc) - before < 8
    if not WHOLE:
        check_document(json.loads(body), made)


def check_document(document, made):
    labels = {label["name"]: iter(label["detections"]) for label in document["labels"]}
    for element in made.labels():
        detection = next(labels[element["Label"]["Name"]])
        assert detection["time_ms"] == element["Timestamp"]
        assert [one["box"]["left"] for one in detection["instances"]] == \
            [one["BoundingBox"]["Left"] for one in element["Label"]["Instances"]]
    assert all(next(rest, None) is None for rest in labels.values())
    assert len(document["transcript"]["words"]) == WORDS
    assert sum(len(one["detections"]) for one in document["celebrities"]) == \
        sum(len(line["CelebrityFaces"]) for line in made.faces())
