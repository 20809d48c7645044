# SPDX-License-Identifier: Apache-2.0
"""localcloud's S3: event notifications, received over HTTP from its SNS."""

import http.server
import json
import os
import threading

import pytest

from localcloud_s3 import (  # noqa: F401 (fixtures)
    bucket, refused, s3, upload_parts)
from harness import wait_until


@pytest.fixture
def topic(cloud, inbox):
    """A topic whose messages arrive in `inbox`."""
    sns = cloud.client("sns")
    arn = sns.create_topic(Name="uploads-" + os.urandom(4).hex())["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=inbox.url)
    wait_until(lambda: inbox.of_type("SubscriptionConfirmation"))
    confirmation = inbox.of_type("SubscriptionConfirmation")[-1]
    sns.confirm_subscription(TopicArn=arn, Token=confirmation["Token"])
    return arn


class Inbox(http.server.ThreadingHTTPServer):
    """Takes what SNS delivers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), InboxHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/sns"
        self.messages = []

    def of_type(self, kind):
        return [message for message in list(self.messages) if message["Type"] == kind]

    def records(self):
        """The S3 event records that have arrived, in the order of their sequencers."""
        messages = [json.loads(m["Message"]) for m in self.of_type("Notification")]
        records = [r for message in messages for r in message.get("Records", [])]
        return sorted(records, key=lambda r: r["s3"]["object"]["sequencer"])


class InboxHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def inbox():
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def topic_config(arn, **more):
    return {"TopicConfigurations": [{"TopicArn": arn, "Events": ["s3:ObjectCreated:*"], **more}]}


def only(prefix=None, suffix=None):
    rules = [{"Name": name, "Value": value}
             for name, value in (("prefix", prefix), ("suffix", suffix)) if value is not None]
    return {"Key": {"FilterRules": rules}}


def test_a_new_destination_gets_a_test_event(s3, bucket, topic, inbox):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=topic_config(topic, Id="uploads"))
    wait_until(lambda: inbox.of_type("Notification"))
    notification = inbox.of_type("Notification")[0]
    message = json.loads(notification["Message"])
    assert notification["Subject"] == "Amazon S3 Notification"
    assert sorted(message) == ["Bucket", "Event", "HostId", "RequestId", "Service", "Time"]
    assert (message["Service"], message["Event"]) == ("Amazon S3", "s3:TestEvent")
    assert message["Bucket"] == bucket


def test_the_configuration_comes_back_as_it_was_put(s3, bucket, topic):
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    config = {"Id": "one", "TopicArn": topic, "Filter": only("up loads/", ".mp4"),
              "Events": ["s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"]}
    other = {"Id": "two", "TopicArn": topic, "Filter": only("up loads/", ".mov"),
             "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [config, other]})
    got = s3.get_bucket_notification_configuration(Bucket=bucket)["TopicConfigurations"]
    for rule in (rule for c in got for rule in c["Filter"]["Key"]["FilterRules"]):
        rule["Name"] = rule["Name"].lower()
    assert got == [config, other]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_stored_objects_are_notified_in_s3s_shape(s3, bucket, topic, inbox):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=topic_config(
            topic, Id="uploads", Filter=only("in/", ".mp4")))
    key = "in/red flower + café 100%/한.mp4"
    etag = s3.put_object(Bucket=bucket, Key=key, Body=b"film")["ETag"].strip('"')
    s3.put_object(Bucket=bucket, Key="out/a.mp4", Body=b"not here")
    s3.put_object(Bucket=bucket, Key="in/a.mov", Body=b"nor this")
    s3.copy_object(Bucket=bucket, Key="in/copy.mp4", CopySource={"Bucket": bucket, "Key": key})
    upload, parts = upload_parts(s3, bucket, "in/parts.mp4", [b"part"])
    s3.complete_multipart_upload(Bucket=bucket, Key="in/parts.mp4", UploadId=upload,
                                 MultipartUpload={"Parts": parts})
    s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key="in/last.mp4", Body=b"the last")
    wait_until(lambda: len(inbox.records()) >= 4)

    records = inbox.records()
    assert [r["eventName"] for r in records] == [
        "ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload",
        "ObjectCreated:Put"]
    first = records[0]
    assert list(first) == ["eventVersion", "eventSource", "awsRegion", "eventTime", "eventName",
                           "userIdentity", "requestParameters", "responseElements", "s3"]
    assert (first["eventVersion"], first["eventSource"], first["awsRegion"]) == (
        "2.1", "aws:s3", "us-east-1")
    assert list(first["s3"]) == ["s3SchemaVersion", "configurationId", "bucket", "object"]
    assert first["s3"]["configurationId"] == "uploads"
    assert first["s3"]["bucket"]["name"] == bucket
    assert first["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    stored = first["s3"]["object"]
    assert list(stored) == ["key", "size", "eTag", "sequencer"]
    assert stored["key"] == "in/red+flower+%2B+caf%C3%A9+100%25/%ED%95%9C.mp4"
    assert (stored["size"], stored["eTag"]) == (4, etag)
    assert records[2]["s3"]["object"]["eTag"].endswith("-1")
    assert all(n["Subject"] == "Amazon S3 Notification" for n in inbox.of_type("Notification"))


def test_removals_are_notified_when_asked_for(s3, bucket, topic, inbox):
    config = {"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [config]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="l", Body=b"x")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "l"}]})
    wait_until(lambda: len(inbox.records()) >= 2)
    assert [(r["eventName"], r["s3"]["object"]["key"]) for r in inbox.records()] == [
        ("ObjectRemoved:Delete", "k"), ("ObjectRemoved:Delete", "l")]
    assert list(inbox.records()[0]["s3"]["object"]) == ["key", "sequencer"]


@pytest.mark.parametrize("change, code, status", [
    ({"TopicArn": "invalid-topic"}, "InvalidArgument", 400),
    ({"TopicArn": "arn:aws:sns:us-east-1:000000000000:none"}, "InvalidArgument", 400),
    ({"TopicArn": "arn:aws:sns:eu-west-1:000000000000:there"}, "InvalidArgument", 400),
    ({"Events": ["s3:Nothing"]}, "InvalidArgument", 400),
    ({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a"}] * 2}}},
     "InvalidArgument", 400),
])
def test_bad_configurations_are_refused(s3, bucket, topic, change, code, status):
    config = topic_config(topic)
    config["TopicConfigurations"][0].update(change)
    refused(code, status, s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration=config)
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_overlapping_configurations_are_refused(s3, bucket, topic):
    one = {"TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": only("a")}
    two = {"TopicArn": topic, "Events": ["s3:ObjectCreated:Put"], "Filter": only("ab")}
    refused("InvalidArgument", 400, s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration={"TopicConfigurations": [one, two]})


def test_other_destinations_are_not_offered(s3, bucket):
    refused("NotImplemented", 501, s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration={"QueueConfigurations": [
                {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:ObjectCreated:*"]}]})


def test_a_destination_need_not_exist_when_its_validation_is_skipped(s3, bucket):
    arn = "arn:aws:sns:us-east-1:000000000000:later"
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=topic_config(arn), SkipDestinationValidation=True)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    got = s3.get_bucket_notification_configuration(Bucket=bucket)["TopicConfigurations"]
    assert got[0]["TopicArn"] == arn
