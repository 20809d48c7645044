# SPDX-License-Identifier: Apache-2.0
"""localcloud's S3, with boto3 as the independent client."""

import base64
import concurrent.futures
import datetime
import hashlib
import http.client
import http.server
import io
import json
import os
import signal
import threading
import urllib.parse

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError

from harness import wait_until

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


# --- buckets ------------------------------------------------------------------------------------

def test_buckets_are_made_listed_and_deleted(s3):
    s3.create_bucket(Bucket="made.and-gone")
    assert "made.and-gone" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    head = s3.head_bucket(Bucket="made.and-gone")["ResponseMetadata"]
    assert head["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="made.and-gone")["LocationConstraint"] is None
    s3.delete_bucket(Bucket="made.and-gone")
    assert "made.and-gone" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def test_a_bucket_made_twice_is_one_bucket(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    s3.create_bucket(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


@pytest.mark.parametrize("name", ["UPPER", "double..dot", "192.168.0.1", "-edge", "under_score"])
def test_bucket_names_that_s3_forbids_are_refused(cloud, name):
    s3 = cloud.client("s3")
    s3.meta.events.unregister("before-parameter-build.s3", unique_id="s3-validate-bucket")
    refused("InvalidBucketName", 400, s3.create_bucket, Bucket=name)


def test_a_bucket_of_another_region_cannot_be_made_here(s3):
    refused("IllegalLocationConstraintException", 400, s3.create_bucket, Bucket="elsewhere",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def test_a_bucket_with_objects_is_not_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket=bucket)


@pytest.mark.parametrize("operation, arguments", [
    ("put_object", {"Key": "k", "Body": b""}), ("get_object", {"Key": "k"}),
    ("delete_object", {"Key": "k"}), ("list_objects_v2", {}), ("list_objects", {}),
    ("get_bucket_location", {}), ("get_bucket_cors", {}), ("delete_bucket", {}),
    ("get_bucket_notification_configuration", {}), ("create_multipart_upload", {"Key": "k"}),
    ("delete_objects", {"Delete": {"Objects": [{"Key": "k"}]}}),
])
def test_a_missing_bucket_is_told(s3, operation, arguments):
    refused("NoSuchBucket", 404, getattr(s3, operation), Bucket="never-made", **arguments)


def test_heads_of_what_is_missing_answer_404(s3):
    refused("404", 404, s3.head_bucket, Bucket="never-made")
    refused("404", 404, s3.head_object, Bucket=BUCKET, Key="never-put")


def test_cors_and_lifecycle_are_kept(s3, bucket):
    refused("NoSuchCORSConfiguration", 404, s3.get_bucket_cors, Bucket=bucket)
    refused("NoSuchLifecycleConfiguration", 404, s3.get_bucket_lifecycle_configuration,
            Bucket=bucket)
    cors = [{"AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://example.org"],
             "AllowedHeaders": ["*"], "MaxAgeSeconds": 600}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors
    rules = [{"ID": "frames", "Filter": {"Prefix": "thumbs/"}, "Status": "Enabled",
              "Expiration": {"Days": 7}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    s3.delete_bucket_cors(Bucket=bucket)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    refused("NoSuchCORSConfiguration", 404, s3.get_bucket_cors, Bucket=bucket)


@pytest.mark.parametrize("operation", ["get_bucket_acl", "get_bucket_policy", "get_bucket_versioning",
                                       "get_bucket_tagging", "get_bucket_website"])
def test_what_is_not_offered_says_so(s3, operation):
    refused("NotImplemented", 501, getattr(s3, operation), Bucket=BUCKET)


# --- objects ------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key[:24]))
def test_any_key_works_in_every_operation(s3, bucket, key):
    body = os.urandom(100)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 100
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [o["Key"] for o in s3.list_objects(Bucket=bucket)["Contents"]] == [key]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
    assert fetch(url).content == body
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": "copy"}]})
    assert [d["Key"] for d in done["Deleted"]] == [key, "copy"]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("key", ["a" * 1025, "é" * 513])
def test_a_key_beyond_1024_bytes_is_too_long(s3, key):
    for call in (s3.put_object, s3.get_object):
        answer = refused("KeyTooLongError", 400, call, Bucket=BUCKET, Key=key)
        assert answer["Error"]["MaxSizeAllowed"] == "1024"


def test_a_path_that_is_not_utf8_is_refused(cloud, s3):
    url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "X"})
    answer = fetch(url.replace("/X?", "/%FF?"))
    assert answer.status in (400, 403)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 9 * MIB + 7])
def test_bodies_of_any_size_come_back(s3, bucket, size):
    body = os.urandom(size)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=body)["ETag"]
    assert etag == f'"{hashlib.md5(body).hexdigest()}"'
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert answer["Body"].read() == body
    assert (answer["ETag"], answer["ContentLength"]) == (etag, size)


