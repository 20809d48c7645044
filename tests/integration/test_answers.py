# SPDX-License-Identifier: Apache-2.0
"""The judge of answers judged: right answers pass, and each way of being wrong is found."""

import json
import zlib

import botocore.session
import pytest

from answers import problems_of

MODELS = {}


def operation(name):
    service, _, name = name.partition(" ")
    if service not in MODELS:
        MODELS[service] = botocore.session.get_session().get_service_model(service)
    return MODELS[service].operation_model(name)


def json_answer(value, status=200, version="1.1", **headers):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return status, {"Content-Type": f"application/x-amz-json-{version}",
                    "x-amzn-RequestId": "r", "x-amz-crc32": str(zlib.crc32(body)), **headers}, body


def rest_answer(value, status=200, **headers):
    return json_answer(value, status, **{"Content-Type": "application/json", **headers})


def query_answer(inside, status=200, wrapper="GetTopicAttributes", namespace="sns"):
    body = (f'<{wrapper}Response xmlns="http://{namespace}.amazonaws.com/doc/2010-03-31/">'
            f"<{wrapper}Result>{inside}</{wrapper}Result><ResponseMetadata><RequestId>r</RequestId>"
            f"</ResponseMetadata></{wrapper}Response>").encode()
    return status, {"Content-Type": "text/xml", "x-amzn-RequestId": "r"}, body


def query_error(code, status, kind="Sender"):
    body = ('<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error>'
            f"<Type>{kind}</Type><Code>{code}</Code><Message>m</Message></Error>"
            "<RequestId>r</RequestId></ErrorResponse>").encode()
    return status, {"Content-Type": "text/xml", "x-amzn-RequestId": "r"}, body


S3 = {"Content-Type": "application/xml", "x-amz-request-id": "r", "x-amz-id-2": "h"}


def s3_answer(inside, root="ListBucketResult",
              namespace="http://s3.amazonaws.com/doc/2006-03-01/", status=200, **headers):
    return status, {**S3, **headers}, f'<{root} xmlns="{namespace}">{inside}</{root}>'.encode()


def s3_error(code, status, more="<RequestId>r</RequestId><HostId>h</HostId>"):
    return status, S3, f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>".encode()


LIST = "<Name>bucket</Name><Prefix></Prefix><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>"
ENTRY = "<entry><key>Owner</key><value>1</value></entry>"
LABEL = {"JobStatus": "SUCCEEDED", "Labels": [{"Timestamp": 0, "Label": {"Name": "Cat"}}]}
JOB = {"job": {"role": "r", "settings": {}, "createdAt": 1, "status": "SUBMITTED"}}


@pytest.mark.parametrize("name, answer", [
    ("rekognition GetLabelDetection", json_answer(LABEL)),
    ("dynamodb PutItem", json_answer({}, version="1.0")),
    ("dynamodb GetItem", json_answer({"Item": {"k": {"N": "1"}}}, version="1.0")),
    ("dynamodb PutItem", json_answer({"__type": "x#ConditionalCheckFailedException",
                                      "message": "m"}, 400, "1.0")),
    ("mediaconvert CreateJob", rest_answer(JOB, 201)),
    ("mediaconvert GetJob", rest_answer({"message": "m"}, 404,
                                        **{"x-amzn-ErrorType": "NotFoundException"})),
    ("sns GetTopicAttributes", query_answer(f"<Attributes>{ENTRY}</Attributes>")),
    ("sns GetTopicAttributes", query_error("NotFound", 404)),
    ("s3 ListObjectsV2", s3_answer(LIST)),
    ("s3 HeadObject", (404, S3, b"")),
    ("s3 GetObject", s3_error("NoSuchKey", 404)),
    ("s3 GetObject", (206, {**S3, "Content-Range": "bytes 0-1/2"}, None)),
    ("s3 DeleteObject", (204, S3, b"")),
])
def test_a_right_answer_passes(name, answer):
    assert problems_of(operation(name), *answer) == []


