# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: botocore is who reads the errors, receiver.py who gets the notifications."""

import json
import socket
import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.parsers import ResponseParserError
from cryptography.exceptions import InvalidSignature

import replay
from harness import (CLOUD_BUILD, Cloud, Process, exchange, plain_environment, program,
                     wait_until)
from receiver import Receiver, check_signature
from test_localcloud_mediaconvert import finish, job_of, three_groups
from test_localcloud_replay import ended_labels, run_labels

BUCKET = "transcode"
RULES = {"probability": 1.0, "skip": 0, "delay_ms": 0}


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    return tmp_path_factory.mktemp("replays")


@pytest.fixture(scope="module")
def shared(tmp_path_factory, replays):
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data", arguments=["--replay", str(replays)])
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(shared):
    """Without faults, before and after."""
    yield shared
    shared.clear_faults()


CALLS = {
    "s3": ("PutObject", lambda client: client.put_object(Bucket=BUCKET, Key="k", Body=b"x")),
    "sns": ("ListTopics", lambda client: client.list_topics()),
    "events": ("PutEvents", lambda client: client.put_events(
        Entries=[{"Source": "me", "DetailType": "t", "Detail": "{}"}])),
    "sts": ("GetCallerIdentity", lambda client: client.get_caller_identity()),
    "dynamodb": ("GetItem", lambda client: client.get_item(
        TableName="none", Key={"id": {"S": "1"}})),
    "mediaconvert": ("CreateJob", lambda client: client.create_job(
        **job_of("in/x", *three_groups("x")))),
    "rekognition": ("StartLabelDetection", lambda client: run_labels(client, "in/x")),
    "transcribe": ("GetTranscriptionJob", lambda client: client.get_transcription_job(
        TranscriptionJobName="x")),
}

CODES = {
    "s3": {"throttle": (503, "SlowDown"), "server_error": (500, "InternalError"),
           "expired_token": (400, "ExpiredToken"), "limit": (503, "SlowDown")},
    "sns": {"throttle": (400, "Throttling"), "server_error": (500, "InternalFailure"),
            "expired_token": (403, "ExpiredToken"), "limit": (403, "TopicLimitExceeded")},
    "events": {"throttle": (400, "ThrottlingException"), "server_error": (500, "InternalException"),
               "expired_token": (400, "ExpiredTokenException"),
               "limit": (400, "LimitExceededException")},
    "sts": {"throttle": (400, "Throttling"), "server_error": (500, "InternalFailure"),
            "expired_token": (403, "ExpiredToken"), "limit": (400, "Throttling")},
    "dynamodb": {"throttle": (400, "ProvisionedThroughputExceededException"),
                 "server_error": (500, "InternalServerError"),
                 "expired_token": (400, "ExpiredTokenException"),
                 "limit": (400, "LimitExceededException")},
    "mediaconvert": {"throttle": (429, "TooManyRequestsException"),
                     "server_error": (500, "InternalServerErrorException"),
                     "expired_token": (403, "ExpiredTokenException"),
                     "limit": (429, "TooManyRequestsException")},
    "rekognition": {"throttle": (400, "ThrottlingException"),
                    "server_error": (500, "InternalServerError"),
                    "expired_token": (400, "ExpiredTokenException"),
                    "limit": (400, "LimitExceededException")},
    "transcribe": {"throttle": (400, "ThrottlingException"),
                   "server_error": (500, "InternalFailureException"),
                   "expired_token": (400, "ExpiredTokenException"),
                   "limit": (400, "LimitExceededException")},
}


def client_of(cloud, service):
    """A client that tries once."""
    return cloud.session().client(service, endpoint_url=cloud.url, config=Config(
        retries={"total_max_attempts": 1}, read_timeout=20, s3={"addressing_style": "path"}))


