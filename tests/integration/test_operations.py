# SPDX-License-Identifier: Apache-2.0
"""Cancelling and deleting a video, wherever it is: nothing of it stays, and nothing goes on."""

import concurrent.futures
import contextlib
import signal

import botocore.exceptions
import pytest

import replay
from harness import BUCKET, TABLE, exchange, wait_until

SETTINGS = {"SPOTLIST_LEASE_MS": "2000", "SPOTLIST_POLL_INTERVAL_MS": "400"}
OURS = ("thumbs", "mp4", "audio", "transcripts", "uploads")


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


@pytest.fixture
def frozen(cloud):
    """frozen(): nothing at AWS answers until thaw() or the end of the test."""
    child = cloud.process.child

    class Freezer:
        def __call__(self):
            child.send_signal(signal.SIGSTOP)

        def thaw(self):
            child.send_signal(signal.SIGCONT)
    freezer = Freezer()
    yield freezer
    freezer.thaw()


def objects(cloud, video_id):
    pages = cloud.client("s3").get_paginator("list_objects_v2")
    return [entry["Key"] for prefix in OURS
            for page in pages.paginate(Bucket=BUCKET, Prefix=f"{prefix}/{video_id}/")
            for entry in page.get("Contents", [])]


def items(cloud, video_id):
    pages = cloud.client("dynamodb").get_paginator("scan")
    return [item["fileName"]["S"] for page in pages.paginate(TableName=TABLE)
            for item in page["Items"]
            if video_id in item["fileName"]["S"] or item.get("videoId", {}).get("S") == video_id]


def rows(pg, video_id):
    """table -> number of rows that belong to the video."""
    tables = pg.query("SELECT table_name, column_name FROM information_schema.columns "
                      "WHERE table_schema = 'spotlist_data' AND (column_name = 'video_id' OR "
                      "table_name = 'videos' AND column_name = 'id')")
    found = {table: pg.query(f"SELECT count(*) FROM spotlist_data.{table} WHERE {column} = %s",
                             video_id)[0][0] for table, column in tables}
    return {table: count for table, count in found.items() if count}


def open_jobs(cloud, video_id):
    jobs = [f"mediaconvert {job['Id']} {job['Status']}"
            for page in cloud.client("mediaconvert").get_paginator("list_jobs").paginate()
            for job in page["Jobs"] if video_id in str(job.get("UserMetadata"))
            and job["Status"] in ("SUBMITTED", "PROGRESSING")]
    for attempt in (1, 2):
        with contextlib.suppress(botocore.exceptions.ClientError):
            job = cloud.client("transcribe").get_transcription_job(
                TranscriptionJobName=f"spotlist-{video_id}-{attempt}")["TranscriptionJob"]
            if job["TranscriptionJobStatus"] in ("QUEUED", "IN_PROGRESS"):
                jobs.append(job["TranscriptionJobName"])
    return jobs


def delete(svc, video_id):
    reply = svc.request("DELETE", f"/videos/{video_id}")
    assert reply.status == 202 and reply.json["state"] == "deleting", reply
    return reply.json


def wait_gone(svc, video_id):
    wait_until(lambda: svc.get(f"/videos/{video_id}").status == 404, 60,
               lambda: svc.log()[-4000:])


def assert_nothing_left(svc, cloud, pg, video_id):
    # What AWS bills for it stays counted: a deleted video was paid for all the same.
    assert rows(pg, video_id).keys() <= {"charges"}
    assert items(cloud, video_id) == []
    assert objects(cloud, video_id) == []
    assert open_jobs(cloud, video_id) == []
    assert svc.get(f"/videos/{video_id}/metadata").status == 404
    assert video_id not in str(svc.get("/videos").json)


def cancel(svc, video_id):
    reply = svc.post(f"/videos/{video_id}/cancel")
    assert reply.status == 202 and reply.json["state"] == "canceling", reply
    return reply.json


def past(svc, video_id, *states):
    def look():
        video = svc.video(video_id)
        return video if video["state"] not in states else None
    return wait_until(look, 60)


STAGES = ["awaiting_upload", "accepted", "queued", "transcoding", "analyzing", "complete", "failed"]
OPEN_STAGES = STAGES[:5]


@pytest.fixture(scope="module")
def made(replays):
    """What the videos of each stage answer; those that are caught on their way take their time."""
    return {
        "failed": replay.write(replays, "failed", fail={"transcode": "no video"}),
        "transcoding": replay.write(replays, "transcoding", frames=60, transcode_ms=120000),
        "analyzing": replay.write(replays, "analyzing", frames=60, labels_ms=1500,
                                  transcript_ms=120000),
        "complete": replay.write(replays, "complete", frames=60, labels=400)}


