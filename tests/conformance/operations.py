# SPDX-License-Identifier: Apache-2.0
"""One call at least of every operation of aws/: what the driver does, which operation of botocore's
model it must be on the wire, and an answer that lets it end well."""

import dataclasses
import json
import zlib

from capture import Answer

LONG_KEY = "긴 " * 256  # 1,024 bytes
KEYS = ["plain.mp4", "uploads/a b+c%d#e?f&g='h'\"i\".mp4", "한국어/😀.mov", "a/../b/./c//d",
        "(x)[y]{z}~!@$^*,;:|\\<>`", LONG_KEY]
QUEUE = "arn:aws:mediaconvert:eu-west-1:123456789012:queues/Default"
JOB = {"id": "1500000000000-abcdef", "status": "SUBMITTED"}
TRANSCRIBED = {"TranscriptionJob": {"TranscriptionJobName": "n",
                                    "TranscriptionJobStatus": "IN_PROGRESS"}}


@dataclasses.dataclass
class Case:
    arguments: dict
    service: str
    operation: str
    answer: Answer
    expect: dict = dataclasses.field(default_factory=dict)  # members that the request must have


def _json(value, status=200):
    body = json.dumps(value).encode()
    return Answer(status, body, {"x-amz-crc32": str(zlib.crc32(body)), "x-amzn-RequestId": "r"})


def _xml(operation, inside):
    return Answer(200, (f"<{operation}Response><{operation}Result>{inside}</{operation}Result>"
                        f"</{operation}Response>").encode())


def _job_body(**more):
    """A job as the pipeline makes them, in wire form."""
    return {
        "role": "arn:aws:iam::123456789012:role/MediaConvert", "queue": QUEUE,
        "userMetadata": {"VideoId": "0190"}, "statusUpdateInterval": "SECONDS_60",
        "settings": {
            "inputs": [{"fileInput": "s3://bkt/uploads/in.mp4", "videoSelector": {},
                        "audioSelectors": {"Audio Selector 1": {"defaultSelection": "DEFAULT"}}}],
            "outputGroups": [{
                "name": "frames",
                "outputGroupSettings": {
                    "type": "FILE_GROUP_SETTINGS",
                    "fileGroupSettings": {"destination": "s3://bkt/thumbs/0190/frame"}},
                "outputs": [{
                    "containerSettings": {"container": "RAW"},
                    "videoDescription": {"codecSettings": {
                        "codec": "FRAME_CAPTURE",
                        "frameCaptureSettings": {"framerateNumerator": 1,
                                                 "framerateDenominator": 1,
                                                 "maxCaptures": 10000000, "quality": 80}}}}]}]},
        **more}


def _s3_cases():
    listing = Answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated>"
                          b"</ListBucketResult>")
    head = Answer(200, b"x" * 5, {"ETag": '"e"'})
    for key in KEYS:
        at = {"bucket": "bkt", "key": key}
        wire = {"Bucket": "bkt", "Key": key}
        yield Case({"op": "s3.head_object", **at}, "s3", "HeadObject", head, wire)
        yield Case({"op": "s3.get_object", **at}, "s3", "GetObject", head, wire)
        yield Case({"op": "s3.get_object", **at, "from": 3, "to": 9}, "s3", "GetObject",
                   Answer(206, b"x"), {**wire, "Range": "bytes=3-9"})
        yield Case({"op": "s3.put_object", **at, "content_type": "text/plain; charset=utf-8",
                    "body": "안녕"}, "s3", "PutObject", Answer(),
                   {**wire, "ContentType": "text/plain; charset=utf-8"})
        yield Case({"op": "s3.list_objects", "bucket": "bkt", "prefix": key, "start_after": key,
                    "token": key}, "s3", "ListObjectsV2", listing,
                   {"Bucket": "bkt", "Prefix": key, "StartAfter": key, "ContinuationToken": key})
    yield Case({"op": "s3.delete_objects", "bucket": "bkt", "keys": KEYS}, "s3", "DeleteObjects",
               Answer(200, b"<DeleteResult/>"),
               {"Bucket": "bkt", "Delete": {"Objects": [{"Key": key} for key in KEYS],
                                            "Quiet": True}})
    yield Case({"op": "s3.put_object", "bucket": "my.bucket", "key": "empty", "body": ""}, "s3",
               "PutObject", Answer(), {"Bucket": "my.bucket", "Key": "empty"})