@pytest.mark.parametrize("kind", ["throttle", "server_error", "expired_token", "limit"])
@pytest.mark.parametrize("service", CALLS)
def test_each_service_refuses_in_its_own_words(cloud, service, kind):
    operation, call = CALLS[service]
    cloud.faults([{"service": service, "operation": operation, "kind": kind, "count": 1}])
    client = client_of(cloud, service)
    with pytest.raises(ClientError) as caught:
        call(client)
    response = caught.value.response
    status, code = CODES[service][kind]
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (
        status, code)
    assert response["Error"]["Message"] and response["ResponseMetadata"]["RequestId"]
    assert cloud.faults()["rules"][0] == {
        "service": service, "operation": operation, "kind": kind, "count": 1, **RULES,
        "matched": 1, "fired": 1}
    try:  # the rule is used up
        call(client)
    except ClientError as error:
        assert error.response["Error"]["Code"] not in {
            code for _, code in CODES[service].values()}


def test_single_images_have_a_rate_of_their_own(cloud):
    cloud.faults([{"service": "rekognition", "kind": "throttle"}])
    with pytest.raises(ClientError) as caught:
        client_of(cloud, "rekognition").recognize_celebrities(
            Image={"S3Object": {"Bucket": BUCKET, "Name": "x"}})
    assert caught.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"


@pytest.mark.parametrize("service", ["dynamodb", "mediaconvert", "rekognition", "sns"])
def test_garbage_is_no_answer(cloud, service):
    operation, call = CALLS[service]
    cloud.faults([{"service": service, "operation": operation, "kind": "garbage"}])
    try:  # botocore takes JSON that is none for an empty answer
        assert set(call(client_of(cloud, service))) == {"ResponseMetadata"}
    except (ResponseParserError, KeyError):
        pass


def test_garbage_in_the_place_of_an_object(cloud):
    s3 = client_of(cloud, "s3")
    s3.put_object(Bucket=BUCKET, Key="truth", Body=b'{"a": 1}')
    cloud.faults([{"service": "s3", "operation": "GetObject", "kind": "garbage", "count": 1}])
    with pytest.raises(ValueError):
        json.loads(s3.get_object(Bucket=BUCKET, Key="truth")["Body"].read())
    assert s3.get_object(Bucket=BUCKET, Key="truth")["Body"].read() == b'{"a": 1}'


@pytest.mark.parametrize("kind, done", [("cut_before", False), ("cut_after", True)])
def test_a_cut_connection(cloud, kind, done):
    s3 = client_of(cloud, "s3")
    key = f"cut/{kind}"
    cloud.faults([{"service": "s3", "operation": "PutObject", "kind": kind}])
    before = cloud.journal()["calls"]["s3 PutObject"]
    with pytest.raises(HTTPClientError):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    cloud.clear_faults()
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == int(done)
    calls = cloud.journal()["calls"]["s3 PutObject"]
    assert calls == {"total": before["total"] + 1, "ok": before["ok"] + int(done),
                     "faulted": before["faulted"] + 1}


def test_a_cut_download(cloud):
    s3 = client_of(cloud, "s3")
    s3.put_object(Bucket=BUCKET, Key="big", Body=b"x" * 100000)
    cloud.faults([{"service": "s3", "operation": "GetObject", "kind": "cut_after"}])
    with pytest.raises(HTTPClientError):
        s3.get_object(Bucket=BUCKET, Key="big")


def test_slowness_adds_up_and_the_answer_is_right(cloud):
    cloud.faults([{"service": "*", "kind": "slow", "delay_ms": 200},
                  {"service": "sts", "operation": "GetCallerIdentity", "kind": "slow",
                   "delay_ms": 150}])
    started = time.monotonic()
    assert client_of(cloud, "sts").get_caller_identity()["Account"] == "000000000000"
    assert time.monotonic() - started >= 0.35
    assert [rule["fired"] for rule in cloud.faults()["rules"]] == [1, 1]


def test_skip_count_and_the_first_rule_that_fires(cloud):
    cloud.faults([{"service": "sts", "kind": "throttle", "skip": 2, "count": 2},
                  {"service": "*", "operation": "*", "kind": "server_error", "skip": 1,
                   "count": 1}])
    seen = []
    for _ in range(6):
        try:
            client_of(cloud, "sts").get_caller_identity()
            seen.append("ok")
        except ClientError as error:
            seen.append(error.response["Error"]["Code"])
    assert seen == ["ok", "InternalFailure", "Throttling", "Throttling", "ok", "ok"]
    assert [(rule["matched"], rule["fired"]) for rule in cloud.faults()["rules"]] == [
        (6, 2), (4, 1)]


