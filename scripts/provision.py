#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what spotlist needs in an AWS account, or in localcloud: the same calls, twice harmless.

  provision.py create --bucket NAME       bucket, table, topics, event rules, bucket notification;
                                          prints the SPOTLIST_* settings, one NAME=value a line
  provision.py subscribe --endpoint URL   subscribes the running spotlist's /sns to the topics and
                                          waits until it has confirmed

Credentials, region and endpoint come from the standard AWS_* environment and files.
"""

import argparse
import json
import os
import sys
import time

import boto3
import botocore.config
from botocore.exceptions import ClientError

REKOGNITION_TOPIC = "AmazonRekognitionVideo-Notification"  # the role's policy wants this prefix
EVENTS_TOPIC = "spotlist-events"
UPLOADS_TOPIC = "spotlist-uploads"
TOPICS = (REKOGNITION_TOPIC, EVENTS_TOPIC, UPLOADS_TOPIC)
UPLOADS_PREFIX = "uploads/"
RULES = {
    "spotlist-mediaconvert": {"source": ["aws.mediaconvert"],
                              "detail-type": ["MediaConvert Job State Change"]},
    "spotlist-transcribe": {"source": ["aws.transcribe"],
                            "detail-type": ["Transcribe Job State Change"]},
}


class Aws:
    """Clients, by service name."""

    def __init__(self):
        self.region = (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
                       or boto3.Session().region_name or "us-east-1")
        self.session = boto3.Session(region_name=self.region)
        self.partition = self.session.get_partition_for_region(self.region)
        self.account = self.client("sts").get_caller_identity()["Account"]

    def client(self, service):
        # Debian 12's botocore (1.29) does not read AWS_ENDPOINT_URL by itself yet.
        endpoint = (os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}")
                    or os.environ.get("AWS_ENDPOINT_URL") or None)
        style = "path" if endpoint else "auto"
        return self.session.client(service, endpoint_url=endpoint,
                                   config=botocore.config.Config(s3={"addressing_style": style}))

    def topic_arn(self, name):
        return f"arn:{self.partition}:sns:{self.region}:{self.account}:{name}"

    def local(self):
        """localcloud (or another stand-in) rather than AWS: roles need not exist there."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))


def make_bucket(aws, bucket):
    where = {} if aws.region == "us-east-1" else {
        "CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    try:
        aws.client("s3").create_bucket(Bucket=bucket, **where)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


def make_table(aws, table):
    dynamodb = aws.client("dynamodb")
    try:
        dynamodb.create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": "fileName", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "fileName", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST")
    except dynamodb.exceptions.ResourceInUseException:
        pass
    wait("the table", lambda: dynamodb.describe_table(TableName=table)
         ["Table"]["TableStatus"] == "ACTIVE", 120)


def make_topics(aws, bucket):
    """The topics, and who may publish to them. Rekognition publishes with its role's rights."""
    sns = aws.client("sns")
    publishers = {
        EVENTS_TOPIC: {"Principal": {"Service": "events.amazonaws.com"}},  # takes no Condition
        UPLOADS_TOPIC: {
            "Principal": {"Service": "s3.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": aws.account},
                          "ArnLike": {"aws:SourceArn": f"arn:{aws.partition}:s3:::{bucket}"}}},
    }
    for name in TOPICS:
        arn = sns.create_topic(Name=name)["TopicArn"]
        attributes = {"SignatureVersion": "2"}  # version 1 signs with SHA-1
        if name in publishers:
            statement = {"Sid": "publish", "Effect": "Allow", "Action": "sns:Publish",
                         "Resource": arn, **publishers[name]}
            attributes["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for attribute, value in attributes.items():
            sns.set_topic_attributes(TopicArn=arn, AttributeName=attribute, AttributeValue=value)


def make_rules(aws):
    events = aws.client("events")
    for name, pattern in RULES.items():
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), State="ENABLED")
        failed = events.put_targets(
            Rule=name, Targets=[{"Id": "sns", "Arn": aws.topic_arn(EVENTS_TOPIC)}])
        if failed["FailedEntryCount"]:
            sys.exit(f"provision: rule {name}: {failed['FailedEntries']}")


