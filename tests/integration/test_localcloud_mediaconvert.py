# SPDX-License-Identifier: Apache-2.0
"""localcloud's MediaConvert, driven by boto3: every operation, real media, events, restarts."""

import copy
import json
import re
import signal
import subprocess
import time
import uuid

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import wait_until

ROLE = "arn:aws:iam::000000000000:role/MediaConvert"
BUCKET = "transcode"
ENDED = ("COMPLETE", "CANCELED", "ERROR")


def frames_output(interval_ms=1000, **settings):
    return {
        "NameModifier": "_frame", "Extension": "jpg", "ContainerSettings": {"Container": "RAW"},
        "VideoDescription": {"CodecSettings": {
            "Codec": "FRAME_CAPTURE",
            "FrameCaptureSettings": {"FramerateNumerator": 1000, "FramerateDenominator": interval_ms,
                                     "MaxCaptures": 10000, "Quality": 80, **settings}}}}


def audio_description():
    return [{"AudioSourceName": "Audio Selector 1", "CodecSettings": {
        "Codec": "AAC", "AacSettings": {"CodingMode": "CODING_MODE_2_0", "SampleRate": 48000,
                                        "Bitrate": 96000, "RateControlMode": "CBR"}}}]


def mp4_output(modifier="_video"):
    return {
        "NameModifier": modifier, "Extension": "mp4", "ContainerSettings": {"Container": "MP4"},
        "VideoDescription": {"CodecSettings": {
            "Codec": "H_264", "H264Settings": {"RateControlMode": "CBR", "Bitrate": 1000000}}},
        "AudioDescriptions": audio_description()}


def audio_output():
    return {"NameModifier": "_audio", "Extension": "m4a", "ContainerSettings": {"Container": "MP4"},
            "AudioDescriptions": audio_description()}


def group(destination, *outputs):
    return {"OutputGroupSettings": {"Type": "FILE_GROUP_SETTINGS",
                                    "FileGroupSettings": {"Destination": destination}},
            "Outputs": list(outputs)}


def job_of(key, *groups, bucket=BUCKET, **more):
    return {"Role": ROLE, "Settings": {
        "Inputs": [{"FileInput": f"s3://{bucket}/{key}",
                    "VideoSelector": {"Rotate": "AUTO"},
                    "AudioSelectors": {"Audio Selector 1": {"DefaultSelection": "DEFAULT"}}}],
        "OutputGroups": list(groups)}, **more}


def three_groups(prefix):
    return (group(f"s3://{BUCKET}/thumbs/{prefix}/", frames_output()),
            group(f"s3://{BUCKET}/mp4/{prefix}/", mp4_output()),
            group(f"s3://{BUCKET}/audio/{prefix}/", audio_output()))


@pytest.fixture(scope="module")
def s3(cloud):
    client = cloud.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def mc(cloud):
    return cloud.client("mediaconvert")


@pytest.fixture(scope="module")
def events(cloud, s3):
    """MediaConvert's events by job and status, as a rule sends them through SNS to us."""
    listener = Listener(cloud)
    yield listener
    listener.close()


class Listener:
    """An HTTP endpoint subscribed to a topic that gets MediaConvert's events."""

    def __init__(self, cloud):
        import http.server
        import threading
        listener = self
        self.details = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                listener.receive(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.sns = cloud.client("sns")
        self.topic = self.sns.create_topic(Name="media-events")["TopicArn"]
        rules = cloud.client("events")
        rules.put_rule(Name="media", EventPattern=json.dumps({"source": ["aws.mediaconvert"]}))
        rules.put_targets(Rule="media", Targets=[{"Id": "1", "Arn": self.topic}])
        self.confirmed = False
        self.sns.subscribe(TopicArn=self.topic, Protocol="http",
                           Endpoint=f"http://127.0.0.1:{self.server.server_port}/")
        wait_until(lambda: self.confirmed, what="the subscription")

    def receive(self, body):
        if body["Type"] == "SubscriptionConfirmation":
            self.sns.confirm_subscription(TopicArn=body["TopicArn"], Token=body["Token"])
            self.confirmed = True
        else:
            self.details.append(json.loads(body["Message"]))

    def of(self, job_id):
        return {event["detail"]["status"]: event for event in list(self.details)
                if event["detail"]["jobId"] == job_id}

    def wait(self, job_id, status):
        return wait_until(lambda: self.of(job_id).get(status),
                          what=lambda: f"{status}, not only {list(self.of(job_id))}")

    def close(self):
        self.server.shutdown()


def finish(mc, job, timeout=120):
    def look():
        found = mc.get_job(Id=job["Id"])["Job"]
        return found if found["Status"] in ENDED else None
    return wait_until(look, timeout, what=f"the end of job {job['Id']}")


def run(mc, *arguments, **options):
    return finish(mc, mc.create_job(**job_of(*arguments, **options))["Job"])


def keys_under(s3, prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def probe(s3, key, tmp_path):
    path = tmp_path / "probed"
    s3.download_file(BUCKET, key, str(path))
    done = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format",
                           str(path)], capture_output=True, check=True)
    return json.loads(done.stdout)


