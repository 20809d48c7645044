# SPDX-License-Identifier: Apache-2.0
"""Places at providers, fair turns, a full queue, throttling, time limits. Provider answers are
replayed, so that jobs take as long as a test wants."""

import json

import pytest

from harness import wait_until

FINAL = {"complete", "partial", "failed"}
FAST = {"SPOTLIST_POLL_INTERVAL_MS": "400", "SPOTLIST_RATE_CREATE_JOB": "1000",
        "SPOTLIST_RATE_GET_JOB": "1000", "SPOTLIST_RATE_GET_LABEL_DETECTION": "1000",
        "SPOTLIST_RATE_START_LABEL_DETECTION": "1000"}
FRAMES = 30
FOREVER = 10_000_000


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """Replays by name: quick, and with one of the three jobs slow or without an end."""
    root = tmp_path_factory.mktemp("replays")
    label = {"Timestamp": 0, "Label": {"Name": "Tree", "Confidence": 99.0, "Instances": [],
                                       "Parents": [], "Aliases": [], "Categories": []}}
    transcript = {"jobName": "x", "accountId": "0", "status": "COMPLETED", "results": {
        "transcripts": [{"transcript": "hello"}], "items": [
            {"type": "pronunciation", "start_time": "0.1", "end_time": "0.5",
             "alternatives": [{"confidence": "0.9", "content": "hello"}]}]}}
    face = {"Name": "Ada", "Id": "a1", "Urls": [], "MatchConfidence": 99.0,
            "Face": {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.2}}}
    for name, times in {"quick": {}, "transcode": {"transcode_ms": 400},
                        "labels": {"labels_ms": 500},
                        "long-transcode": {"transcode_ms": FOREVER},
                        "long-labels": {"labels_ms": FOREVER},
                        "long-transcript": {"transcript_ms": FOREVER}}.items():
        (root / name).mkdir()
        (root / name / "manifest.json").write_text(json.dumps({
            "duration_ms": FRAMES * 1000, "frames": FRAMES, "width": 640, "height": 360,
            "frame_rate": 25, "codec": "H_264", "audio": True, **times}))
        (root / name / "labels.jsonl").write_text(json.dumps(label) + "\n")
        (root / name / "transcript.json").write_text(json.dumps(transcript))
        (root / name / "celebrities.jsonl").write_text(
            json.dumps({"frame": 7, "CelebrityFaces": [face]}) + "\n")
    return root


@pytest.fixture
def cloud(make_cloud, replays):
    return make_cloud(arguments=["--replay", str(replays)])


def submit(svc, replay, name="video", **options):
    key = f"in/{replay}-{name}.mp4"
    svc.cloud.client("s3").put_object(Bucket=svc.bucket, Key=key,
                                      Body=f"localcloud replay {replay}\n{name}\n".encode())
    return svc.submit(f"s3://{svc.bucket}/{key}", **options)["id"]


def wait_final(svc, *ids, timeout=60):
    for one in ids:
        svc.wait_state(one, *FINAL, timeout=timeout)
    return [svc.video(one) for one in ids]


def assert_nothing_left(database):
    assert database.query("SELECT track, kind, parked FROM spotlist_data.steps") == []


def running(database, kind):
    """Jobs that are open, without those whose place is free because nobody waits for them now."""
    [(count,)] = database.query("""
        SELECT count(*) FROM spotlist_data.analyses a JOIN spotlist_data.videos v ON v.id = a.video_id
        WHERE a.kind = %s AND a.state = 'running' AND a.job_id IS NOT NULL
            AND v.state <> 'canceling'""", kind)
    return count


def test_places_are_shared_by_all_processes(cloud, make_svc):
    """Jobs without an end fill the places whatever the machine's speed; each that is cancelled
    lets one more in, and the quick ones behind them all get through."""
    settings = {**FAST, "SPOTLIST_OPEN_LABELS": "3"}
    one = make_svc(cloud, settings=settings)
    other = make_svc(cloud, one.database, settings=settings)
    both = [one, other] * 3
    seen = []

    def places():
        [(parked,)] = one.database.query(
            "SELECT count(*) FROM spotlist_data.steps WHERE kind = 'labels_start' AND parked")
        seen.append(running(one.database, "labels"))
        return seen[-1], parked
    endless = [submit(svc, "long-labels", f"v{i}", analyses=["labels"])
               for i, svc in enumerate(both)]
    wait_until(lambda: places() == (3, 3), 60)
    quick = [submit(svc, "labels", f"v{i}", analyses=["labels"]) for i, svc in enumerate(both)]
    wait_until(lambda: places() == (3, 9), 60)
    for video in endless:
        assert other.post(f"/videos/{video}/cancel").status == 202

    def done():
        places()
        return {other.video(video)["state"] for video in quick} == {"complete"}
    wait_until(done, 60)
    wait_until(lambda: {one.video(video)["state"] for video in endless} == {"canceled"}, 60)
    assert max(seen) == 3
    assert_nothing_left(one.database)


