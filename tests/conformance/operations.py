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
    yield case("get_item", "GetItem", {"Item": item}, key=key)
    yield case("item_exists", "GetItem", {"Item": key}, partition_key="fileName", value=KEYS[1])
    yield case("batch_put", "BatchWriteItem", {"UnprocessedItems": {}}, items=[item])
    yield case("batch_delete", "BatchWriteItem", {"UnprocessedItems": {}}, keys=[key])
    yield case("batch_get", "BatchGetItem", {"Responses": {table["table"]: [item]}}, keys=[key])
    yield case("query", "Query", {"Items": [], "Count": 0},
               request={"KeyConditionExpression": "fileName = :f", "Limit": 5,
                        "ExpressionAttributeValues": {":f": {"S": "x"}}})
    yield case("scan", "Scan", {"Items": [], "Count": 0}, request={"Limit": 5})
    yield case("create_table", "CreateTable", {"TableDescription": {}}, partition_key="fileName")
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


CASES = [*_s3_cases(), *_json_cases(), *_dynamodb_cases(), *_query_cases()]