def _json_cases():
    created = _json({"job": JOB}, 201)
    yield Case({"op": "mediaconvert.create_job",
                "body": _job_body(clientRequestToken="0190-transcode-1")}, "mediaconvert",
               "CreateJob", created)
    yield Case({"op": "mediaconvert.create_job", "body": _job_body()}, "mediaconvert",
               "CreateJob", created)
    yield Case({"op": "mediaconvert.get_job", "id": "1500000000000-abcdef"}, "mediaconvert",
               "GetJob", _json({"job": JOB}), {"Id": "1500000000000-abcdef"})
    yield Case({"op": "mediaconvert.get_job", "id": "a b:c%"}, "mediaconvert", "GetJob",
               _json({"job": JOB}), {"Id": "a b:c%"})
    yield Case({"op": "mediaconvert.cancel_job", "id": "1500000000000-abcdef"}, "mediaconvert",
               "CancelJob", Answer(202), {"Id": "1500000000000-abcdef"})
    yield Case({"op": "mediaconvert.list_jobs", "queue": QUEUE, "status": "COMPLETE",
                "token": "t/+="}, "mediaconvert", "ListJobs", _json({"jobs": []}),
               {"Queue": QUEUE, "Status": "COMPLETE", "NextToken": "t/+="})
    yield Case({"op": "mediaconvert.find_job", "queue": QUEUE, "key": "VideoId", "value": "v"},
               "mediaconvert", "ListJobs",
               _json({"jobs": [{**JOB, "userMetadata": {"VideoId": "v"}}]}), {"Queue": QUEUE})
    yield Case({"op": "rekognition.recognize_celebrities", "bucket": "bkt", "key": KEYS[2]},
               "rekognition", "RecognizeCelebrities", _json({"CelebrityFaces": []}),
               {"Image": {"S3Object": {"Bucket": "bkt", "Name": KEYS[2]}}})
    yield Case({"op": "rekognition.start_label_detection", "bucket": "bkt", "key": "mp4/v.mp4",
                "min_confidence": 85.0, "token": "t-1", "job_tag": "0190",
                "topic_arn": "arn:aws:sns:eu-west-1:123456789012:AmazonRekognitionX",
                "role_arn": "arn:aws:iam::123456789012:role/x"}, "rekognition",
               "StartLabelDetection", _json({"JobId": "j" * 64}),
               {"ClientRequestToken": "t-1", "MinConfidence": 85.0, "JobTag": "0190"})
    yield Case({"op": "rekognition.get_label_detection", "job_id": "a" * 64, "token": "T",
                "max_results": 1000}, "rekognition", "GetLabelDetection",
               _json({"JobStatus": "SUCCEEDED", "Labels": []}),
               {"JobId": "a" * 64, "NextToken": "T", "MaxResults": 1000, "SortBy": "TIMESTAMP"})
    start = {"op": "transcribe.start_job", "name": "0190-1", "media_uri": "s3://bkt/audio/v.m4a",
             "media_format": "mp4", "output_bucket": "bkt", "output_key": "transcripts/v.json"}
    yield Case({**start, "language_code": "en-US"}, "transcribe", "StartTranscriptionJob",
               _json(TRANSCRIBED), {"LanguageCode": "en-US"})
    yield Case({**start, "max_speakers": 5}, "transcribe", "StartTranscriptionJob",
               _json(TRANSCRIBED), {"IdentifyLanguage": True, "OutputKey": "transcripts/v.json"})
    yield Case({"op": "transcribe.get_job", "name": "0190-1"}, "transcribe",
               "GetTranscriptionJob", _json(TRANSCRIBED), {"TranscriptionJobName": "0190-1"})
    yield Case({"op": "transcribe.delete_job", "name": "0190-1"}, "transcribe",
               "DeleteTranscriptionJob", Answer(), {"TranscriptionJobName": "0190-1"})


