# SPDX-License-Identifier: Apache-2.0
"""localcloud's S3, with boto3 as the independent client: buckets and objects."""

import base64
import concurrent.futures
import datetime
import hashlib
import json
import os
import signal

import pytest

from localcloud_s3 import (  # noqa: F401 (fixtures)
    BUCKET, MIB, ODD_KEYS, bucket, fetch, refused, s3, upload_parts)


# --- buckets -------------------------------------------------------------------------------------

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


def test_policy_encryption_and_access_are_kept(s3, bucket):
    refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=bucket)
    refused("MalformedPolicy", 400, s3.put_bucket_policy, Bucket=bucket, Policy="[]")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    s3.delete_bucket_policy(Bucket=bucket)
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    s3.put_bucket_encryption(Bucket=bucket,
                             ServerSideEncryptionConfiguration={"Rules": rules})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"] == \
        {"Rules": rules}
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True,
             "RestrictPublicBuckets": True}
    refused("NoSuchPublicAccessBlockConfiguration", 404, s3.get_public_access_block, Bucket=bucket)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    refused("AccessDenied", 403, s3.get_bucket_location, Bucket=bucket,
            ExpectedBucketOwner="123456789012")


@pytest.mark.parametrize("operation", ["get_bucket_acl", "get_bucket_policy_status",
                                       "get_bucket_versioning", "get_bucket_tagging",
                                       "get_bucket_website"])
def test_what_is_not_offered_says_so(s3, operation):
    refused("NotImplemented", 501, getattr(s3, operation), Bucket=BUCKET)


# --- objects -------------------------------------------------------------------------------------

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


# --- integrity -----------------------------------------------------------------------------------

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


# --- copies --------------------------------------------------------------------------------------

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


# --- rules by name -------------------------------------------------------------------------------

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


# --- restart -------------------------------------------------------------------------------------

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
