# SPDX-License-Identifier: Apache-2.0
"""spotlist ends in the middle of the work, in every way; what it had accepted is finished."""

import signal

import pytest

from harness import wait_until

SETTINGS = {"SPOTLIST_LEASE_MS": "1000", "SPOTLIST_POLL_INTERVAL_MS": "300"}


def has_left(svc, video_id, *states):
    """Waits until the video is past these states; returns the video."""
    def look():
        video = svc.video(video_id)
        return video if video["state"] not in states else None
    return wait_until(look, 60)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
@pytest.mark.parametrize("stage", ["accepted", "transcoding", "analyzing"])
def test_accepted_work_survives(make_svc, cloud, sample, how, stage):
    svc = make_svc(cloud, settings=SETTINGS)
    uri = svc.put_object("restart.mp4", sample.speech)
    video = svc.submit(uri)
    if stage == "transcoding":
        has_left(svc, video["id"], "queued")
    elif stage == "analyzing":
        has_left(svc, video["id"], "queued", "transcoding")
    svc.restart(how)
    final = svc.wait_state(video["id"], "complete", timeout=180)
    assert len(final["analyses"]) == 3
    document = svc.metadata(video["id"])
    assert "forward" in document["transcript"]["text"].lower()
    # Nothing was done twice that may be done once.
    events = [(entry["event"], entry.get("analysis")) for entry in final["timeline"]]
    assert len(events) == len(set(events)), events


def test_killed_again_and_again_it_still_finishes(make_svc, cloud, sample):
    svc = make_svc(cloud, settings=SETTINGS)
    video = svc.submit(svc.put_object("again.mp4", sample.speech))
    for _ in range(6):
        svc.restart(signal.SIGKILL)
        svc.video(video["id"])
    svc.wait_state(video["id"], "complete", timeout=180)


def test_one_transcoding_job_is_made_however_often_it_is_killed(make_svc, cloud, sample):
    svc = make_svc(cloud, settings=SETTINGS)
    video = svc.submit(svc.put_object("once.mp4", sample.no_audio))
    svc.restart(signal.SIGKILL)
    svc.restart(signal.SIGKILL)
    svc.wait_state(video["id"], "complete", timeout=120)
    jobs = [job for page in cloud.client("mediaconvert").get_paginator("list_jobs").paginate()
            for job in page["Jobs"] if video["id"] in str(job["UserMetadata"])]
    assert len(jobs) == 1


def test_localcloud_restarted_mid_way_changes_nothing(make_svc, make_cloud, sample):
    cloud = make_cloud()
    svc = make_svc(cloud, settings=SETTINGS)
    video = svc.submit(svc.put_object("cloud.mp4", sample.speech))
    has_left(svc, video["id"], "queued")
    cloud.restart()
    svc.wait_state(video["id"], "complete", timeout=180)


def test_two_services_share_the_work(make_svc, cloud, sample, pg_cluster):
    database = pg_cluster.create_database()
    one = make_svc(cloud, database=database, settings=SETTINGS)
    two = make_svc(cloud, database=database, settings=SETTINGS, subscribe=False)
    uri = one.put_object("shared.mp4", sample.no_audio)
    videos = [(one, two)[n % 2].submit(uri)["id"] for n in range(6)]
    one.kill()
    for video in videos:
        two.wait_state(video, "complete", timeout=180)


def test_a_graceful_stop_is_prompt_and_clean(make_svc, cloud):
    svc = make_svc(cloud)
    assert svc.get("/videos").status == 200
    assert svc.stop() == 0


def test_migrating_twice_changes_nothing(make_svc, cloud):
    svc = make_svc(cloud, subscribe=False)
    svc.command("migrate")
    assert svc.get("/videos").status == 200


@pytest.mark.parametrize("name,value", [
    ("SPOTLIST_WORKERS", "many"), ("SPOTLIST_WORKERS", "0"), ("SPOTLIST_LISTEN", "nowhere"),
    ("SPOTLIST_WORKRES", "8"), ("SPOTLIST_BUCKET", ""), ("SPOTLIST_LOG_LEVEL", "loud")])
def test_a_wrong_setting_is_named_at_boot(svc, name, value):
    done = svc.command("serve", check=False, environment={name: value})
    # EX_CONFIG, so that a supervisor need not try again; a port may be free the next time.
    assert done.returncode == 78
    assert name in done.stderr or name == "SPOTLIST_LISTEN" and "nowhere" in done.stderr


def test_secrets_are_not_printed(svc):
    printed = svc.command("config", "--print", environment={
        "SPOTLIST_DATABASE_URL": "host=/nowhere password=hunter2"}).stdout
    assert "SPOTLIST_DATABASE_URL=***" in printed and "hunter2" not in printed
