# SPDX-License-Identifier: Apache-2.0
"""localcloud's S3: multipart uploads, and boto3's transfer manager on top of them."""

import hashlib
import io
import os

import boto3.s3.transfer
import pytest

from localcloud_s3 import (  # noqa: F401 (fixtures)
    MIB, bucket, refused, s3, upload_parts)


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
