# SPDX-License-Identifier: Apache-2.0
"""Our clients of SNS, STS, IAM, SQS, EventBridge and of tables' administration, on moto; SNS and STS
on localcloud too. S3 is in witness_s3.py, what is provisioned in witness_provision.py."""

import json

import pytest

import harness
from capture import Answer, Capture
from witnesses import ask, good

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "mediaconvert.amazonaws.com"},
     "Action": "sts:AssumeRole"}]}
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::films/한 é+%&?=/*"}]}


@pytest.fixture(scope="module", params=["moto", "localcloud"])
def aws(request):
    witness = request.getfixturevalue(request.param)
    witness.label = request.param
    return witness


@pytest.fixture
def topic(aws, request):
    return good(aws, "sns.create_topic", topic=request.node.originalname[:200])


@pytest.fixture
def receiver():
    """An HTTP endpoint that takes everything."""
    capture = Capture(lambda request: Answer(200))
    yield capture
    capture.stop()


def missing(witness, operation, code, **arguments):
    answer = ask(witness, operation, **arguments)
    assert (answer["err"], answer["provider"]["code"]) == ("aws_not_found", code), answer


# --- STS -----------------------------------------------------------------------------------------

def test_who_one_is(aws):
    account = good(aws, "sts.get_caller_identity")
    assert len(account) == 12 and account.isdigit()
    assert account == aws.client("sts").get_caller_identity()["Account"]


ROLE = "arn:aws:iam::222233334444:role/reader"
SECOND = "arn:aws:iam::333344445555:role/second"


def who(witness, directory, config, **environment):
    """The account that one is in when a configuration file is all that one has."""
    path = directory / "config"
    path.write_text(config)
    return ask(witness, "sts.get_caller_identity", {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": str(path),
        **environment})


PROFILES = f"""
[profile base]
aws_access_key_id = {{key}}
aws_secret_access_key = {{secret}}
[profile reader]
role_arn = {ROLE}
source_profile = base
role_session_name = a@b,c=d
external_id = e:/+
duration_seconds = 900
[profile second]
role_arn = {SECOND}
source_profile = reader
[profile environment]
role_arn = {SECOND}
credential_source = Environment
[profile web]
role_arn = {ROLE}
web_identity_token_file = {{token}}
"""


@pytest.fixture
def profiles(moto, tmp_path):
    token = tmp_path / "token"
    token.write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln")
    return PROFILES.format(key=moto.access_key, secret=moto.secret_key, token=token)


@pytest.mark.parametrize("profile, account", [
    ("base", "123456789012"), ("reader", "222233334444"), ("second", "333344445555"),
    ("web", "222233334444")])
def test_a_role_is_taken_on(moto, tmp_path, profiles, profile, account):
    answer = who(moto, tmp_path, profiles, AWS_PROFILE=profile)
    assert (answer["err"], answer["result"]) == ("ok", account), answer


def test_a_role_by_the_keys_of_the_environment(moto, tmp_path, profiles):
    answer = who(moto, tmp_path, profiles, AWS_PROFILE="environment",
                 AWS_ACCESS_KEY_ID=moto.access_key, AWS_SECRET_ACCESS_KEY=moto.secret_key)
    # Keys in the environment come before the profile, as with the SDKs.
    assert answer["result"] == "123456789012", answer


def test_a_web_identity_from_the_environment(moto, tmp_path, profiles):
    answer = who(moto, tmp_path, "", AWS_ROLE_ARN=ROLE, AWS_ROLE_SESSION_NAME="pod",
                 AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"))
    assert answer["result"] == "222233334444", answer


# --- SNS -----------------------------------------------------------------------------------------

def test_topics(aws, topic):
    assert topic.endswith(":test_topics")
    assert good(aws, "sns.create_topic", topic="test_topics") == topic  # twice is as once
    good(aws, "sns.set_topic_attribute", topic_arn=topic, name="SignatureVersion", value="2")
    if aws.label != "moto":  # which takes it and tells nobody
        assert good(aws, "sns.get_topic_attributes", topic_arn=topic)["SignatureVersion"] == "2"
    for name, value in [
            ("DisplayName", "é & <b> + % \"x\""),
            ("Policy", json.dumps({"Version": "2012-10-17", "Statement": [
                {"Sid": "s", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                 "Action": "sns:Publish", "Resource": topic}]}))]:
        good(aws, "sns.set_topic_attribute", topic_arn=topic, name=name, value=value)
        got = good(aws, "sns.get_topic_attributes", topic_arn=topic)[name]
        assert got == value or json.loads(got) == json.loads(value)  # spaced as they like
    assert good(aws, "sns.get_topic_attributes", topic_arn=topic) == \
        aws.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]


def test_a_topic_that_is_not_there(aws, topic):
    missing(aws, "sns.get_topic_attributes", "NotFound", topic_arn=topic + "-not")


def test_many_subscriptions_are_listed_by_pages(aws, topic, receiver):
    """A page has 100."""
    client = aws.client("sns")
    expected = {f"{receiver.url}/{i:03}" for i in range(130)}
    for endpoint in expected:
        client.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    got = good(aws, "sns.list_subscriptions", topic_arn=topic)
    assert {one["Endpoint"] for one in got} == expected
    assert {one["Protocol"] for one in got} == {"http"}


def test_a_subscription(aws, topic, receiver):
    """Subscribed by our client, confirmed by its token, changed, used, and gone."""
    endpoint = receiver.url + "/sns?a=b&c=%20d"
    arn = good(aws, "sns.subscribe", topic_arn=topic, protocol="http", endpoint=endpoint,
               attributes={"RawMessageDelivery": "false"})
    assert arn.startswith(topic + ":")
    # moto asks nobody; and it finds the service by the signature, which this call has not.
    if aws.label == "localcloud":
        assert receiver.arrived.wait(30)
        asked = json.loads(receiver.requests[0].body)
        assert asked["Type"] == "SubscriptionConfirmation" and asked["TopicArn"] == topic
        assert good(aws, "sns.confirm_subscription", topic_arn=topic,
                    token=asked["Token"]) == arn
    policy = json.dumps({"healthyRetryPolicy": {"numRetries": 3, "minDelayTarget": 1,
                                                "maxDelayTarget": 2}})
    good(aws, "sns.set_subscription_attribute", subscription_arn=arn, name="DeliveryPolicy",
         value=policy)
    got = good(aws, "sns.get_subscription_attributes", subscription_arn=arn)
    assert (got["Endpoint"], got["Protocol"], got["TopicArn"]) == (endpoint, "http", topic)
    assert json.loads(got["DeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 3
    assert got["PendingConfirmation"] == "false"
    aws.client("sns").publish(TopicArn=topic, Subject="s", Message="한국어 & <b>")

    def notified():
        return [message for message in (json.loads(request.body) for request in
                                        list(receiver.requests))
                if message["Type"] == "Notification"]
    message = harness.wait_until(notified, 30, "the notification")[0]
    assert (message["TopicArn"], message["Message"]) == (topic, "한국어 & <b>")
    assert receiver.requests[-1].target == "/sns?a=b&c=%20d"
    good(aws, "sns.unsubscribe", subscription_arn=arn)
    assert good(aws, "sns.list_subscriptions", topic_arn=topic) == []


def test_a_token_that_is_none(localcloud):
    topic = good(localcloud, "sns.create_topic", topic="tokens")
    answer = ask(localcloud, "sns.confirm_subscription", topic_arn=topic, token="nonsense")
    assert answer["err"] == "aws_rejected", answer


# --- IAM, SQS, EventBridge, DynamoDB's and S3's administration, on moto ---------------------------

def test_roles(moto):
    missing(moto, "iam.get_role", "NoSuchEntity", role="nobody")
    arn = good(moto, "iam.create_role", role="r-1", trust=TRUST, description="é & <b>+%")
    got = good(moto, "iam.get_role", role="r-1")
    assert (got["Arn"], got["AssumeRolePolicyDocument"]) == (arn, TRUST)
    assert ask(moto, "iam.create_role", role="r-1", trust=TRUST)["err"] == "aws_conflict"
    changed = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Sid": "changed"}]}
    good(moto, "iam.update_trust", role="r-1", trust=changed)
    assert good(moto, "iam.get_role", role="r-1")["AssumeRolePolicyDocument"] == changed
    missing(moto, "iam.get_role_policy", "NoSuchEntity", role="r-1", policy="p")
    good(moto, "iam.put_role_policy", role="r-1", policy="p", document=POLICY)
    assert good(moto, "iam.get_role_policy", role="r-1", policy="p") == POLICY


def test_queues(moto):
    missing(moto, "sqs.get_queue_url", "QueueDoesNotExist", queue="q")
    attributes = {"MessageRetentionPeriod": "1209600", "Policy": json.dumps(POLICY)}
    url = good(moto, "sqs.create_queue", queue="q", attributes=attributes)
    assert good(moto, "sqs.get_queue_url", queue="q") == url
    got = good(moto, "sqs.get_queue_attributes", url=url)
    assert got["MessageRetentionPeriod"] == "1209600"
    assert json.loads(got["Policy"]) == POLICY
    good(moto, "sqs.set_queue_attributes", url=url, attributes={"VisibilityTimeout": "77"})
    got = good(moto, "sqs.get_queue_attributes", url=url)
    assert (got["VisibilityTimeout"], got["MessageRetentionPeriod"]) == ("77", "1209600")


def test_rules(moto):
    missing(moto, "events.describe_rule", "ResourceNotFoundException", rule="r")
    rule = {"Name": "r", "State": "ENABLED", "Description": "é",
            "EventPattern": json.dumps({"source": ["aws.transcribe"]})}
    good(moto, "events.put_rule", request=rule)
    got = good(moto, "events.describe_rule", rule="r")
    assert {name: got[name] for name in rule} == rule
    topic = good(moto, "sns.create_topic", topic="of-rules")
    targets = [{"Id": f"t{i}", "Arn": topic} for i in range(5)]
    good(moto, "events.put_targets", rule="r", targets=targets)
    good(moto, "events.put_targets", rule="r", targets=targets[:1])
    assert sorted(good(moto, "events.list_targets", rule="r"), key=lambda t: t["Id"]) == targets


def test_backups_of_tables(moto):
    # These operations alone call it TableNotFoundException.
    answer = ask(moto, "dynamodb.get_recovery", table="nowhere")
    assert answer["err"] == "table_missing", answer
    good(moto, "dynamodb.create_table", request={
        "TableName": "backed", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "fileName", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "fileName", "AttributeType": "S"}]})
    assert good(moto, "dynamodb.get_recovery", table="backed") is False
    good(moto, "dynamodb.set_recovery", table="backed", enabled=True)
    assert good(moto, "dynamodb.get_recovery", table="backed") is True
    good(moto, "dynamodb.update_table", request={"TableName": "backed",
                                                 "DeletionProtectionEnabled": True})
    described = good(moto, "dynamodb.describe_table", table="backed")
    assert described["DeletionProtectionEnabled"] is True


SUBRESOURCES = {  # by number: enum sl_s3_subresource
    0: {"TopicConfiguration": {"Id": "uploads", "Topic": "arn:aws:sns:us-east-1:123456789012:up",
                               "Event": "s3:ObjectCreated:*",
                               "Filter": {"S3Key": {"FilterRule": {
                                   "Name": "prefix", "Value": "uploads/"}}}}},
    1: {"Rule": {"ID": "r", "Filter": {"Prefix": "a & b/"}, "Status": "Enabled",
                 "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "7"}}},
    2: {"CORSRule": {"AllowedOrigin": ["https://a", "https://b"], "AllowedMethod": "PUT",
                     "AllowedHeader": "*", "ExposeHeader": "ETag", "MaxAgeSeconds": "3000"}},
    3: {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}},
    4: {"BlockPublicAcls": "true", "IgnorePublicAcls": "true", "BlockPublicPolicy": "true",
        "RestrictPublicBuckets": "true"},
    5: {"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}},
}


@pytest.mark.parametrize("which", SUBRESOURCES)
def test_what_a_bucket_is_set_to(moto, which):
    bucket, owner = f"set-{which}", "123456789012"
    answer = ask(moto, "s3.get_bucket_location", bucket=bucket, owner=owner)
    assert answer["err"] == "aws_not_found", answer
    good(moto, "s3.create_bucket", bucket=bucket)
    assert good(moto, "s3.get_bucket_location", bucket=bucket, owner=owner) == "us-east-1"
    if which == 0:
        good(moto, "sns.create_topic", topic="up")
    at = {"bucket": bucket, "owner": owner, "which": which}
    good(moto, "s3.put_subresource", value=SUBRESOURCES[which], **at)
    assert contains(good(moto, "s3.get_subresource", **at), SUBRESOURCES[which])


def contains(got, expected):
    """Whether all that was set is there; a single element may be read as a list of one."""
    if isinstance(got, list) and not isinstance(expected, list):
        return len(got) == 1 and contains(got[0], expected)
    if isinstance(expected, dict):
        return all(name in got and contains(got[name], item) for name, item in expected.items())
    return got == expected


def test_a_buckets_policy(moto):
    at = {"bucket": "with-policy", "owner": "123456789012"}
    good(moto, "s3.create_bucket", bucket="with-policy")
    assert good(moto, "s3.get_bucket_policy", **at) is None
    good(moto, "s3.put_bucket_policy", policy=POLICY, **at)
    assert good(moto, "s3.get_bucket_policy", **at) == POLICY


# --- Transcribe, as far as moto has it ------------------------------------------------------------

def test_a_transcription(moto):
    """Started by boto3: moto's answer to the start has no status, which AWS's always has."""
    job = {"media_uri": "s3://films/a b/한.flac", "media_format": "flac",
           "language_code": "en-US", "output_bucket": "films", "output_key": "out/a.json"}
    moto.client("transcribe").start_transcription_job(
        TranscriptionJobName="job-1", Media={"MediaFileUri": job["media_uri"]},
        MediaFormat="flac", LanguageCode="en-US")
    answer = ask(moto, "transcribe.start_job", name="job-1", **job)
    assert (answer["err"], answer["provider"]["code"]) == ("aws_conflict", "ConflictException")
    good(moto, "transcribe.get_job", name="job-1")
    good(moto, "transcribe.delete_job", name="job-1")
    answer = ask(moto, "transcribe.get_job", name="job-1")
    assert answer["err"] == "aws_not_found", answer
