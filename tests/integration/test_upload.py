# SPDX-License-Identifier: Apache-2.0
"""source: upload. A presigned PUT, and the S3 notification that starts the video."""

import urllib.parse

import pytest

from harness import BUCKET, exchange, wait_until


def ask(svc, filename="clip.mp4", **options):
    reply = svc.post("/videos", {"source": "upload", "filename": filename, **options})
    assert reply.status == 202, reply
    return reply.json


def put(upload, path, headers=None):
    """Sends the file as a client does that only knows the reply."""
    url = urllib.parse.urlsplit(upload["url"])
    return exchange(f"{url.scheme}://{url.netloc}", upload["method"], f"{url.path}?{url.query}",
                    path.read_bytes(), upload["headers"] if headers is None else headers)


def test_an_uploaded_file_becomes_a_complete_video(svc, sample):
    video = ask(svc, content_type="video/mp4", title="A clip", tags=["one"],
                analyses=["celebrities", "transcript"])
    assert video["state"] == "awaiting_upload"
    assert video["upload"]["headers"] == {"Content-Type": "video/mp4"}
    assert put(video["upload"], sample.speech).status == 200
    final = svc.wait_state(video["id"], "complete")
    assert (final["title"], final["tags"]) == ("A clip", ["one"])
    assert "upload" not in final
    assert final["source"].startswith(f"s3://{BUCKET}/uploads/")
    assert "forward" in svc.metadata(video["id"])["transcript"]["text"].lower()


@pytest.mark.parametrize("name", ["with spaces & more.mp4", "a+b%20c#d?.mp4", "'\"<>.mp4",
                                  "한국어 영상.mp4", "🎬.mp4", "a..b.mp4", "f" * 251 + ".mp4"],
                         ids=["spaces", "escapes", "quotes", "Korean", "emoji", "dots", "long"])
def test_odd_filenames_work(svc, sample, name):
    video = ask(svc, filename=name, analyses=["celebrities"])
    assert put(video["upload"], sample.no_audio).status == 200
    svc.wait_state(video["id"], "complete")


def test_without_a_content_type_any_may_be_sent(svc, sample):
    video = ask(svc, analyses=["celebrities"])
    assert put(video["upload"], sample.no_audio, {"Content-Type": "video/x-anything"}).status == 200
    svc.wait_state(video["id"], "complete")


def test_the_signed_content_type_has_to_be_sent(svc, sample):
    video = ask(svc, content_type="video/mp4")
    assert put(video["upload"], sample.no_audio, {"Content-Type": "text/html"}).status == 403
    assert svc.video(video["id"])["state"] == "awaiting_upload"


def test_the_url_is_good_for_its_own_key_only(svc, sample):
    video = ask(svc)
    changed = dict(video["upload"], url=video["upload"]["url"].replace("/uploads/", "/other/"))
    assert put(changed, sample.no_audio).status == 403


def test_a_second_upload_changes_nothing(svc, sample):
    video = ask(svc, analyses=["celebrities"])
    assert put(video["upload"], sample.no_audio).status == 200
    first = svc.wait_state(video["id"], "complete")
    put(video["upload"], sample.short)
    other = ask(svc, filename="later.mp4", analyses=["celebrities"])
    put(other["upload"], sample.no_audio)
    svc.wait_state(other["id"], "complete")  # by now the second notification has been seen
    assert svc.video(video["id"]) == first


def test_an_empty_upload_fails_the_video(svc, sample, tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    video = ask(svc)
    assert put(video["upload"], empty).status == 200
    assert svc.wait_state(video["id"], "failed")["error"]["code"] == "source_empty"


def test_an_upload_that_is_not_a_video_fails_with_the_provider_s_words(svc, sample):
    video = ask(svc)
    assert put(video["upload"], sample.not_a_video).status == 200
    error = svc.wait_state(video["id"], "failed")["error"]
    assert error["code"] == "transcode_failed"
    assert error["provider"]["service"] == "mediaconvert"
    assert error["provider"]["code"] and error["provider"]["message"]


def test_the_video_starts_without_the_notification_too(make_svc, cloud, sample):
    """S3 tells, or does not: the reconciler looks."""
    svc = make_svc(cloud, subscribe=False, settings={"SPOTLIST_POLL_INTERVAL_MS": "200"},
                   bucket="quiet-bucket")
    video = ask(svc, analyses=["celebrities"])
    assert put(video["upload"], sample.no_audio).status == 200
    svc.wait_state(video["id"], "complete")


def test_an_upload_that_never_comes_expires(make_svc, cloud):
    svc = make_svc(cloud, subscribe=False, settings={"SPOTLIST_UPLOAD_EXPIRY_S": "10",
                                                     "SPOTLIST_POLL_INTERVAL_MS": "200"})
    video = ask(svc)
    assert svc.wait_state(video["id"], "failed", timeout=60)["error"]["code"] == "upload_expired"


def test_a_foreign_object_under_uploads_becomes_a_video_by_itself(svc, cloud, sample):
    """A file put under uploads/ without asking first: DESIGN §2.1."""
    key = "uploads/dropped in/by hand.mp4"
    svc.put_object(key, sample.no_audio)

    def found():
        for video in svc.get("/videos").json["videos"]:
            if video["source"] == f"s3://{BUCKET}/{key}":
                return video
        return None
    svc.wait_state(wait_until(found)["id"], "complete")