@pytest.fixture
def video_at(svc, cloud, made, frozen):
    """video_at(stage): a video that stays there until frozen.thaw()."""
    def bring(stage, **options):
        if stage == "awaiting_upload":
            return svc.submit("upload", filename="clip.mp4", **options)["id"]
        source = made.get(stage, made["transcoding"]).upload(cloud, BUCKET, f"stages/{stage}.mp4")
        video = svc.submit(source, **options)
        if stage == "queued":
            frozen()
        elif stage == "transcoding":
            past(svc, video["id"], "queued")
            frozen()
        elif stage == "analyzing":
            past(svc, video["id"], "queued", "transcoding")
            frozen()
        elif stage in ("complete", "failed"):
            svc.wait_state(video["id"], stage)
        return video["id"]
    return bring


@pytest.mark.parametrize("stage", STAGES)
def test_a_deleted_video_leaves_nothing_behind(svc, cloud, pg, video_at, frozen, stage):
    video_id = video_at(stage)
    delete(svc, video_id)
    frozen.thaw()
    wait_gone(svc, video_id)
    assert_nothing_left(svc, cloud, pg, video_id)
    # The source was not ours to delete.
    if stage != "awaiting_upload":
        cloud.client("s3").head_object(Bucket=BUCKET, Key=f"stages/{stage}.mp4")


@pytest.mark.parametrize("stage", OPEN_STAGES)
def test_a_cancelled_video_stops_where_it_is(svc, cloud, pg, video_at, frozen, stage):
    video_id = video_at(stage)
    cancel(svc, video_id)
    frozen.thaw()
    final = svc.wait_state(video_id, "canceled", timeout=60)
    assert "error" not in final and final["completed_at"]
    for analysis in final["analyses"].values():
        assert analysis["state"] in ("canceled", "complete")
        if analysis["state"] == "canceled":
            assert analysis["reason"] == "canceled" and analysis["message"]
    assert open_jobs(cloud, video_id) == []
    assert pg.query("SELECT count(*) FROM spotlist_data.steps WHERE video_id = %s",
                    video_id) == [(0,)]
    # It is settled as any other: in the record, and in the document.
    document = svc.metadata(video_id)
    assert document["state"] == "canceled"
    assert f"videos/{video_id}" in items(cloud, video_id)
    for name, state in ((name, one["state"]) for name, one in document["analyses"].items()):
        if state == "canceled":
            assert not document.get(name)


def test_what_is_complete_stays_and_the_rest_is_not_kept_by_halves(svc, cloud, replays):
    source = replay.write(replays, "halves", frames=60, transcript_ms=120000).upload(
        cloud, BUCKET, "stages/halves.mp4")
    video_id = svc.submit(source)["id"]
    wait_until(lambda: [svc.video(video_id)["analyses"][name]["state"]
                        for name in ("celebrities", "labels")] == ["complete"] * 2, 60)
    cancel(svc, video_id)
    final = svc.wait_state(video_id, "canceled")
    assert {name: one["state"] for name, one in final["analyses"].items()} == {
        "celebrities": "complete", "labels": "complete", "transcript": "canceled"}
    document = svc.metadata(video_id)
    assert document["celebrities"] and document["labels"] and "transcript" not in document
    kept = items(cloud, video_id)
    assert f"mp4/{video_id}/video.mp4" in kept and f"thumbs/{video_id}/frame.0000000.jpg" in kept
    assert open_jobs(cloud, video_id) == []


def test_cancelling_twice_is_fine_until_it_is_done(svc, video_at, frozen):
    video_id = video_at("transcoding")
    assert cancel(svc, video_id)["timeline"] == cancel(svc, video_id)["timeline"]
    frozen.thaw()
    svc.wait_state(video_id, "canceled")
    reply = svc.post(f"/videos/{video_id}/cancel")
    assert (reply.status, reply.json["code"]) == (409, "video_final")


@pytest.mark.parametrize("stage", ["complete", "failed"])
def test_what_has_ended_cannot_be_cancelled(svc, video_at, stage):
    video_id = video_at(stage)
    reply = svc.post(f"/videos/{video_id}/cancel")
    assert (reply.status, reply.json["code"]) == (409, "video_final")
    assert svc.video(video_id)["state"] == stage


def test_deleting_twice_is_fine_until_it_is_done(svc, cloud, pg, video_at, frozen):
    video_id = video_at("analyzing")
    first, second = delete(svc, video_id), delete(svc, video_id)
    assert first["timeline"] == second["timeline"]
    frozen.thaw()
    wait_gone(svc, video_id)
    assert svc.request("DELETE", f"/videos/{video_id}").json["code"] == "video_not_found"
    assert_nothing_left(svc, cloud, pg, video_id)


@pytest.mark.parametrize("stage", ["accepted", "transcoding", "analyzing"])
def test_what_is_being_cancelled_can_be_deleted(svc, cloud, pg, video_at, frozen, stage):
    video_id = video_at(stage)
    cancel(svc, video_id)
    delete(svc, video_id)
    assert svc.post(f"/videos/{video_id}/cancel").json["code"] == "video_final"
    frozen.thaw()
    wait_gone(svc, video_id)
    assert_nothing_left(svc, cloud, pg, video_id)


