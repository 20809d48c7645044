#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The workshop that spotlist descends from, gone through step by step with boto3.

"Extracting video metadata with AWS machine learning and media services": bucket, table, roles, a
MediaConvert job as the console makes it, and four Lambda functions. The functions are the
workshop's own in today's Python, called with the events that arrive: S3 notifications for the
frames and the MP4, Rekognition's and EventBridge's messages. Only the trigger differs: SNS over
HTTP, with signatures checked here, stands where the workshop lets S3 and SNS call Lambda.

A program of its own so that any Python with any boto3 can run it. It needs an endpoint and media
(--help) and prints a JSON report; every answer on the way is held against the service's model.
"""

import argparse
import json
import os
import pathlib
import sys
import time
import urllib.parse

import boto3
import botocore.config

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import answers  # noqa: E402
import workshop_refusals  # noqa: E402
import workshop_rest  # noqa: E402
from receiver import Receiver, check_signature  # noqa: E402

TABLE = "rekognition-thumbs"
REKOGNITION_TOPIC = "AmazonRekognitionVideo-Notification"
# AWS's own policies that the workshop attaches, and what they allow in short.
POLICIES = {"IAMFullAccess": "iam:*", "CloudWatchLogsFullAccess": "logs:*",
            "AmazonRekognitionFullAccess": "rekognition:*", "TranslateReadOnly": "translate:*Text",
            "AmazonTranscribeFullAccess": "transcribe:*", "AmazonS3ReadOnlyAccess": "s3:Get*",
            "AmazonDynamoDBFullAccess": "dynamodb:*", "AmazonS3FullAccess": "s3:*",
            "AmazonRekognitionServiceRole": "sns:Publish"}
ROLES = {"LambdaMediaAILabRole": ("lambda", list(POLICIES)[:7]),
         "vod-MediaConvertRole": ("mediaconvert", ["AmazonS3FullAccess"]),
         "RekognitionRole": ("rekognition", ["AmazonRekognitionServiceRole"])}
SERVICES = ["s3", "sns", "sts", "iam", "events", "dynamodb", "mediaconvert", "rekognition",
            "transcribe", "sqs"]


class Aws:
    """Clients by service, every answer watched."""

    def __init__(self, endpoint, ca):
        self.watch = answers.Watch()
        self.ca = pathlib.Path(ca)
        self.region = "us-east-1"
        session = boto3.Session("test", "test", region_name=self.region)
        options = {"config": botocore.config.Config(
            retries={"max_attempts": 1}, read_timeout=120, s3={"addressing_style": "path"})}
        if boto3.__version__ < "1.28":  # Debian's does not read AWS_ENDPOINT_URL yet
            options["endpoint_url"] = endpoint
        else:
            os.environ["AWS_ENDPOINT_URL"] = endpoint
        for service in SERVICES:
            setattr(self, service, self.watch.client(session.client(service, **options)))
        self.resource = session.resource("dynamodb", **options)
        self.watch.client(self.resource.meta.client)
        self.table = self.resource.Table(TABLE)
        self.account = self.sts.get_caller_identity()["Account"]

    def role_arn(self, name):
        return f"arn:aws:iam::{self.account}:role/{name}"

    def policy_arn(self, name):
        return f"arn:aws:iam::{self.account}:policy/{name}"


# --- the Lambda functions -------------------------------------------------------------------------

def rekognition_thumbnails(aws, event):
    """RekognitionThumbnails.py"""
    bucket = event["Records"][0]["s3"]["bucket"]["name"]
    key = urllib.parse.unquote_plus(event["Records"][0]["s3"]["object"]["key"])
    answer = aws.rekognition.recognize_celebrities(
        Image={"S3Object": {"Bucket": bucket, "Name": key}})
    celebrities = [celebrity["Name"] for celebrity in answer["CelebrityFaces"]]
    if celebrities:
        aws.table.put_item(Item={"fileName": key, "celebrities": celebrities})


def rekognition_video(aws, event, topic):
    """RekognitionVideo-Transcribe.py. localcloud has no bucket of the service's own to put
    transcripts into, so that one is named."""
    bucket = event["Records"][0]["s3"]["bucket"]["name"]
    key = urllib.parse.unquote_plus(event["Records"][0]["s3"]["object"]["key"])
    started = aws.rekognition.start_label_detection(
        Video={"S3Object": {"Bucket": bucket, "Name": key}},
        NotificationChannel={"SNSTopicArn": topic, "RoleArn": aws.role_arn("RekognitionRole")},
        MinConfidence=85)
    uri = f"https://s3.{aws.region}.amazonaws.com/{bucket}/{key}"
    aws.transcribe.start_transcription_job(
        TranscriptionJobName="TranscribeJob", Media={"MediaFileUri": uri}, MediaFormat="mp4",
        LanguageCode="en-US", OutputBucketName=bucket)
    return started["JobId"]


def rekognition_video_results(aws, event):
    """RekognitionVideo-Results.py"""
    message = json.loads(event["Records"][0]["Sns"]["Message"])
    answer = aws.rekognition.get_label_detection(JobId=message["JobId"])
    aws.table.put_item(Item={"fileName": message["Video"]["S3ObjectName"],
                             "objects": json.dumps(answer["Labels"])})


# --- chapters -------------------------------------------------------------------------------------

def make_roles(aws):
    """localcloud keeps no policies of AWS's own: the account gets some of their names."""
    for name, action in POLICIES.items():
        document = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": "*"}]}
        made = aws.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
        assert made["Arn"] == aws.policy_arn(name)
    for name, (service, policies) in ROLES.items():
        trust = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole"}]}
        role = aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        assert role["Role"]["Arn"] == aws.role_arn(name)
        for policy in policies:
            aws.iam.attach_role_policy(RoleName=name, PolicyArn=aws.policy_arn(policy))
        attached = aws.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert {policy["PolicyName"] for policy in attached} == set(policies)
        assert aws.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == trust
    assert ROLES.keys() <= {role["RoleName"] for role in aws.iam.list_roles()["Roles"]}


