# SPDX-License-Identifier: Apache-2.0
"""localcloud's SNS, driven by boto3; deliveries and signatures seen from the receiver's side."""

import json
import re
import subprocess
import threading
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from harness import wait_until
from receiver import Receiver, check_signature

AT_ONCE = json.dumps({"healthyRetryPolicy": {"numRetries": 5, "numNoDelayRetries": 5}})


@pytest.fixture(scope="module")
def sns(cloud):
    return cloud.client("sns")


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def topic(sns, request):
    name = re.sub(r"\W", "-", request.node.name)[:200]
    arn = sns.create_topic(Name=name)["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def refused(call, code, words, status=400):
    with pytest.raises(ClientError) as error:
        call()
    reply = error.value.response
    assert (reply["Error"]["Code"], reply["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert words in reply["Error"]["Message"]


# --- topics ------------------------------------------------------------------------------------

def test_a_topic_is_created_once_and_listed(sns):
    arn = sns.create_topic(Name="listed")["TopicArn"]
    assert arn == "arn:aws:sns:us-east-1:000000000000:listed"
    assert sns.create_topic(Name="listed")["TopicArn"] == arn
    assert {"TopicArn": arn} in sns.list_topics()["Topics"]
    sns.delete_topic(TopicArn=arn)
    assert {"TopicArn": arn} not in sns.list_topics()["Topics"]
    sns.delete_topic(TopicArn=arn)


@pytest.mark.parametrize("name", ["", "a b", "a.fifo", "ü", "x" * 257])
def test_topic_names_are_validated(sns, name):
    refused(lambda: sns.create_topic(Name=name), "InvalidParameter", "Topic Name")


def test_topics_are_listed_in_pages(sns):
    names = [f"page-{i:03}" for i in range(105)]
    arns = {sns.create_topic(Name=name)["TopicArn"] for name in names}
    pages = [[topic["TopicArn"] for topic in page["Topics"]]
             for page in sns.get_paginator("list_topics").paginate()]
    assert len(pages) >= 2 and len(pages[0]) == 100
    assert arns <= set(sum(pages, []))
    for arn in arns:
        sns.delete_topic(TopicArn=arn)


def test_topic_attributes(sns, topic):
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["TopicArn"] == topic and attributes["Owner"] == "000000000000"
    retry = json.loads(attributes["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert (retry["numRetries"], retry["minDelayTarget"], retry["backoffFunction"]) == \
        (3, 20, "linear")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    for name, value in [("SignatureVersion", "2"), ("Policy", policy), ("DisplayName", "d")]:
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
        assert sns.get_topic_attributes(TopicArn=topic)["Attributes"][name] == value
    refused(lambda: sns.create_topic(Name=topic.split(":")[-1],
                                     Attributes={"SignatureVersion": "1"}),
            "InvalidParameter", "already exists with different attributes")


@pytest.mark.parametrize("name, value, words", [
    ("SignatureVersion", "3", "SignatureVersion"),
    ("Policy", "no json", "Policy"),
    ("DeliveryPolicy", "[]", "DeliveryPolicy"),
    ("DeliveryPolicy", '{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}', "numRetries"),
    ("DeliveryPolicy", '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":9,'
                       '"maxDelayTarget":2}}}', "maxDelayTarget"),
    ("Nonsense", "x", "AttributeName"),
])
def test_bad_topic_attributes_are_refused(sns, topic, name, value, words):
    refused(lambda: sns.set_topic_attributes(TopicArn=topic, AttributeName=name,
                                             AttributeValue=value), "InvalidParameter", words)


def test_an_unknown_topic(sns, receiver):
    arn = "arn:aws:sns:us-east-1:000000000000:nope"
    calls = [
        lambda: sns.get_topic_attributes(TopicArn=arn),
        lambda: sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName",
                                         AttributeValue="x"),
        lambda: sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url),
        lambda: sns.publish(TopicArn=arn, Message="x"),
        lambda: sns.list_subscriptions_by_topic(TopicArn=arn),
    ]
    for call in calls:
        refused(call, "NotFound", "Topic does not exist", 404)


# --- the handshake -------------------------------------------------------------------------------

def test_a_subscription_is_confirmed_by_a_call(sns, cloud, topic, receiver):
    reply = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    assert reply["SubscriptionArn"] == "pending confirmation"
    delivery = receiver.next()
    message = delivery.json
    assert message["Type"] == delivery.type == "SubscriptionConfirmation"
    assert topic in message["Message"] and message["TopicArn"] == topic
    check_signature(message, cloud.ca)
    assert delivery.names == [
        "host", "x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn",
        "content-type", "connection", "user-agent", "accept-encoding", "content-length"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [each["SubscriptionArn"] for each in listed] == ["PendingConfirmation"]

    sns.publish(TopicArn=topic, Message="before")  # to nobody
    arn = sns.confirm_subscription(TopicArn=topic, Token=message["Token"])["SubscriptionArn"]
    assert arn.startswith(topic + ":")
    again = sns.confirm_subscription(TopicArn=topic, Token=message["Token"])
    assert again["SubscriptionArn"] == arn
    assert sns.subscribe(TopicArn=topic, Protocol="http",
                         Endpoint=receiver.url)["SubscriptionArn"] == arn
    sns.publish(TopicArn=topic, Message="after")
    assert receiver.next().json["Message"] == "after"
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false"
    assert attributes["ConfirmationWasAuthenticated"] == "true"
    assert attributes["Endpoint"] == receiver.url and attributes["Protocol"] == "http"
    assert {each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]} >= {arn}


def test_a_subscription_is_confirmed_by_its_url(sns, topic, receiver):
    arn = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url,
                        ReturnSubscriptionArn=True)["SubscriptionArn"]
    with urllib.request.urlopen(receiver.next().json["SubscribeURL"]) as reply:
        assert f"<SubscriptionArn>{arn}</SubscriptionArn>" in reply.read().decode()
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false"
    assert attributes["ConfirmationWasAuthenticated"] == "false"


def test_only_the_token_confirms(sns, topic, receiver):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    token = receiver.next().json["Token"]
    refused(lambda: sns.confirm_subscription(TopicArn=topic, Token=token[:-1] + "x"),
            "InvalidParameter", "Invalid parameter: Token")
    refused(lambda: sns.confirm_subscription(TopicArn="nonsense", Token=token),
            "InvalidParameter", "Invalid parameter: Topic")
    # As recorded from AWS: the name of the topic is not looked at.
    sns.confirm_subscription(TopicArn=topic + "-typo", Token=token)


def test_subscribing_again_sends_the_same_token_again(sns, topic, receiver):
    for _ in range(2):
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    assert receiver.next().json["Token"] == receiver.next().json["Token"]
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


@pytest.mark.parametrize("protocol, endpoint, words", [
    ("email", "a@example.com", "does not support this protocol string: email"),
    ("https", "http://127.0.0.1/", "Endpoint must match the specified protocol"),
    ("http", "ftp://127.0.0.1/", "Endpoint must match the specified protocol"),
    ("http", "http://", "Endpoint must match the specified protocol"),
])
def test_endpoints_are_validated(sns, topic, protocol, endpoint, words):
    refused(lambda: sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint),
            "InvalidParameter", words)


def test_unsubscribe(sns, topic, receiver):
    arn = receiver.subscribe(sns, topic)
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    refused(lambda: sns.get_subscription_attributes(SubscriptionArn=arn),
            "NotFound", "Subscription does not exist", 404)
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["SubscriptionsConfirmed"], attributes["SubscriptionsDeleted"]) == ("0", "1")
    sns.unsubscribe(SubscriptionArn=arn)


