# SPDX-License-Identifier: Apache-2.0
"""What the tests of localcloud's S3 share: clients, buckets, expected refusals, plain HTTP."""

import hashlib
import http.client
import urllib.parse

import boto3.session
import pytest
from botocore.exceptions import ClientError

BUCKET = "films"
MIB = 1024 * 1024

ODD_KEYS = [
    "plain.mp4",
    "with space.mp4",
    "a+b.mp4",
    "100%.mp4",
    "%41.mp4",
    "number#1.mp4",
    "what?.mp4",
    "a&b=c;d.mp4",
    "\"double\" and 'single'.mp4",
    "<tag>&amp;.mp4",
    "한국어 영상.mp4",
    "🎬 clip 👩‍🚀.mp4",
    "deep/er/and//double/./dot/../dots.mp4",
    "trailing/slash/",
    "/leading.mp4",
    "back\\slash|pipe^caret`tick{brace}[bracket]~tilde.mp4",
    "colon:at@dollar$star*bang!(paren),comma.mp4",
    "newline\nand\ttab.mp4",
    "a" * 1024,
    "é" * 512,
    "🎬" * 256,
]


def version_4(cloud, style="path", url=None):
    """Debian's boto3 still presigns with Signature Version 2 unless told otherwise."""
    config = boto3.session.Config(signature_version="s3v4", s3={"addressing_style": style},
                                  retries={"max_attempts": 1})
    return cloud.session().client("s3", endpoint_url=url or cloud.url, config=config)


@pytest.fixture(scope="module")
def s3(cloud):
    client = version_4(cloud)
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def bucket(s3, request):
    """A bucket of the test's own."""
    name = "b-" + hashlib.sha1(request.node.name.encode()).hexdigest()[:16]
    s3.create_bucket(Bucket=name)
    return name


def code_of(error):
    return error.value.response["Error"]["Code"]


def status_of(error):
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def refused(code, status, call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert (code_of(error), status_of(error)) == (code, status)
    return error.value.response


def fetch(url, method="GET", body=None, headers=None):
    """Plain HTTP, as a browser or curl would."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    target = parts.path + ("?" + parts.query if parts.query else "")
    connection.request(method, target, body=body, headers=headers or {})
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def upload_parts(s3, bucket, key, bodies):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType="video/mp4",
                                        Metadata={"m": "1"})["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        etag = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
                              Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    return upload, parts