def make_bucket(aws, bucket, video):
    """The bucket, its folders as the console makes them, and a source in somebody else's bucket."""
    aws.s3.create_bucket(Bucket=bucket)
    for folder in ("thumbs/", "mp4/"):
        aws.s3.put_object(Bucket=bucket, Key=folder)
    aws.s3.create_bucket(Bucket=f"{bucket}-source")
    key = "mediaimmersion/GrandTour_101_Clip_15s.mp4"
    aws.s3.upload_file(str(video), f"{bucket}-source", key)
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket)["Contents"]] == \
        ["mp4/", "thumbs/"]
    assert aws.s3.head_object(Bucket=f"{bucket}-source", Key=key)["ContentLength"] == \
        video.stat().st_size
    assert {bucket, f"{bucket}-source"} <= {
        each["Name"] for each in aws.s3.list_buckets()["Buckets"]}
    return f"s3://{bucket}-source/{key}"


def make_table(aws):
    """As the console did in 2021: everything left as it is, which is 5 and 5 units."""
    aws.dynamodb.create_table(
        TableName=TABLE, KeySchema=[{"AttributeName": "fileName", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "fileName", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    aws.dynamodb.get_waiter("table_exists").wait(
        TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert aws.dynamodb.list_tables()["TableNames"] == [TABLE]


def make_topics(aws, receiver):
    """Topics by purpose, each subscribed by the receiver and confirmed."""
    topics = {}
    for purpose, name in [("rekognition", REKOGNITION_TOPIC), ("thumbs", "thumbs"),
                          ("mp4", "mp4"), ("events", "events")]:
        arn = aws.sns.create_topic(Name=name)["TopicArn"]
        if purpose == "rekognition":
            aws.sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName",
                                         AttributeValue="RekVideo")
        else:
            aws.sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion",
                                         AttributeValue="2")
        answer = aws.sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.url)
        assert answer["SubscriptionArn"] == "pending confirmation"
        message = next_message(aws, receiver, "SubscriptionConfirmation")
        assert message["TopicArn"] == arn
        aws.sns.confirm_subscription(TopicArn=arn, Token=message["Token"])
        [listed] = aws.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        assert listed["SubscriptionArn"].startswith(arn + ":")
        topics[purpose] = arn
    attributes = aws.sns.get_topic_attributes(TopicArn=topics["rekognition"])["Attributes"]
    assert attributes["DisplayName"] == "RekVideo"
    return topics


def make_triggers(aws, bucket, topics):
    """The two S3 triggers, and what the workshop's last note points at: EventBridge's rules."""
    wanted = [{"Id": purpose, "TopicArn": topics[purpose], "Events": ["s3:ObjectCreated:*"],
               "Filter": {"Key": {"FilterRules": [
                   {"Name": "prefix", "Value": f"{purpose}/"},
                   {"Name": "suffix", "Value": suffix}]}}}
              for purpose, suffix in [("thumbs", ".jpg"), ("mp4", ".mp4")]]
    aws.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"TopicConfigurations": wanted})
    there = aws.s3.get_bucket_notification_configuration(Bucket=bucket)["TopicConfigurations"]
    assert {each["Id"] for each in there} == {"thumbs", "mp4"}
    for name in ("mediaconvert", "transcribe"):
        aws.events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"aws.{name}"]}))
        answer = aws.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": topics["events"]}])
        assert answer["FailedEntryCount"] == 0
        assert aws.events.describe_rule(Name=name)["State"] == "ENABLED"
        assert aws.events.list_targets_by_rule(Rule=name)["Targets"][0]["Arn"] == topics["events"]
    assert [rule["Name"] for rule in aws.events.list_rules()["Rules"]] == \
        ["mediaconvert", "transcribe"]