def test_unsubscribing_by_url_can_be_taken_back(sns, cloud, topic, receiver):
    receiver.subscribe(sns, topic)
    sns.publish(TopicArn=topic, Message="one")
    urllib.request.urlopen(receiver.next().json["UnsubscribeURL"]).read()
    message = receiver.next().json
    assert message["Type"] == "UnsubscribeConfirmation"
    check_signature(message, cloud.ca)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    urllib.request.urlopen(message["SubscribeURL"]).read()
    sns.publish(TopicArn=topic, Message="two")
    assert receiver.next().json["Message"] == "two"


# --- deliveries ------------------------------------------------------------------------------------

@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "Amazon S3 Notification"])
def test_a_notification_is_signed(sns, cloud, topic, receiver, version, subject):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion",
                             AttributeValue=version)
    arn = receiver.subscribe(sns, topic)
    text = 'é한\U0001f3ac "quotes" \\ \n\t{"a": 1}'
    options = {"Subject": subject} if subject else {}
    message_id = sns.publish(TopicArn=topic, Message=text, **options)["MessageId"]
    delivery = receiver.next()
    message = delivery.json
    leaf = check_signature(message, cloud.ca)
    names = [each.value for each in leaf.subject]
    assert names == ["sns.amazonaws.com"]
    assert message["Message"] == text and message["SignatureVersion"] == version
    assert message.get("Subject") == subject and ("Subject" in message) == bool(subject)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["Timestamp"])
    assert re.fullmatch(re.escape(cloud.url) + r"/SimpleNotificationService-[0-9a-f]{32}\.pem",
                        message["SigningCertURL"])
    expected = {
        "x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic, "x-amz-sns-subscription-arn": arn,
        "content-type": "text/plain; charset=UTF-8", "connection": "Keep-Alive",
        "user-agent": "Amazon Simple Notification Service Agent",
        "accept-encoding": "gzip, deflate", "content-length": str(len(delivery.body))}
    for name, value in expected.items():
        assert delivery.headers[name] == value
    assert set(delivery.names) == {*expected, "host"}
    for name in ["Message", "Timestamp", "TopicArn"]:
        forged = dict(message)
        forged[name] += "x"
        with pytest.raises(InvalidSignature):
            check_signature(forged, cloud.ca)


