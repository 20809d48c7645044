# SPDX-License-Identifier: Apache-2.0
"""localcloud's check of signatures: botocore signs, the tests tamper, plain HTTP sends.

Every protocol has its own words for a refusal; they are asked for one service of each.
"""

import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import urllib.parse
import zlib
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

BUCKET = "signed"


@contextlib.contextmanager
def clock(shift):
    """botocore's clock, `shift` seconds ahead."""
    real = datetime.datetime

    class Shifted(real):
        @classmethod
        def utcnow(cls):
            return real.utcnow() + datetime.timedelta(seconds=shift)
    with mock.patch("botocore.auth.datetime.datetime", Shifted):
        yield


def v4(cloud, service, **options):
    config = botocore.config.Config(signature_version="s3v4" if service == "s3" else "v4",
                                    retries={"max_attempts": 0}, s3={"addressing_style": "path"})
    session = cloud.session()
    return session.client(service, endpoint_url=cloud.url, config=config, **options)


@pytest.fixture(scope="module")
def s3(cloud):
    client = v4(cloud, "s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="k", Body=b"content")
    return client


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read().decode()

    @property
    def code(self):
        found = re.search(r"<Code>(\w+)</Code>", self.body)
        if found:
            return found[1]
        return self.headers.get("x-amzn-errortype") or json.loads(self.body or "{}").get("__type")

    @property
    def message(self):
        found = re.search(r"<Message>(.*?)</Message>", self.body, re.DOTALL)
        return found[1] if found else json.loads(self.body)["message"]


def send(cloud, method, target, headers=(), body=b""):
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)
    connection.request(method, target, body, dict(headers))
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def signed(cloud, service, method="POST", target="/", body=b"", headers=(), secret="test",
           key="test", token=None, region="us-east-1", scope=None, signer=None):
    """A request's headers with botocore's signature."""
    request = botocore.awsrequest.AWSRequest(method, cloud.url + target, dict(headers), body)
    credentials = botocore.credentials.Credentials(key, secret, token)
    if not signer:
        signer = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)
    signer(credentials, scope or service, region).add_auth(request)
    return dict(request.headers.items())


# One request per protocol: method, target, body, headers.
PROTOCOLS = {
    "dynamodb": ("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables",
                                      "Content-Type": "application/x-amz-json-1.0"}),
    "sts": ("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15",
            {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}),
    "s3": ("GET", f"/{BUCKET}/k", b"", {}),
    "mediaconvert": ("GET", "/2017-08-29/jobs?maxResults=1", b"", {}),
}


def ask(cloud, service, change=None, **options):
    """Sends a protocol's request; `change` gets (headers, target, body) to tamper with."""
    method, target, body, headers = PROTOCOLS[service]
    headers = signed(cloud, service, method, target, body, headers, **options)
    if change:
        target, body = change(headers, target, body) or (target, body)
    return send(cloud, method, target, headers, body)


@pytest.mark.parametrize("service", PROTOCOLS)
def test_a_right_signature_is_let_in(cloud, s3, service):
    assert ask(cloud, service).status == 200


@pytest.mark.parametrize("service", PROTOCOLS)
def test_a_session_token_is_tolerated(cloud, s3, service):
    assert ask(cloud, service, token="a session/token+=").status == 200


@pytest.mark.parametrize("service, status, code", [
    ("dynamodb", 400, "InvalidSignatureException"),
    ("sts", 403, "SignatureDoesNotMatch"),
    ("s3", 403, "SignatureDoesNotMatch"),
    ("mediaconvert", 403, "InvalidSignatureException"),
])
def test_a_wrong_secret_is_refused(cloud, s3, service, status, code):
    answer = ask(cloud, service, secret="wrong")
    assert (answer.status, answer.code) == (status, code)
    assert "does not match the signature you provided" in answer.message