def test_the_seed_decides_and_decides_the_same_again(cloud):
    def run(seed):
        cloud.faults([{"service": "sts", "kind": "throttle", "probability": 0.5}], seed=seed)
        client, seen = client_of(cloud, "sts"), ""
        for _ in range(40):
            try:
                client.get_caller_identity()
                seen += "."
            except ClientError:
                seen += "x"
        return seen
    first = run(7)
    assert run(7) == first and run(8) != first
    assert 8 <= first.count("x") <= 32


@pytest.mark.parametrize("body, words", [
    (b"", "body"), (b"[]", ""), (b'{"rules": [{"kind": "throttle"}]}', "/rules/0/service"),
    (b'{"rules": [{"service": "s3", "kind": "nonsense"}]}', "/rules/0/kind"),
    (b'{"rules": [{"service": "s3", "kind": "slow", "probability": 2}]}', "/rules/0/probability"),
    (b'{"rules": [{"service": "s3", "kind": "slow", "more": 2}]}', "/rules/0/more"),
    (b'{"rules": {}}', "/rules"), (b'{"notifications": [{"kind": "slow"}]}', "/notifications/0"),
    (b'{"seed": "7"}', "/seed")])
def test_wrong_rules_are_refused_and_change_nothing(cloud, body, words):
    cloud.faults([{"service": "sts", "kind": "slow"}], seed=3)
    reply = exchange(cloud.url, "PUT", "/_localcloud/faults", body)
    assert reply.status == 400 and words in reply.json["message"]
    assert cloud.faults()["seed"] == 3


def test_the_control_endpoint_knows_its_names_and_methods(cloud):
    assert exchange(cloud.url, "GET", "/_localcloud/nothing").status == 403
    assert exchange(cloud.url, "POST", "/_localcloud/faults", b"{}").status == 405
    assert exchange(cloud.url, "PUT", "/_localcloud/journal", b"{}").status == 405
    assert exchange(cloud.url, "GET", "/_localcloud/health").status == 200


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return probe.getsockname()[0]
        except OSError:
            return None


def test_others_may_not_control(tmp_path):
    address = own_address()
    if not address or address.startswith("127."):
        pytest.skip("this machine has only loopback addresses")
    process = Process("localcloud", tmp_path / "log")
    process.launch([program(CLOUD_BUILD, "localcloud"), "--data", str(tmp_path / "data"),
                    "--listen", f"{address}:0"], plain_environment())
    try:
        url = process.wait_log(r"^localcloud ready (http://\S+)$").group(1)
        assert exchange(url, "GET", "/_localcloud/health").status == 200
        for method, name in (("GET", "faults"), ("PUT", "faults"), ("GET", "journal")):
            assert exchange(url, method, f"/_localcloud/{name}").status == 403
    finally:
        process.stop()


# --- pages ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def job(shared, replays):
    """A label job with 2,500 labels: (its id, the labels)."""
    made = replay.write(replays, "pages", frames=250, labels=10, celebrities=0, words=0)
    made.upload(shared, BUCKET, "in/pages.mp4")
    rekognition = shared.client("rekognition")
    job = run_labels(rekognition, "in/pages.mp4")
    assert ended_labels(rekognition, job)["JobStatus"] == "SUCCEEDED"
    return job, list(made.labels())


def test_a_page_that_comes_twice(cloud, job):
    rekognition, (job_id, labels) = client_of(cloud, "rekognition"), job
    cloud.faults([{"service": "rekognition", "operation": "GetLabelDetection",
                   "kind": "page_twice", "count": 1}])
    first = rekognition.get_label_detection(JobId=job_id)
    again = rekognition.get_label_detection(JobId=job_id, NextToken=first["NextToken"])
    assert again["Labels"] == first["Labels"] == labels[:1000]
    assert again["NextToken"] == first["NextToken"]
    second = rekognition.get_label_detection(JobId=job_id, NextToken=again["NextToken"])
    assert second["Labels"] == labels[1000:2000]
    assert cloud.journal()["calls"]["rekognition GetLabelDetection"]["faulted"] >= 1