def file_group(name, destination, output):
    return {"Name": "File Group", "CustomName": name, "Outputs": [output],
            "OutputGroupSettings": {"Type": "FILE_GROUP_SETTINGS",
                                    "FileGroupSettings": {"Destination": destination}}}


def job_of(aws, source, bucket):
    """What the console makes of the workshop's clicks."""
    frames = {"NameModifier": "$dt$", "Extension": "jpg", "ContainerSettings": {"Container": "RAW"},
              "VideoDescription": {"CodecSettings": {
                  "Codec": "FRAME_CAPTURE", "FrameCaptureSettings": {
                      "FramerateNumerator": 1, "FramerateDenominator": 1,
                      "MaxCaptures": 10000000, "Quality": 80}}}}
    mp4 = {"NameModifier": "$dt$", "Extension": "mp4", "ContainerSettings": {"Container": "MP4"},
           "VideoDescription": {"CodecSettings": {"Codec": "H_264", "H264Settings": {
               "RateControlMode": "CBR", "Bitrate": 6000000}}},
           "AudioDescriptions": [{"AudioSourceName": "Audio Selector 1", "CodecSettings": {
               "Codec": "AAC", "AacSettings": {"Bitrate": 96000, "SampleRate": 48000,
                                               "CodingMode": "CODING_MODE_2_0"}}}]}
    return {"Role": aws.role_arn("vod-MediaConvertRole"), "UserMetadata": {"workshop": "one"},
            "Settings": {
                "Inputs": [{"FileInput": source, "VideoSelector": {}, "AudioSelectors": {
                    "Audio Selector 1": {"DefaultSelection": "DEFAULT"}}}],
                "OutputGroups": [
                    file_group("Thumbnails for Rekognition", f"s3://{bucket}/thumbs/", frames),
                    file_group("MP4 for Rekognition", f"s3://{bucket}/mp4/", mp4)]}}


def next_message(aws, receiver, kind="Notification"):
    """The next delivery's message, its headers and signature checked."""
    delivery = receiver.next(180)
    message = delivery.json
    assert message["Type"] == delivery.type == kind, message
    assert delivery.headers["x-amz-sns-topic-arn"] == message["TopicArn"]
    check_signature(message, aws.ca)
    return message


def go_through(aws, receiver, topics):
    """Serves events with the functions until labels and transcript are there."""
    done = {"frames": 0, "statuses": [], "rekognition": None, "transcribe": None, "job_id": None}
    while not (done["rekognition"] and done["transcribe"] and "COMPLETE" in done["statuses"]):
        message = next_message(aws, receiver)
        event = json.loads(message["Message"])
        if message["TopicArn"] == topics["thumbs"]:
            if "Records" in event:  # not s3:TestEvent
                rekognition_thumbnails(aws, event)
                done["frames"] += 1
        elif message["TopicArn"] == topics["mp4"]:
            if "Records" in event:
                done["mp4"] = urllib.parse.unquote_plus(
                    event["Records"][0]["s3"]["object"]["key"])
                done["job_id"] = rekognition_video(aws, event, topics["rekognition"])
        elif message["TopicArn"] == topics["rekognition"]:
            assert (event["Status"], event["JobId"]) == ("SUCCEEDED", done["job_id"]), event
            rekognition_video_results(aws, {"Records": [{"Sns": message}]})
            done["rekognition"] = event
        elif event["source"] == "aws.mediaconvert":
            assert event["detail"]["userMetadata"] == {"workshop": "one"}
            assert event["detail"]["status"] != "ERROR", event
            done["statuses"].append(event["detail"]["status"])
            done["complete"] = event
        else:
            assert event["detail"]["TranscriptionJobStatus"] == "COMPLETED", event
            done["transcribe"] = event
    return done