def test_one_customers_many_do_not_starve_anothers_one(cloud, make_svc):
    svc = make_svc(cloud, settings={**FAST, "SPOTLIST_OPEN_TRANSCODES": "1"})
    many = [submit(svc, "transcode", f"m{i}", tags=["many"], analyses=["labels"])
            for i in range(20)]
    few = submit(svc, "transcode", "few", tags=["few"], analyses=["labels"])
    wait_final(svc, few)
    # Whoever was let in between the arrival of the one and its turn.
    [(before, behind)] = svc.database.query("""
        SELECT count(*) FILTER (WHERE t.at BETWEEN few.created_at AND few.started_at),
            count(*) FILTER (WHERE t.at > few.started_at OR t.at IS NULL)
        FROM spotlist_data.videos few, spotlist_data.videos v
            LEFT JOIN spotlist_data.timeline t
                ON t.video_id = v.id AND t.event = 'transcode_started'
        WHERE few.id = %s AND v.tags = '{many}'""", few)
    assert behind >= 3, "the many were through before the one came: the test shows nothing"
    assert before <= 2, "the one had to wait for the many"
    wait_final(svc, *many)
    assert_nothing_left(svc.database)


def test_a_place_that_was_freed_untold_is_taken(cloud, make_svc):
    """Whoever frees a place may die before he tells; and those who would look for themselves when
    it is quiet are kept busy by others."""
    svc = make_svc(cloud, settings={**FAST, "SPOTLIST_OPEN_TRANSCODES": "1",
                                    "SPOTLIST_WORKERS": "1"})
    first = submit(svc, "long-transcode", analyses=["labels"])
    svc.wait_state(first, "transcoding")
    upload = svc.post("/videos", {"source": "upload", "filename": "a.mp4"}).json["id"]
    video = submit(svc, "quick", analyses=["labels"])
    wait_until(lambda: svc.log().count("step=upload_wait") > 3)
    assert svc.video(video)["state"] == "queued"
    svc.database.query("DELETE FROM spotlist_data.steps WHERE video_id = %s RETURNING id", first)
    assert wait_final(svc, video)[0]["state"] == "complete"
    assert svc.video(upload)["state"] == "awaiting_upload"


def test_a_full_queue_is_told_and_drains(cloud, make_svc):
    svc = make_svc(cloud, settings={**FAST, "SPOTLIST_OPEN_TRANSCODES": "1",
                                    "SPOTLIST_QUEUE_LIMIT": "2"})
    first = submit(svc, "long-transcode", analyses=["labels"])
    svc.wait_state(first, "transcoding")
    waiting = [submit(svc, "quick", f"w{i}", analyses=["labels"]) for i in range(2)]
    for body in ({"source": f"s3://{svc.bucket}/in/long-transcode-video.mp4"},
                 {"source": "upload", "filename": "a.mp4"}):
        refused = svc.post("/videos", body)
        assert (refused.status, refused.json["code"]) == (429, "queue_full")
        assert int(refused.headers["Retry-After"]) > 0
    assert len(svc.get("/videos").json["videos"]) == 3
    job = svc.database.query("SELECT transcode_job_id FROM spotlist_data.videos WHERE id = %s",
                             first)[0][0]
    cloud.client("mediaconvert").cancel_job(Id=job)
    wait_final(svc, first, *waiting)
    assert svc.post("/videos", {"source": "upload", "filename": "a.mp4"}).status == 202


def test_throttling_never_fails_a_video(cloud, make_svc):
    svc = make_svc(cloud, settings={**FAST, "AWS_MAX_ATTEMPTS": "1"})
    cloud.faults([{"service": "*", "operation": operation, "kind": "throttle", "count": 12}
                  for operation in ("CreateJob", "GetJob", "StartLabelDetection",
                                    "GetLabelDetection", "StartTranscriptionJob",
                                    "GetTranscriptionJob", "BatchWriteItem", "PutItem")])
    video = submit(svc, "quick")
    # Twelve in a row would be minutes of back-off: the test takes each wait as over.
    wait_until(lambda: svc.database.query(
        "UPDATE spotlist_data.steps SET due_at = now() WHERE holder IS NULL AND NOT parked "
        "RETURNING 1") is not None and svc.video(video)["state"] in FINAL, 90)
    assert svc.video(video)["state"] == "complete", svc.video(video)
    assert_nothing_left(svc.database)