def watch_uploads(aws, bucket):
    """uploads/ only: what spotlist itself writes must not come back as a new video."""
    configuration = {"TopicConfigurations": [{
        "Id": "spotlist-uploads",
        "TopicArn": aws.topic_arn(UPLOADS_TOPIC),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": UPLOADS_PREFIX}]}},
    }]}
    s3 = aws.client("s3")
    there = s3.get_bucket_notification_configuration(Bucket=bucket)
    for kind in ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations",
                 "EventBridgeConfiguration"):
        others = there.get(kind)
        if kind == "TopicConfigurations":
            others = [one for one in others or [] if one.get("Id") != "spotlist-uploads"]
            configuration[kind] += others
        elif others is not None:
            configuration[kind] = others
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration)


def create(aws, options):
    if not aws.local() and not (options.mediaconvert_role and options.rekognition_role):
        sys.exit("provision: AWS needs --mediaconvert-role and --rekognition-role: see "
                 "docs/aws.md for what they must allow")
    role = f"arn:{aws.partition}:iam::{aws.account}:role/"
    make_bucket(aws, options.bucket)
    make_table(aws, options.table)
    make_topics(aws, options.bucket)
    make_rules(aws)
    watch_uploads(aws, options.bucket)
    settings = {
        "SPOTLIST_BUCKET": options.bucket,
        "SPOTLIST_TABLE": options.table,
        "SPOTLIST_MEDIACONVERT_ROLE_ARN": options.mediaconvert_role or role + "vod-MediaConvertRole",
        "SPOTLIST_REKOGNITION_ROLE_ARN": options.rekognition_role or role + "RekognitionRole",
        "SPOTLIST_REKOGNITION_TOPIC_ARN": aws.topic_arn(REKOGNITION_TOPIC),
        "SPOTLIST_SNS_TOPIC_ARNS": ",".join(aws.topic_arn(name) for name in TOPICS),
    }
    for name, value in settings.items():
        print(f"{name}={value}")


def subscriptions(sns, arn):
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn):
        yield from page["Subscriptions"]


def subscribe(aws, options):
    sns = aws.client("sns")
    protocol = options.endpoint.split(":", 1)[0]
    if protocol not in ("http", "https"):
        sys.exit("provision: --endpoint is an http or https URL")
    for name in TOPICS:
        arn = aws.topic_arn(name)
        for old in subscriptions(sns, arn):
            if options.replace and old["Endpoint"] != options.endpoint and \
                    old["SubscriptionArn"].startswith("arn:"):
                sns.unsubscribe(SubscriptionArn=old["SubscriptionArn"])
        sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=options.endpoint,
                      ReturnSubscriptionArn=True)
    for name in TOPICS:
        wait(f"the confirmation of {name} by {options.endpoint}",
             lambda: any(one["Endpoint"] == options.endpoint
                         and one["SubscriptionArn"].startswith("arn:")
                         for one in subscriptions(sns, aws.topic_arn(name))), options.timeout)


def wait(what, condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"provision: {what} did not come within {seconds} s")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("create")
    one.add_argument("--bucket", required=True)
    one.add_argument("--table", default="rekognition-thumbs")
    one.add_argument("--mediaconvert-role", metavar="ARN")
    one.add_argument("--rekognition-role", metavar="ARN")
    one.set_defaults(run=create)
    two = commands.add_parser("subscribe")
    two.add_argument("--endpoint", required=True, metavar="URL", help="e.g. https://host/sns")
    two.add_argument("--replace", action="store_true",
                     help="remove the topics' subscriptions to other endpoints")
    two.add_argument("--timeout", type=float, default=60, metavar="SECONDS")
    two.set_defaults(run=subscribe)
    options = parser.parse_args()
    try:
        options.run(Aws(), options)
    except ClientError as error:
        sys.exit(f"provision: {error}")


if __name__ == "__main__":
    main()