def test_openssl_verifies_the_chain(sns, cloud, topic, receiver, tmp_path):
    receiver.subscribe(sns, topic)
    sns.publish(TopicArn=topic, Message="x")
    pem = urllib.request.urlopen(receiver.next().json["SigningCertURL"]).read()
    (tmp_path / "leaf.pem").write_bytes(pem)
    done = subprocess.run(["openssl", "verify", "-CAfile", cloud.ca, "-verify_hostname",
                           "sns.amazonaws.com", tmp_path / "leaf.pem"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    root = x509.load_pem_x509_certificate(cloud.ca.read_bytes())
    assert root.subject.rfc4514_string() == "CN=localcloud root"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{cloud.url}/SimpleNotificationService-{'0' * 32}.pem")


def test_raw_delivery(sns, topic, receiver):
    arn = receiver.subscribe(sns, topic, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message='{"raw": true}', Subject="unseen")
    delivery = receiver.next()
    assert delivery.body == b'{"raw": true}'
    assert delivery.headers["x-amz-sns-rawdelivery"] == "true"
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery",
                                    AttributeValue="false")
    assert sns.get_subscription_attributes(
        SubscriptionArn=arn)["Attributes"]["RawMessageDelivery"] == "false"
    sns.publish(TopicArn=topic, Message="wrapped")
    assert receiver.next().json["Message"] == "wrapped"


def test_subscription_attributes_are_validated(sns, topic, receiver):
    arn = receiver.subscribe(sns, topic)
    for name, value, words in [("RawMessageDelivery", "maybe", "RawMessageDelivery"),
                               ("DeliveryPolicy", "{", "DeliveryPolicy"),
                               ("Nonsense", "x", "AttributeName")]:
        refused(lambda: sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value),
            "InvalidParameter", words)
    refused(lambda: sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url,
                                  Attributes={"RawMessageDelivery": "true"}),
            "InvalidParameter", "already exists with different attributes")


def test_message_structure_and_attributes(sns, topic, receiver):
    receiver.subscribe(sns, topic)
    sns.publish(TopicArn=topic, MessageStructure="json",
                Message=json.dumps({"default": "d", "http": "for http"}),
                MessageAttributes={"kind": {"DataType": "String", "StringValue": "test"}})
    message = receiver.next().json
    assert message["Message"] == "for http"
    assert message["MessageAttributes"] == {"kind": {"Type": "String", "Value": "test"}}
    refused(lambda: sns.publish(TopicArn=topic, MessageStructure="json", Message='{"http": "x"}'),
            "InvalidParameter", "No default entry")


