# SPDX-License-Identifier: Apache-2.0
"""Every request that aws/ sends, held against botocore: signed again by its signers under the same
frozen clock, decoded by its service model, validated, and serialised again."""

import datetime
import json
import re
import types
import urllib.parse
from pathlib import Path

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.serialize
import botocore.validate
import pytest

from capture import ACCESS_KEY, CLOCK_MS, REGION, SECRET_KEY, Capture, drive
from model import MODELS, decode_request, sorted_xml, strict_report, wire_form
from operations import CASES, KEYS

TOKENS = [None, "FwoGZXIvYXdzE//+token=="]
# What the client adds behind botocore's back and no signature covers.
UNSIGNED = {"accept", "user-agent", "content-length"}
UNSIGNED_OPERATIONS = {"ConfirmSubscription"}


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch):
    """botocore signs at CLOCK_MS."""
    now = datetime.datetime.fromtimestamp(CLOCK_MS // 1000, datetime.timezone.utc)

    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return now.replace(tzinfo=None)

        @classmethod
        def now(cls, tz=None):
            return now if tz else now.replace(tzinfo=None)
    stub = types.SimpleNamespace(datetime=Frozen, timezone=datetime.timezone,
                                 timedelta=datetime.timedelta)
    monkeypatch.setattr(botocore.auth, "datetime", stub)
    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime",
                            lambda *a, **k: Frozen.utcnow())


def perform_all(token):
    """(case, request, result) of every case; one request each."""
    pending = iter(CASES)
    capture = Capture(lambda request: next(pending).answer)
    extra = {"AWS_SESSION_TOKEN": token} if token else {}
    try:
        results = drive(capture.url, [case.arguments for case in CASES], **extra)
    finally:
        capture.stop()
    assert [r["err"] for r in results] == ["ok"] * len(CASES), \
        [r for r in results if r["err"] != "ok"]
    assert len(capture.requests) == len(CASES)
    return capture.url, list(zip(CASES, capture.requests, results))


@pytest.fixture(scope="module", params=TOKENS, ids=["long-lived", "session-token"])
def performed(request):
    url, done = perform_all(request.param)
    return types.SimpleNamespace(url=url, done=done, token=request.param)


def credentials(token):
    return botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY, token)


def sign_again(url, request, service, token):
    """The headers that botocore's signer gives the same request."""
    kept = {name: value for name, value in request.headers.items()
            if name.lower() not in UNSIGNED | {"host", "authorization", "x-amz-date",
                                               "x-amz-security-token", "x-amz-content-sha256"}}
    again = botocore.awsrequest.AWSRequest(request.method, url + request.target, headers=kept,
                                           data=request.body)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    if service == "s3":
        again.context["payload_signing_enabled"] = True
        again.context["client_config"] = types.SimpleNamespace(s3={"payload_signing_enabled": True})
    signer(credentials(token), service, REGION).add_auth(again)
    return dict(again.headers.items())


def test_every_request_is_signed_as_botocore_signs_it(performed):
    for case, request, _ in performed.done:
        if case.operation in UNSIGNED_OPERATIONS:
            assert request.header("authorization") is None
            continue
        want = sign_again(performed.url, request, case.service, performed.token)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token",
                     "X-Amz-Content-SHA256"):
            wanted = {k.lower(): v for k, v in want.items()}.get(name.lower())
            assert request.header(name) == wanted, (case, name)


def test_every_request_is_valid_and_as_botocore_serialises_it(performed):
    for case, request, _ in performed.done:
        model = MODELS[case.service]
        operation = model.operation_model(case.operation)
        parameters = decode_request(model, operation, request)
        report = botocore.validate.ParamValidator().validate(parameters, operation.input_shape) \
            if operation.input_shape else None
        assert not report or not report.has_errors(), (case, report.generate_report())
        assert strict_report(parameters, operation.input_shape) == [], case
        for name, value in case.expect.items():
            assert parameters.get(name) == value, (case, name)
        assert wire_form(request) == expected_wire(model, operation, parameters), case


