# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: a request that is sent again makes nothing twice."""

import concurrent.futures
import json
import uuid

import pytest

from harness import BUCKET, exchange

UPLOAD = {"source": "upload", "filename": "clip.mp4", "content_type": "video/mp4"}


def new_key():
    return str(uuid.uuid4())


def ask(svc, key, value=None, body=None, **options):
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return svc.post("/videos", UPLOAD if value is None and body is None else value, body=body,
                    headers=headers, **options)


@pytest.fixture(scope="module")
def source(cloud, svc):
    cloud.client("s3").put_object(Bucket=BUCKET, Key="idempotency/notes.txt", Body=b"no video")
    return {"source": f"s3://{BUCKET}/idempotency/notes.txt", "tags": ["idempotency"]}


def test_the_same_request_is_answered_by_the_same_video(svc):
    key = new_key()
    first, second = ask(svc, key), ask(svc, key)
    assert (first.status, second.status) == (202, 202)
    assert first.headers["Location"] == second.headers["Location"]
    assert set(first.json) == set(second.json)
    fixed = {name for name in first.json if name not in ("upload", "updated_at")}
    assert {name: first.json[name] for name in fixed} == {name: second.json[name] for name in fixed}


def test_an_upload_that_is_awaited_gets_a_fresh_url_that_works(svc, pg):
    key = new_key()
    first = ask(svc, key).json
    pg.query("UPDATE spotlist_data.videos SET upload_expires_at = now() + interval '1 s' "
             "WHERE id = %s", first["id"])
    second = ask(svc, key).json
    assert f"/uploads/{first['id']}/clip.mp4?" in second["upload"]["url"]
    assert second["upload"]["headers"] == first["upload"]["headers"]
    assert second["upload"]["expires_at"] >= first["upload"]["expires_at"]
    # The video waits as long as the URL lives.
    [(left,)] = pg.query("SELECT extract(epoch FROM upload_expires_at - now()) "
                         "FROM spotlist_data.videos WHERE id = %s", first["id"])
    assert left > 3000
    url, query = second["upload"]["url"].split("?", 1)
    base, path = url[:url.index("/", 8)], url[url.index("/", 8):]
    assert exchange(base, "PUT", f"{path}?{query}", b"x", second["upload"]["headers"]).status == 200
    # The file is there: nothing more is to be put.
    svc.wait_state(first["id"], "failed")
    third = ask(svc, key)
    assert third.status == 202 and third.json["id"] == first["id"]
    assert third.json["state"] == "failed" and "upload" not in third.json


def test_an_object_is_not_looked_at_again(svc, source, cloud):
    """The answer to the first request may have been lost for an hour, and the source be gone."""
    cloud.client("s3").put_object(Bucket=BUCKET, Key="idempotency/gone", Body=b"no video")
    request = {"source": f"s3://{BUCKET}/idempotency/gone"}
    key = new_key()
    first = ask(svc, key, request)
    cloud.client("s3").delete_object(Bucket=BUCKET, Key="idempotency/gone")
    second = ask(svc, key, request)
    assert (first.status, second.status) == (202, 202)
    assert second.json["id"] == first.json["id"]
    assert ask(svc, new_key(), request).json["code"] == "source_not_found"


@pytest.mark.parametrize("other", [
    {**UPLOAD, "filename": "other.mp4"}, {**UPLOAD, "title": "T"},
    {"source": "upload", "filename": "clip.mp4"}], ids=["changed", "more", "less"])
def test_another_request_with_the_same_key_is_refused(svc, other):
    key = new_key()
    assert ask(svc, key).status == 202
    reply = ask(svc, key, other)
    assert (reply.status, reply.json["code"]) == (422, "idempotency_key_reused")


def test_spelling_and_order_do_not_matter(svc):
    key = new_key()
    first = ask(svc, key, body=b'{"source":"upload","filename":"a.mp4","tags":["\xc3\xa9"]}')
    second = ask(svc, f'"{key}"',
                 body=b'{ "tags": ["\\u00e9"],\n "filename": "a.mp4", "source": "upload" }')
    assert first.json["id"] == second.json["id"]


def test_without_a_key_every_request_is_one_of_its_own(svc):
    assert svc.post("/videos", UPLOAD).json["id"] != svc.post("/videos", UPLOAD).json["id"]


def test_a_request_that_was_refused_does_not_use_up_its_key(svc):
    key = new_key()
    assert ask(svc, key, {"source": "upload"}).json["code"] == "missing_field"
    missing = {"source": f"s3://{BUCKET}/idempotency/never"}
    assert ask(svc, key, missing).json["code"] == "source_not_found"
    assert ask(svc, key).status == 202


@pytest.mark.parametrize("key", ['""', '"a', 'a"b', '"a"b', '"a\\n"', "é", "k" * 256,
                                 '"' + "k" * 256 + '"', '"a";p=1'])
def test_a_key_that_is_none_is_refused(svc, key):
    reply = ask(svc, key.encode().decode("latin-1"))
    assert (reply.status, reply.json["code"]) == (400, "bad_request"), reply


@pytest.mark.parametrize("key, same", [("k" * 255, '"' + "k" * 255 + '"'), ("a b;c", '"a b;c"'),
                                       ("b\\c", '"b\\\\c"')])
def test_a_key_may_be_bare_or_in_quotes(svc, key, same):
    assert ask(svc, key).json["id"] == ask(svc, same).json["id"]


def test_a_key_lives_for_a_day(svc, pg):
    key = new_key()
    first = ask(svc, key).json["id"]
    age = "UPDATE spotlist_data.idempotency_keys SET created_at = now() - %s::interval WHERE key = %s"
    pg.query(age, "23 hours 59 minutes", key)
    assert ask(svc, key).json["id"] == first
    pg.query(age, "24 hours 1 minute", key)
    second = ask(svc, key, {**UPLOAD, "title": "another"})
    assert second.status == 202 and second.json["id"] != first
    assert ask(svc, key, {**UPLOAD, "title": "another"}).json["id"] == second.json["id"]


@pytest.mark.parametrize("kind", ["upload", "object"])
def test_of_many_at_once_exactly_one_makes_the_video(svc, pg, source, kind):
    request = {**(UPLOAD if kind == "upload" else source), "title": new_key()}
    key = new_key()
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        replies = list(pool.map(lambda _: ask(svc, key, request), range(24)))
    assert {reply.status for reply in replies} == {202}, replies
    assert len({reply.json["id"] for reply in replies}) == 1
    assert pg.query("SELECT count(*) FROM spotlist_data.videos WHERE title = %s",
                    request["title"]) == [(1,)]
    assert pg.query("SELECT count(*) FROM spotlist_data.idempotency_keys WHERE key = %s",
                    key) == [(1,)]


def test_of_many_different_ones_at_once_one_has_the_key(svc):
    key = new_key()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda n: ask(svc, key, {**UPLOAD, "title": f"number {n}"}),
                                range(12)))
    codes = sorted(reply.status for reply in replies)
    assert codes == [202] + [422] * 11, replies
    assert {reply.json["code"] for reply in replies if reply.status == 422} == {
        "idempotency_key_reused"}


def test_a_crash_of_the_service_loses_no_key(svc):
    key = new_key()
    first = ask(svc, key).json["id"]
    svc.kill()
    svc.start()
    assert ask(svc, key).json["id"] == first


def test_keys_do_not_show(svc):
    key = new_key()
    video = ask(svc, key).json
    assert key not in json.dumps(video) and key not in svc.log()