def test_a_token_that_expired(cloud, job):
    rekognition, (job_id, labels) = client_of(cloud, "rekognition"), job
    cloud.faults([{"service": "rekognition", "operation": "GetLabelDetection",
                   "kind": "token_expired", "skip": 1, "count": 1}])
    first = rekognition.get_label_detection(JobId=job_id)
    second = rekognition.get_label_detection(JobId=job_id, NextToken=first["NextToken"])
    with pytest.raises(ClientError) as caught:
        rekognition.get_label_detection(JobId=job_id, NextToken=second["NextToken"])
    assert caught.value.response["Error"]["Code"] == "InvalidPaginationTokenException"
    last = rekognition.get_label_detection(JobId=job_id, NextToken=second["NextToken"])
    assert last["Labels"] == labels[2000:] and "NextToken" not in last


def test_an_empty_token_on_the_last_page(cloud, job):
    rekognition, (job_id, labels) = client_of(cloud, "rekognition"), job
    cloud.faults([{"service": "*", "kind": "token_empty"}])
    page, got = rekognition.get_label_detection(JobId=job_id), []
    got += page["Labels"]
    while page["NextToken"]:
        page = rekognition.get_label_detection(JobId=job_id, NextToken=page["NextToken"])
        got += page["Labels"]
    assert got == labels
    assert cloud.faults()["rules"][0]["fired"] == 1


# --- the journal ------------------------------------------------------------------------------


def test_the_journal_knows_every_job_over_a_restart(make_cloud, tmp_path):
    replay.write(tmp_path, "one", frames=2)
    cloud = make_cloud(arguments=["--replay", str(tmp_path)])
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    replay.Replay(tmp_path / "one").upload(cloud, BUCKET, "in/one.mp4")
    mc, rekognition = cloud.client("mediaconvert"), cloud.client("rekognition")
    transcribe = cloud.client("transcribe")
    transcoded = mc.create_job(**job_of("in/one.mp4", *three_groups("one"),
                                        UserMetadata={"job": "video-1"},
                                        ClientRequestToken="token-1"))["Job"]
    finish(mc, transcoded)
    labelled = run_labels(rekognition, "in/one.mp4", ClientRequestToken="token-2", JobTag="tag")
    ended_labels(rekognition, labelled)
    for name in ("heard", "forgotten"):
        transcribe.start_transcription_job(
            TranscriptionJobName=name, LanguageCode="en-US", OutputBucketName=BUCKET,
            Media={"MediaFileUri": f"s3://{BUCKET}/in/one.mp4"})
        wait_until(lambda: transcribe.get_transcription_job(TranscriptionJobName=name)[
            "TranscriptionJob"]["TranscriptionJobStatus"] == "COMPLETED")
    transcribe.delete_transcription_job(TranscriptionJobName="forgotten")
    assert [one["TranscriptionJobName"] for one in
            transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]] == ["heard"]

    def jobs():
        found = cloud.journal()["jobs"]
        assert all(job.pop("created_ms") > 1700000000000 for job in found)
        return found
    place = {"bucket": BUCKET, "key": "in/one.mp4"}
    expected = [
        {"service": "mediaconvert", "id": transcoded["Id"], "state": "COMPLETE",
         "token": "token-1", "mark": "video-1", **place},
        {"service": "rekognition", "id": labelled, "state": "SUCCEEDED", "token": "token-2",
         "mark": "tag", **place},
        {"service": "transcribe", "id": "heard", "name": "heard", "state": "COMPLETED", **place},
        {"service": "transcribe", "id": "forgotten", "name": "forgotten", "state": "DELETED",
         **place}]
    assert jobs() == expected
    assert cloud.journal()["calls"]["transcribe StartTranscriptionJob"] == {
        "total": 2, "ok": 2, "faulted": 0}
    cloud.restart()
    assert jobs() == expected and cloud.journal()["calls"] == {}
    # A deleted job's name is free again.
    cloud.client("transcribe").start_transcription_job(
        TranscriptionJobName="forgotten", LanguageCode="en-US", OutputBucketName=BUCKET,
        Media={"MediaFileUri": f"s3://{BUCKET}/in/one.mp4"})
    assert [job["name"] for job in jobs() if job["service"] == "transcribe"] == [
        "heard", "forgotten", "forgotten"]