def _dynamodb_cases():
    key = {"fileName": {"S": KEYS[1]}}
    item = {**key, "n": {"N": "1"}, "l": {"L": [{"S": "é"}, {"BOOL": True}, {"NULL": True}]}}
    table = {"table": "rekognition-thumbs"}

    def case(op, operation, answer, **arguments):
        return Case({"op": "dynamodb." + op, **table, **arguments}, "dynamodb", operation,
                    _json(answer))
    yield case("put_item", "PutItem", {}, item=item)
    yield case("may_put", "PutItem", {}, partition_key="fileName", value=KEYS[1])
    yield case("get_item", "GetItem", {"Item": item}, key=key)
    yield case("item_exists", "GetItem", {"Item": key}, partition_key="fileName", value=KEYS[1])
    yield case("batch_put", "BatchWriteItem", {"UnprocessedItems": {}}, items=[item])
    yield case("batch_delete", "BatchWriteItem", {"UnprocessedItems": {}}, keys=[key])
    yield case("batch_get", "BatchGetItem", {"Responses": {table["table"]: [item]}}, keys=[key])
    yield case("query", "Query", {"Items": [], "Count": 0},
               request={"KeyConditionExpression": "fileName = :f", "Limit": 5,
                        "ExpressionAttributeValues": {":f": {"S": "x"}}})
    yield case("scan", "Scan", {"Items": [], "Count": 0}, request={"Limit": 5})
    definition = {
        "TableName": table["table"], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "fileName", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "fileName", "KeyType": "HASH"}]}
    yield case("create_table", "CreateTable", {"TableDescription": {}}, request=definition)
    yield case("update_table", "UpdateTable", {"TableDescription": {}},
               request={"TableName": table["table"], "BillingMode": "PAY_PER_REQUEST"})
    yield case("get_recovery", "DescribeContinuousBackups", {"ContinuousBackupsDescription": {}})
    yield case("set_recovery", "UpdateContinuousBackups", {"ContinuousBackupsDescription": {}})
    yield case("describe_table", "DescribeTable", {"Table": {"TableStatus": "ACTIVE"}})


def _query_cases():
    arn = "<SubscriptionArn>arn:aws:sns:eu-west-1:123456789012:t:1</SubscriptionArn>"
    topic = "arn:aws:sns:eu-west-1:123456789012:AmazonRekognition-t"
    yield Case({"op": "sns.confirm_subscription", "topic_arn": topic, "token": "to+ken/= é"},
               "sns", "ConfirmSubscription", _xml("ConfirmSubscription", arn),
               {"TopicArn": topic, "Token": "to+ken/= é"})
    yield Case({"op": "sns.subscribe", "topic_arn": topic, "protocol": "https",
                "endpoint": "https://h.example/sns?a=b&c"}, "sns", "Subscribe",
               _xml("Subscribe", arn),
               {"TopicArn": topic, "Protocol": "https", "Endpoint": "https://h.example/sns?a=b&c"})
    yield Case({"op": "sts.get_caller_identity"}, "sts", "GetCallerIdentity",
               _xml("GetCallerIdentity", "<Account>123456789012</Account><UserId>u</UserId>"
                    "<Arn>arn:aws:iam::123456789012:user/x</Arn>"))


