# SPDX-License-Identifier: Apache-2.0
"""localcloud's Rekognition, driven by boto3: every operation, real pictures and footage, and that
it finds nothing where there is nothing."""

import subprocess
import uuid
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from harness import Cloud, wait_until

BUCKET = "pictures"
STREET = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
SKIMAGE = Path("/usr/lib/python3/dist-packages/skimage/data")
ROLE = "arn:aws:iam::000000000000:role/Rekognition"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, sample):
    cloud = Cloud(tmp_path_factory.mktemp("rekognition") / "data", gallery=sample.gallery)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def s3(cloud, sample):
    client = cloud.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.upload_file(str(sample.demo), BUCKET, "demo.mp4")
    client.upload_file(str(sample.short), BUCKET, "short.mp4")
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        client.upload_file(str(SKIMAGE / name), BUCKET, name)
    return client


@pytest.fixture(scope="module")
def rekognition(cloud):
    return cloud.client("rekognition")


def image(name):
    return {"S3Object": {"Bucket": BUCKET, "Name": name}}


def refused(call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    return caught.value.response["Error"]["Code"]


def finish(rekognition, job_id, timeout=240, **options):
    def look():
        page = rekognition.get_label_detection(JobId=job_id, **options)
        return page if page["JobStatus"] != "IN_PROGRESS" else None
    return wait_until(look, timeout, what=f"the end of job {job_id}")


def labels_of(rekognition, key, **options):
    job_id = rekognition.start_label_detection(Video=image(key), **options)["JobId"]
    page = finish(rekognition, job_id)
    assert page["JobStatus"] == "SUCCEEDED", page
    return page


@pytest.fixture(scope="module")
def demo(s3, rekognition):
    """The labels of the sample video, found once."""
    job_id = rekognition.start_label_detection(Video=image("demo.mp4"), MinConfidence=80)["JobId"]
    return finish(rekognition, job_id), job_id


def test_the_astronaut_is_recognised(s3, rekognition):
    for picture in (image("astronaut.png"), {"Bytes": (SKIMAGE / "astronaut.png").read_bytes()}):
        answer = rekognition.recognize_celebrities(Image=picture)
        (found,) = answer["CelebrityFaces"]
        assert found["Name"] == "Eileen Collins" and found["MatchConfidence"] > 90
        assert len(found["Id"]) == 7 and found["Id"].isalnum() and found["Urls"] == []
        box = found["Face"]["BoundingBox"]
        # The face of the photograph, as a person would mark it.
        assert 0.3 < box["Left"] + box["Width"] / 2 < 0.55
        assert 0.1 < box["Top"] + box["Height"] / 2 < 0.35
        assert found["Face"]["Confidence"] > 95
        assert {"Pose", "Quality", "Landmarks"} <= set(found["Face"])
        assert answer["UnrecognizedFaces"] == []


def test_an_unknown_face_has_no_name(s3, rekognition):
    picture = Path("/usr/share/doc/opencv-doc/examples/data/messi5.jpg").read_bytes()
    answer = rekognition.recognize_celebrities(Image={"Bytes": picture})
    assert answer["CelebrityFaces"] == [] and len(answer["UnrecognizedFaces"]) >= 1


def test_a_picture_without_faces_has_none(s3, rekognition):
    answer = rekognition.recognize_celebrities(Image=image("coffee.png"))
    assert answer["CelebrityFaces"] == [] and answer["UnrecognizedFaces"] == []


def test_labels_have_rekognitions_names_and_families(s3, rekognition):
    labels = {label["Name"]: label for label in rekognition.detect_labels(
        Image=image("chelsea.png"), MinConfidence=85)["Labels"]}
    assert set(labels) == {"Cat", "Animal", "Mammal", "Pet"}
    assert [parent["Name"] for parent in labels["Cat"]["Parents"]] == ["Animal", "Mammal", "Pet"]
    assert labels["Cat"]["Categories"] == [{"Name": "Animals and Pets"}]
    assert len(labels["Cat"]["Instances"]) == 1 and labels["Animal"]["Instances"] == []

    labels = {label["Name"]: label for label in rekognition.detect_labels(
        Image=image("astronaut.png"), MinConfidence=85)["Labels"]}
    assert {"Face", "Head", "Person"} == set(labels)
    assert [parent["Name"] for parent in labels["Face"]["Parents"]] == ["Head", "Person"]
    assert labels["Person"]["Categories"] == [{"Name": "Person Description"}]
    only = rekognition.detect_labels(Image=image("astronaut.png"), MaxLabels=1)["Labels"]
    assert len(only) == 1


def test_bad_images_are_refused(s3, rekognition):
    s3.put_object(Bucket=BUCKET, Key="text.jpg", Body=b"no picture")
    s3.put_object(Bucket=BUCKET, Key="cut.png", Body=(SKIMAGE / "coffee.png").read_bytes()[:60])
    s3.put_object(Bucket=BUCKET, Key="large.jpg", Body=bytes(15 * 1024 * 1024 + 1))
    tiny = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=64x64", "-frames:v",
                           "1", "-f", "image2", "-c:v", "png", "pipe:1"],
                          capture_output=True, check=True).stdout
    for call in (rekognition.recognize_celebrities, rekognition.detect_labels):
        assert refused(call, Image=image("nothing.jpg")) == "InvalidS3ObjectException"
        assert refused(call, Image=image("text.jpg")) == "InvalidImageFormatException"
        assert refused(call, Image=image("cut.png")) == "InvalidImageFormatException"
        assert refused(call, Image=image("large.jpg")) == "ImageTooLargeException"
        assert refused(call, Image={"Bytes": tiny}) == "InvalidParameterException"
        assert refused(call, Image={}) == "InvalidParameterException"


