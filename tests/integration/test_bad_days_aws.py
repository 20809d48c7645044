# SPDX-License-Identifier: Apache-2.0
"""AWS has bad days: keys that expired, a table that is gone, throttling, pages and answers that make
no sense. Steps wait and go on; an analysis fails only when waiting cannot help."""

import pytest

from harness import TABLE, Spotlist, provision, wait_until


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """The shared credentials file: keys.write(secret)."""
    class Keys:
        path = tmp_path_factory.mktemp("aws") / "credentials"

        def write(self, secret):
            fresh = self.path.with_suffix(".new")
            fresh.write_text("[default]\naws_access_key_id = test\n"
                             f"aws_secret_access_key = {secret}\n", encoding="ascii")
            fresh.rename(self.path)
    keys = Keys()
    keys.write("test")
    return keys


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    """$TMPDIR of spotlist."""
    return tmp_path_factory.mktemp("tmp") / "spool"


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud, keys, spool):
    spool.mkdir()
    svc = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings={
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(keys.path), "AWS_MAX_ATTEMPTS": "1",
        "TMPDIR": str(spool), "SPOTLIST_POLL_INTERVAL_MS": "500"})
    yield svc
    svc.stop()


@pytest.fixture(scope="module")
def uri(svc, sample):
    return svc.put_object("footage/bad-days.mp4", sample.short)


def waiting(svc, video):
    """The steps of a video: (kind, failures, seconds until it is due)."""
    return svc.database.query(
        "SELECT kind, failures, extract(epoch FROM due_at - clock_timestamp())::float8 "
        "FROM spotlist_data.steps WHERE video_id = %s AND due_at <> 'infinity'", video["id"])


def wait_failures(svc, video, count, kind=""):
    """Until a step has failed so often; the video must not have, meanwhile."""
    def look():
        assert svc.video(video["id"])["state"] not in ("failed", "partial", "complete")
        return [step for step in waiting(svc, video) if step[1] >= count and kind in step[0]]
    return wait_until(look, 60, lambda: f"{waiting(svc, video)}\n{svc.log()[-3000:]}")


def test_steps_wait_for_new_keys(svc, keys, uri):
    keys.write("expired")
    svc.restart()
    reply = svc.post("/videos", {"source": uri})
    assert (reply.status, reply.json["code"]) == (503, "source_unchecked"), reply
    keys.write("test")  # the file is all that changes
    video = svc.submit(uri, analyses=["labels"])
    keys.write("expired")
    svc.restart()
    wait_failures(svc, video, 2)
    assert "err=aws_credentials" in svc.log()
    keys.write("test")
    final = svc.wait_state(video["id"], "complete")
    assert final["analyses"]["labels"]["state"] == "complete"


def test_results_wait_for_a_table_that_is_missing(svc, cloud, uri):
    cloud.client("dynamodb").delete_table(TableName=TABLE)
    video = svc.submit(uri, analyses=["labels"])
    wait_failures(svc, video, 3, "labels_poll")
    assert "err=table_missing" in svc.log() and "provision.py" in svc.log()
    provision(cloud, "create", "--bucket", svc.bucket)
    final = svc.wait_state(video["id"], "complete")
    assert final["analyses"]["labels"]["state"] == "complete"
    assert cloud.resource("dynamodb").Table(TABLE).get_item(
        Key={"fileName": f"videos/{video['id']}"})["Item"]["state"] == "complete"


def test_collecting_waits_for_a_place_to_spool(svc, spool, uri):
    spool.rmdir()
    video = svc.submit(uri, analyses=["labels"])
    wait_failures(svc, video, 2, "labels_poll")
    assert "err=io" in svc.log() and "TMPDIR" in svc.log()
    spool.mkdir()
    svc.wait_state(video["id"], "complete")