# --- notifications ----------------------------------------------------------------------------


@pytest.fixture
def topic(cloud):
    """A topic with a confirmed receiver: .publish(text), .next(), .messages(n)."""
    sns = cloud.client("sns")
    receiver = Receiver()
    arn = sns.create_topic(Name=f"faults-{receiver.server.server_port}")["TopicArn"]

    class Topic:
        def __init__(self):
            self.receiver = receiver
            self.arn = arn

        def subscribe(self, **attributes):
            self.subscription = receiver.subscribe(sns, arn, **attributes)

        def publish(self, text):
            return sns.publish(TopicArn=arn, Message=text)["MessageId"]

        def next(self):
            return receiver.next().json

        def texts(self, count):
            return [self.next()["Message"] for _ in range(count)]

    made = Topic()
    yield made
    sns.delete_topic(TopicArn=arn)
    receiver.close()


def test_dropped_notifications_never_come(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"topic": "faults-", "kind": "drop", "skip": 1, "count": 2}])
    for text in "abcd":
        topic.publish(text)
    assert sorted(topic.texts(2)) == ["a", "d"]
    assert topic.receiver.deliveries.empty()
    assert cloud.faults()["notifications"][0] == {
        "topic": "faults-", "kind": "drop", "count": 2, **RULES, "skip": 1, "matched": 4,
        "fired": 2}


def test_another_topic_is_left_alone(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"topic": "elsewhere", "kind": "drop"}])
    topic.publish("a")
    assert topic.texts(1) == ["a"]


def test_a_duplicate_has_the_same_id_and_a_good_signature(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"topic": "*", "kind": "duplicate"}])
    sent = topic.publish("twice")
    for message in (topic.next(), topic.next()):
        assert (message["MessageId"], message["Message"]) == (sent, "twice")
        check_signature(message, cloud.ca)


def test_a_delayed_notification(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"kind": "delay", "delay_ms": 700, "count": 1}])
    started = time.monotonic()
    topic.publish("late")
    topic.publish("prompt")
    assert topic.texts(2) == ["prompt", "late"]
    assert time.monotonic() - started >= 0.7


def test_a_reordered_notification_is_overtaken_by_the_next(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"kind": "reorder", "delay_ms": 30000, "count": 1}])
    topic.publish("first")
    topic.publish("second")
    assert topic.texts(2) == ["second", "first"]


def test_a_reordered_notification_comes_though_none_follows(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"kind": "reorder", "delay_ms": 300, "count": 1}])
    topic.publish("alone")
    assert topic.texts(1) == ["alone"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_forgery_comes_with_the_original(cloud, topic, version):
    cloud.client("sns").set_topic_attributes(
        TopicArn=topic.arn, AttributeName="SignatureVersion", AttributeValue=version)
    topic.subscribe()
    cloud.faults(notifications=[{"kind": "forge"}])
    sent = topic.publish("truth")
    messages = {message["MessageId"]: message for message in (topic.next(), topic.next())}
    check_signature(messages.pop(sent), cloud.ca)
    (forged,) = messages.values()
    assert forged["Message"] == "truth" and forged["SignatureVersion"] == version
    with pytest.raises(InvalidSignature):
        check_signature(forged, cloud.ca)


def test_a_corrupt_notification_is_not_what_was_signed(cloud, topic):
    topic.subscribe()
    cloud.faults(notifications=[{"kind": "corrupt", "count": 1}])
    topic.publish('{"state": "COMPLETE"}')
    message = topic.next()
    assert message["Message"] == '{"ttate": "COMPLETE"}'
    with pytest.raises(InvalidSignature):
        check_signature(message, cloud.ca)


def test_raw_deliveries_are_twisted_too(cloud, topic):
    topic.subscribe(RawMessageDelivery="true")
    cloud.faults(notifications=[{"kind": "corrupt", "count": 1}, {"kind": "duplicate"}])
    topic.publish("abc")
    assert topic.receiver.next().body == b"bbc"
    topic.publish("def")
    assert [topic.receiver.next().body for _ in range(2)] == [b"def", b"def"]