def test_the_sample_shows_a_face_then_people_then_a_cat(demo):
    page, _ = demo
    metadata = page["VideoMetadata"]
    assert metadata["Codec"] == "h264" and metadata["Format"] == "QuickTime / MOV"
    assert metadata["DurationMillis"] == pytest.approx(20000, abs=100)
    assert (metadata["FrameWidth"], metadata["FrameHeight"]) == (640, 480)
    assert metadata["FrameRate"] == pytest.approx(15)

    def times(name):
        return [entry["Timestamp"] for entry in page["Labels"]
                if entry["Label"]["Name"] == name and entry["Label"]["Instances"]]
    assert len(times("Face")) >= 10 and max(times("Face")) < 7000
    assert len(times("Person")) >= 4 and all(7000 <= at < 14000 for at in times("Person"))
    assert len(times("Cat")) >= 8 and min(times("Cat")) >= 14000
    stamps = [entry["Timestamp"] for entry in page["Labels"]]
    assert stamps == sorted(stamps)
    for entry in page["Labels"]:
        assert 80 <= entry["Label"]["Confidence"] <= 100
        for instance in entry["Label"]["Instances"]:
            box = instance["BoundingBox"]
            assert box["Left"] >= 0 and box["Left"] + box["Width"] <= 1.0001
            assert box["Top"] >= 0 and box["Top"] + box["Height"] <= 1.0001


def test_results_come_page_by_page(rekognition, demo):
    page, job_id = demo
    for sort in ("TIMESTAMP", "NAME"):
        entries, token = [], None
        while True:
            part = rekognition.get_label_detection(
                JobId=job_id, MaxResults=7, SortBy=sort, **({"NextToken": token} if token else {}))
            assert len(part["Labels"]) <= 7 and part["VideoMetadata"]["Codec"] == "h264"
            entries += part["Labels"]
            token = part.get("NextToken")
            if not token:
                break
        if sort == "TIMESTAMP":
            assert entries == page["Labels"]
        else:
            names = [entry["Label"]["Name"] for entry in entries]
            assert names == sorted(names) and len(entries) == len(page["Labels"])
    token = rekognition.get_label_detection(JobId=job_id, MaxResults=1)["NextToken"]
    for bad in ({"NextToken": "bm8="}, {"NextToken": token, "SortBy": "NAME"}):
        assert refused(rekognition.get_label_detection, JobId=job_id,
                       **bad) == "InvalidPaginationTokenException"
    assert refused(rekognition.get_label_detection, JobId="0" * 64) == "ResourceNotFoundException"


NOTHING = {
    "plain": "color=c=0x406080:s=640x480:r=10",
    "noise": "nullsrc=s=640x480:r=10,geq=random(1)*255:128:128",
    "testsrc": "testsrc=s=640x480:r=10",
    "testsrc2": "testsrc2=s=640x480:r=10",
    "bars": "smptebars=s=640x480:r=10",
    "gradients": "gradients=s=640x360:r=10:speed=0.01,noise=alls=12:allf=t",
}


def encode(path, *arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments), "-t", "4", "-c:v", "libx264",
                    "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path)], check=True)


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_is_found_where_nothing_is(s3, rekognition, tmp_path, name):
    encode(tmp_path / "v.mp4", "-f", "lavfi", "-i", NOTHING[name])
    s3.upload_file(str(tmp_path / "v.mp4"), BUCKET, f"{name}.mp4")
    assert labels_of(rekognition, f"{name}.mp4", MinConfidence=85)["Labels"] == []


