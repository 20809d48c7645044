# SPDX-License-Identifier: Apache-2.0
"""What spotlist asks of AWS beyond the workshop, asked with boto3: each operation at least once."""

import json
import time

TABLE = "rekognition-thumbs"


def buckets(aws, bucket):
    s3, at = aws.s3, {"Bucket": bucket}
    location = s3.get_bucket_location(**at)["LocationConstraint"]
    assert location is None  # us-east-1's
    cors = {"CORSRules": [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://example.org"],
                           "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"],
                           "MaxAgeSeconds": 300}]}
    s3.put_bucket_cors(**at, CORSConfiguration=cors)
    assert s3.get_bucket_cors(**at)["CORSRules"] == cors["CORSRules"]
    rules = [{"ID": "uploads", "Status": "Enabled", "Filter": {"Prefix": "uploads/"},
              "Expiration": {"Days": 7}, "AbortIncompleteMultipartUpload": {
                  "DaysAfterInitiation": 1}}]
    s3.put_bucket_lifecycle_configuration(**at, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(**at)["Rules"] == rules
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"StringEquals": {"aws:PrincipalAccount": "999999999999"}}}]}
    s3.put_bucket_policy(**at, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(**at)["Policy"]) == policy
    default = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(**at, ServerSideEncryptionConfiguration=default)
    found = s3.get_bucket_encryption(**at)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    owner = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(**at, OwnershipControls=owner)
    assert s3.get_bucket_ownership_controls(**at)["OwnershipControls"] == owner
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
             "RestrictPublicBuckets": True}
    s3.put_public_access_block(**at, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(**at)["PublicAccessBlockConfiguration"] == block


def objects(aws, bucket):
    s3, at = aws.s3, {"Bucket": bucket}
    upload = s3.create_multipart_upload(**at, Key="uploads/parts")["UploadId"]
    first = s3.upload_part(**at, Key="uploads/parts", UploadId=upload, PartNumber=1,
                           Body=b"x" * 5 * 1024 * 1024)["ETag"]
    second = s3.upload_part_copy(**at, Key="uploads/parts", UploadId=upload, PartNumber=2,
                                 CopySource=f"{bucket}/TranscribeJob.json")
    parts = [{"PartNumber": 1, "ETag": first},
             {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}]
    listed = s3.list_parts(**at, Key="uploads/parts", UploadId=upload)["Parts"]
    assert [part["ETag"] for part in listed] == [part["ETag"] for part in parts]
    assert len(s3.list_multipart_uploads(**at)["Uploads"]) == 1
    done = s3.complete_multipart_upload(**at, Key="uploads/parts", UploadId=upload,
                                        MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"')
    s3.copy_object(**at, Key="uploads/copy", CopySource=f"{bucket}/uploads/parts")
    assert len(s3.list_objects(**at, Prefix="uploads/")["Contents"]) == 2
    ranged = s3.get_object(**at, Key="uploads/copy", Range="bytes=2-4")
    assert ranged["Body"].read() == b"xxx" and ranged["ContentRange"].startswith("bytes 2-4/")
    gone = s3.delete_objects(**at, Delete={"Objects": [
        {"Key": "uploads/parts"}, {"Key": "uploads/copy"}, {"Key": "uploads/none"}]})
    assert len(gone["Deleted"]) == 3
    s3.put_object(**at, Key="uploads/one", Body=b"1")
    s3.delete_object(**at, Key="uploads/one")


def tables(aws, _):
    dynamodb, at = aws.dynamodb, {"TableName": TABLE}
    items = [{"fileName": {"S": f"rest-{number}"}, "n": {"N": str(number)}, "b": {"B": b"\0\1"},
              "m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}]}}}, "s": {"SS": ["a", "b"]}}
             for number in range(25)]
    answer = dynamodb.batch_write_item(RequestItems={
        TABLE: [{"PutRequest": {"Item": item}} for item in items]}, ReturnConsumedCapacity="TOTAL")
    assert answer["UnprocessedItems"] == {}
    keys = [{"fileName": item["fileName"]} for item in items]
    answer = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    assert sorted(answer["Responses"][TABLE], key=lambda item: int(item["n"]["N"])) == items
    [found] = dynamodb.query(**at, KeyConditionExpression="fileName = :k",
                             ExpressionAttributeValues={":k": {"S": "rest-7"}})["Items"]
    assert found == items[7]
    changed = dynamodb.update_item(**at, Key=keys[7], UpdateExpression="SET n = n + :one",
                                   ExpressionAttributeValues={":one": {"N": "1"}},
                                   ReturnValues="UPDATED_NEW")
    assert changed["Attributes"] == {"n": {"N": "8"}}
    assert dynamodb.delete_item(**at, Key=keys[7], ReturnValues="ALL_OLD")["Attributes"]["n"] == \
        {"N": "8"}
    dynamodb.batch_write_item(RequestItems={
        TABLE: [{"DeleteRequest": {"Key": key}} for key in keys]})
    dynamodb.update_continuous_backups(**at, PointInTimeRecoverySpecification={
        "PointInTimeRecoveryEnabled": True})
    described = dynamodb.describe_continuous_backups(**at)["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    dynamodb.update_table(**at, BillingMode="PAY_PER_REQUEST")
    assert dynamodb.describe_table(**at)["Table"]["BillingModeSummary"]["BillingMode"] == \
        "PAY_PER_REQUEST"


def subscriptions(aws, _):
    topic = aws.sns.create_topic(Name="rest")["TopicArn"]
    # Port 9 discards: who subscribes there never confirms.
    arn = aws.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/",
                            ReturnSubscriptionArn=True)["SubscriptionArn"]
    aws.sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="DeliveryPolicy",
        AttributeValue=json.dumps({"healthyRetryPolicy": {"numRetries": 10}}))
    found = aws.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert found["PendingConfirmation"] == "true" and "numRetries" in found["DeliveryPolicy"]
    assert any(each["TopicArn"] == topic
               for each in aws.sns.list_subscriptions()["Subscriptions"])
    assert aws.sns.publish(TopicArn=topic, Message="to nobody")["MessageId"]
    [confirmed, *_] = [each["SubscriptionArn"] for each in
                       aws.sns.list_subscriptions()["Subscriptions"]
                       if each["SubscriptionArn"].startswith("arn:")]
    aws.sns.unsubscribe(SubscriptionArn=confirmed)
    aws.sns.delete_topic(TopicArn=topic)


def jobs(aws, bucket):
    [queue] = aws.mediaconvert.list_queues()["Queues"]
    assert aws.mediaconvert.get_queue(Name="Default")["Queue"]["Arn"] == queue["Arn"]
    settings = aws.mediaconvert.list_jobs()["Jobs"][0]["Settings"]
    job = aws.mediaconvert.create_job(Role=aws.role_arn("vod-MediaConvertRole"),
                                      Settings=settings)["Job"]
    aws.mediaconvert.cancel_job(Id=job["Id"])
    deadline = time.monotonic() + 30
    while aws.mediaconvert.get_job(Id=job["Id"])["Job"]["Status"] != "CANCELED":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    aws.transcribe.delete_transcription_job(TranscriptionJobName="TranscribeJob")
    frames = aws.s3.list_objects_v2(Bucket=bucket, Prefix="thumbs/", MaxKeys=2)["Contents"]
    labels = aws.rekognition.detect_labels(Image={"S3Object": {
        "Bucket": bucket, "Name": frames[-1]["Key"]}}, MinConfidence=60)
    assert labels["LabelModelVersion"]


def rules(aws, _):
    aws.events.put_rule(Name="rest", EventPattern='{"source": ["aws.transcribe"]}',
                        State="DISABLED", Description="rest")
    aws.events.delete_rule(Name="rest")


def roles(aws, bucket):
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
        "Action": "sts:AssumeRole"}]}
    aws.iam.update_assume_role_policy(RoleName="RekognitionRole",
                                      PolicyDocument=json.dumps(trust))
    document = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    aws.iam.put_role_policy(RoleName="RekognitionRole", PolicyName="read",
                            PolicyDocument=json.dumps(document))
    found = aws.iam.get_role_policy(RoleName="RekognitionRole", PolicyName="read")
    assert found["PolicyDocument"] == document
    judged = aws.iam.simulate_principal_policy(
        PolicySourceArn=aws.role_arn("RekognitionRole"), ActionNames=["s3:GetObject"],
        ResourceArns=[f"arn:aws:s3:::{bucket}/k"])["EvaluationResults"]
    assert [each["EvalDecision"] for each in judged] == ["allowed"]


def queues(aws, _):
    url = aws.sqs.create_queue(QueueName="rest",
                               Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    assert aws.sqs.get_queue_url(QueueName="rest")["QueueUrl"] == url
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    found = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "5" and found["QueueArn"].endswith(":rest")
    aws.sqs.send_message(QueueUrl=url, MessageBody="one")
    [message] = aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "one"
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def ask(aws, bucket):
    for part in (buckets, objects, tables, subscriptions, jobs, rules, roles, queues):
        part(aws, bucket)
