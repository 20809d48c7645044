# SPDX-License-Identifier: Apache-2.0
"""localcloud --replay: given answers for given objects, driven by boto3, and through spotlist."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

import replay
from harness import TABLE, Cloud, wait_until
from test_localcloud_mediaconvert import ROLE, finish, job_of, three_groups

BUCKET = "transcode"
CHANNEL_ROLE = "arn:aws:iam::000000000000:role/Rekognition"


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    return tmp_path_factory.mktemp("replays")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, replays):
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data",
                  arguments=["--replay", str(replays)])
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def s3(cloud):
    return cloud.client("s3")


@pytest.fixture(scope="module")
def rekognition(cloud):
    return cloud.client("rekognition")


@pytest.fixture(scope="module")
def city(cloud, replays):
    """A replayed minute, transcoded: (its Replay, the prefix of its outputs)."""
    made = replay.write(replays, "city", frames=60, celebrities=2, labels=50, instances=3,
                        words=100)
    made.upload(cloud, BUCKET, "in/city.mp4")
    mc = cloud.client("mediaconvert")
    job = mc.create_job(**job_of("in/city.mp4", *three_groups("city")))["Job"]
    assert finish(mc, job)["Status"] == "COMPLETE"
    return made


def run_labels(rekognition, key, **options):
    return rekognition.start_label_detection(
        Video={"S3Object": {"Bucket": BUCKET, "Name": key}}, **options)["JobId"]


def ended_labels(rekognition, job, **options):
    def look():
        page = rekognition.get_label_detection(JobId=job, **options)
        return page if page["JobStatus"] != "IN_PROGRESS" else None
    return wait_until(look, 30)


def pages(rekognition, job, **options):
    page = ended_labels(rekognition, job, **options)
    assert page["JobStatus"] == "SUCCEEDED"
    while True:
        yield page
        if "NextToken" not in page:
            return
        page = rekognition.get_label_detection(JobId=job, NextToken=page["NextToken"], **options)


def run_transcript(transcribe, key, **options):
    name = f"job-{uuid.uuid4().hex}"
    transcribe.start_transcription_job(
        TranscriptionJobName=name, Media={"MediaFileUri": f"s3://{BUCKET}/{key}"},
        LanguageCode="en-US", OutputBucketName=BUCKET, OutputKey=f"out/{name}.json", **options)

    def look():
        job = transcribe.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]
        return job if job["TranscriptionJobStatus"] in ("COMPLETED", "FAILED") else None
    return name, wait_until(look, 30)


def test_the_job_stores_a_frame_object_for_every_frame(city, s3):
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="thumbs/city/")["Contents"]
    assert [item["Key"] for item in listed] == [
        f"thumbs/city/city_frame.{frame:07d}.jpg" for frame in range(60)]
    body = s3.get_object(Bucket=BUCKET, Key=listed[7]["Key"])["Body"].read()
    assert body == b"localcloud replay city\nframe 7\n"
    for key in ("mp4/city/city_video.mp4", "audio/city/city_audio.m4a"):
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == city.content


def test_each_frame_shows_whom_the_file_says(city, rekognition):
    shown = {line["frame"]: line["CelebrityFaces"] for line in city.faces()}
    assert len(shown) == 45
    for frame in range(60):
        found = rekognition.recognize_celebrities(Image={"S3Object": {
            "Bucket": BUCKET, "Name": f"thumbs/city/city_frame.{frame:07d}.jpg"}})
        assert found["CelebrityFaces"] == shown.get(frame, []) and \
            found["UnrecognizedFaces"] == []


def test_labels_come_page_by_page_and_whole(city, rekognition):
    job = run_labels(rekognition, "mp4/city/city_video.mp4")
    got = list(pages(rekognition, job))
    assert [len(page["Labels"]) for page in got] == [1000, 1000, 1000]
    assert [label for page in got for label in page["Labels"]] == list(city.labels())
    assert got[0]["VideoMetadata"] == {
        "Codec": "h264", "DurationMillis": 60000, "Format": "QuickTime / MOV", "FrameRate": 25.0,
        "FrameHeight": 360, "FrameWidth": 640, "ColorRange": "LIMITED"}
    small = list(pages(rekognition, job, MaxResults=700))
    assert [len(page["Labels"]) for page in small] == [700, 700, 700, 700, 200]
    with pytest.raises(ClientError) as caught:
        rekognition.get_label_detection(JobId=job, NextToken="bm8=")
    assert caught.value.response["Error"]["Code"] == "InvalidPaginationTokenException"


def test_the_transcript_is_the_file(city, cloud, s3):
    name, job = run_transcript(cloud.client("transcribe"), "audio/city/city_audio.m4a")
    assert job["TranscriptionJobStatus"] == "COMPLETED"
    body = s3.get_object(Bucket=BUCKET, Key=f"out/{name}.json")["Body"].read()
    assert body == (city.path / "transcript.json").read_bytes()


def test_jobs_fail_as_the_manifest_says(replays, cloud, rekognition):
    made = replay.write(replays, "failing", frames=1, fail={
        "transcode": "The reel burnt", "labels": "Nothing to see", "transcript": "Nothing to hear"})
    made.upload(cloud, BUCKET, "in/failing.mp4")
    mc = cloud.client("mediaconvert")
    job = mc.create_job(**job_of("in/failing.mp4", *three_groups("failing")))["Job"]
    assert finish(mc, job)["ErrorMessage"] == "The reel burnt"
    page = ended_labels(rekognition, run_labels(rekognition, "in/failing.mp4"))
    assert (page["JobStatus"], page["StatusMessage"]) == ("FAILED", "Nothing to see")
    _, job = run_transcript(cloud.client("transcribe"), "in/failing.mp4")
    assert job["FailureReason"] == "Nothing to hear"


def test_a_replay_without_audio_has_no_audio_output(replays, cloud, s3):
    replay.write(replays, "silent", frames=2, audio=False).upload(cloud, BUCKET, "in/silent.mp4")
    mc = cloud.client("mediaconvert")
    job = finish(mc, mc.create_job(**job_of("in/silent.mp4", *three_groups("silent")))["Job"])
    assert job["Status"] == "COMPLETE"
    assert job["OutputGroupDetails"][2]["OutputDetails"] == []
    _, job = run_transcript(cloud.client("transcribe"), "mp4/silent/silent_video.mp4")
    assert "no audio track" in job["FailureReason"]


def test_jobs_take_their_time_side_by_side_and_the_limit_holds(replays, cloud, rekognition):
    replay.write(replays, "slow", frames=1, labels_ms=1500).upload(cloud, BUCKET, "in/slow.mp4")
    started = time.monotonic()
    jobs = [run_labels(rekognition, "in/slow.mp4") for _ in range(20)]
    with pytest.raises(ClientError) as caught:
        run_labels(rekognition, "in/slow.mp4")
    assert caught.value.response["Error"]["Code"] == "LimitExceededException"
    for job in jobs:
        assert ended_labels(rekognition, job)["JobStatus"] == "SUCCEEDED"
    assert 1.5 <= time.monotonic() - started < 15


def test_a_cancelled_job_stores_nothing(replays, cloud, s3):
    replay.write(replays, "long", frames=2, transcode_ms=600000).upload(cloud, BUCKET, "in/long.mp4")
    mc = cloud.client("mediaconvert")
    job = mc.create_job(**job_of("in/long.mp4", *three_groups("long")))["Job"]
    wait_until(lambda: mc.get_job(Id=job["Id"])["Job"]["Status"] == "PROGRESSING")
    mc.cancel_job(Id=job["Id"])
    assert mc.get_job(Id=job["Id"])["Job"]["Status"] == "CANCELED"
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="thumbs/long/")["KeyCount"] == 0


def test_an_unknown_replay_is_not_media(cloud, s3):
    s3.put_object(Bucket=BUCKET, Key="in/none.mp4", Body=b"localcloud replay none-such\n")
    s3.put_object(Bucket=BUCKET, Key="in/up.mp4", Body=b"localcloud replay ../city\n")
    mc = cloud.client("mediaconvert")
    for key in ("in/none.mp4", "in/up.mp4"):
        job = mc.create_job(Role=ROLE, Settings=job_of(key, *three_groups("none"))["Settings"])
        assert finish(mc, job["Job"])["ErrorCode"] == 1030


def test_a_restart_takes_replayed_jobs_up_again(make_cloud, tmp_path):
    replay.write(tmp_path, "later", frames=3, transcode_ms=1000)
    cloud = make_cloud(arguments=["--replay", str(tmp_path)])
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    replay.Replay(tmp_path / "later").upload(cloud, BUCKET, "in/later.mp4")
    mc = cloud.client("mediaconvert")
    job = mc.create_job(**job_of("in/later.mp4", *three_groups("later")))["Job"]
    wait_until(lambda: mc.get_job(Id=job["Id"])["Job"]["Status"] == "PROGRESSING")
    cloud.restart()
    assert finish(cloud.client("mediaconvert"), job)["Status"] == "COMPLETE"


def test_three_hours_are_stored_and_read_in_seconds(replays, cloud, s3, rekognition):
    replay.write(replays, "hours", frames=10800, celebrities=1, labels=2, instances=2, words=10)
    replay.Replay(replays / "hours").upload(cloud, BUCKET, "in/hours.mp4")
    mc = cloud.client("mediaconvert")
    started = time.monotonic()
    job = mc.create_job(**job_of("in/hours.mp4", *three_groups("hours")))["Job"]
    assert finish(mc, job)["Status"] == "COMPLETE"
    stored = time.monotonic()
    count = sum(len(page["Labels"]) for page in
                pages(rekognition, run_labels(rekognition, "mp4/hours/hours_video.mp4")))
    print(f"10800 frames in {stored - started:.2f} s, {count} labels in "
          f"{time.monotonic() - stored:.2f} s")
    assert count == 21600
    last = s3.head_object(Bucket=BUCKET, Key="thumbs/hours/hours_frame.0010799.jpg")
    assert last["ContentLength"] == len(b"localcloud replay hours\nframe 10799\n")


def test_a_replay_goes_through_spotlist(svc, cloud, replays):
    made = replay.write(replays, "whole", frames=20, celebrities=2, labels=5, instances=2, words=50)
    video = svc.submit(made.upload(cloud, svc.bucket, "in/whole.mp4"))
    svc.wait_state(video["id"], "complete", timeout=60)
    document, counts = svc.metadata(video["id"]), made.counts()
    assert sum(len(one["detections"]) for one in document["celebrities"]) == counts["faces"]
    found = [detection for label in document["labels"] for detection in label["detections"]]
    assert len(found) == counts["labels"]
    assert sum(len(detection["instances"]) for detection in found) == counts["instances"]
    words = document["transcript"]["words"]
    assert len(words) >= counts["words"]
    assert cloud.resource("dynamodb").Table(TABLE).get_item(
        Key={"fileName": f"videos/{video['id']}"})["Item"]
    assert json.loads(json.dumps(document)) == document
