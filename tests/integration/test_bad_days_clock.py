# SPDX-License-Identifier: Apache-2.0
"""The clock jumps by an hour: spotlist's own (libfaketime; the monotonic clock goes on as clocks
do), and PostgreSQL's."""

import subprocess
from pathlib import Path

import pytest

from harness import BUILD, Spotlist, exchange, program, wait_until

@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """A function that sets spotlist's clock off by so many seconds."""
    libraries = sorted(Path("/usr/lib").glob("*-linux-gnu/faketime/libfaketime.so.1"))
    assert libraries, "install faketime"
    path = tmp_path_factory.mktemp("clock") / "offset"

    def jump(seconds):
        path.with_suffix(".new").write_text(f"{seconds:+d}\n", encoding="ascii")
        path.with_suffix(".new").rename(path)
    jump(0)
    jump.environment = {
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(path),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # What it does to timed waits on the monotonic clock is a repair of an older glibc.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
    return jump


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud, clock):
    linked = subprocess.run(["ldd", program(BUILD, "spotlist")], capture_output=True, text=True)
    if "asan" in linked.stdout or "tsan" in linked.stdout:
        pytest.skip("a sanitizer must be loaded first, and so must libfaketime")
    # Asking comes late: only messages, whose age is looked at, make a video quick.
    svc = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings={
        **clock.environment, "SPOTLIST_POLL_INTERVAL_MS": "600000"})
    yield svc
    svc.stop()


def put(upload, path):
    place, _, target = upload["url"].partition("//")[2].partition("/")
    return exchange(f"http://{place}", upload["method"], f"/{target}", path.read_bytes(),
                    upload.get("headers"))


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_jump_by_an_hour_disturbs_nothing(svc, clock, sample, seconds):
    uri = svc.put_object("footage/clock.mp4", sample.short)
    before = svc.submit(uri, analyses=["labels"])  # its job is on its way when the clock jumps
    clock(seconds)
    after = svc.submit(uri, analyses=["labels"])
    for video in (before, after):
        final = svc.wait_state(video["id"], "complete")
        assert final["analyses"]["labels"]["state"] == "complete"
    # What it signs is of AWS's time: an address to upload to is neither late nor early.
    reply = svc.post("/videos", {"source": "upload", "filename": "one.mp4",
                                 "analyses": ["labels"]})
    assert reply.status == 202, reply
    assert put(reply.json["upload"], sample.short).status == 200
    svc.wait_state(reply.json["id"], "complete")
    assert svc.admin_get("/readyz").status == 200
    assert "err=sns_stale" not in svc.log()


def test_steps_do_not_wait_for_a_database_clock_that_was_set_back(make_svc, cloud, sample):
    svc = make_svc(cloud, settings={"SPOTLIST_POLL_INTERVAL_MS": "1000"})
    uri = svc.put_object("footage/clock.mp4", sample.short)
    video = svc.submit(uri, analyses=["labels"])
    wait_until(lambda: svc.video(video["id"])["state"] != "queued")  # or it would wait at the gate
    svc.kill()
    # To a clock that was set back by an hour, all that is due is due in an hour.
    moved = svc.database.query("UPDATE spotlist_data.steps SET due_at = due_at + interval '1 hour' "
                               "WHERE due_at <> 'infinity' RETURNING id")
    assert moved
    svc.start()
    svc.wait_state(video["id"], "complete")


def test_steps_do_not_run_away_from_a_database_clock_that_was_set_forward(make_svc, cloud, sample):
    svc = make_svc(cloud, settings={"SPOTLIST_POLL_INTERVAL_MS": "1000"})
    uri = svc.put_object("footage/clock.mp4", sample.short)
    video = svc.submit(uri, analyses=["labels"])
    wait_until(lambda: svc.video(video["id"])["state"] != "queued")
    svc.database.query("UPDATE spotlist_data.steps SET due_at = due_at - interval '1 hour', "
                       "created_at = created_at - interval '1 hour' WHERE due_at <> 'infinity'")
    svc.wait_state(video["id"], "complete")