@pytest.mark.parametrize("options, words", [
    ({"Message": ""}, "Empty message"),
    ({"Message": "x" * (256 * 1024 + 1)}, "Message too long"),
    ({"Message": "x", "Subject": "a" * 101}, "Subject"),
    ({"Message": "x", "Subject": "two\nlines"}, "Subject"),
    ({"Message": "x", "Subject": "é"}, "Subject"),
])
def test_messages_are_validated(sns, topic, options, words):
    refused(lambda: sns.publish(TopicArn=topic, **options), "InvalidParameter", words)


def test_a_message_of_256_kib_arrives(sns, topic, receiver):
    receiver.subscribe(sns, topic)
    sns.publish(TopicArn=topic, Message="é" * (128 * 1024))
    assert receiver.next().json["Message"] == "é" * (128 * 1024)


# --- retries -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failure_of_the_server_is_retried(sns, topic, receiver, status):
    receiver.subscribe(sns, topic, DeliveryPolicy=AT_ONCE)
    for _ in range(2):
        receiver.answers.put(status)
    message_id = sns.publish(TopicArn=topic, Message="again")["MessageId"]
    bodies = {receiver.next().body for _ in range(3)}
    assert len(bodies) == 1 and json.loads(bodies.pop())["MessageId"] == message_id
    sns.publish(TopicArn=topic, Message="next")
    assert receiver.next().json["Message"] == "next"


def test_retries_are_as_many_as_the_policy_says(sns, cloud, topic, receiver):
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(
            {"http": {"defaultHealthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2}}}))
    receiver.subscribe(sns, topic)
    for _ in range(3):
        receiver.answers.put(500)
    message_id = sns.publish(TopicArn=topic, Message="lost")["MessageId"]
    wait_until(lambda: re.search(f'"sns delivery dropped".*{message_id}', cloud.log()))
    assert [receiver.next().json["Message"] for _ in range(3)] == ["lost"] * 3
    sns.publish(TopicArn=topic, Message="next")
    assert receiver.next().json["Message"] == "next"


@pytest.mark.parametrize("status", [400, 403, 404, 410, 302])
def test_a_failure_of_the_client_is_final(sns, cloud, topic, receiver, status):
    receiver.subscribe(sns, topic, DeliveryPolicy=AT_ONCE)
    receiver.answers.put(status)
    message_id = sns.publish(TopicArn=topic, Message="dropped")["MessageId"]
    wait_until(lambda: re.search(f'"sns delivery dropped".*{message_id}', cloud.log()))
    sns.publish(TopicArn=topic, Message="next")
    assert [receiver.next().json["Message"] for _ in range(2)] == ["dropped", "next"]


def test_a_slow_endpoint_holds_no_other(sns, topic, receiver):
    slow = Receiver()
    try:
        slow.subscribe(sns, topic)
        receiver.subscribe(sns, topic)
        slow.gate = threading.Event()
        for i in range(40):
            sns.publish(TopicArn=topic, Message=str(i))
        got = {receiver.next(5).json["Message"] for _ in range(40)}
        assert got == {str(i) for i in range(40)}
        slow.gate.set()
        assert {slow.next().json["Message"] for _ in range(40)} == got
    finally:
        slow.close()


def test_a_restart_keeps_everything(make_cloud, receiver):
    cloud = make_cloud()
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="kept", Attributes={"SignatureVersion": "2"})["TopicArn"]
    arn = receiver.subscribe(sns, topic, DeliveryPolicy=AT_ONCE)
    ca = cloud.ca.read_bytes()
    sns.publish(TopicArn=topic, Message="before")
    url = receiver.next().json["SigningCertURL"]
    receiver.gate = threading.Event()  # the answer does not come before the restart
    sns.publish(TopicArn=topic, Message="cut short")
    first = receiver.next()
    cloud.restart()
    receiver.gate.set()
    second = receiver.next()
    assert second.body == first.body
    sns = cloud.client("sns")
    assert cloud.ca.read_bytes() == ca
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SignatureVersion"] == "2"
    assert [each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]] == [arn]
    sns.publish(TopicArn=topic, Message="after")
    message = receiver.next().json
    assert message["SigningCertURL"] == url
    check_signature(message, cloud.ca)
    check_signature(second.json, cloud.ca)