def expected_wire(model, operation, parameters):
    """Method, path, query, meaningful headers and body that botocore would send."""
    serializer = botocore.serialize.create_serializer(model.metadata["protocol"])
    wire = serializer.serialize_to_request(parameters, operation)
    path, _, fixed_query = wire["url_path"].partition("?")
    # This botocore serialises virtual-hosted paths; ours are path-style, as its endpoint rules
    # make them for a custom endpoint.
    if model.service_name == "s3" and not path.startswith("/" + parameters["Bucket"]):
        path = "/" + parameters["Bucket"] + path
    if model.service_name == "s3" and "Key" not in operation.input_shape.members:
        path += "/"  # both forms are S3's
    query = wire["query_string"]
    pairs = list(query.items()) if isinstance(query, dict) else urllib.parse.parse_qsl(query)
    pairs += urllib.parse.parse_qsl(fixed_query, keep_blank_values=True)
    body = wire["body"]
    if isinstance(body, dict):
        body = sorted((k, str(v)) for k, v in body.items())
    elif model.metadata["protocol"] in ("json", "rest-json"):
        body = json.loads(body) if body else None
    elif operation.name == "PutBucketPolicy":
        body = json.loads(body)
    elif body and operation.name != "PutObject":
        body = sorted_xml(body)
    headers = {k.lower(): v for k, v in wire["headers"].items()}
    return {"method": wire["method"], "path": urllib.parse.unquote(path),
            "query": sorted((k, str(v)) for k, v in pairs), "body": body or None,
            "target": headers.get("x-amz-target"), "range": headers.get("range")}


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("content_type", [None, "video/mp4"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_presigned_urls_are_those_of_botocore(method, content_type, token):
    capture = Capture(None)
    capture.stop()
    extra = {"AWS_SESSION_TOKEN": token} if token else {}
    results = drive(capture.url, [
        {"op": "s3.presign", "method": method, "bucket": "bkt", "key": key,
         "content_type": content_type, "expires_s": 900} for key in KEYS], **extra)
    for key, result in zip(KEYS, results):
        assert result["err"] == "ok"
        plain = result["result"].partition("?")[0]
        assert urllib.parse.unquote(plain) == f"{capture.url}/bkt/{key}"
        headers = {"Content-Type": content_type} if content_type else {}
        again = botocore.awsrequest.AWSRequest(method, plain, headers=headers)
        botocore.auth.S3SigV4QueryAuth(credentials(token), "s3", REGION, expires=900).add_auth(again)
        assert urllib.parse.parse_qs(result["result"].partition("?")[2], strict_parsing=True) == \
            urllib.parse.parse_qs(again.url.partition("?")[2], strict_parsing=True)


def test_presigning_on_aws_addresses_the_bucket_as_botocore_does():
    cases = [("bkt", "k"), ("my.bucket", "a b")]
    operations = [{"op": "s3.presign", "method": "GET", "bucket": bucket, "key": key}
                  for bucket, key in cases]
    results = drive("", operations, AWS_REGION="eu-central-1")
    hosts = ["bkt.s3.eu-central-1.amazonaws.com/k",
             "s3.eu-central-1.amazonaws.com/my.bucket/a%20b"]
    for result, host in zip(results, hosts):
        assert result["result"].partition("?")[0] == "https://" + host


def test_every_operation_of_the_driver_is_covered():
    source = Path(__file__).with_name("aws_driver.c")
    names = {line.split('"')[1] for line in source.read_text().splitlines()
             if line.startswith('\t{"')}
    without_request = {"s3.presign", "dynamodb.item_size"}
    assert names == {case.arguments["op"] for case in CASES} | without_request


# How credentials are got, before there is a client: test_credentials*.py.
OF_CREDENTIALS = {"AssumeRole", "AssumeRoleWithWebIdentity"}


def test_every_operation_that_the_code_names_is_covered():
    """Operations stand in the code as words of their own; the models know which words are one."""
    known = set().union(*(model.operation_names for model in MODELS.values()))
    root = Path(__file__).resolve().parents[2]
    named = {}
    for path in [*root.glob("aws/*.c"), *root.glob("service/**/*.c"), *root.glob("handlers/*.c")]:
        for word in re.findall(r'"([A-Z][A-Za-z0-9]+)"', path.read_text()):
            if word in known:
                named.setdefault(word, []).append(path.name)
    covered = {case.operation for case in CASES}
    missing = {word: files for word, files in named.items()
               if word not in covered | OF_CREDENTIALS}
    assert not missing and len(named) > 25
    assert covered <= set(named), "the table has what no code calls"