def test_what_was_cancelled_can_be_deleted(svc, cloud, pg, video_at):
    video_id = video_at("awaiting_upload")
    cancel(svc, video_id)
    svc.wait_state(video_id, "canceled")
    delete(svc, video_id)
    wait_gone(svc, video_id)
    assert_nothing_left(svc, cloud, pg, video_id)


def test_many_wishes_at_once_are_one(svc, cloud, pg, video_at, frozen):
    video_id = video_at("analyzing")
    wishes = [("POST", f"/videos/{video_id}/cancel"), ("DELETE", f"/videos/{video_id}")] * 6
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda wish: svc.request(*wish), wishes))
    assert {reply.status for reply in replies} <= {202, 409}, replies
    frozen.thaw()
    wait_gone(svc, video_id)
    assert_nothing_left(svc, cloud, pg, video_id)


@pytest.mark.parametrize("how", ["cancel", "delete"])
@pytest.mark.parametrize("stage", ["queued", "analyzing"])
def test_a_process_that_dies_with_steps_in_hand_holds_nothing_up(
        svc, cloud, pg, video_at, frozen, stage, how):
    video_id = video_at(stage)
    (cancel if how == "cancel" else delete)(svc, video_id)
    svc.kill()
    frozen.thaw()
    svc.start()
    if how == "cancel":
        svc.wait_state(video_id, "canceled")
        assert open_jobs(cloud, video_id) == []
    else:
        wait_gone(svc, video_id)
        assert_nothing_left(svc, cloud, pg, video_id)


def put(upload, body):
    base, slash, target = upload["url"].partition("/" + BUCKET + "/")
    return exchange(base, upload["method"], slash + target, body, upload["headers"])


def test_an_upload_that_comes_after_the_deletion_goes_too(svc, cloud, pg):
    video = svc.submit("upload", filename="late.mp4")
    delete(svc, video["id"])
    wait_gone(svc, video["id"])
    with svc.logs(r"step done.*step=upload_remove"):
        assert put(video["upload"], b"too late").status == 200
    assert objects(cloud, video["id"]) == []
    assert pg.query("SELECT count(*) FROM spotlist_data.videos WHERE source = %s",
                    video["source"]) == [(0,)]


FAULTS = {
    "throttled": [{"service": "*", "operation": "*", "kind": "throttle", "count": 5}],
    "cut after": [{"service": "*", "operation": "*", "kind": "cut_after", "count": 8}],
    "now and then": [{"service": "*", "operation": "*", "kind": "server_error",
                      "probability": 0.2, "count": 12}]}


@pytest.mark.parametrize("faults", FAULTS)
def test_faults_do_not_keep_anything_from_going(svc, cloud, pg, video_at, faults):
    video_id = video_at("complete")
    cloud.faults(rules=FAULTS[faults], seed=3)
    try:
        delete(svc, video_id)
        wait_gone(svc, video_id)
        fired = sum(rule["fired"] for rule in cloud.faults()["rules"])
    finally:
        cloud.clear_faults()
    assert fired >= 3
    assert_nothing_left(svc, cloud, pg, video_id)


def test_a_kill_in_the_middle_of_a_deletion_loses_nothing(svc, cloud, pg, video_at):
    """Parts go from the last to the first, so that what is left is found."""
    video_id = video_at("complete")
    cloud.faults(rules=[{"service": "dynamodb", "operation": "BatchWriteItem", "kind": "slow",
                         "delay_ms": 400, "skip": 2}])
    try:
        calls = cloud.journal()["calls"].get("dynamodb BatchWriteItem", {}).get("total", 0)
        delete(svc, video_id)
        wait_until(lambda: cloud.journal()["calls"]["dynamodb BatchWriteItem"]["total"] > calls + 3)
        svc.kill()
    finally:
        cloud.clear_faults()
    svc.start()
    wait_gone(svc, video_id)
    assert_nothing_left(svc, cloud, pg, video_id)


@pytest.mark.parametrize("method, path", [("DELETE", "/videos/{}"), ("POST", "/videos/{}/cancel")])
@pytest.mark.parametrize("video_id", ["00000000-0000-7000-8000-000000000000", "no-id"])
def test_what_is_not_there_is_not_found(svc, method, path, video_id):
    reply = svc.request(method, path.format(video_id))
    assert (reply.status, reply.json["code"]) == (404, "video_not_found")


@pytest.mark.parametrize("method, path", [("DELETE", "/videos/{}"), ("POST", "/videos/{}/cancel")])
def test_parameters_and_bodies_are_refused(svc, method, path):
    path = path.format("00000000-0000-7000-8000-000000000000")
    assert svc.request(method, path + "?force=yes").json["code"] == "bad_parameter"
    assert svc.request(method, path, body=b"{}").json["code"] == "body_too_large"