@pytest.mark.parametrize("service, status, code", [
    ("dynamodb", 400, "UnrecognizedClientException"),
    ("sts", 403, "InvalidClientTokenId"),
    ("s3", 403, "InvalidAccessKeyId"),
    ("mediaconvert", 403, "UnrecognizedClientException"),
])
def test_an_unknown_key_is_refused(cloud, s3, service, status, code):
    answer = ask(cloud, service, key="AKIAOTHER")
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("service, status, code", [
    ("dynamodb", 400, "MissingAuthenticationTokenException"),
    ("sts", 403, "MissingAuthenticationToken"),
    ("s3", 403, "AccessDenied"),
    ("mediaconvert", 403, "MissingAuthenticationTokenException"),
])
def test_an_unsigned_request_is_refused(cloud, s3, service, status, code):
    answer = ask(cloud, service, lambda headers, *_: headers.pop("Authorization") and None)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("service, code", [
    ("dynamodb", "InvalidSignatureException"), ("sts", "SignatureDoesNotMatch"),
    ("s3", "AuthorizationHeaderMalformed"), ("mediaconvert", "InvalidSignatureException"),
])
def test_another_region_is_refused(cloud, s3, service, code):
    answer = ask(cloud, service, region="eu-west-1")
    assert answer.code == code
    if service == "s3":
        assert "<Region>us-east-1</Region>" in answer.body


def test_an_unknown_service_is_refused(cloud, s3):
    assert ask(cloud, "dynamodb", scope="lambda").code == "InvalidSignatureException"


# --- the clock ----------------------------------------------------------------------------------

@pytest.mark.parametrize("service, limit, code", [
    ("dynamodb", 300, "InvalidSignatureException"), ("sts", 300, "SignatureDoesNotMatch"),
    ("s3", 900, "RequestTimeTooSkewed"), ("mediaconvert", 300, "InvalidSignatureException"),
])
@pytest.mark.parametrize("direction", [-1, 1], ids=["behind", "ahead"])
def test_clocks_may_differ_by_so_much(cloud, s3, service, limit, code, direction):
    with clock(direction * (limit - 20)):
        assert ask(cloud, service).status == 200
    with clock(direction * (limit + 20)):
        answer = ask(cloud, service)
    assert answer.code == code
    if service != "s3":
        said = "Signature expired: " if direction < 0 else "Signature not yet current: "
        assert answer.message.startswith(said)


def test_the_scopes_date_is_that_of_the_request(cloud, s3):
    def change(headers, *_):
        headers["Authorization"] = re.sub(r"/\d{8}/", "/20200101/", headers["Authorization"])
    assert ask(cloud, "s3", change).code == "AuthorizationHeaderMalformed"


# --- tampering ----------------------------------------------------------------------------------

def set_header(name, value):
    def change(headers, *_):
        headers[name] = value
    return change


def set_target(target):
    return lambda headers, _, body: (target, body)


def set_body(new):
    return lambda headers, target, _: (target, new)


@pytest.mark.parametrize("service, change", [
    ("dynamodb", set_body(b'{"Limit":1}')),
    ("dynamodb", set_header("X-Amz-Target", "DynamoDB_20120810.DeleteTable")),
    ("dynamodb", set_target("/?x=1")),
    ("dynamodb", set_target("/other")),
    ("dynamodb", set_header("Host", "dynamodb.example.org")),
    ("sts", set_body(b"Action=AssumeRole&Version=2011-06-15")),
    ("s3", set_target(f"/{BUCKET}/other")),
    ("s3", set_target(f"/{BUCKET}/k?response-content-type=text/html")),
    ("mediaconvert", set_target("/2017-08-29/jobs?maxResults=2")),
    ("mediaconvert", set_target("/2017-08-29/jobs/1?maxResults=1")),
])
def test_what_was_signed_cannot_be_changed(cloud, s3, service, change):
    answer = ask(cloud, service, change)
    assert answer.code in ("InvalidSignatureException", "SignatureDoesNotMatch")