def refused(call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    return caught.value.response


def test_a_job_makes_frames_video_and_audio(s3, mc, events, sample, tmp_path):
    s3.upload_file(str(sample.short), BUCKET, "in/short.mp4")
    created = mc.create_job(**job_of("in/short.mp4", *three_groups("v1"),
                                     UserMetadata={"video_id": "v1"}))["Job"]
    assert re.fullmatch(r"\d{13}-[a-z0-9]{6}", created["Id"])
    assert created["Status"] == "SUBMITTED"
    assert created["Arn"].endswith(f":jobs/{created['Id']}")

    done = finish(mc, created)
    assert done["Status"] == "COMPLETE" and done["JobPercentComplete"] == 100
    assert done["UserMetadata"] == {"video_id": "v1"}
    assert {"SubmitTime", "StartTime", "FinishTime"} <= set(done["Timing"])
    assert "s3://" not in json.dumps(done["OutputGroupDetails"])
    assert keys_under(s3, "thumbs/v1/") == [f"thumbs/v1/short_frame.{i:07d}.jpg" for i in range(3)]

    video = probe(s3, "mp4/v1/short_video.mp4", tmp_path)
    assert [(s["codec_name"], s.get("pix_fmt")) for s in video["streams"]] == [
        ("h264", "yuv420p"), ("aac", None)]
    assert float(video["format"]["duration"]) == pytest.approx(3, abs=0.2)
    audio = probe(s3, "audio/v1/short_audio.m4a", tmp_path)
    assert [s["codec_name"] for s in audio["streams"]] == ["aac"]

    told = events.wait(created["Id"], "COMPLETE")["detail"]
    events.wait(created["Id"], "PROGRESSING")
    details = events.wait(created["Id"], "INPUT_INFORMATION")["detail"]["inputDetails"][0]
    assert told["userMetadata"] == {"video_id": "v1"}
    paths = [output["outputFilePaths"] for found in told["outputGroupDetails"]
             for output in found["outputDetails"]]
    assert paths == [[f"s3://{BUCKET}/thumbs/v1/short_frame.0000002.jpg"],
                     [f"s3://{BUCKET}/mp4/v1/short_video.mp4"],
                     [f"s3://{BUCKET}/audio/v1/short_audio.m4a"]]
    assert {found["type"] for found in told["outputGroupDetails"]} == {"FILE_GROUP"}
    assert told["outputGroupDetails"][0]["outputDetails"][0]["durationInMs"] == 3000
    assert told["outputGroupDetails"][1]["outputDetails"][0]["videoDetails"] == {
        "widthInPx": 320, "heightInPx": 240}
    assert details["uri"] == f"s3://{BUCKET}/in/short.mp4"
    assert details["video"][0]["codec"] == "H_264" and details["video"][0]["frameRate"] == 10
    assert details["audio"][0]["codec"] == "AAC"


def test_index_comes_first_in_the_mp4(s3, mc, sample):
    s3.upload_file(str(sample.short), BUCKET, "in/fast.mp4")
    run(mc, "in/fast.mp4", group(f"s3://{BUCKET}/fast/", mp4_output()))
    body = s3.get_object(Bucket=BUCKET, Key="fast/fast_video.mp4")["Body"].read()
    assert body.index(b"moov") < body.index(b"mdat")


@pytest.mark.parametrize("key", [
    "a b.mp4", "a+b.mp4", "50%.mp4", "%41.mp4", "number #1.mp4", "it's \"quoted\".mp4",
    "한국어 영상.mp4", "clip 🎬.mp4", "x" * 1000 + ".mp4"])
def test_any_key_works(s3, mc, sample, key):
    s3.upload_file(str(sample.short), BUCKET, f"odd/{key}")
    prefix = f"odd-out/{uuid.uuid4().hex}"
    done = run(mc, f"odd/{key}", group(f"s3://{BUCKET}/{prefix}/v", mp4_output()))
    assert done["Status"] == "COMPLETE", done.get("ErrorMessage")
    assert keys_under(s3, prefix) == [f"{prefix}/v_video.mp4"]


def test_frame_k_is_the_picture_at_k_intervals(s3, mc, tmp_path):
    # Brightness tells the time: 10 levels a second.
    path = tmp_path / "ramp.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "color=c=black:s=64x64:r=25,geq=lum='16+T*20':cb=128:cr=128", "-t", "4.1",
                    "-c:v", "libx264", "-qp", "4", str(path)], check=True)
    s3.upload_file(str(path), BUCKET, "in/ramp.mp4")
    run(mc, "in/ramp.mp4", group(f"s3://{BUCKET}/ramp/", frames_output(500, Quality=100)),
        group(f"s3://{BUCKET}/ramp-mp4/", mp4_output()))
    keys = keys_under(s3, "ramp/")
    assert len(keys) == 9
    for i, key in enumerate(keys):
        picture = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        done = subprocess.run(["ffmpeg", "-v", "error", "-i", "pipe:0", "-vf", "scale=1:1:out_range=tv",
                               "-pix_fmt", "yuv420p", "-f", "rawvideo", "-frames:v", "1", "pipe:1"],
                              input=picture, capture_output=True, check=True)
        assert done.stdout[0] == pytest.approx(16 + i * 0.5 * 20, abs=2.5), key