def _sns_topic_cases():
    topic = "arn:aws:sns:eu-west-1:123456789012:t"
    subscription = topic + ":1"
    attributes = {"SignatureVersion": "2", "DeliveryPolicy": '{"http": {"a": "b&c=d"}}'}
    got = "<Attributes><entry><key>SignatureVersion</key><value>2</value></entry></Attributes>"

    def case(op, operation, inside, expect, **arguments):
        return Case({"op": "sns." + op, **arguments}, "sns", operation, _xml(operation, inside),
                    expect)
    yield case("create_topic", "CreateTopic", f"<TopicArn>{topic}</TopicArn>",
               {"Name": "t", "Attributes": attributes}, topic="t", attributes=attributes)
    yield case("get_topic_attributes", "GetTopicAttributes", got, {"TopicArn": topic},
               topic_arn=topic)
    change = {"AttributeName": "Policy", "AttributeValue": '{"Version": "x y"}'}
    yield case("set_topic_attribute", "SetTopicAttributes", "", {"TopicArn": topic, **change},
               topic_arn=topic, name="Policy", value=change["AttributeValue"])
    yield case("list_subscriptions", "ListSubscriptionsByTopic", "<Subscriptions/>",
               {"TopicArn": topic}, topic_arn=topic)
    yield case("get_subscription_attributes", "GetSubscriptionAttributes", got,
               {"SubscriptionArn": subscription}, subscription_arn=subscription)
    yield case("set_subscription_attribute", "SetSubscriptionAttributes", "",
               {"SubscriptionArn": subscription, **change}, subscription_arn=subscription,
               name="Policy", value=change["AttributeValue"])
    yield case("unsubscribe", "Unsubscribe", "", {"SubscriptionArn": subscription},
               subscription_arn=subscription)


def _iam_cases():
    document = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/é ä?&*"}]}
    text = "%7B%22Version%22%3A%222012-10-17%22%7D"
    role = f"<Role><Arn>arn:aws:iam::1:role/r</Arn><AssumeRolePolicyDocument>{text}" \
        "</AssumeRolePolicyDocument></Role>"

    def case(op, operation, inside, expect, **arguments):
        return Case({"op": "iam." + op, "role": "r", "policy": "p", **arguments}, "iam", operation,
                    _xml(operation, inside), expect)
    yield case("get_role", "GetRole", role, {"RoleName": "r"})
    yield case("create_role", "CreateRole", role,
               {"RoleName": "r", "Description": "d e", "PermissionsBoundary": "arn:aws:iam::1:policy/b"},
               trust=document, description="d e", boundary="arn:aws:iam::1:policy/b")
    yield case("update_trust", "UpdateAssumeRolePolicy", "", {"RoleName": "r"}, trust=document)
    yield case("get_role_policy", "GetRolePolicy", f"<PolicyDocument>{text}</PolicyDocument>",
               {"RoleName": "r", "PolicyName": "p"})
    yield case("put_role_policy", "PutRolePolicy", "", {"RoleName": "r", "PolicyName": "p"},
               document=document)
    allowed = "<member><EvalActionName>s3:GetObject</EvalActionName>" \
        "<EvalDecision>allowed</EvalDecision></member>"
    yield case("simulate", "SimulatePrincipalPolicy",
               f"<EvaluationResults>{allowed * 2}</EvaluationResults>",
               {"PolicySourceArn": "arn:aws:iam::123456789012:role/r",
                "ActionNames": ["s3:GetObject", "s3:PutObject"],
                "ResourceArns": ["arn:aws:s3:::b/*"],
                "ContextEntries": [{"ContextKeyName": "iam:PassedToService",
                                    "ContextKeyValues": ["mediaconvert.amazonaws.com"],
                                    "ContextKeyType": "string"}]},
               principal="arn:aws:iam::123456789012:role/r", resource="arn:aws:s3:::b/*")