@pytest.mark.parametrize("name, answer, words", [
    ("rekognition GetLabelDetection", json_answer({**LABEL, "Extra": 1}), "no member Extra"),
    ("rekognition GetLabelDetection", json_answer({"JobStatus": "DONE"}), "'DONE' is none of"),
    ("rekognition GetLabelDetection", json_answer({"JobStatus": None}), "None is no string"),
    ("rekognition GetLabelDetection", json_answer({"Labels": [{"Timestamp": 1.5}]}), "no long"),
    ("rekognition GetLabelDetection", json_answer({"Labels": [{"Timestamp": True}]}), "no long"),
    ("rekognition GetLabelDetection", json_answer(b'{"Labels": [], "Labels": []}'), "twice"),
    ("rekognition GetLabelDetection", json_answer(b"{"), "no JSON"),
    ("rekognition GetLabelDetection", json_answer(LABEL, version="1.0"), "content-type"),
    ("rekognition GetLabelDetection", json_answer(LABEL, 201), "status: 201, not [200]"),
    ("rekognition StartLabelDetection", json_answer({"JobId": "a b"}), "does not match"),
    ("rekognition StartLabelDetection", json_answer({"JobId": ""}), "out of 1…64"),
    ("rekognition StartLabelDetection", json_answer({"__type": "Odd", "message": "m"}, 400),
     "Odd is not documented"),
    ("rekognition StartLabelDetection",
     json_answer({"__type": "LimitExceededException", "message": "m"}, 500), "500 with"),
    ("rekognition StartLabelDetection", json_answer({"__type": "LimitExceededException"}, 400),
     "no message"),
    ("rekognition StartLabelDetection", json_answer({"message": "m"}, 400), "no code"),
    ("transcribe GetTranscriptionJob", json_answer(
        {"TranscriptionJob": {"CreationTime": "2026-01-01T00:00:00Z"}}), "no timestamp"),
    ("dynamodb GetItem", json_answer({"Item": {"k": {"N": "1", "S": "1"}}}, version="1.0"),
     "a union has one member"),
    ("dynamodb GetItem", json_answer({}, version="1.0", **{"x-amz-crc32": "1"}), "x-amz-crc32"),
    ("dynamodb GetItem", json_answer({"Item": {"k": {"B": "%"}}}, version="1.0"), "no base64"),
    ("mediaconvert CreateJob", rest_answer(JOB), "status: 200, not [201]"),
    ("mediaconvert CreateJob", rest_answer({"Job": JOB["job"]}, 201), "no member Job"),
    ("mediaconvert CreateJob", rest_answer({"job": {"settings": {}}}, 201), "Role is required"),
    ("mediaconvert GetJob", rest_answer({"message": "m"}, 404), "no code"),
    ("sns GetTopicAttributes", query_answer(f"<Attributes>{ENTRY}</Attributes>", namespace="sqs"),
     "namespace"),
    ("sns GetTopicAttributes", query_answer("<Odd/>"), "no member Odd"),
    ("sns GetTopicAttributes", query_answer("<Attributes><Owner>1</Owner></Attributes>"), "a map"),
    ("sns GetTopicAttributes", query_answer("", wrapper="Publish"), "the root is"),
    ("sns GetTopicAttributes", query_error("NotFound", 400), "400 with NotFound, not 404"),
    ("sns GetTopicAttributes", query_error("InternalError", 500), "'Sender' with 500"),
    ("s3 ListObjectsV2", s3_answer(LIST, root="Result"), "the root is Result"),
    ("s3 ListObjectsV2", s3_answer(LIST, namespace=""), "namespace"),
    ("s3 ListObjectsV2", s3_answer(LIST.replace("false", "no")), "no boolean"),
    ("s3 ListObjectsV2", s3_answer(LIST + "<KeyCount>1</KeyCount>"), "2 times"),
    ("s3 ListObjectsV2", s3_answer(
        LIST + "<Contents><LastModified>today</LastModified></Contents>"), "no time as iso8601"),
    ("s3 ListObjectsV2", s3_answer(LIST, **{"x-amz-odd": "1"}), "no such header"),
    ("s3 HeadObject", (200, {**S3, "Last-Modified": "2026-01-01"}, b""), "no time as rfc822"),
    ("s3 PutObject", (200, S3, b"<a/>"), "answers no body"),
    ("s3 GetObject", s3_error("NoSuchKey", 400), "400 with NoSuchKey"),
    ("s3 GetObject", s3_error("NoSuchKey", 404, ""), "no RequestId"),
    ("s3 DeleteObject", (200, S3, b""), "status: 200, not [204]"),
    ("s3 DeleteObject", (204, {}, b""), "x-amz-request-id: missing"),
])
def test_a_wrong_answer_is_found(name, answer, words):
    assert words in "; ".join(problems_of(operation(name), *answer))
