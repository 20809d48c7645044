# SPDX-License-Identifier: Apache-2.0
"""Finished documents are kept at hand, by every process, for as long as they hold and no longer."""

import contextlib
import gzip
import itertools
import json

import psycopg2
import pytest

from harness import exchange, wait_until
from test_documents import fill, settle

NUMBERS = itertools.count(1)


@pytest.fixture
def unfinished(svc):
    return fill(svc, next(NUMBERS), 200)


@pytest.fixture
def finished(svc, unfinished):
    settle(svc, unfinished)
    return unfinished


@pytest.fixture
def other(svc, make_svc, cloud):
    """A second process on the same database."""
    return make_svc(cloud, svc.database)


def document(svc, video):
    reply = svc.get(f"/videos/{video}/metadata")
    assert reply.status == 200, reply
    return reply


def stored(svc, video):
    [(name,)] = svc.database.query(
        "SELECT document::text FROM spotlist_data.documents WHERE video_id = %s", video)
    return name


@pytest.mark.parametrize("detections", [200, 3500])
def test_a_reader_costs_no_look_at_the_parts(svc, detections):
    """With the parts locked away, one or several, only what is at hand can be answered."""
    video = fill(svc, next(NUMBERS), detections)
    settle(svc, video)
    [(parts,)] = svc.database.query(
        "SELECT count(*) FROM spotlist_data.document_parts WHERE video_id = %s", video)
    assert (parts > 1) == (detections > 200)
    whole = document(svc, video).body

    def kept():
        svc.get(f"/videos/{video}/metadata", validate=False)
        with contextlib.closing(psycopg2.connect(svc.database.conninfo)) as locking:
            locking.cursor().execute(
                "LOCK TABLE spotlist_data.document_parts IN ACCESS EXCLUSIVE MODE")
            try:
                reply = exchange(svc.url, "GET", f"/videos/{video}/metadata", timeout=2)
            except TimeoutError:
                return False  # the listener was not listening yet
            return reply.status == 200 and reply.body == whole
    wait_until(kept)


def test_a_document_has_one_etag_and_two_forms(svc, finished):
    name = stored(svc, finished)
    path = f"/videos/{finished}/metadata"
    for _ in range(2):  # from the database, and from memory
        plain = svc.get(path)
        packed = svc.get(path, headers={"Accept-Encoding": "gzip"}, validate=False)
        assert plain.headers["ETag"] == f'"{name}"'
        assert packed.headers["ETag"] == f'"{name}-gzip"'
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 4
        assert svc.get(path, headers={"If-None-Match": f'"x", W/"{name}"'}).status == 304
        assert svc.get(path, headers={"If-None-Match": f'"{name}-gzip"'}).status == 200
        head = svc.request("HEAD", path)
        assert head.headers["Content-Length"] == str(len(plain.body))
        assert head.headers["ETag"] == plain.headers["ETag"]


def test_a_large_document_goes_through_gzip_in_a_stream(svc):
    video = fill(svc, next(NUMBERS), 12000)
    settle(svc, video)
    plain = svc.get(f"/videos/{video}/metadata", validate=False)
    assert len(plain.body) > 2 << 20
    packed = svc.get(f"/videos/{video}/metadata", headers={"Accept-Encoding": "gzip"},
                     validate=False)
    assert packed.headers["Transfer-Encoding"] == "chunked"
    assert gzip.decompress(packed.body) == plain.body
    assert svc.get(f"/videos/{video}/metadata",
                   headers={"If-None-Match": plain.headers["ETag"]}).status == 304


def test_an_unfinished_one_has_an_etag_too(svc, unfinished):
    video = unfinished
    first = document(svc, video)
    assert json.loads(first.body)["state"] == "analyzing"
    again = svc.get(f"/videos/{video}/metadata", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
    settle(svc, video)
    assert document(svc, video).headers["ETag"] != first.headers["ETag"]


def test_every_process_hears_of_a_new_document(svc, other, finished):
    before = {document(one, finished).headers["ETag"] for one in (svc, other) for _ in range(3)}
    assert len(before) == 1
    svc.database.query("UPDATE spotlist_data.videos SET state = 'analyzing', completed_at = NULL "
                       "WHERE id = %s", finished)
    settle(svc, finished)
    new = f'"{stored(svc, finished)}"'
    assert {new} != before
    for one in (svc, other):
        wait_until(lambda one=one: document(one, finished).headers["ETag"] == new)
        assert document(one, finished).headers["ETag"] == new


def test_a_deleted_video_is_gone_everywhere(svc, other, finished):
    for one in (svc, other):
        document(one, finished)
    assert svc.request("DELETE", f"/videos/{finished}").status == 202
    for one in (svc, other):
        wait_until(lambda one=one: one.get(f"/videos/{finished}/metadata").status == 404)


def test_what_goes_unheard_is_noticed(svc, finished):
    """A document is trusted for a second, whatever the notifications do."""
    before = document(svc, finished)
    svc.database.query("ALTER TABLE spotlist_data.documents DISABLE TRIGGER tell_document")
    svc.database.query("DELETE FROM spotlist_data.documents WHERE video_id = %s", finished)
    wait_until(lambda: document(svc, finished).headers["ETag"] != before.headers["ETag"])


def test_nothing_is_kept_when_nothing_may_be(make_svc, cloud):
    svc = make_svc(cloud, settings={"SPOTLIST_CACHE_MB": "0"})
    video = fill(svc, next(NUMBERS), 100)
    settle(svc, video)
    assert document(svc, video).body == document(svc, video).body
