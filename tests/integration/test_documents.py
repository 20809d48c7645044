# SPDX-License-Identifier: Apache-2.0
"""Metadata documents that are too large to be held: made, stored, sent and read in pieces."""

import http.client
import json
import os
import re
import socket
import urllib.parse

import pytest

from harness import exchange, wait_until

SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
FILL = """
WITH v AS (
    INSERT INTO spotlist_data.videos (id, state, source, bucket, key, options, frame_interval_ms,
        duration_ms, frames_prefix, frame_count, mp4_key, width, height)
    VALUES ('%(id)s', 'analyzing', 's3://bucket/key', 'bucket', 'key', '%(options)s', 1000, 600000, 'thumbs/x/', 1,
        'mp4/x/video.mp4', 640, 360)
    RETURNING id
), a AS (
    INSERT INTO spotlist_data.analyses (video_id, kind, state, started_at, completed_at)
    SELECT id, 'labels', 'complete', now(), now() FROM v
), l AS (
    INSERT INTO spotlist_data.labels
    SELECT id, 'Label ' || n, ARRAY['Parent "é"'], '{}', ARRAY['C'] FROM v, generate_series(0, 9) n
), d AS (
    INSERT INTO spotlist_data.label_detections
    SELECT id, n, 'Label ' || n %% 10, n / 10 * 500, 50 + n %% 50 / 3.0
    FROM v, generate_series(0, %(detections)s - 1) n
)
INSERT INTO spotlist_data.label_instances
SELECT id, n, i, 90 + i / 7.0, 0.1 + n / 1e7, 0.2, 0.3, 0.4
FROM v, generate_series(0, %(detections)s - 1) n, generate_series(0, 3) i
"""
OPTIONS = json.dumps({"analyses": ["labels"], "frames": {"interval_ms": 1000},
                      "labels": {"min_confidence": 50},
                      "transcript": {"language": "auto", "max_speakers": 2}})
SETTLE = "INSERT INTO spotlist_data.steps (video_id, track, kind) VALUES (%s, 'video', 'settle')"


def identifier(number):
    return f"019a0000-0000-7000-8000-{number:012}"


def fill(svc, number, detections):
    svc.database.query(FILL % {"id": identifier(number), "options": OPTIONS,
                               "detections": detections})
    return identifier(number)


def settle(svc, video):
    svc.database.query(SETTLE, video)
    svc.wait_state(video, "complete")