def test_the_street_without_its_pedestrians_is_empty(s3, rekognition, tmp_path):
    empty = tmp_path / "street.png"
    # The median over time: whoever walks through is in no place for long.
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", STREET, "-vf", "fps=1,tmedian=radius=39",
                    "-frames:v", "1", str(empty)], check=True)
    encode(tmp_path / "v.mp4", "-loop", "1", "-framerate", "10", "-i", empty, "-vf",
           "noise=alls=8:allf=t")
    s3.upload_file(str(tmp_path / "v.mp4"), BUCKET, "street.mp4")
    assert labels_of(rekognition, "street.mp4", MinConfidence=85)["Labels"] == []


def test_a_token_makes_one_job(s3, rekognition):
    request = {"Video": image("short.mp4"), "ClientRequestToken": uuid.uuid4().hex}
    first = rekognition.start_label_detection(**request)["JobId"]
    assert rekognition.start_label_detection(**request)["JobId"] == first
    assert refused(rekognition.start_label_detection, **request,
                   MinConfidence=10) == "IdempotentParameterMismatchException"
    finish(rekognition, first)
    assert rekognition.start_label_detection(**request)["JobId"] == first


def test_bad_videos(s3, rekognition, sample):
    start = rekognition.start_label_detection
    assert refused(start, Video=image("nothing.mp4")) == "InvalidS3ObjectException"
    assert refused(start, Video=image("short.mp4"), MinConfidence=101) == "InvalidParameterException"
    assert refused(start, Video=image("short.mp4"), JobTag="no spaces") == "InvalidParameterException"
    assert refused(start, Video={}) == "InvalidParameterException"
    for path in (sample.not_a_video, sample.truncated, sample.audio_only, STREET):
        s3.upload_file(str(path), BUCKET, "bad.mp4")
        page = finish(rekognition, start(Video=image("bad.mp4"))["JobId"])
        assert page["JobStatus"] == "FAILED"
        assert page["StatusMessage"] == "Unsupported codec/format"


def test_the_notification_channel_is_told(cloud, s3, rekognition):
    import http.server
    import json
    import threading
    received = []
    sns = cloud.client("sns")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(body)
            if body["Type"] == "SubscriptionConfirmation":
                sns.confirm_subscription(TopicArn=body["TopicArn"], Token=body["Token"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    topic = sns.create_topic(Name="AmazonRekognition-done")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/")
    wait_until(lambda: received, what="the confirmation")
    s3.upload_file(str(SKIMAGE / "coffee.png"), BUCKET, "a b+c.mp4")
    job_id = rekognition.start_label_detection(
        Video=image("a b+c.mp4"), JobTag="v-1",
        NotificationChannel={"SNSTopicArn": topic, "RoleArn": ROLE})["JobId"]
    message = json.loads(wait_until(
        lambda: next((body["Message"] for body in received if body["Type"] == "Notification"), None),
        what="the notification"))
    server.shutdown()
    assert isinstance(message.pop("Timestamp"), int)
    assert message == {"JobId": job_id, "Status": "FAILED", "API": "StartLabelDetection",
                       "JobTag": "v-1",
                       "Video": {"S3ObjectName": "a b+c.mp4", "S3Bucket": BUCKET}}


def test_twenty_jobs_are_open_at_most_and_a_restart_resumes_them(make_cloud, sample):
    cloud = make_cloud()
    s3, rekognition = cloud.client("s3"), cloud.client("rekognition")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(sample.demo), BUCKET, "demo.mp4")
    s3.upload_file(str(sample.short), BUCKET, "short.mp4")
    jobs = [rekognition.start_label_detection(Video=image("demo.mp4"))["JobId"]]
    jobs += [rekognition.start_label_detection(Video=image("short.mp4"))["JobId"] for _ in range(19)]
    assert refused(rekognition.start_label_detection,
                   Video=image("short.mp4")) == "LimitExceededException"
    cloud.restart()
    rekognition = cloud.client("rekognition")
    for job_id in jobs:
        assert finish(rekognition, job_id)["JobStatus"] == "SUCCEEDED"
    names = {entry["Label"]["Name"]
             for entry in rekognition.get_label_detection(JobId=jobs[0])["Labels"]}
    assert {"Face", "Person", "Cat"} <= names
