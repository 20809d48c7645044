# SPDX-License-Identifier: Apache-2.0
"""Events of AWS, documented and recorded (./run conformance --events DIR), sent to a running
spotlist in messages that are signed as SNS signs, with a PKI of the test's own.

Each file is sent twice: as it is, about jobs that nobody here knows, which must be accepted and
change nothing; and about jobs that wait, when it must have the effect that its kind has. The same
is done with an event of every kind made of event_shapes.py, so that it says something without DIR.
"""

import copy
import datetime
import http.server
import json
import pathlib
import threading
import urllib.parse
import uuid

import pytest

import event_shapes
import replay
import sns_pki
import witnesses
from harness import BUCKET, Cloud, Postgres, Spotlist, topic_arn, wait_until

pytestmark = pytest.mark.witness("localcloud")
WHILE = 3_600_000  # ms: longer than any test, so that spotlist asks for a job only when it is told
NAME = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
TOPICS = {"mediaconvert": "events", "transcribe": "events", "rekognition": "rekognition",
          "s3": "uploads"}
ENDS = {"COMPLETE", "ERROR", "CANCELED"}


class Signer:
    """SNS, as far as a receiver sees it: a certificate at a URL, and signatures."""

    def __init__(self, directory):
        now, day = datetime.datetime.utcnow(), datetime.timedelta(days=1)
        self.key = sns_pki.rsa_key()
        self.url = None
        root = type("Root", (), {"key": sns_pki.rsa_key()})()
        root.certificate = sns_pki.issue("root", root.key, root, ca=True, subject="root",
                                         start=now - day, end=now + day)
        leaf = sns_pki.issue("sns.amazonaws.com", self.key, root, start=now - day, end=now + day,
                             sans=["sns.amazonaws.com"])
        self.roots = directory / "roots.pem"
        self.roots.write_bytes(sns_pki.pem(root.certificate))
        pem = sns_pki.pem(leaf)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == NAME else 404)
                self.send_header("Content-Length", str(len(pem)))
                self.end_headers()
                self.wfile.write(pem)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def notification(self, topic, text, version="2"):
        now = datetime.datetime.utcnow()
        arn = topic_arn(topic)
        message = {
            "Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": arn,
            "Message": text, "Timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
            "SignatureVersion": version, "SigningCertURL": self.url + NAME,
            "UnsubscribeURL": f"{self.url}/?Action=Unsubscribe&SubscriptionArn={arn}:1"}
        if topic == "uploads":
            message["Subject"] = "Amazon S3 Notification"  # as recorded; EventBridge sets none
        return sns_pki.sign(message, self.key)


