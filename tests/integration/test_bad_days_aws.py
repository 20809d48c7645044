# SPDX-License-Identifier: Apache-2.0
"""AWS has bad days: keys that expired, a table that is gone, throttling, pages and answers that make
no sense. Steps wait and go on; an analysis fails only when waiting cannot help."""

import resource
import time

import pytest

import replay
from harness import TABLE, Cloud, Spotlist, provision, wait_until


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
def footage(tmp_path_factory):
    """Given answers: three pages of labels, a face or two, a few words."""
    root = tmp_path_factory.mktemp("replays")
    return replay.write(root, "footage", frames=100, labels=25, instances=3, celebrities=1,
                        words=50)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, footage):
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data",
                  arguments=["--replay", str(footage.path.parent)])
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud, keys):
    svc = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings={
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(keys.path), "AWS_MAX_ATTEMPTS": "1",
        "SPOTLIST_POLL_INTERVAL_MS": "500"})
    yield svc
    svc.stop()


@pytest.fixture(autouse=True)
def fair_weather_again(cloud):
    yield
    cloud.clear_faults()


@pytest.fixture(scope="module")
def uri(svc, cloud, footage):
    return footage.upload(cloud, svc.bucket, "footage/bad-days.mp4")


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


def wait_whole(svc, video, footage):
    """Complete, and nothing is missing or there twice; what is in DynamoDB is the same."""
    final = svc.wait_state(video["id"], "complete")
    wanted = footage.counts()
    document = svc.metadata(video["id"])
    if "labels" in final["analyses"]:
        detections = [one for label in document["labels"] for one in label["detections"]]
        assert len(detections) == wanted["labels"]
        assert sum(len(one.get("instances", [])) for one in detections) == wanted["instances"]
    if "celebrities" in final["analyses"]:
        assert sum(len(one["detections"]) for one in document["celebrities"]) == wanted["faces"]
    if "transcript" in final["analyses"]:
        assert len(document["transcript"]["words"]) == wanted["words"]
    svc.command("rebuild", "--check", "--video", video["id"])
    return final


def test_steps_wait_for_new_keys(svc, keys, uri, footage):
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
    wait_whole(svc, video, footage)


def test_results_wait_for_a_table_that_is_missing(svc, cloud, uri, footage):
    cloud.client("dynamodb").delete_table(TableName=TABLE)
    video = svc.submit(uri, analyses=["labels"])
    wait_failures(svc, video, 3, "labels_poll")
    assert "err=table_missing" in svc.log() and "spotlist provision" in svc.log()
    provision(cloud, svc.bucket)
    wait_whole(svc, video, footage)
    assert cloud.resource("dynamodb").Table(TABLE).get_item(
        Key={"fileName": f"videos/{video['id']}"})["Item"]["state"] == "complete"


def test_collecting_waits_for_room_to_spool(svc, uri, footage):
    """As on a full disk: no file of spotlist may grow beyond what its log has now, and a bit."""
    pid = svc.process.child.pid
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (svc.process.log_size() + 100000, limits[1]))
    video = svc.submit(uri, analyses=["labels"])
    wait_failures(svc, video, 2, "labels_poll")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    wait_whole(svc, video, footage)
    assert "err=io" in svc.log() and "TMPDIR" in svc.log()


@pytest.mark.parametrize("service,kind", [
    ("dynamodb", "throttle"), ("*", "server_error"), ("*", "expired_token")])
def test_nothing_fails_while_a_service_refuses(svc, cloud, uri, footage, service, kind):
    video = svc.submit(uri)
    cloud.faults([{"service": service, "operation": "*", "kind": kind}])
    begin, longest = time.monotonic(), 0

    def look():
        nonlocal longest
        assert svc.video(video["id"])["state"] not in ("failed", "partial", "complete")
        steps = waiting(svc, video)
        longest = max([longest, *(due for _, failures, due in steps if failures)])
        return any(failures >= 4 for _, failures, _ in steps)
    wait_until(look, 60, lambda: f"{waiting(svc, video)}\n{svc.log()[-3000:]}")
    # Half a second at first, twice as long each time.
    assert longest > 1.5 and time.monotonic() - begin > 1.5
    cloud.clear_faults()
    wait_whole(svc, video, footage)


@pytest.mark.parametrize("kind", ["page_twice", "token_expired", "token_empty"])
def test_pages_are_collected_once_and_all_of_them(svc, cloud, uri, footage, kind):
    cloud.faults([{"service": "rekognition", "operation": "GetLabelDetection", "kind": kind,
                   "count": 1}])
    video = svc.submit(uri, analyses=["labels"])
    wait_whole(svc, video, footage)
    assert cloud.faults()["rules"][0]["fired"] == 1


def test_nonsense_without_an_end_is_told_as_it_is(svc, cloud, uri):
    cloud.faults([{"service": "rekognition", "operation": "GetLabelDetection",
                   "kind": "garbage"}])
    video = svc.submit(uri, analyses=["labels", "transcript"])
    wait_failures(svc, video, 1, "labels_poll")
    # As if it had been asked for minutes.
    svc.database.query("UPDATE spotlist_data.steps SET payload = '{\"nonsense\": 9}' WHERE "
                       "video_id = %s AND track = 'labels'", video["id"])
    final = svc.wait_state(video["id"], "partial", timeout=30)
    labels, transcript = (final["analyses"][name] for name in ("labels", "transcript"))
    assert (labels["state"], labels["reason"]) == ("failed", "aws_protocol"), labels
    assert labels["message"]
    assert transcript["state"] == "complete"


def test_answers_that_make_no_sense_are_asked_for_again(svc, cloud, uri, footage):
    operations = {
        "mediaconvert": ["CreateJob", "GetJob"], "s3": ["ListObjectsV2", "GetObject"],
        "rekognition": ["RecognizeCelebrities", "StartLabelDetection", "GetLabelDetection"],
        "transcribe": ["StartTranscriptionJob", "GetTranscriptionJob"],
        "dynamodb": ["PutItem", "BatchWriteItem"]}
    cloud.faults([{"service": service, "operation": operation, "kind": "garbage", "count": 2}
                  for service, names in operations.items() for operation in names])
    video = svc.submit(uri)
    wait_whole(svc, video, footage)
    assert all(rule["fired"] == 2 for rule in cloud.faults()["rules"]), cloud.faults()