def test_a_picture_that_starts_late_stays_in_step_with_its_sound(s3, mc, tmp_path):
    path = tmp_path / "late.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-itsoffset", "1.5", "-f", "lavfi", "-t", "2",
                    "-i", "testsrc=s=64x64:r=10", "-f", "lavfi", "-t", "3.5", "-i", "sine=440",
                    "-c:v", "libx264", "-c:a", "aac", str(path)], check=True)
    s3.upload_file(str(path), BUCKET, "in/late.mp4")
    run(mc, "in/late.mp4", group(f"s3://{BUCKET}/late/", frames_output(500), mp4_output()))
    assert len(keys_under(s3, "late/late_frame")) == 7
    streams = probe(s3, "late/late_video.mp4", tmp_path)["streams"]
    assert [float(stream["start_time"]) for stream in streams] == pytest.approx([0, 0], abs=0.1)
    assert [float(stream["duration"]) for stream in streams] == pytest.approx([3.5, 3.5], abs=0.2)


def test_max_captures_is_kept(s3, mc, sample):
    s3.upload_file(str(sample.short), BUCKET, "in/short.mp4")
    run(mc, "in/short.mp4", group(f"s3://{BUCKET}/few/", frames_output(200, MaxCaptures=4)),
        group(f"s3://{BUCKET}/few-mp4/", mp4_output()))
    assert len(keys_under(s3, "few/")) == 4


def test_odd_sizes_and_rotation_come_out_upright_and_even(s3, mc, tmp_path):
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=321x181:r=10",
                    "-t", "1", "-c:v", "libx264", "-pix_fmt", "yuv444p", str(plain)], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(plain), "-c", "copy", "-metadata:s:v",
                    "rotate=90", str(turned)], check=True)
    s3.upload_file(str(turned), BUCKET, "in/turned.mp4")
    run(mc, "in/turned.mp4", group(f"s3://{BUCKET}/turned/", mp4_output()))
    stream = probe(s3, "turned/turned_video.mp4", tmp_path)["streams"][0]
    assert (stream["width"], stream["height"], stream["pix_fmt"]) == (180, 320, "yuv420p")


def test_no_audio_leaves_the_audio_output_out(s3, mc, events, sample, tmp_path):
    s3.upload_file(str(sample.no_audio), BUCKET, "in/silent.mp4")
    done = run(mc, "in/silent.mp4", *three_groups("silent"))
    assert done["Status"] == "COMPLETE"
    assert keys_under(s3, "audio/silent/") == []
    video = probe(s3, "mp4/silent/silent_video.mp4", tmp_path)
    assert [s["codec_type"] for s in video["streams"]] == ["video"]
    assert "audio" not in events.wait(done["Id"], "INPUT_INFORMATION")["detail"]["inputDetails"][0]


@pytest.mark.parametrize("name,code", [
    ("not_a_video", 1030), ("truncated", 1030), ("cut_off", 1040), ("audio_only", 1040)])
def test_bad_media_ends_in_an_error(s3, mc, events, sample, name, code):
    key = f"in/{name}.mp4"
    s3.upload_file(str(getattr(sample, name)), BUCKET, key)
    done = run(mc, key, *three_groups(name))
    assert (done["Status"], done["ErrorCode"]) == ("ERROR", code)
    assert f"[s3://{BUCKET}/{key}]" in done["ErrorMessage"]
    told = events.wait(done["Id"], "ERROR")["detail"]
    assert (told["errorCode"], told["errorMessage"]) == (code, done["ErrorMessage"])