def test_an_object_keeps_its_headers_and_metadata(s3, bucket):
    given = {"ContentType": "video/mp4", "CacheControl": "max-age=60", "ContentLanguage": "ko",
             "ContentDisposition": 'attachment; filename="a b.mp4"', "ContentEncoding": "identity",
             "Metadata": {"title": "A film", "rating": "5"}}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **given)
    for answer in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {name: answer[name] for name in given} == given
        age = datetime.datetime.now(datetime.timezone.utc) - answer["LastModified"]
        assert abs(age.total_seconds()) < 60
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="plain")["ContentType"] == "binary/octet-stream"


def test_too_much_metadata_is_refused(s3):
    refused("MetadataTooLarge", 400, s3.put_object, Bucket=BUCKET, Key="k", Body=b"",
            Metadata={"m": "x" * 2048})


def test_a_reply_can_be_given_other_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/vtt",
                           ResponseContentDisposition="inline; filename=\"한국.vtt\"",
                           ResponseCacheControl="no-store")
    assert (answer["ContentType"], answer["CacheControl"]) == ("text/vtt", "no-store")


def test_a_put_replaces_and_a_reader_under_way_sees_the_old(s3, bucket):
    old, new = os.urandom(20 * MIB), os.urandom(5)
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    reading = s3.get_object(Bucket=bucket, Key="k")["Body"]
    first = reading.read(10)
    s3.put_object(Bucket=bucket, Key="k", Body=new)
    assert first + reading.read() == old
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == new


def test_deleting_is_idempotent(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for _ in range(2):
        answer = s3.delete_object(Bucket=bucket, Key="k")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")


def test_delete_objects_quietly_says_nothing(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}], "Quiet": True})
    assert "Deleted" not in answer and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_delete_objects_takes_at_most_a_thousand(s3, bucket):
    keys = [{"Key": f"k{i}"} for i in range(1001)]
    refused("MalformedXML", 400, s3.delete_objects, Bucket=bucket, Delete={"Objects": keys})
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": keys[:1000]})["Deleted"]) == 1000


@pytest.mark.parametrize("text, expected, content_range", [
    ("bytes=0-0", b"0", "bytes 0-0/10"),
    ("bytes=2-5", b"2345", "bytes 2-5/10"),
    ("bytes=7-", b"789", "bytes 7-9/10"),
    ("bytes=-3", b"789", "bytes 7-9/10"),
    ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ("bytes=5-2", b"0123456789", None),
    ("bytes=0-1,4-5", b"0123456789", None),
    ("lines=1-2", b"0123456789", None),
])
def test_ranges(s3, text, expected, content_range):
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")
    answer = s3.get_object(Bucket=BUCKET, Key="digits", Range=text)
    assert answer["Body"].read() == expected
    assert answer.get("ContentRange") == content_range
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    assert status == (206 if content_range else 200)


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_ranges_behind_the_end_are_refused(s3, text):
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")
    refused("InvalidRange", 416, s3.get_object, Bucket=BUCKET, Key="digits", Range=text)


