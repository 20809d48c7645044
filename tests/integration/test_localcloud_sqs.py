# SPDX-License-Identifier: Apache-2.0
"""localcloud's SQS, and SNS's way into its queues, with boto3 as the independent client."""

import hashlib
import http.server
import json
import threading

import pytest
from botocore.exceptions import ClientError

from harness import wait_until


@pytest.fixture
def sqs(cloud):
    client = cloud.client("sqs")
    yield client
    for url in client.list_queues().get("QueueUrls", []):
        client.delete_queue(QueueUrl=url)


def attributes(sqs, url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names or ["All"])["Attributes"]


def messages(sqs, url, **options):
    return sqs.receive_message(QueueUrl=url, AttributeNames=["All"], **options).get("Messages", [])


def code_of(error):
    return error.value.response["Error"]["Code"]


def test_a_queue_keeps_what_it_is_told(sqs, cloud):
    url = sqs.create_queue(QueueName="kept", Attributes={
        "MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"})["QueueUrl"]
    assert url == sqs.get_queue_url(QueueName="kept")["QueueUrl"]
    assert sqs.create_queue(QueueName="kept")["QueueUrl"] == url
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    cloud.restart()
    told = attributes(sqs, url)
    assert told["MessageRetentionPeriod"] == "1209600" and told["VisibilityTimeout"] == "7"
    assert told["QueueArn"] == f"arn:aws:sqs:{cloud.region}:000000000000:kept"
    assert attributes(sqs, url, "DelaySeconds") == {"DelaySeconds": "0"}
    assert sqs.list_queues(QueueNamePrefix="ke")["QueueUrls"] == [url]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="x")


@pytest.mark.parametrize("given", [
    {"VisibilityTimeout": "99999"}, {"Nonsense": "1"}, {"Policy": "{"}, {"Policy": '{"a": 1}'}])
def test_bad_attributes_are_refused(sqs, given):
    url = sqs.create_queue(QueueName="strict")["QueueUrl"]
    with pytest.raises(ClientError) as error:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=given)
    assert "InvalidAttributeValue" in code_of(error)


def test_other_attributes_are_another_queue(sqs):
    sqs.create_queue(QueueName="twice", Attributes={"DelaySeconds": "1"})
    with pytest.raises(ClientError) as error:
        sqs.create_queue(QueueName="twice", Attributes={"DelaySeconds": "2"})
    assert code_of(error) in ("QueueAlreadyExists", "QueueNameExists")


def test_what_is_not_there(sqs, cloud):
    with pytest.raises(ClientError) as error:
        sqs.get_queue_url(QueueName="none")
    assert code_of(error) == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=f"{cloud.url}/000000000000/none", MessageBody="x")


def test_a_message_is_seen_once_until_its_time_is_over(sqs):
    url = sqs.create_queue(QueueName="seen")["QueueUrl"]
    sent = sqs.send_message(QueueUrl=url, MessageBody="hällo <&>")
    assert sent["MD5OfMessageBody"] == hashlib.md5("hällo <&>".encode()).hexdigest()
    [message] = messages(sqs, url, VisibilityTimeout=1)
    assert message["Body"] == "hällo <&>" and message["MessageId"] == sent["MessageId"]
    assert messages(sqs, url) == []
    assert attributes(sqs, url)["ApproximateNumberOfMessagesNotVisible"] == "1"
    [again] = messages(sqs, url, WaitTimeSeconds=5)
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert attributes(sqs, url)["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert attributes(sqs, url)["ApproximateNumberOfMessages"] == "0"


def test_ten_at_a_time_in_order_and_purging(sqs):
    url = sqs.create_queue(QueueName="many")["QueueUrl"]
    for n in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    assert [m["Body"] for m in messages(sqs, url, MaxNumberOfMessages=10)] == \
        [str(n) for n in range(10)]
    sqs.purge_queue(QueueUrl=url)
    assert messages(sqs, url) == []


# --- SNS's dead letters --------------------------------------------------------------------------

@pytest.fixture
def refusing():
    """An endpoint that confirms nothing and refuses everything with the status of its path."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # pylint: disable=invalid-name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if body["Type"] == "SubscriptionConfirmation":
                self.server.tokens.append(body["Token"])
            self.send_response(int(self.path[1:]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):  # pylint: disable=arguments-differ
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.tokens = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status, allowed", [(404, True), (503, True), (404, False)])
def test_what_sns_gives_up_goes_to_the_queue_that_lets_it_in(cloud, sqs, refusing, status, allowed):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=f"dead-{status}-{allowed}")["TopicArn"]
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    queue = attributes(sqs, url, "QueueArn")["QueueArn"]
    source = topic if allowed else topic + "-other"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage", "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": [source]}}}]})})
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{refusing.server_port}/{status}",
        ReturnSubscriptionArn=True, Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": queue}),
            "DeliveryPolicy": json.dumps({"healthyRetryPolicy": {
                "numRetries": 1, "minDelayTarget": 1, "maxDelayTarget": 1}})})["SubscriptionArn"]
    wait_until(lambda: refusing.tokens, what="the confirmation")
    sns.confirm_subscription(TopicArn=topic, Token=refusing.tokens[0])
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert json.loads(told["RedrivePolicy"]) == {"deadLetterTargetArn": queue}
    sns.publish(TopicArn=topic, Message="lost")
    if allowed:
        [message] = wait_until(lambda: messages(sqs, url), what="the dead letter")
        assert json.loads(message["Body"])["Message"] == "lost"
    else:
        wait_until(lambda: "does not let SNS in" in cloud.log(), what="the log line")
        assert messages(sqs, url) == []
    sns.delete_topic(TopicArn=topic)


@pytest.mark.parametrize("given", ["{", "{}", '{"deadLetterTargetArn": "arn:aws:sns:x:1:y"}'])
def test_a_bad_redrive_policy_is_refused(cloud, given):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="redrive")["TopicArn"]
    with pytest.raises(ClientError) as error:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/x",
                      Attributes={"RedrivePolicy": given})
    assert code_of(error) == "InvalidParameter"