def test_missing_input_is_1404_in_the_recorded_words(mc, events):
    done = run(mc, "in/nothing.mp4", *three_groups("nothing"))
    assert (done["Status"], done["ErrorCode"]) == ("ERROR", 1404)
    assert done["ErrorMessage"] == (
        f"Unable to open input file [s3://{BUCKET}/in/nothing.mp4]: "
        "[Failed probe/open: [Failed to read data: HeadObject failed]]")


def test_missing_output_bucket_ends_in_an_error(s3, mc, sample):
    s3.upload_file(str(sample.short), BUCKET, "in/short.mp4")
    done = run(mc, "in/short.mp4", group("s3://no-such-bucket/x/", mp4_output()))
    assert done["Status"] == "ERROR" and "no-such-bucket" in done["ErrorMessage"]


def test_format_identifiers_are_expanded(s3, mc, sample):
    s3.upload_file(str(sample.short), BUCKET, "in/name.mp4")
    output = mp4_output("_$w$x$h$_$dt$")
    run(mc, "in/name.mp4", group(f"s3://{BUCKET}/ids/$fn$-$d$", output))
    (key,) = keys_under(s3, "ids/")
    assert re.fullmatch(r"ids/name-\d{8}_320x240_\d{8}T\d{6}\.mp4", key)


def test_a_token_makes_one_job(s3, mc, sample):
    s3.upload_file(str(sample.short), BUCKET, "in/short.mp4")
    request = job_of("in/short.mp4", group(f"s3://{BUCKET}/token/", mp4_output()),
                     ClientRequestToken=uuid.uuid4().hex)
    first = mc.create_job(**request)["Job"]
    assert mc.create_job(**request)["Job"]["Id"] == first["Id"]
    other = mc.create_job(**{**request, "ClientRequestToken": uuid.uuid4().hex})["Job"]
    assert other["Id"] != first["Id"]
    finish(mc, first)
    finish(mc, other)


def broken(path, value):
    """The three groups with one thing wrong; `path` leads there, value None removes it."""
    request = copy.deepcopy(job_of("in/short.mp4", *three_groups("bad")))
    target = request
    for step in path[:-1]:
        target = target[step]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return request


OUTPUT = ("Settings", "OutputGroups", 1, "Outputs", 0)
CODEC = (*OUTPUT, "VideoDescription", "CodecSettings")


@pytest.mark.parametrize("path,value,words", [
    (("Settings", "Inputs"), [], "/inputs"),
    (("Settings", "OutputGroups"), [], "/outputGroups"),
    (("Settings", "Inputs", 0, "FileInput"), "s3://bucket-only", "/inputs/0/fileInput"),
    (("Settings", "Inputs", 0, "FileInput"), "s3://b/notes.txt", "/inputs/0/fileInput"),
    (("Settings", "Inputs", 0, "FileInput"), None, "fileInput"),
    (("Role",), "", "role"),
    ((*OUTPUT, "ContainerSettings"), None, "containerSettings"),
    ((*CODEC, "Codec"), None, "codec"),
    ((*CODEC, "H264Settings", "Bitrate"), 10, "Should be >= 1000"),
    ((*CODEC, "H264Settings", "Bitrate"), None, "bitrate"),
    ((*OUTPUT, "AudioDescriptions", 0, "AudioSourceName"), "Other", "audioSourceName"),
    ((*OUTPUT, "ContainerSettings", "Container"), "RAW", "container"),
    (("Settings", "OutputGroups", 0, "OutputGroupSettings", "FileGroupSettings", "Destination"),
     "https://example.com/", "destination"),
    (("Settings", "OutputGroups"), [group("s3://transcode/x/", frames_output())], "only frame"),
    (("Settings", "OutputGroups"),
     [group("s3://transcode/x/", mp4_output(), {**mp4_output(), "NameModifier": ""})],
     "nameModifier"),
])
def test_bad_requests_are_refused(cloud, path, value, words):
    # The service's own checks, not boto3's.
    unchecked = cloud.session().client("mediaconvert", endpoint_url=cloud.url, config=Config(
        parameter_validation=False, retries={"max_attempts": 1}))
    error = refused(unchecked.create_job, **broken(path, value))
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error["Error"]["Code"] == "BadRequestException"
    assert words in error["Error"]["Message"]