@pytest.mark.parametrize("size", [9, 3 * 1024 * 1024], ids=["small", "spooled"])
def test_a_changed_s3_body_is_refused(cloud, s3, size):
    headers = signed(cloud, "s3", "PUT", f"/{BUCKET}/changed", b"x" * size)
    answer = send(cloud, "PUT", f"/{BUCKET}/changed", headers, b"y" * size)
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert send(cloud, "GET", *presigned(cloud, "changed")).status == 404
    assert not any((cloud.data / "tmp").iterdir())


def test_a_changed_s3_hash_is_refused(cloud, s3):
    headers = signed(cloud, "s3", "PUT", f"/{BUCKET}/changed", b"x")
    headers["X-Amz-Content-SHA256"] = hashlib.sha256(b"y").hexdigest()
    answer = send(cloud, "PUT", f"/{BUCKET}/changed", headers, b"y")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_s3_wants_the_hash_declared_and_every_amz_header_signed(cloud, s3):
    headers = signed(cloud, "s3", "GET", f"/{BUCKET}/k", signer=botocore.auth.SigV4Auth)
    answer = send(cloud, "GET", f"/{BUCKET}/k", headers)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    answer = ask(cloud, "s3", set_header("x-amz-meta-smuggled", "1"))
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert "<HeadersNotSigned>x-amz-meta-smuggled</HeadersNotSigned>" in answer.body


def test_the_host_must_be_signed(cloud, s3):
    def change(headers, *_):
        headers["Authorization"] = headers["Authorization"].replace("host;", "")
    assert ask(cloud, "s3", change).code == "AccessDenied"


@pytest.mark.parametrize("value", [
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 ",
    "AWS4-HMAC-SHA256 Credential=test",
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3, SignedHeaders=host, Signature=" + "0" * 64,
    "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=host, Signature=" + "0" * 64,
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, Signature=" + "0" * 64,
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
    "Signature=short",
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
    "Signature=" + "Z" * 64,
    "AWS4-HMAC-SHA256 ,,,=,=;",
])
def test_malformed_authorizations_are_told(cloud, s3, value):
    answer = ask(cloud, "s3", set_header("Authorization", value))
    assert (answer.status, answer.code) == (400, "AuthorizationHeaderMalformed")
    other = value.replace("/s3/", "/dynamodb/")
    answer = ask(cloud, "dynamodb", set_header("Authorization", other))
    assert (answer.status, answer.code) == (400, "IncompleteSignatureException")


@pytest.mark.parametrize("value", ["AWS test:c2lnbmF0dXJl", "Basic dGVzdDp0ZXN0", "Bearer x", "x"])
def test_other_mechanisms_are_refused(cloud, s3, value):
    answer = ask(cloud, "s3", set_header("Authorization", value))
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert "AWS4-HMAC-SHA256" in answer.message


# --- canonical form -----------------------------------------------------------------------------

@pytest.mark.parametrize("target", [
    "/?list-type=2&prefix=a%20b%2Bc&delimiter=%2F", "/?prefix=&delimiter=", "/?location",
    "/?prefix=%ED%95%9C&max-keys=5&list-type=2",
])
def test_queries_are_put_in_canonical_form(cloud, s3, target):
    target = f"/{BUCKET}{target}"
    headers = signed(cloud, "s3", "GET", target)
    assert send(cloud, "GET", target, headers).status == 200
    path, query = target.split("?")
    reordered = path + "?" + "&".join(reversed(query.split("&")))
    assert send(cloud, "GET", reordered, headers).status == 200


def test_header_values_are_put_in_canonical_form(cloud, s3):
    spaced = {"X-Amz-Meta-Title": "  a   film   of  spaces "}
    headers = signed(cloud, "s3", "PUT", f"/{BUCKET}/spaced", b"x", spaced)
    assert send(cloud, "PUT", f"/{BUCKET}/spaced", headers, b"x").status == 200


@pytest.mark.parametrize("job", ["plain-1", "with%20space", "arn%3Aaws%3Ax%2Fy", "a/../b", "%ED%95%9C"])
def test_paths_of_other_services_are_encoded_twice(cloud, job):
    target = f"/2017-08-29/jobs/{job}"
    answer = send(cloud, "GET", target, signed(cloud, "mediaconvert", "GET", target))
    assert answer.code not in ("InvalidSignatureException", None)