class World:
    """spotlist with one video whose transcoding runs and one whose labels and transcript do."""

    def __init__(self, directory):
        replays = directory / "replays"
        replays.mkdir()
        self.signer = Signer(directory)
        self.cloud = Cloud(directory / "data", arguments=["--replay", str(replays)])
        self.cluster = Postgres()
        self.database = self.cluster.create_database()
        self.spotlist = Spotlist(directory / "svc", self.database, self.cloud, subscribe=False,
                                 settings={"AWS_ENDPOINT_URL_SNS": self.signer.url,
                                           "AWS_CA_BUNDLE": str(self.signer.roots),
                                           "SPOTLIST_POLL_INTERVAL_MS": str(WHILE)})
        self.slow = self.submit(replay.write(replays, "slow", transcode_ms=WHILE))
        self.quick = self.submit(replay.write(replays, "quick", labels_ms=WHILE,
                                              transcript_ms=WHILE))
        self.jobs = {"mediaconvert": self.job(self.slow)}
        self.send("events", {"source": "aws.mediaconvert", "detail": {
            "jobId": self.job(self.quick), "status": "COMPLETE"}})
        self.jobs["rekognition"] = self.analysis_job("labels")
        self.jobs["transcribe"] = self.analysis_job("transcript")

    def close(self):
        self.spotlist.stop()
        self.cluster.stop()
        self.cloud.stop()
        self.signer.close()

    def submit(self, made):
        uri = made.upload(self.cloud, BUCKET, f"in/{made.name}")
        return self.spotlist.submit(uri)["id"]

    def job(self, video):
        return wait_until(lambda: self.database.query(
            "SELECT transcode_job_id FROM spotlist_data.videos WHERE id = %s", video)[0][0])

    def analysis_job(self, kind):
        def look():
            rows = self.database.query("SELECT job_id FROM spotlist_data.analyses "
                                       "WHERE video_id = %s AND kind = %s", self.quick, kind)
            return rows and rows[0][0]
        return wait_until(look, 60, f"the job of {kind}")

    def send(self, topic, event, headers=None, version="2"):
        text = event if isinstance(event, str) else json.dumps(event, separators=(",", ":"))
        message = self.signer.notification(topic, text, version)
        reply = self.spotlist.post("/sns", body=json.dumps(message).encode(), headers=headers or {
            "Content-Type": "text/plain; charset=UTF-8"})
        assert reply.status == 200, reply
        return message

    def quiet(self):
        """Waits until no step is held or due; what is there then."""
        wait_until(lambda: not self.database.query(
            "SELECT 1 FROM spotlist_data.steps "
            "WHERE holder IS NOT NULL OR due_at <= now() AND NOT parked"))
        return (self.database.query("SELECT id, due_at, wake FROM spotlist_data.steps ORDER BY 1"),
                self.database.query("SELECT id, state, transcode_percent, width, codec, updated_at "
                                    "FROM spotlist_data.videos ORDER BY 1"))

    def asked(self, call):
        return self.cloud.journal()["calls"].get(call, {"total": 0})["total"]

    def video(self, *columns):
        [row] = self.database.query(f"SELECT {', '.join(columns)} FROM spotlist_data.videos "
                                    "WHERE id = %s", self.slow)
        return row

    def forget(self):
        """What events told of the slow video before."""
        self.database.query("UPDATE spotlist_data.videos SET width = NULL, height = NULL, "
                            "frame_rate = NULL, codec = NULL, has_audio = NULL, "
                            "transcode_percent = NULL WHERE id = %s", self.slow)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("events"))
    yield world
    world.close()


def own_events():
    return {f"made of the shape: {kind}": event_shapes.example(kind)
            for kind in event_shapes.SHAPES}


def pytest_generate_tests(metafunc):
    if "event" in metafunc.fixturenames:
        events = own_events()
        directory = metafunc.config.getoption("--events")
        if directory:
            given = event_shapes.read_directory(pathlib.Path(directory))
            assert given, f"no *.json in {directory}"
            events.update(given)
        metafunc.parametrize("event", events.values(), ids=events.keys())


def aimed(event, kind, world):
    """The same event about a job, or in a bucket, of spotlist's."""
    event = copy.deepcopy(event)
    if kind.startswith("mediaconvert"):
        event["detail"]["jobId"] = world.jobs["mediaconvert"]
    elif kind.startswith("rekognition"):
        event["JobId"] = world.jobs["rekognition"]
    elif "TranscriptionJobName" in event.get("detail", {}):
        event["detail"]["TranscriptionJobName"] = world.jobs["transcribe"]
    for record in event.get("Records", []):
        record["s3"]["bucket"]["name"] = BUCKET
        record["s3"]["object"]["key"] = \
            f"uploads/{uuid.uuid4().hex}-{record['s3']['object']['key']}"
    return event


def check_input(world, event):
    [given] = event["detail"]["inputDetails"]
    video = given["video"][0]
    assert world.video("width", "height", "frame_rate", "codec", "has_audio") == (
        video["width"], video["height"], video["frameRate"], video["codec"], "audio" in given)


def check_upload(world, event):
    for record in event["Records"]:
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        found = world.database.query("SELECT size_bytes, etag FROM spotlist_data.videos "
                                     "WHERE bucket = %s AND key = %s", BUCKET, key)
        assert found == [(record["s3"]["object"]["size"], record["s3"]["object"]["eTag"])]


def test_it_has_the_shape_that_is_written_down(event):
    assert event_shapes.differences(event, event_shapes.SHAPES[event_shapes.kind_of(event)]) == []


def test_about_a_job_of_somebody_else_it_changes_nothing(world, event):
    before = world.quiet()
    world.send(TOPICS[event_shapes.kind_of(event).split()[0]], event)
    assert world.quiet() == before


