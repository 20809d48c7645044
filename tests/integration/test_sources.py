# SPDX-License-Identifier: Apache-2.0
"""s3:// sources: what is wrong with an object is told at submission; odd keys work end to end."""

import contextlib
import sqlite3

from harness import BUCKET, wait_until

GIB = 1 << 30


def refused(reply, status, code):
    assert (reply.status, reply.json["code"]) == (status, code), reply
    assert reply.json["pointer"] == "/source"


def resize(cloud, key, size):
    """Gives an object any size without its bytes: a stretched file, and localcloud's own record."""
    with contextlib.closing(sqlite3.connect(cloud.data / "s3.sqlite", timeout=30)) as database:
        with database:
            database.execute("UPDATE objects SET size = ? WHERE key = ?", (size, key.encode()))
        [[name]] = database.execute("SELECT file FROM objects WHERE key = ?", (key.encode(),))
    [path] = [path for path in cloud.data.rglob(name.rsplit("/", 1)[-1]) if path.is_file()]
    with open(path, "r+b") as file:
        file.truncate(size)
    assert cloud.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"] == size


def test_a_missing_object_is_not_found(svc):
    reply = svc.post("/videos", {"source": f"s3://{BUCKET}/nothing-here.mp4"})
    refused(reply, 404, "source_not_found")


def test_a_missing_bucket_is_not_found(svc):
    refused(svc.post("/videos", {"source": "s3://no-such-bucket-of-ours/a.mp4"}), 404,
            "source_not_found")


def test_an_empty_object_is_refused(svc, cloud):
    cloud.client("s3").put_object(Bucket=BUCKET, Key="empty.mp4", Body=b"")
    refused(svc.post("/videos", {"source": f"s3://{BUCKET}/empty.mp4"}), 422, "source_empty")


def test_an_object_that_may_not_be_read_is_forbidden(svc):
    refused(svc.post("/videos", {"source": "s3://forbidden-bucket/a.mp4"}), 403,
            "source_forbidden")


def test_a_bucket_in_another_region_is_told_apart(svc):
    refused(svc.post("/videos", {"source": "s3://other-region-bucket/a.mp4"}), 422,
            "source_wrong_region")


def test_credentials_that_s3_does_not_know_are_told_apart(make_svc, cloud, svc):
    """The operator's problem, not the client's: nobody may read anything."""
    stranger = make_svc(cloud, subscribe=False)
    stranger.environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
    stranger.restart()
    cloud.client("s3").put_object(Bucket=BUCKET, Key="there.mp4", Body=b"x")
    reply = stranger.post("/videos", {"source": f"s3://{BUCKET}/there.mp4"})
    assert (reply.status, reply.json["code"]) == (503, "source_unchecked"), reply


def test_s3_that_does_not_answer_is_worth_another_try(make_svc, make_cloud):
    cloud = make_cloud()
    svc = make_svc(cloud, settings={"SPOTLIST_PREFLIGHT_TIMEOUT_MS": "500"})
    cloud.stop()
    reply = svc.post("/videos", {"source": f"s3://{BUCKET}/a.mp4"})
    assert (reply.status, reply.json["code"]) == (503, "source_unchecked"), reply
    assert int(reply.headers["Retry-After"]) >= 1
    cloud.start()


def test_10_gib_is_taken_and_one_byte_more_is_not(svc, cloud):
    cloud.client("s3").put_object(Bucket=BUCKET, Key="large.mp4", Body=b"x")
    resize(cloud, "large.mp4", 10 * GIB + 1)
    refused(svc.post("/videos", {"source": f"s3://{BUCKET}/large.mp4"}), 422, "source_too_large")
    resize(cloud, "large.mp4", 10 * GIB)
    video = svc.submit(f"s3://{BUCKET}/large.mp4", analyses=["labels"])
    svc.wait_state(video["id"], "failed")  # 10 GiB of nothing are not a video


def test_a_refused_source_leaves_nothing_behind(svc, pg):
    before = pg.query("SELECT count(*) FROM spotlist_data.videos")
    svc.post("/videos", {"source": f"s3://{BUCKET}/nothing-here.mp4"})
    assert pg.query("SELECT count(*) FROM spotlist_data.videos") == before


KEYS = {
    "spaces": "a folder/two  spaces .mp4",
    "plus": "a+b/c++.mp4",
    "percent": "100%/%41%2F%00.mp4",
    "hash and question mark": "what?/#1&x=y.mp4",
    "quotes": "it's \"quoted\" `here`.mp4",
    "backslash and control": "back\\slash\ttab.mp4",
    "Korean": "동영상/한국어 파일.mp4",
    "emoji": "🎬/👩‍🚀.mp4",
    "slashes": "a//b///c.mp4",
    "dots": "a/../b/./c.mp4",
    "XML": "<key>&amp;</key>.mp4",
    "no extension": "video",
    "1024 bytes": "k" * 1020 + ".mp4",
    "1024 bytes of Korean": "한" * 340 + ".mp4",
    "dollar": "$dt$/$fn$.mp4",
}


def test_odd_keys_work_end_to_end(svc, sample):
    """All at once, so that they are worked on side by side; each has to complete."""
    videos = {}
    for name, key in KEYS.items():
        uri = svc.put_object(key, sample.short)
        videos[name] = svc.submit(uri, analyses=["celebrities", "labels"])
        assert videos[name]["source"] == uri
    for name, video in videos.items():
        final = svc.wait_state(video["id"], "complete", timeout=240)
        assert final["source"] == f"s3://{BUCKET}/{KEYS[name]}", name
        assert abs(svc.metadata(video["id"])["duration_ms"] - 3000) <= 200, name


def test_the_same_object_twice_makes_two_videos(svc, sample):
    uri = svc.put_object("twice.mp4", sample.no_audio)
    one, two = (svc.submit(uri, analyses=["celebrities"]) for _ in range(2))
    assert one["id"] != two["id"]
    for video in (one, two):
        svc.wait_state(video["id"], "complete")


def test_lists_page_filter_and_order(make_svc, cloud, sample):
    svc = make_svc(cloud, subscribe=False)
    ids = [svc.post("/videos", {"source": "upload", "filename": f"{n}.mp4",
                                "tags": ["even" if n % 2 == 0 else "odd", "ünï"]}).json["id"]
           for n in range(7)]
    newest_first = list(reversed(ids))
    seen, cursor = [], None
    while True:
        page = svc.get("/videos?limit=3" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [video["id"] for video in page["videos"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
        assert len(page["videos"]) == 3
    assert seen == newest_first
    evens = svc.get("/videos?tag=even").json["videos"]
    assert [video["id"] for video in evens] == newest_first[::2]
    assert len(svc.get("/videos?tag=%C3%BCn%C3%AF&state=awaiting_upload").json["videos"]) == 7
    assert svc.get("/videos?state=complete").json == {"videos": []}
    wait_until(lambda: svc.get("/videos?limit=7").json["videos"][0]["id"] == ids[-1])