# --- presigned URLs -----------------------------------------------------------------------------

def presigned(cloud, key, expires=300, operation="get_object", **client):
    url = v4(cloud, "s3", **client).generate_presigned_url(
        operation, {"Bucket": BUCKET, "Key": key}, ExpiresIn=expires)
    parts = urllib.parse.urlsplit(url)
    return (f"{parts.path}?{parts.query}",)


def test_a_presigned_url_is_let_in_until_it_expires(cloud, s3):
    with clock(-50):
        live, = presigned(cloud, "k", expires=600)
        dead, = presigned(cloud, "k", expires=49)
    assert send(cloud, "GET", live).body == "content"
    answer = send(cloud, "GET", dead)
    assert (answer.status, answer.code, answer.message) == (403, "AccessDenied",
                                                            "Request has expired")
    assert "<Expires>" in answer.body and "<ServerTime>" in answer.body


def test_a_presigned_url_lives_long_but_not_from_the_future(cloud, s3):
    with clock(-604700):
        assert send(cloud, "GET", *presigned(cloud, "k", expires=604800)).status == 200
    with clock(1200):
        answer = send(cloud, "GET", *presigned(cloud, "k"))
    assert (answer.status, answer.message) == (403, "Request is not valid yet")


def test_a_presigned_url_with_a_session_token(cloud, s3):
    target, = presigned(cloud, "k", aws_access_key_id="test", aws_secret_access_key="test",
                        aws_session_token="a/token+=")
    assert "X-Amz-Security-Token" in target
    assert send(cloud, "GET", target).status == 200


@pytest.mark.parametrize("old, new, code", [
    ("/k?", "/other?", "SignatureDoesNotMatch"),
    ("X-Amz-Expires=300", "X-Amz-Expires=301", "SignatureDoesNotMatch"),
    ("X-Amz-Expires=300", "X-Amz-Expires=604801", "AuthorizationQueryParametersError"),
    ("X-Amz-Expires=300", "X-Amz-Expires=-1", "AuthorizationQueryParametersError"),
    ("X-Amz-Expires=300", "X-Amz-Expires=soon", "AuthorizationQueryParametersError"),
    ("X-Amz-Expires=300&", "", "AuthorizationQueryParametersError"),
    ("HMAC-SHA256", "HMAC-SHA1", "AuthorizationQueryParametersError"),
    ("X-Amz-SignedHeaders=host&", "X-Amz-SignedHeaders=&", "AccessDenied"),
    ("Credential=test", "Credential=other", "InvalidAccessKeyId"),
    ("aws4_request", "aws3_request", "AuthorizationQueryParametersError"),
    ("X-Amz-Date=2", "X-Amz-Date=x", "AuthorizationQueryParametersError"),
])
def test_a_tampered_presigned_url_is_refused(cloud, s3, old, new, code):
    target, = presigned(cloud, "k")
    assert old in target
    assert send(cloud, "GET", target.replace(old, new)).code == code


def test_a_presigned_url_is_for_one_method(cloud, s3):
    assert send(cloud, "DELETE", *presigned(cloud, "k")).code == "SignatureDoesNotMatch"
    assert send(cloud, "GET", *presigned(cloud, "k")).body == "content"


def test_one_mechanism_at_a_time(cloud, s3):
    target, = presigned(cloud, "k")
    answer = send(cloud, "GET", target, signed(cloud, "s3", "GET", target))
    assert answer.code == "AuthorizationQueryParametersError"


def test_a_signature_version_2_url_is_told_to_use_version_4(cloud, s3):
    target = f"/{BUCKET}/k?AWSAccessKeyId=test&Signature=c2ln&Expires=4102444800"
    assert send(cloud, "GET", target).code == "InvalidRequest"


# --- aws-chunked bodies -------------------------------------------------------------------------