def test_too_many_jobs_waits_for_minutes_and_is_no_failure(cloud, make_svc):
    svc = make_svc(cloud, settings=FAST)
    cloud.faults([{"service": "rekognition", "operation": "StartLabelDetection", "kind": "limit",
                   "count": 3}])
    video = submit(svc, "quick", analyses=["labels"])

    def put_back():
        return svc.database.query(
            "SELECT extract(epoch FROM due_at - now()), failures FROM spotlist_data.steps "
            "WHERE kind = 'labels_start' AND failures > 0 AND holder IS NULL")
    [(wait_s, failures)] = wait_until(put_back)
    assert 20 < wait_s < 100 and failures == 1
    assert svc.video(video)["analyses"]["labels"]["state"] == "pending"
    cloud.clear_faults()
    svc.database.query("UPDATE spotlist_data.steps SET due_at = now() WHERE kind = 'labels_start'")
    assert wait_final(svc, video)[0]["state"] == "complete"


def test_frames_that_were_paid_for_are_not_asked_again(cloud, make_svc):
    svc = make_svc(cloud, settings={**FAST, "AWS_MAX_ATTEMPTS": "1"})
    cloud.faults([{"service": "rekognition", "operation": "RecognizeCelebrities",
                   "kind": "throttle", "skip": 10, "count": 2}])
    video = submit(svc, "quick", analyses=["celebrities"])
    assert wait_final(svc, video)[0]["state"] == "complete"
    calls = cloud.journal()["calls"]["rekognition RecognizeCelebrities"]
    assert (calls["ok"], calls["faulted"]) == (FRAMES, 2)
    assert svc.video(video)["analyses"]["celebrities"]["progress"] == \
        {"done": FRAMES, "total": FRAMES}
    assert [one["name"] for one in svc.metadata(video)["celebrities"]] == ["Ada"]


@pytest.mark.parametrize("track", ["labels", "transcript"])
def test_a_job_without_an_end_is_ended(cloud, make_svc, track):
    svc = make_svc(cloud, settings={**FAST, f"SPOTLIST_{track.upper()}_LIMIT_S": "1"})
    video = submit(svc, f"long-{track}")
    [settled] = wait_final(svc, video)
    assert settled["state"] == "partial"
    states = {kind: one["state"] for kind, one in settled["analyses"].items()}
    assert states == {"celebrities": "complete", "labels": "complete", "transcript": "complete",
                      track: "failed"}
    assert settled["analyses"][track]["reason"] == "time_limit"
    if track == "transcript":
        assert cloud.client("transcribe").list_transcription_jobs()[
            "TranscriptionJobSummaries"] == []
    assert_nothing_left(svc.database)


@pytest.mark.parametrize("limit", ["TRANSCODE", "VIDEO"])
def test_a_transcode_without_an_end_is_cancelled_at_the_provider(cloud, make_svc, limit):
    svc = make_svc(cloud, settings={**FAST, f"SPOTLIST_{limit}_LIMIT_S": "1",
                                    "SPOTLIST_OPEN_TRANSCODES": "1"})
    video = submit(svc, "long-transcode")
    behind = submit(svc, "quick")
    [settled, other] = wait_final(svc, video, behind)
    assert (settled["state"], settled["error"]["code"]) == ("failed", "time_limit")
    assert other["state"] == "complete", "its place was not freed"
    jobs = cloud.client("mediaconvert").list_jobs()["Jobs"]
    assert sorted(job["Status"] for job in jobs) == ["CANCELED", "COMPLETE"]
    assert_nothing_left(svc.database)


def test_what_finished_while_nobody_looked_is_collected(cloud, make_svc):
    svc = make_svc(cloud, settings={**FAST, "SPOTLIST_LABELS_LIMIT_S": "1",
                                    "SPOTLIST_VIDEO_LIMIT_S": "1"}, subscribe=False)
    video = submit(svc, "labels", analyses=["labels"])
    wait_until(lambda: running(svc.database, "labels"))
    svc.stop()
    svc.database.query("UPDATE spotlist_data.steps SET created_at = now() - interval '1 day'")
    svc.database.query("UPDATE spotlist_data.videos SET started_at = now() - interval '1 day'")
    wait_until(lambda: all(job["state"] != "IN_PROGRESS" for job in cloud.journal()["jobs"]))
    svc.start()
    assert wait_final(svc, video)[0]["state"] == "complete"
