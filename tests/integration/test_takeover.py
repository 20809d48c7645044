# SPDX-License-Identifier: Apache-2.0
"""A process ends, or stands still, while it holds a step: another one takes the step over, once.

A step is held for long by a slow CreateJob. steps.holder is "host:pid:n".
"""

import random
import signal
import sys
import time

import pytest

from harness import BUCKET, ROOT, wait_until

sys.path.insert(0, str(ROOT / "tests/torture"))

from shapes import Shape  # noqa: E402

LEASE_MS = 1000
SETTINGS = {"SPOTLIST_LEASE_MS": str(LEASE_MS), "SPOTLIST_POLL_INTERVAL_MS": "1000",
            "SPOTLIST_RATE_CREATE_JOB": "500", "SPOTLIST_SHUTDOWN_S": "1"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    from harness import Cloud
    directory = tmp_path_factory.mktemp("replays")
    shape = Shape("short", random.Random(1), frames=3, cast=1, labels=8, words=5)
    shape.write(directory)
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data",
                  arguments=["--replay", str(directory)])
    cloud.source = shape.source()
    yield cloud
    cloud.stop()


@pytest.fixture
def slow_create_job(cloud):
    """slow_create_job(ms): the next CreateJob takes so long."""
    def make(delay_ms):
        cloud.faults(rules=[{"service": "mediaconvert", "operation": "CreateJob", "kind": "slow",
                             "delay_ms": delay_ms, "count": 1}])
    yield make
    cloud.clear_faults()


@pytest.fixture
def pair(make_svc, cloud, pg_cluster):
    """pair(settings): two services on one database; the first is subscribed."""
    def make(**settings):
        database = pg_cluster.create_database()
        one = make_svc(cloud, database=database, settings={**SETTINGS, **settings})
        two = make_svc(cloud, database=database, settings={**SETTINGS, **settings}, subscribe=False)
        cloud.client("s3").put_object(Bucket=BUCKET, Key="short.mp4", Body=cloud.source)
        return one, two
    return make


def holder(svc, video_id):
    """The pid of whoever holds the video's step, and that step's claims."""
    rows = svc.database.query("SELECT holder, claims FROM spotlist_data.steps WHERE video_id = %s "
                              "AND track = 'video' AND holder IS NOT NULL", video_id)
    return (int(rows[0][0].split(":")[-2]), rows[0][1]) if rows else None


def submit_until_held(services, cloud):
    """Submits to the first; returns (video, who holds its step, the other one)."""
    video = services[0].submit(f"s3://{BUCKET}/short.mp4")
    pid, _ = wait_until(lambda: holder(services[0], video["id"]))
    holding = next(svc for svc in services if svc.process.child.pid == pid)
    wait_until(lambda: cloud.faults()["rules"][0]["fired"], what="CreateJob to be on its way")
    other = next(svc for svc in services if svc is not holding)
    return video, holding, other


def check_done_once(svc, cloud, video):
    final = svc.wait_state(video["id"], "complete", timeout=60)
    events = [(entry["event"], entry.get("analysis")) for entry in final["timeline"]]
    assert len(events) == len(set(events)), events
    ours = [job for job in cloud.journal()["jobs"] if video["id"] in str(job)]
    assert sorted(job["service"] for job in ours) == ["mediaconvert", "rekognition", "transcribe"]
    wait_until(lambda: svc.database.query("SELECT count(*) FROM spotlist_data.steps WHERE video_id "
                                          "= %s", video["id"]) == [(0,)])


def taken_over_after(other, video):
    """Milliseconds from now until the other process has the step."""
    began = time.monotonic()
    wait_until(lambda: (holder(other, video["id"]) or (0,))[0] == other.process.child.pid
               or other.video(video["id"])["state"] != "queued")
    return (time.monotonic() - began) * 1000


def test_a_killed_process_is_replaced_within_the_lease(pair, cloud, slow_create_job):
    services = pair()
    slow_create_job(20_000)
    video, holding, other = submit_until_held(services, cloud)
    holding.kill()
    after_ms = taken_over_after(other, video)
    assert after_ms <= LEASE_MS + 1500, after_ms
    check_done_once(other, cloud, video)


def test_a_lease_is_renewed_as_long_as_the_process_lives(pair, cloud, slow_create_job):
    services = pair()
    slow_create_job(3 * LEASE_MS)
    video, holding, other = submit_until_held(services, cloud)
    wait_until(lambda: other.video(video["id"])["state"] != "queued")
    assert "lease_lost" not in holding.log() + other.log()
    check_done_once(other, cloud, video)


def test_who_stood_still_comes_back_and_changes_nothing(pair, cloud, slow_create_job):
    services = pair()
    slow_create_job(LEASE_MS // 2)
    video, holding, other = submit_until_held(services, cloud)
    holding.process.child.send_signal(signal.SIGSTOP)
    try:
        after_ms = taken_over_after(other, video)
        assert after_ms <= LEASE_MS + 1500, after_ms
        other.wait_state(video["id"], "complete", timeout=60)
        before = other.video(video["id"])
        offset = holding.process.log_size()
    finally:
        holding.process.child.send_signal(signal.SIGCONT)
    holding.process.wait_log("lease_lost", offset)
    assert other.video(video["id"]) == before
    assert holding.video(video["id"]) == before
    check_done_once(holding, cloud, video)


def test_a_process_told_to_end_hands_back_at_once(pair, cloud, slow_create_job):
    services = pair(SPOTLIST_LEASE_MS="60000")
    slow_create_job(40_000)
    video, holding, other = submit_until_held(services, cloud)
    began = time.monotonic()
    assert holding.stop() == 0
    assert time.monotonic() - began <= 1 + 3, "SPOTLIST_SHUTDOWN_S is 1"
    assert taken_over_after(other, video) <= 3000
    check_done_once(other, cloud, video)


def test_two_processes_share_the_work(pair, cloud):
    services = pair(SPOTLIST_WORKERS="2")
    videos = [services[number % 2].submit(f"s3://{BUCKET}/short.mp4") for number in range(10)]
    for video in videos:
        check_done_once(services[0], cloud, video)
    for svc in services:
        assert svc.log().count('msg="step done"') >= 5


def test_the_last_one_finishes_what_all_began(pair, cloud):
    services = pair()
    videos = [services[number % 2].submit(f"s3://{BUCKET}/short.mp4") for number in range(6)]
    services[0].kill()
    for video in videos:
        check_done_once(services[1], cloud, video)