def chunk(data, extension=""):
    return f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def put_chunked(cloud, body, length, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER", **headers):
    """Signs a PUT whose declared hash is a literal, and sends it with this body."""
    class Literal(botocore.auth.S3SigV4Auth):
        def payload(self, request):
            return payload
    headers = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(length),
               **headers}
    headers = signed(cloud, "s3", "PUT", f"/{BUCKET}/chunked", b"", headers, signer=Literal)
    headers["Content-Length"] = str(len(body))
    return send(cloud, "PUT", f"/{BUCKET}/chunked", headers, body)


@pytest.mark.parametrize("size", [0, 1, 70000, 3 * 1024 * 1024])
def test_unsigned_chunks_with_a_trailer_are_decoded(cloud, s3, size):
    data = os.urandom(size)
    body = b"".join(chunk(data[at:at + 65536]) for at in range(0, size, 65536))
    body += b"0\r\nx-amz-checksum-crc32:" + crc32(data).encode() + b"\r\n\r\n"
    answer = put_chunked(cloud, body, size, **{"X-Amz-Trailer": "x-amz-checksum-crc32"})
    assert answer.status == 200
    stored = s3.get_object(Bucket=BUCKET, Key="chunked")
    assert stored["Body"].read() == data
    assert stored["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    assert "ContentEncoding" not in stored


@pytest.mark.parametrize("body, length, code", [
    (chunk(b"abc") + b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 3, "BadDigest"),
    (chunk(b"abc") + b"0\r\n\r\n", 4, "IncompleteBody"),
    (chunk(b"abc"), 3, "IncompleteBody"),
    (b"5\r\nabc\r\n0\r\n\r\n", 3, "IncompleteBody"),
    (b"zz\r\nabc\r\n0\r\n\r\n", 3, "IncompleteBody"),
    (b"ffffffffffff\r\nabc", 3, "IncompleteBody"),
    (b"3\nabc\n0\n\n", 3, "IncompleteBody"),
    (chunk(b"abc") + b"0\r\n\r\nmore", 3, "IncompleteBody"),
    (b"plain bytes, no chunks", 22, "IncompleteBody"),
])
def test_broken_chunks_are_refused(cloud, s3, body, length, code):
    assert put_chunked(cloud, body, length).code == code


def signed_chunks(headers, chunks, trailer=None):
    """Signs chunks as S3's documentation says, from the request's own signature on."""
    authorization = headers["Authorization"]
    seed = re.search(r"Signature=(\w+)", authorization)[1]
    date, region, service = re.search(r"Credential=test/(\d+)/([^/]+)/([^/]+)/", authorization).groups()
    key = b"AWS4test"
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    scope = f"{date}/{region}/{service}/aws4_request"

    def sign(kind, *lines):
        text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", headers["X-Amz-Date"], scope, *lines])
        return hmac.new(key, text.encode(), "sha256").hexdigest()
    body, empty = b"", hashlib.sha256(b"").hexdigest()
    for data in chunks:
        seed = sign("PAYLOAD", seed, empty, hashlib.sha256(data).hexdigest())
        head = f"{len(data):x};chunk-signature={seed}\r\n".encode()
        body += head + (data + b"\r\n" if data else b"")
    if trailer:
        seed = sign("TRAILER", seed, hashlib.sha256(trailer.encode() + b"\n").hexdigest())
        body += f"{trailer}\r\nx-amz-trailer-signature:{seed}\r\n".encode()
    return body + b"\r\n"


def put_signed_chunks(cloud, data, trailer=None, tamper=lambda body: body):
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")

    class Literal(botocore.auth.S3SigV4Auth):
        def payload(self, request):
            return payload
    headers = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(len(data))}
    headers = signed(cloud, "s3", "PUT", f"/{BUCKET}/signed", b"", headers, signer=Literal)
    chunks = [data[at:at + 65536] for at in range(0, len(data), 65536)] + [b""]
    body = tamper(signed_chunks(headers, chunks, trailer))
    headers["Content-Length"] = str(len(body))
    return send(cloud, "PUT", f"/{BUCKET}/signed", headers, body)