def test_about_a_job_that_waits_it_has_its_effect(world, event):
    kind = event_shapes.kind_of(event)
    service, status = kind.split()
    event = aimed(event, kind, world)
    world.forget()
    before = world.quiet()
    calls = {"mediaconvert": "mediaconvert GetJob", "rekognition": "rekognition GetLabelDetection",
             "transcribe": "transcribe GetTranscriptionJob"}
    asked = world.asked(calls.get(service))
    message = world.send(TOPICS[service], event)
    if kind == "mediaconvert INPUT_INFORMATION":
        check_input(world, event)
    elif kind == "mediaconvert STATUS_UPDATE":
        assert world.video("transcode_percent") == \
            (event["detail"]["jobProgress"]["jobPercentComplete"],)
    elif kind == "s3 Records":
        check_upload(world, event)
    elif status in ENDS or service == "rekognition" or status in ("COMPLETED", "FAILED"):
        wait_until(lambda: world.asked(calls[service]) == asked + 1, 20, "the job is asked for")
    else:
        assert world.quiet() == before
    assert world.database.query("SELECT count(*) FROM spotlist_data.inbox WHERE message_id = %s",
                                message["MessageId"]) == [(1,)]


# --- what is around the event --------------------------------------------------------------------

RECORDED_HEADERS = """\
x-amz-sns-message-type: Notification
x-amz-sns-message-id: 37210acf-236b-59e5-bbb8-52f4f85cd7b3
x-amz-sns-topic-arn: arn:aws:sns:us-east-2:954236614099:MediaConvertJobUpdate
x-amz-sns-subscription-arn: arn:aws:sns:us-east-2:954236614099:MediaConvertJobUpdate:186ceb0f
Content-Type: text/plain; charset=UTF-8
Connection: Keep-Alive
User-Agent: Amazon Simple Notification Service Agent
Accept-Encoding: gzip, deflate
"""


def headers_of(text):
    pairs = dict(line.split(": ", 1) for line in text.splitlines() if line.strip())
    return {name: value for name, value in pairs.items()
            if name.lower() not in ("content-length", "host")}


@pytest.mark.parametrize("version", ["1", "2"])
def test_headers_as_recorded_are_taken(world, request, version):
    """Their values tell of another topic: only what is signed counts."""
    directory = request.config.getoption("--events")
    recorded = pathlib.Path(directory or "/nonexistent") / "sns-http-headers.recorded.txt"
    text = recorded.read_text() if recorded.exists() else RECORDED_HEADERS
    world.send("events", event_shapes.example("mediaconvert PROGRESSING"), headers_of(text),
               version)


def test_localcloud_sends_the_headers_that_were_recorded(world):
    from receiver import Receiver  # pylint: disable=import-outside-toplevel
    receiver = Receiver()
    sns = world.cloud.client("sns")
    topic = sns.create_topic(Name="headers")["TopicArn"]
    receiver.subscribe(sns, topic)
    sns.publish(TopicArn=topic, Message="m")
    sent = {name.lower(): value for name, value in receiver.next().headers.items()}
    receiver.close()
    recorded = {name.lower(): value for name, value in headers_of(RECORDED_HEADERS).items()}
    assert set(sent) - {"host", "content-length"} == set(recorded)
    for name in ("content-type", "user-agent", "x-amz-sns-message-type"):
        assert sent[name] == recorded[name]


def recorded_messages(value):
    """The SNS envelopes in a snapshot of LocalStack's, made at AWS."""
    if isinstance(value, dict):
        if value.get("Type") == "Notification" and isinstance(value.get("Message"), dict):
            yield value
        for each in value.values():
            yield from recorded_messages(each)
    elif isinstance(value, list):
        for each in value:
            yield from recorded_messages(each)


def test_snapshots_made_at_aws_have_the_members_that_are_known(world, events_directory):
    envelope = set(world.signer.notification("uploads", "{}"))
    found = 0
    for path in sorted(pathlib.Path(events_directory).glob("*.localstack-snapshot.json")):
        for message in recorded_messages(json.loads(path.read_text())):
            found += 1
            assert set(message) == envelope, message
            kind = event_shapes.kind_of(message["Message"])
            assert event_shapes.differences(message["Message"], event_shapes.SHAPES[kind]) == []
    assert found > 0


def test_nothing_of_it_was_logged_as_wrong(world):
    wrong = [line for line in world.spotlist.log().splitlines()
             if "level=error" in line or "sns" in line and "level=warn" in line]
    assert not wrong, wrong[:5]
