# SPDX-License-Identifier: Apache-2.0
"""localcloud's S3: presigned URLs by plain HTTP, and virtual-hosted addresses."""

import http.client
import os
import urllib.parse

import pytest

from localcloud_s3 import (  # noqa: F401 (fixtures)
    MIB, bucket, fetch, s3, version_4)


@pytest.mark.parametrize("key", ["한 k+%#?&=.mp4", "🎬/" + "a" * 1000])
def test_presigned_urls_work_by_plain_http(s3, bucket, key):
    target = {"Bucket": bucket, "Key": key}
    put = s3.generate_presigned_url("put_object", target, ExpiresIn=300)
    answer = fetch(put, "PUT", b"presigned")
    assert answer.status == 200
    get = s3.generate_presigned_url("get_object", target, ExpiresIn=300)
    assert fetch(get).content == b"presigned"
    assert fetch(get, headers={"Range": "bytes=3-5"}).content == b"sig"
    head = fetch(s3.generate_presigned_url("head_object", target), "HEAD")
    assert (head.status, head.getheader("Content-Length"), head.content) == (200, "9", b"")
    delete = s3.generate_presigned_url("delete_object", target)
    assert fetch(delete, "DELETE").status == 204
    assert fetch(get).status == 404


def test_a_presigned_put_of_megabytes_by_chunked_transfer(s3, bucket):
    body = os.urandom(3 * MIB)
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
    assert fetch(url, "PUT", iter([body[:MIB], body[MIB:]])).status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_a_put_without_a_length_is_refused(s3, bucket):
    parts = urllib.parse.urlsplit(
        s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}))
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, b"MissingContentLength" in answer.read()) == (411, True)


def test_virtual_hosted_addresses(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/한.txt", Body=b"virtual")
    virtual = version_4(cloud, "virtual", f"http://localhost:{cloud.port}")
    url = virtual.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a/한.txt"})
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname == f"{bucket}.localhost"
    local = parts._replace(netloc=f"127.0.0.1:{cloud.port}").geturl()
    assert fetch(local, headers={"Host": parts.netloc}).content == b"virtual"