def _setup_json_cases():
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
    attributes = {"MessageRetentionPeriod": "1209600", "Policy": "{}"}

    def case(service, op, operation, answer, expect=None, **arguments):
        return Case({"op": f"{service}.{op}", **arguments}, service, operation, _json(answer),
                    expect or {})
    yield case("sqs", "get_queue_url", "GetQueueUrl", {"QueueUrl": url}, {"QueueName": "q"},
               queue="q")
    yield case("sqs", "create_queue", "CreateQueue", {"QueueUrl": url},
               {"QueueName": "q", "Attributes": attributes}, queue="q", attributes=attributes)
    yield case("sqs", "get_queue_attributes", "GetQueueAttributes", {"Attributes": attributes},
               {"QueueUrl": url, "AttributeNames": ["All"]}, url=url)
    yield case("sqs", "set_queue_attributes", "SetQueueAttributes", {},
               {"QueueUrl": url, "Attributes": attributes}, url=url, attributes=attributes)
    targets = [{"Id": "sns", "Arn": "arn:aws:sns:eu-west-1:123456789012:t",
                "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:q"}}]
    rule = {"Name": "r", "EventPattern": '{"source": ["aws.transcribe"]}', "State": "ENABLED"}
    yield case("events", "describe_rule", "DescribeRule", rule, {"Name": "r"}, rule="r")
    yield case("events", "put_rule", "PutRule", {"RuleArn": "arn"}, rule, request=rule)
    yield case("events", "list_targets", "ListTargetsByRule", {"Targets": targets}, {"Rule": "r"},
               rule="r")
    yield case("events", "put_targets", "PutTargets", {"FailedEntryCount": 0},
               {"Rule": "r", "Targets": targets}, rule="r", targets=targets)


SUBRESOURCES = [
    ("BucketNotificationConfiguration", "NotificationConfiguration", {
        "TopicConfiguration": [{"Id": "a & <b>", "Topic": "arn:aws:sns:eu-west-1:123456789012:t",
                                "Event": ["s3:ObjectCreated:*"],
                                "Filter": {"S3Key": {"FilterRule": {"Name": "prefix",
                                                                    "Value": "uploads/"}}}}],
        "EventBridgeConfiguration": {}}),
    ("BucketLifecycleConfiguration", "LifecycleConfiguration", {
        "Rule": [{"ID": "r", "Filter": {"Prefix": ""}, "Status": "Enabled",
                  "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]}),
    ("BucketCors", "CORSConfiguration", {
        "CORSRule": {"AllowedOrigin": ["https://a", "https://b"], "AllowedMethod": "PUT",
                     "AllowedHeader": "*", "ExposeHeader": "ETag", "MaxAgeSeconds": 3000}}),
    ("BucketEncryption", "ServerSideEncryptionConfiguration", {
        "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                 "BucketKeyEnabled": False}}),
    ("PublicAccessBlock", "PublicAccessBlockConfiguration", {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True}),
    ("BucketOwnershipControls", "OwnershipControls", {
        "Rule": {"ObjectOwnership": "BucketOwnerEnforced"}}),
]


def _s3_bucket_cases():
    bucket = {"bucket": "bkt", "owner": "123456789012"}
    wire = {"Bucket": "bkt", "ExpectedBucketOwner": "123456789012"}
    yield Case({"op": "s3.get_bucket_location", **bucket}, "s3", "GetBucketLocation",
               Answer(200, b"<LocationConstraint>eu-west-1</LocationConstraint>"), wire)
    yield Case({"op": "s3.create_bucket", "bucket": "bkt"}, "s3", "CreateBucket", Answer(),
               {"Bucket": "bkt", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}})
    for which, (name, root, value) in enumerate(SUBRESOURCES):
        yield Case({"op": "s3.get_subresource", **bucket, "which": which}, "s3", "Get" + name,
                   Answer(200, f"<{root}/>".encode()), wire)
        yield Case({"op": "s3.put_subresource", **bucket, "which": which, "value": value}, "s3",
                   "Put" + name, Answer(), wire)
    policy = {"Version": "2012-10-17", "Statement": []}
    yield Case({"op": "s3.get_bucket_policy", **bucket}, "s3", "GetBucketPolicy",
               Answer(200, json.dumps(policy).encode()), wire)
    yield Case({"op": "s3.put_bucket_policy", **bucket, "policy": policy}, "s3", "PutBucketPolicy",
               Answer(204), {**wire, "Policy": json.dumps(policy, separators=(",", ":"))})


CASES = [*_s3_cases(), *_json_cases(), *_dynamodb_cases(), *_query_cases(), *_sns_topic_cases(),
         *_iam_cases(), *_setup_json_cases(), *_s3_bucket_cases()]