def test_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    earlier, other = modified - datetime.timedelta(hours=1), '"0123"'
    get = {"Bucket": bucket, "Key": "k"}
    s3.get_object(**get, IfMatch=etag)
    s3.get_object(**get, IfNoneMatch=other)
    s3.get_object(**get, IfModifiedSince=earlier)
    s3.get_object(**get, IfUnmodifiedSince=modified)
    s3.get_object(**get, IfMatch=etag, IfUnmodifiedSince=earlier)
    refused("304", 304, s3.get_object, **get, IfNoneMatch=etag)
    refused("304", 304, s3.get_object, **get, IfNoneMatch="*")
    refused("304", 304, s3.get_object, **get, IfModifiedSince=modified)
    refused("304", 304, s3.head_object, **get, IfNoneMatch=etag)
    refused("PreconditionFailed", 412, s3.get_object, **get, IfMatch=other)
    refused("PreconditionFailed", 412, s3.get_object, **get, IfUnmodifiedSince=earlier)


def test_many_writers_of_one_key_leave_one_whole_object(cloud, bucket):
    bodies = [bytes([i]) * (MIB + 1234 + i) for i in range(12)]

    def write(body):
        cloud.client("s3").put_object(Bucket=bucket, Key="k", Body=body)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(write, bodies))
    assert cloud.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() in bodies
    files = [path for path in (cloud.data / "s3").rglob("*") if path.is_file()
             and path.stat().st_size in {len(body) for body in bodies}]
    assert len(files) == 1


# --- integrity ----------------------------------------------------------------------------------

def test_digests_of_the_body_are_checked(s3):
    right = base64.b64encode(hashlib.md5(b"body").digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"body", ContentMD5=right)
    refused("BadDigest", 400, s3.put_object, Bucket=BUCKET, Key="k", Body=b"body", ContentMD5=wrong)


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "CRC32"])
def test_checksums_that_boto3_sends_are_accepted_and_echoed(s3, algorithm):
    body = os.urandom(3 * MIB)
    answer = s3.put_object(Bucket=BUCKET, Key="k", Body=body, ChecksumAlgorithm=algorithm)
    assert answer[f"Checksum{algorithm}"]
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == body


@pytest.mark.parametrize("name, right", [
    ("crc32", "y/Q5Jg=="), ("crc32c", "4waSgw=="),
    ("sha1", base64.b64encode(hashlib.sha1(b"123456789").digest()).decode()),
    ("sha256", base64.b64encode(hashlib.sha256(b"123456789").digest()).decode())])
def test_a_wrong_checksum_is_refused(s3, name, right):
    def put(value):
        field = "Checksum" + name.upper()
        return s3.put_object(Bucket=BUCKET, Key="k", Body=b"123456789", **{field: value})
    put(right)
    refused("BadDigest", 400, put, value="AAAA" + right[4:])


# --- copies -------------------------------------------------------------------------------------

def test_a_copy_is_independent_of_its_source(s3, bucket):
    body = os.urandom(2 * MIB)
    source = s3.put_object(Bucket=bucket, Key="from", Body=body, ContentType="video/mp4",
                           Metadata={"a": "1"})
    answer = s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from")
    assert answer["CopyObjectResult"]["ETag"] == source["ETag"]
    s3.delete_object(Bucket=bucket, Key="from")
    copied = s3.get_object(Bucket=bucket, Key="to")
    assert copied["Body"].read() == body
    assert (copied["ContentType"], copied["Metadata"]) == ("video/mp4", {"a": "1"})


def test_a_copy_can_be_given_other_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "1"})
    source = {"Bucket": bucket, "Key": "k"}
    refused("InvalidRequest", 400, s3.copy_object, Bucket=bucket, Key="k", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE",
                   Metadata={"b": "2"}, ContentType="text/plain")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["ContentType"]) == ({"b": "2"}, "text/plain")


