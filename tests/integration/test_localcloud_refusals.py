# SPDX-License-Identifier: Apache-2.0
"""Whom localcloud does not know is refused as each service refuses: the code, the status, and an
answer that its model allows (harness.ANSWERS looks at it)."""

import boto3
import pytest
from botocore.exceptions import ClientError

from harness import ANSWERS, client_config

CALLS = {
    "s3": ("list_buckets", {}),
    "dynamodb": ("list_tables", {}),
    "rekognition": ("get_label_detection", {"JobId": "0" * 64}),
    "transcribe": ("list_transcription_jobs", {}),
    "events": ("list_rules", {}),
    "mediaconvert": ("list_queues", {}),
    "sns": ("list_topics", {}),
    "sts": ("get_caller_identity", {}),
    "iam": ("list_roles", {}),
    "sqs": ("list_queues", {}),
}
JSON = ("InvalidSignatureException", "UnrecognizedClientException", 400)
QUERY = ("SignatureDoesNotMatch", "InvalidClientTokenId", 403)
REFUSALS = {  # wrong secret, unknown key, status
    "s3": ("SignatureDoesNotMatch", "InvalidAccessKeyId", 403),
    "dynamodb": JSON, "rekognition": JSON, "transcribe": JSON, "events": JSON,
    "mediaconvert": ("InvalidSignatureException", "UnrecognizedClientException", 403),
    "sns": QUERY, "sts": QUERY, "iam": QUERY,
    "sqs": QUERY,  # of Debian's botocore; today's speaks JSON
}


def refusal(cloud, service, access_key, secret_key):
    session = boto3.Session(access_key, secret_key, region_name=cloud.region)
    client = ANSWERS.client(session.client(service, endpoint_url=cloud.url,
                                           config=client_config()))
    method, arguments = CALLS[service]
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**arguments)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("service", CALLS)
def test_a_wrong_secret_is_refused(cloud, service):
    code, _, status = REFUSALS[service]
    assert refusal(cloud, service, "test", "wrong") == (code, status)


@pytest.mark.parametrize("service", CALLS)
def test_an_unknown_key_is_refused(cloud, service):
    _, code, status = REFUSALS[service]
    assert refusal(cloud, service, "AKIAIOSFODNN7EXAMPLE", "test") == (code, status)