@pytest.mark.parametrize("size", [1, 65536, 200000])
@pytest.mark.parametrize("with_trailer", [False, True])
def test_signed_chunks_are_verified(cloud, s3, size, with_trailer):
    data = os.urandom(size)
    trailer = "x-amz-checksum-crc32:" + crc32(data) if with_trailer else None
    assert put_signed_chunks(cloud, data, trailer).status == 200
    assert s3.get_object(Bucket=BUCKET, Key="signed")["Body"].read() == data


@pytest.mark.parametrize("old, new", [(b"data", b"DATA"), (b"signature=", b"signature=0")])
def test_tampered_chunks_are_refused(cloud, s3, old, new):
    def tamper(body):
        return body.replace(old, new, 1) if old == b"data" else re.sub(
            rb"signature=(\w)", lambda m: b"signature=" + (b"1" if m[1] == b"0" else b"0"), body, 1)
    answer = put_signed_chunks(cloud, b"some data here", tamper=tamper)
    assert answer.code == "SignatureDoesNotMatch"


def test_a_tampered_trailer_is_refused(cloud, s3):
    answer = put_signed_chunks(cloud, b"data", "x-amz-meta-a:1",
                               tamper=lambda body: body.replace(b"meta-a:1", b"meta-a:2"))
    assert answer.code == "SignatureDoesNotMatch"


def test_boto3_with_unsigned_payload(cloud, s3):
    config = botocore.config.Config(signature_version="s3v4", s3={
        "payload_signing_enabled": False, "addressing_style": "path"})
    client = cloud.session().client("s3", endpoint_url=cloud.url, config=config)
    client.put_object(Bucket=BUCKET, Key="unsigned", Body=b"unsigned")
    assert client.get_object(Bucket=BUCKET, Key="unsigned")["Body"].read() == b"unsigned"


# --- limits and the open doors ------------------------------------------------------------------

@pytest.mark.parametrize("service, limit, status", [("dynamodb", 32, 413), ("s3", 5 * 1024, 400)])
def test_a_body_that_is_announced_too_large_is_refused_unread(cloud, s3, service, limit, status):
    method, target = ("PUT", f"/{BUCKET}/huge") if service == "s3" else ("POST", "/")
    headers = signed(cloud, service, method, target, b"")
    headers["Content-Length"] = str(limit * 1024 * 1024 + 1)
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)
    connection.putrequest(method, target, skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{cloud.port}")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


def test_a_client_that_expects_to_continue_is_refused_before_the_body(cloud, s3):
    headers = signed(cloud, "s3", "PUT", f"/{BUCKET}/k", b"x" * 100, secret="wrong")
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)
    connection.putrequest("PUT", f"/{BUCKET}/k")
    for name, value in {**headers, "Expect": "100-continue", "Content-Length": "100"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


def test_health_is_open(cloud):
    answer = send(cloud, "GET", "/_localcloud/health")
    assert (answer.status, json.loads(answer.body)["status"]) == (200, "ok")


@pytest.mark.parametrize("target", ["/SimpleNotificationService-xyz.pem", "/_localcloud/other",
                                    "/SimpleNotificationService-" + "0" * 33 + ".pem"])
def test_nothing_else_is_open(cloud, target):
    assert send(cloud, "GET", target).status == 403


def test_refusals_reach_boto3_as_its_exceptions(cloud, s3):
    for service, call, code in (("s3", "list_buckets", "SignatureDoesNotMatch"),
                                ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
                                ("dynamodb", "list_tables", "InvalidSignatureException")):
        client = v4(cloud, service, aws_access_key_id="test", aws_secret_access_key="no")
        with pytest.raises(ClientError) as error:
            getattr(client, call)()
        assert error.value.response["Error"]["Code"] == code


def test_replies_carry_a_request_id(cloud, s3):
    assert s3.list_buckets()["ResponseMetadata"]["RequestId"]
    assert cloud.client("sts").get_caller_identity()["ResponseMetadata"]["RequestId"]