def test_copies_from_nothing_or_against_a_condition_are_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    copy = {"Bucket": bucket, "Key": "to"}
    refused("NoSuchKey", 404, s3.copy_object, **copy, CopySource=f"{bucket}/none")
    refused("NoSuchBucket", 404, s3.copy_object, **copy, CopySource="never-made/none")
    refused("PreconditionFailed", 412, s3.copy_object, **copy, CopySource=f"{bucket}/k",
            CopySourceIfMatch='"0"')
    refused("PreconditionFailed", 412, s3.copy_object, **copy, CopySource=f"{bucket}/k",
            CopySourceIfNoneMatch="*")


# --- listing ------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def tree(s3):
    """Keys in the order of their UTF-8 bytes."""
    keys = sorted(["a", "a/1", "a/2", "a/b/3", "a0", "b/", "b/한", "c d/e+f", "z", "é/1", "🎬"],
                  key=lambda key: key.encode())
    s3.create_bucket(Bucket="tree")
    for key in reversed(keys):
        s3.put_object(Bucket="tree", Key=key, Body=key.encode())
    return keys


def test_keys_are_listed_in_byte_order(s3, tree):
    answer = s3.list_objects_v2(Bucket="tree")
    assert [o["Key"] for o in answer["Contents"]] == tree
    assert [o["Size"] for o in answer["Contents"]] == [len(key.encode()) for key in tree]
    assert (answer["KeyCount"], answer["IsTruncated"]) == (len(tree), False)
    assert answer["Contents"][0]["ETag"] == f'"{hashlib.md5(b"a").hexdigest()}"'