def peak_kb(svc):
    with open(f"/proc/{svc.process.child.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))


def forget_peak(svc):
    with open(f"/proc/{svc.process.child.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def check(document, detections):
    """All that fill() put in, in order."""
    labels = {label["name"]: label for label in document["labels"]}
    assert len(labels) == len(document["labels"]) == 10
    for n in range(detections):
        detection = labels[f"Label {n % 10}"]["detections"][n // 10]
        assert detection["time_ms"] == n // 10 * 500
        assert [i["confidence"] for i in detection["instances"]] == \
            pytest.approx([90 + i / 7 for i in range(4)])
        assert detection["instances"][3]["box"]["left"] == pytest.approx(0.1 + n / 1e7)
    assert sum(len(label["detections"]) for label in labels.values()) == detections
    assert [label["confidence"] for label in document["labels"]] == \
        sorted((label["confidence"] for label in document["labels"]), reverse=True)


def get(svc, video):
    """A document that is not held against the schema, which would take a minute."""
    reply = exchange(svc.url, "GET", f"/videos/{video}/metadata")
    assert reply.status == 200
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert reply.headers["Content-Type"] == "application/json"
    return reply


def test_a_document_of_several_parts_is_whole(svc):
    video = fill(svc, 1, 2000)
    unfinished = get(svc, video).json
    check(unfinished, 2000)
    assert unfinished["state"] == "analyzing" and "completed_at" not in unfinished
    settle(svc, video)
    finished = get(svc, video).json
    check(finished, 2000)
    assert finished["state"] == "complete"
    assert finished["completed_at"] == svc.video(video)["completed_at"]
    for name in ("state", "completed_at"):
        finished.pop(name)
    unfinished.pop("state")
    assert finished == unfinished
    parts = svc.database.query("SELECT octet_length(body) FROM spotlist_data.document_parts "
                               "WHERE video_id = %s ORDER BY at_byte", video)
    assert len(parts) > 1
    assert all(size < 600_000 for size, in parts)


def test_head_tells_the_size_without_the_body(svc):
    reply = exchange(svc.url, "HEAD", f"/videos/{identifier(1)}/metadata")
    assert reply.status == 200 and reply.body == b""
    assert int(reply.headers["Content-Length"]) == len(get(svc, identifier(1)).body)


def test_a_large_document_needs_little_memory(svc):
    video = fill(svc, 2, 50_000)
    get(svc, identifier(1))  # whatever is allocated once
    forget_peak(svc)
    before = peak_kb(svc)
    size = len(get(svc, video).body)  # made for the reader
    settle(svc, video)
    reply = get(svc, video)
    grown = peak_kb(svc) - before
    assert size > 20_000_000 and len(reply.body) > 20_000_000
    assert SANITIZED or grown < 8_000, f"{grown} kB more for a document of {size} bytes"
    check(reply.json, 50_000)


def open_slowly(svc, video):
    """A connection that has asked and read only the beginning of the answer."""
    url = urllib.parse.urlsplit(svc.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.connect((url.hostname, url.port))
    connection.sendall(f"GET /videos/{video}/metadata HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection, connection.recv(1000)


def test_slow_readers_hold_no_connection_to_the_database(svc):
    readers = [open_slowly(svc, identifier(2)) for _ in range(40)]  # more than HTTP threads
    try:
        assert all(beginning.startswith(b"HTTP/1.1 200") for _, beginning in readers)
        assert svc.get(f"/videos/{identifier(1)}").status == 200
        wait_until(lambda: svc.database.query(
            "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' "
            "AND datname = current_database() AND pid <> pg_backend_pid()") == [(0,)])
    finally:
        for connection, _ in readers:
            connection.close()


def test_a_document_that_is_replaced_while_it_is_read_is_cut_off(svc):
    connection, beginning = open_slowly(svc, identifier(2))
    length = int(re.search(rb"Content-Length: (\d+)", beginning).group(1))
    svc.database.query("DELETE FROM spotlist_data.videos WHERE id = %s", identifier(2))
    with svc.logs("document cut off"):
        got = len(beginning) - beginning.index(b"\r\n\r\n") - 4
        while True:
            piece = connection.recv(1 << 16)
            if not piece:
                break
            got += len(piece)
    assert got < length
    assert svc.get(f"/videos/{identifier(2)}/metadata").status == 404
    left = svc.database.query("SELECT count(*) FROM spotlist_data.label_instances "
                              "WHERE video_id = %s", identifier(2))
    assert left == [(0,)], "labels go with their video"


def test_a_reader_that_leaves_does_no_harm(svc):
    video = fill(svc, 3, 5000)
    settle(svc, video)
    for _ in range(3):
        connection, _ = open_slowly(svc, video)
        connection.close()
    check(get(svc, video).json, 5000)


def test_a_crash_while_a_document_is_stored_leaves_nothing_behind(svc):
    video = fill(svc, 4, 20)
    svc.database.query(
        "INSERT INTO spotlist_data.document_parts VALUES (%s, gen_random_uuid(), 0, 'left')", video)
    settle(svc, video)
    assert svc.database.query("SELECT count(*) FROM spotlist_data.document_parts "
                              "WHERE video_id = %s", video) == [(1,)]
    check(svc.metadata(video), 20)


def test_the_connection_is_reused_behind_a_large_document(svc):
    url = urllib.parse.urlsplit(svc.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    bodies = []
    for _ in range(3):
        connection.request("GET", f"/videos/{identifier(3)}/metadata")
        bodies.append(connection.getresponse().read())
    connection.close()
    assert len(set(bodies)) == 1