def check_jobs(aws, job, source):
    found = aws.mediaconvert.get_job(Id=job)["Job"]
    assert found["Status"] == "COMPLETE" and \
        found["Settings"]["Inputs"][0]["FileInput"] == source, found
    assert [each["Id"] for each in aws.mediaconvert.list_jobs(Status="COMPLETE")["Jobs"]] == [job]
    transcription = aws.transcribe.get_transcription_job(TranscriptionJobName="TranscribeJob")
    uri = transcription["TranscriptionJob"]["Transcript"]["TranscriptFileUri"]
    assert uri.endswith("/TranscribeJob.json"), uri
    [listed] = aws.transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]
    assert listed["TranscriptionJobStatus"] == "COMPLETED"


def all_labels(aws, job, page):
    """Every page, in the smallest portions that a reader may ask for, or in AWS's."""
    found, more, pages = [], {"MaxResults": page} if page else {}, 0
    while True:
        answer = aws.rekognition.get_label_detection(JobId=job, **more)
        found += answer["Labels"]
        pages += 1
        if not answer.get("NextToken"):
            return found, pages
        more["NextToken"] = answer["NextToken"]


def read_transcript(aws, bucket):
    """What the workshop looks at in the console."""
    body = aws.s3.get_object(Bucket=bucket, Key="TranscribeJob.json")["Body"].read()
    transcript = json.loads(body)
    assert transcript["jobName"] == "TranscribeJob" and transcript["status"] == "COMPLETED"
    return transcript["results"]["transcripts"][0]["transcript"]


def read_items(aws):
    """The console's Items tab: {fileName: item}, by two ways that must agree."""
    by_resource = {item["fileName"]: item for item in aws.table.scan()["Items"]}
    pages = aws.dynamodb.get_paginator("scan").paginate(
        TableName=TABLE, PaginationConfig={"PageSize": 1})
    by_client = {item["fileName"]["S"]: item for page in pages for item in page["Items"]}
    assert by_resource.keys() == by_client.keys()
    for name, item in by_resource.items():
        assert aws.table.get_item(Key={"fileName": name})["Item"] == item
    return by_resource


def workshop(aws, options):
    receiver = Receiver()
    make_roles(aws)
    source = make_bucket(aws, options.bucket, options.video)
    make_table(aws)
    topics = make_topics(aws, receiver)
    make_triggers(aws, options.bucket, topics)
    created = aws.mediaconvert.create_job(**job_of(aws, source, options.bucket))["Job"]
    assert created["Status"] == "SUBMITTED"
    done = go_through(aws, receiver, topics)
    receiver.close()
    check_jobs(aws, created["Id"], source)
    whole, _ = all_labels(aws, done["job_id"], None)
    in_small, pages = all_labels(aws, done["job_id"], 1)
    assert in_small == whole
    items = read_items(aws)
    assert json.loads(items[done["mp4"]]["objects"]) == whole
    frames = aws.s3.list_objects_v2(Bucket=options.bucket, Prefix="thumbs/")["Contents"]
    assert len(frames) - 1 == done["frames"] > 0  # without the folder
    return {"frames": done["frames"], "mp4": done["mp4"], "statuses": done["statuses"],
            "labels": len(whole), "pages": pages, "items": items, "source": source,
            "transcript": read_transcript(aws, options.bucket)}


def main():
    parser = argparse.ArgumentParser(description="The workshop with boto3; see the file's head.")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--ca", required=True, help="certificate of who signs for SNS")
    parser.add_argument("--video", required=True, type=pathlib.Path)
    parser.add_argument("--bucket", default="smith-immersionday")
    options = parser.parse_args()
    aws = Aws(options.endpoint, options.ca)
    began = time.monotonic()
    report = workshop(aws, options)
    workshop_refusals.provoke(aws, options.bucket)
    workshop_rest.ask(aws, options.bucket)
    print(json.dumps({**report, "boto3": boto3.__version__,
                      "seconds": round(time.monotonic() - began, 1),
                      "checked": dict(aws.watch.checked)}))


if __name__ == "__main__":
    main()