def pages(s3, **arguments):
    """Every page of ListObjectsV2 as (keys, prefixes)."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="tree", **arguments):
        yield ([o["Key"] for o in page.get("Contents", [])],
               [p["Prefix"] for p in page.get("CommonPrefixes", [])])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pages_of_any_size_make_up_the_whole(s3, tree, size):
    got = list(pages(s3, PaginationConfig={"PageSize": size}))
    assert sum((keys for keys, _ in got), []) == tree
    assert all(len(keys) <= size for keys, _ in got)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_delimiter_rolls_keys_up(s3, tree, size):
    got = list(pages(s3, Delimiter="/", PaginationConfig={"PageSize": size}))
    assert sum((keys for keys, _ in got), []) == ["a", "a0", "z", "🎬"]
    assert sum((prefixes for _, prefixes in got), []) == ["a/", "b/", "c d/", "é/"]
    assert all(len(keys) + len(prefixes) <= size for keys, prefixes in got)


def test_a_prefix_narrows(s3, tree):
    assert list(pages(s3, Prefix="a/")) == [(["a/1", "a/2", "a/b/3"], [])]
    assert list(pages(s3, Prefix="a/", Delimiter="/")) == [(["a/1", "a/2"], ["a/b/"])]
    assert list(pages(s3, Prefix="c d/e+")) == [(["c d/e+f"], [])]
    assert list(pages(s3, Prefix="none")) == [([], [])]


def test_start_after_skips(s3, tree):
    assert list(pages(s3, StartAfter="a/2"))[0][0] == tree[tree.index("a/2") + 1:]
    assert list(pages(s3, StartAfter="zz"))[0][0] == ["é/1", "🎬"]


def test_version_1_pages_by_marker(s3, tree):
    first = s3.list_objects(Bucket="tree", MaxKeys=3)
    assert first["IsTruncated"] and "NextMarker" not in first
    last = first["Contents"][-1]["Key"]
    rest = s3.list_objects(Bucket="tree", Marker=last)
    assert [o["Key"] for o in first["Contents"] + rest["Contents"]] == tree
    rolled = s3.list_objects(Bucket="tree", Delimiter="/", MaxKeys=2)
    assert rolled["NextMarker"] == "a/"
    rest = s3.list_objects(Bucket="tree", Delimiter="/", Marker=rolled["NextMarker"])
    assert [o["Key"] for o in rest["Contents"]] == ["a0", "z", "🎬"]
    assert [p["Prefix"] for p in rest["CommonPrefixes"]] == ["b/", "c d/", "é/"]


def test_odd_list_parameters(s3, tree):
    assert s3.list_objects_v2(Bucket="tree", MaxKeys=0)["KeyCount"] == 0
    assert s3.list_objects_v2(Bucket="tree", FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket="tree", ContinuationToken="!?")
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket="tree", MaxKeys=-1)


def test_a_thousand_keys_are_a_page(s3, bucket):
    def put(i):
        s3.put_object(Bucket=bucket, Key=f"{i:05}", Body=b"")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1005)))
    first = s3.list_objects_v2(Bucket=bucket)
    assert (first["KeyCount"], first["IsTruncated"]) == (1000, True)
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [o["Key"] for o in rest["Contents"]] == ["01000", "01001", "01002", "01003", "01004"]


# --- multipart ----------------------------------------------------------------------------------

def upload_parts(s3, bucket, key, bodies):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType="video/mp4",
                                        Metadata={"m": "1"})["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        etag = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
                              Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    return upload, parts


def test_a_multipart_upload_becomes_one_object(s3, bucket):
    bodies = [os.urandom(5 * MIB), os.urandom(6 * MIB), b"end"]
    upload, parts = upload_parts(s3, bucket, "한 k", bodies)
    listed = s3.list_parts(Bucket=bucket, Key="한 k", UploadId=upload)
    assert [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed["Parts"]] == [
        (p["PartNumber"], len(body), p["ETag"]) for p, body in zip(parts, bodies)]
    second = s3.list_parts(Bucket=bucket, Key="한 k", UploadId=upload, MaxParts=1,
                           PartNumberMarker=1)
    assert ([p["PartNumber"] for p in second["Parts"]], second["IsTruncated"]) == ([2], True)
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    done = s3.complete_multipart_upload(Bucket=bucket, Key="한 k", UploadId=upload,
                                        MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    answer = s3.get_object(Bucket=bucket, Key="한 k")
    assert answer["Body"].read() == b"".join(bodies)
    assert (answer["ContentType"], answer["Metadata"]) == ("video/mp4", {"m": "1"})
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    copy = s3.copy_object(Bucket=bucket, Key="one", CopySource={"Bucket": bucket, "Key": "한 k"})
    whole = hashlib.md5(b"".join(bodies)).hexdigest()
    assert copy["CopyObjectResult"]["ETag"] == f'"{whole}"'


def test_a_part_can_be_sent_again_and_left_out(s3, bucket):
    upload, parts = upload_parts(s3, bucket, "k", [os.urandom(5 * MIB), b"second", b"third"])
    again = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=3, Body=b"new third")
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload,
        MultipartUpload={"Parts": [parts[0], {"PartNumber": 3, "ETag": again["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read()[5 * MIB:] == b"new third"


def test_completions_that_do_not_fit_are_refused(s3, bucket):
    upload, parts = upload_parts(s3, bucket, "k", [b"small", b"last"])

    def complete(chosen, upload_id=upload):
        return s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id,
                                            MultipartUpload={"Parts": chosen})
    refused("EntityTooSmall", 400, complete, chosen=parts)
    refused("InvalidPartOrder", 400, complete, chosen=parts[::-1])
    refused("InvalidPart", 400, complete, chosen=[{"PartNumber": 9, "ETag": parts[0]["ETag"]}])
    refused("InvalidPart", 400, complete, chosen=[{"PartNumber": 1, "ETag": parts[1]["ETag"]}])
    refused("MalformedXML", 400, complete, chosen=[])
    refused("NoSuchUpload", 404, complete, chosen=parts, upload_id="none")
    assert complete(parts[:1])["ETag"].endswith('-1"')
    refused("NoSuchUpload", 404, complete, chosen=parts[:1])


def test_an_aborted_upload_is_gone(s3, bucket):
    upload, _ = upload_parts(s3, bucket, "k", [b"x"])
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    refused("NoSuchUpload", 404, s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload)
    refused("NoSuchUpload", 404, s3.upload_part, Bucket=bucket, Key="k", UploadId=upload,
            PartNumber=1, Body=b"x")
    refused("NoSuchUpload", 404, s3.list_parts, Bucket=bucket, Key="k", UploadId=upload)


@pytest.mark.parametrize("number", [0, 10001])
def test_part_numbers_have_a_range(s3, bucket, number):
    upload, _ = upload_parts(s3, bucket, "k", [])
    refused("InvalidArgument", 400, s3.upload_part, Bucket=bucket, Key="k", UploadId=upload,
            PartNumber=number, Body=b"x")


def test_parts_can_be_copied_from_objects(s3, bucket):
    body = os.urandom(7 * MIB)
    s3.put_object(Bucket=bucket, Key="from", Body=body)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="to")["UploadId"]
    parts = []
    for number, text in ((1, "bytes=0-6291455"), (2, "bytes=6291456-7340031")):
        answer = s3.upload_part_copy(Bucket=bucket, Key="to", UploadId=upload, PartNumber=number,
                                     CopySource=f"{bucket}/from", CopySourceRange=text)
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="to", UploadId=upload,
                                 MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body


def test_boto3s_transfer_manager_uploads_and_downloads(s3, bucket, tmp_path):
    body = os.urandom(20 * MIB + 11)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=6 * MIB,
                                              multipart_chunksize=6 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), bucket, "big", Config=config)
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-4"')
    s3.download_file(bucket, "big", str(tmp_path / "big"), Config=config)
    assert (tmp_path / "big").read_bytes() == body
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copied", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == body


# --- presigned URLs and addressing --------------------------------------------------------------

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


# --- rules by name ------------------------------------------------------------------------------

def test_a_forbidden_bucket_denies_every_object_request(s3):
    s3.create_bucket(Bucket="forbidden-vault")
    where = {"Bucket": "forbidden-vault", "Key": "k"}
    refused("AccessDenied", 403, s3.put_object, **where, Body=b"x")
    refused("AccessDenied", 403, s3.get_object, **where)
    refused("403", 403, s3.head_object, **where)
    refused("AccessDenied", 403, s3.delete_object, **where)
    refused("AccessDenied", 403, s3.copy_object, Bucket=BUCKET, Key="c", CopySource=where)
    refused("AccessDenied", 403, s3.list_objects_v2, Bucket="forbidden-vault")
    s3.delete_bucket(Bucket="forbidden-vault")


def test_a_bucket_of_another_region_redirects(s3):
    url = s3.generate_presigned_url("get_object", {"Bucket": "other-region-films", "Key": "k"})
    answer = fetch(url)
    assert (answer.status, answer.getheader("x-amz-bucket-region")) == (301, "eu-west-1")
    assert b"<Code>PermanentRedirect</Code>" in answer.content
    url = s3.generate_presigned_url("head_object", {"Bucket": "other-region-films", "Key": "k"})
    answer = fetch(url, "HEAD")
    assert (answer.status, answer.getheader("x-amz-bucket-region")) == (301, "eu-west-1")


# --- restart ------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_restart_keeps_everything(make_cloud, how):
    cloud = make_cloud()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    body = os.urandom(2 * MIB)
    for key in ODD_KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode(), Metadata={"n": "1"})
    s3.put_object(Bucket=BUCKET, Key="big", Body=body)
    upload, parts = upload_parts(s3, BUCKET, "later", [b"part"])
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={
        "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    orphan = cloud.data / "s3" / "00" / "orphan"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left by a crash")

    cloud.restart(getattr(signal, how))
    s3 = cloud.client("s3")
    listed = [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert listed == sorted([*ODD_KEYS, "big"], key=lambda key: key.encode())
    for key in ODD_KEYS:
        answer = s3.get_object(Bucket=BUCKET, Key=key)
        assert (answer["Body"].read(), answer["Metadata"]) == (key.encode(), {"n": "1"})
    assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == body
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    s3.complete_multipart_upload(Bucket=BUCKET, Key="later", UploadId=upload,
                                 MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=BUCKET, Key="later")["Body"].read() == b"part"
    assert not orphan.exists()
    assert not any((cloud.data / "tmp").iterdir())


# --- notifications ------------------------------------------------------------------------------

@pytest.fixture
def topic(cloud, inbox):
    """A topic whose messages arrive in `inbox`."""
    sns = cloud.client("sns")
    arn = sns.create_topic(Name="uploads-" + os.urandom(4).hex())["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=inbox.url)
    wait_until(lambda: inbox.of_type("SubscriptionConfirmation"))
    confirmation = inbox.of_type("SubscriptionConfirmation")[-1]
    sns.confirm_subscription(TopicArn=arn, Token=confirmation["Token"])
    return arn


class Inbox(http.server.ThreadingHTTPServer):
    """Takes what SNS delivers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), InboxHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/sns"
        self.messages = []

    def of_type(self, kind):
        return [message for message in list(self.messages) if message["Type"] == kind]

    def records(self):
        """The S3 event records that have arrived, in the order of their sequencers."""
        messages = [json.loads(m["Message"]) for m in self.of_type("Notification")]
        records = [r for message in messages for r in message.get("Records", [])]
        return sorted(records, key=lambda r: r["s3"]["object"]["sequencer"])


class InboxHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def inbox():
    server = Inbox()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def topic_config(arn, **more):
    return {"TopicConfigurations": [{"TopicArn": arn, "Events": ["s3:ObjectCreated:*"], **more}]}


def only(prefix=None, suffix=None):
    rules = [{"Name": name, "Value": value}
             for name, value in (("prefix", prefix), ("suffix", suffix)) if value is not None]
    return {"Key": {"FilterRules": rules}}


def test_a_new_destination_gets_a_test_event(s3, bucket, topic, inbox):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=topic_config(topic, Id="uploads"))
    wait_until(lambda: inbox.of_type("Notification"))
    notification = inbox.of_type("Notification")[0]
    message = json.loads(notification["Message"])
    assert notification["Subject"] == "Amazon S3 Notification"
    assert sorted(message) == ["Bucket", "Event", "HostId", "RequestId", "Service", "Time"]
    assert (message["Service"], message["Event"]) == ("Amazon S3", "s3:TestEvent")
    assert message["Bucket"] == bucket


def test_the_configuration_comes_back_as_it_was_put(s3, bucket, topic):
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    config = {"Id": "one", "TopicArn": topic, "Filter": only("up loads/", ".mp4"),
              "Events": ["s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"]}
    other = {"Id": "two", "TopicArn": topic, "Filter": only("up loads/", ".mov"),
             "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [config, other]})
    got = s3.get_bucket_notification_configuration(Bucket=bucket)["TopicConfigurations"]
    for rule in (rule for c in got for rule in c["Filter"]["Key"]["FilterRules"]):
        rule["Name"] = rule["Name"].lower()
    assert got == [config, other]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_stored_objects_are_notified_in_s3s_shape(s3, bucket, topic, inbox):
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=topic_config(
            topic, Id="uploads", Filter=only("in/", ".mp4")))
    key = "in/red flower + café 100%/한.mp4"
    etag = s3.put_object(Bucket=bucket, Key=key, Body=b"film")["ETag"].strip('"')
    s3.put_object(Bucket=bucket, Key="out/a.mp4", Body=b"not here")
    s3.put_object(Bucket=bucket, Key="in/a.mov", Body=b"nor this")
    s3.copy_object(Bucket=bucket, Key="in/copy.mp4", CopySource={"Bucket": bucket, "Key": key})
    upload, parts = upload_parts(s3, bucket, "in/parts.mp4", [b"part"])
    s3.complete_multipart_upload(Bucket=bucket, Key="in/parts.mp4", UploadId=upload,
                                 MultipartUpload={"Parts": parts})
    s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key="in/last.mp4", Body=b"the last")
    wait_until(lambda: len(inbox.records()) >= 4)

    records = inbox.records()
    assert [r["eventName"] for r in records] == [
        "ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload",
        "ObjectCreated:Put"]
    first = records[0]
    assert list(first) == ["eventVersion", "eventSource", "awsRegion", "eventTime", "eventName",
                           "userIdentity", "requestParameters", "responseElements", "s3"]
    assert (first["eventVersion"], first["eventSource"], first["awsRegion"]) == (
        "2.1", "aws:s3", "us-east-1")
    assert list(first["s3"]) == ["s3SchemaVersion", "configurationId", "bucket", "object"]
    assert first["s3"]["configurationId"] == "uploads"
    assert first["s3"]["bucket"]["name"] == bucket
    assert first["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    stored = first["s3"]["object"]
    assert list(stored) == ["key", "size", "eTag", "sequencer"]
    assert stored["key"] == "in/red+flower+%2B+caf%C3%A9+100%25/%ED%95%9C.mp4"
    assert (stored["size"], stored["eTag"]) == (4, etag)
    assert records[2]["s3"]["object"]["eTag"].endswith("-1")
    assert all(n["Subject"] == "Amazon S3 Notification" for n in inbox.of_type("Notification"))


def test_removals_are_notified_when_asked_for(s3, bucket, topic, inbox):
    config = {"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [config]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="l", Body=b"x")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "l"}]})
    wait_until(lambda: len(inbox.records()) >= 2)
    assert [(r["eventName"], r["s3"]["object"]["key"]) for r in inbox.records()] == [
        ("ObjectRemoved:Delete", "k"), ("ObjectRemoved:Delete", "l")]
    assert list(inbox.records()[0]["s3"]["object"]) == ["key", "sequencer"]


@pytest.mark.parametrize("change, code, status", [
    ({"TopicArn": "invalid-topic"}, "InvalidArgument", 400),
    ({"TopicArn": "arn:aws:sns:us-east-1:000000000000:none"}, "InvalidArgument", 400),
    ({"TopicArn": "arn:aws:sns:eu-west-1:000000000000:there"}, "InvalidArgument", 400),
    ({"Events": ["s3:Nothing"]}, "InvalidArgument", 400),
    ({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a"}] * 2}}},
     "InvalidArgument", 400),
])
def test_bad_configurations_are_refused(s3, bucket, topic, change, code, status):
    config = topic_config(topic)
    config["TopicConfigurations"][0].update(change)
    refused(code, status, s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration=config)
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_overlapping_configurations_are_refused(s3, bucket, topic):
    one = {"TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": only("a")}
    two = {"TopicArn": topic, "Events": ["s3:ObjectCreated:Put"], "Filter": only("ab")}
    refused("InvalidArgument", 400, s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration={"TopicConfigurations": [one, two]})


def test_other_destinations_are_not_offered(s3, bucket):
    refused("NotImplemented", 501, s3.put_bucket_notification_configuration, Bucket=bucket,
            NotificationConfiguration={"QueueConfigurations": [
                {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "Events": ["s3:ObjectCreated:*"]}]})


def test_a_destination_need_not_exist_when_its_validation_is_skipped(s3, bucket):
    arn = "arn:aws:sns:us-east-1:000000000000:later"
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=topic_config(arn), SkipDestinationValidation=True)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    got = s3.get_bucket_notification_configuration(Bucket=bucket)["TopicConfigurations"]
    assert got[0]["TopicArn"] == arn