def test_an_unknown_queue_is_not_found(mc):
    error = refused(mc.create_job, **job_of("in/short.mp4", *three_groups("q"), Queue="Other"))
    assert error["Error"]["Code"] == "NotFoundException"


def test_queues(cloud, mc):
    queue = mc.get_queue(Name="Default")["Queue"]
    assert queue["Arn"].endswith(":queues/Default") and queue["Status"] == "ACTIVE"
    assert [found["Name"] for found in mc.list_queues()["Queues"]] == ["Default"]
    assert refused(mc.get_queue, Name="Other")["Error"]["Code"] == "NotFoundException"


def test_an_unknown_job_is_not_found(mc):
    for call in (mc.get_job, mc.cancel_job):
        error = refused(call, Id="1515368087458-qnoxtd")
        assert error["Error"]["Code"] == "NotFoundException"
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_jobs_are_listed_page_by_page(s3, mc):
    made = [mc.create_job(**job_of(f"in/none-{i}.mp4", *three_groups("list")))["Job"]["Id"]
            for i in range(5)]
    for job_id in made:
        finish(mc, {"Id": job_id})
    seen, token = [], None
    while True:
        page = mc.list_jobs(MaxResults=2, Status="ERROR", Queue="Default", Order="DESCENDING",
                            **({"NextToken": token} if token else {}))
        assert len(page["Jobs"]) <= 2
        seen += [job["Id"] for job in page["Jobs"]]
        token = page.get("NextToken")
        if not token:
            break
    assert seen[:5] == made[::-1] and len(seen) == len(set(seen))
    oldest = mc.list_jobs(Order="ASCENDING", MaxResults=20)["Jobs"]
    created = [job["CreatedAt"] for job in oldest]
    assert created == sorted(created)
    assert refused(mc.list_jobs, NextToken="what")["Error"]["Code"] == "BadRequestException"


def long_video(s3, seconds=600):
    """Takes ffmpeg long enough to be interrupted; costs little disk."""
    path = f"/tmp/localcloud-long-{uuid.uuid4().hex}.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=640x480:r=25",
                    "-t", "2", "-c:v", "libx264", "-preset", "ultrafast", path], check=True)
    longer = path + ".long.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", str(seconds // 2), "-i", path,
                    "-c", "copy", longer], check=True)
    s3.upload_file(longer, BUCKET, "in/long.mp4")
    subprocess.run(["rm", "-f", path, longer], check=True)


def until_transcoding(mc, job):
    wait_until(lambda: mc.get_job(Id=job["Id"])["Job"].get("CurrentPhase") == "TRANSCODING",
               what="ffmpeg at work")


def test_a_running_job_can_be_cancelled(s3, mc, events):
    long_video(s3)
    job = mc.create_job(**job_of("in/long.mp4", *three_groups("cancel")))["Job"]
    until_transcoding(mc, job)
    mc.cancel_job(Id=job["Id"])
    started = time.monotonic()
    assert finish(mc, job)["Status"] == "CANCELED"
    events.wait(job["Id"], "CANCELED")
    assert events.of(job["Id"])["STATUS_UPDATE"]["detail"]["jobProgress"]["currentPhase"] == "TRANSCODING"
    # ffmpeg is really gone: the queue counts a job as running until its worker is free.
    s3.put_object(Bucket=BUCKET, Key="in/x.mp4", Body=b"x")
    others = [mc.create_job(**job_of("in/x.mp4", *three_groups("x")))["Job"] for _ in range(4)]
    for other in others:
        finish(mc, other)
    assert time.monotonic() - started < 30
    assert keys_under(s3, "mp4/cancel/") == []
    assert refused(mc.cancel_job, Id=job["Id"])["Error"]["Code"] == "ConflictException"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_resumes_jobs(make_cloud, sample, how):
    cloud = make_cloud()
    s3, mc = cloud.client("s3"), cloud.client("mediaconvert")
    s3.create_bucket(Bucket=BUCKET)
    long_video(s3, 60)
    s3.upload_file(str(sample.short), BUCKET, "in/short.mp4")
    running = mc.create_job(**job_of("in/long.mp4", *three_groups("long")))["Job"]
    queued = [mc.create_job(**job_of("in/short.mp4", *three_groups(f"q{i}")))["Job"]
              for i in range(3)]
    until_transcoding(mc, running)
    cloud.restart(how)
    mc = cloud.client("mediaconvert")
    for job in (running, *queued):
        assert finish(mc, job, 180)["Status"] == "COMPLETE"
    assert len(keys_under(cloud.client("s3"), "thumbs/long/")) >= 60
