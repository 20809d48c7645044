# SPDX-License-Identifier: Apache-2.0
"""Every operation to AWS's own hosts, in every kind of region and variant, read behind a proxy that
stands for all of AWS, and held against the request that botocore itself makes of the same call:
scheme, host, method, path, query, body, scope and signature. No list of hosts is needed: botocore's
endpoint rules are the witness."""

import types
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.exceptions
import botocore.signers
import pytest

from boto import boto_for, freeze
from capture import ACCESS_KEY, SECRET_KEY, Capture, Request, drive
from model import MODELS, decode_request, wire_form
from operations import CASES, KEYS
from tunnel import Authority, Tunnel

PLAIN, FIPS, DUAL, BOTH = "plain", "fips", "dualstack", "fips+dualstack"
GRID = [(region, variant)
        for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1")
        for variant in (PLAIN, FIPS, DUAL, BOTH)
        if not (region == "cn-north-1" and variant in (FIPS, BOTH))]  # S3 has none there
TOKEN = "FwoGZXIvYXdzE//+token=="
UNSIGNED_OPERATIONS = {"ConfirmSubscription"}
# What Debian 12's botocore (1.29) does not know yet; botocore 1.43 says what aws/ does: these
# hosts, and buckets with dots at S3's FIPS hosts.
NEWER = {("mediaconvert", "us-gov-west-1", FIPS),
         *(("iam", region, variant) for region in ("us-east-1", "eu-west-1", "cn-north-1",
                                                   "us-gov-west-1") for variant in (DUAL, BOTH))}
GLOBAL_HOST = next(name for name in ("should_use_global_endpoint", "_should_use_global_endpoint")
                   if hasattr(botocore.signers, name))
DOTS = "Path-style addressing cannot be used with FIPS"
OUR_HEADERS = {"accept", "user-agent", "content-length", "host", "authorization", "x-amz-date",
               "x-amz-security-token", "x-amz-content-sha256"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch):
    freeze(monkeypatch)
    # Left alone, botocore presigns for the global host of old regions.
    monkeypatch.setattr(botocore.signers, GLOBAL_HOST, lambda client: False)


def environment(region, variant):
    return {"AWS_REGION": region, "AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": TOKEN,
            "AWS_USE_FIPS_ENDPOINT": str(FIPS in variant).lower(),
            "AWS_USE_DUALSTACK_ENDPOINT": str(DUAL in variant).lower()}


def path_style(request, bucket, host):
    """S3's requests read alike wherever the bucket stands."""
    if bucket and host.startswith(bucket + "."):
        return request.__class__(request.method, "/" + bucket + request.target, request.headers,
                                 request.body)
    return request


def scope_of(authorization):
    return authorization.partition("Credential=")[2].partition(",")[0]


def resign(url, request, service, region):
    """Authorization of botocore's signer over what was sent."""
    kept = {name: value for name, value in request.headers.items()
            if name.lower() not in OUR_HEADERS}
    again = botocore.awsrequest.AWSRequest(request.method, url, headers=kept, data=request.body)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    if service == "s3":
        again.context["payload_signing_enabled"] = True
        again.context["client_config"] = types.SimpleNamespace(s3={"payload_signing_enabled": True})
    signer(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY, TOKEN), service,
           region).add_auth(again)
    return again.headers["Authorization"]


def as_request(prepared):
    """botocore's request in the form of ours."""
    parts = urllib.parse.urlsplit(prepared.url)
    headers = {name: value.decode() if isinstance(value, bytes) else value
               for name, value in prepared.headers.items()}
    body = prepared.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body)
    target = parts.path + ("?" + parts.query if parts.query else "")
    return parts, Request(prepared.method, target, headers,
                          body.encode() if isinstance(body, str) else body)


def comparable(service, request, parameters):
    form = wire_form(request)
    # botocore makes up what callers leave out.
    if isinstance(form["body"], dict) and "ClientRequestToken" not in parameters:
        form["body"].pop("clientRequestToken", None)
    form["path"] = form["path"].rstrip("/") or "/"  # of a bucket: both are S3's
    if service == "s3":  # XML is read in test_signatures.py
        form["body"] = "XML" if request.body[:1] == b"<" else request.body
    return form


def check_one(case, asked, request, boto, region, variant):
    """Whether the whole signature is also that of botocore's own request."""
    host = asked.removesuffix(":443")
    bucket = case.arguments.get("bucket")
    model = MODELS[case.service]
    operation = model.operation_model(case.operation)
    plain = path_style(request, bucket, host)
    parameters = decode_request(model, operation, plain)
    if "Body" in parameters:
        parameters["Body"] = request.body
    try:
        parts, theirs = as_request(boto.send(case.service, case.operation, parameters))
    except botocore.exceptions.EndpointResolutionError as error:
        assert FIPS in variant and DOTS in str(error), case
        assert "." in bucket or case.operation == "GetBucketLocation", case
        assert host.removeprefix("bkt.") == boto.s3_host(), case
        assert plain.target.startswith(f"/{bucket}/"), case
        return False
    where = (case.arguments["op"], region, variant)
    assert parts.scheme == "https"
    # The one operation for which botocore keeps to paths; a bucket's host answers it as well.
    shown = host.removeprefix("bkt.") if case.operation == "GetBucketLocation" else host
    if (case.service, region, variant) not in NEWER:
        assert shown == parts.netloc, where
    assert request.header("host") == host, where
    if case.service != "sqs":  # this botocore speaks its query protocol
        assert comparable(case.service, plain, parameters) == comparable(
            case.service, path_style(theirs, bucket, parts.netloc), parameters), where
    if case.operation in UNSIGNED_OPERATIONS:
        assert request.header("authorization") is None
        return False
    ours, own = request.header("authorization"), theirs.header("authorization")
    assert scope_of(ours) == scope_of(own), where
    signed_for = scope_of(ours).split("/")[2]
    assert ours == resign(f"https://{host}{request.target}", request, case.service, signed_for), where
    assert request.header("x-amz-security-token") == TOKEN
    return ours == own


@pytest.mark.parametrize("region, variant", GRID)
def test_every_operation_goes_where_botocore_sends_it(authority, region, variant):
    pending = iter(CASES)
    tunnel = Tunnel(authority, lambda request: next(pending).answer)
    try:
        results = drive("", [case.arguments for case in CASES], https_proxy=tunnel.url,
                        AWS_CA_BUNDLE=str(authority.path), **environment(region, variant))
    finally:
        tunnel.stop()
    assert [r["err"] for r in results] == ["ok"] * len(CASES), \
        [r for r in results if r["err"] != "ok"]
    assert len(tunnel.requests) == len(CASES)
    boto = boto_for(region, FIPS in variant, DUAL in variant, TOKEN)
    same = sum(check_one(case, asked, request, boto, region, variant)
               for case, (asked, request) in zip(CASES, tunnel.requests))
    # Where body and headers are the same bytes, so is the signature that botocore itself sent.
    assert same >= 20, same


@pytest.mark.parametrize("prefix", ["", "/aws", "/a b/ünï%20x", "/deep/er/path"])
def test_endpoints_with_a_prefix(prefix):
    pending = iter(CASES)
    capture = Capture(lambda request: next(pending).answer)
    url = capture.url + urllib.parse.quote(prefix, safe="/")
    try:
        # As people write it: a prefix is given raw, without what an URL may not have.
        results = drive(capture.url + prefix.replace(" ", "_"), [c.arguments for c in CASES])
    finally:
        capture.stop()
    assert [r["err"] for r in results] == ["ok"] * len(CASES), \
        [r for r in results if r["err"] != "ok"]
    url = capture.url + prefix.replace(" ", "_")
    for case, request in zip(CASES, capture.requests):
        host = url.partition("//")[2].partition("/")[0]
        assert request.header("host") == host
        raw = prefix.replace(" ", "_")
        assert urllib.parse.unquote(request.target).startswith(raw + "/") or raw == "", case
        if case.operation in UNSIGNED_OPERATIONS:
            continue
        region = scope_of(request.header("authorization")).split("/")[2]
        headers = {k: v for k, v in request.headers.items() if k.lower() not in OUR_HEADERS}
        again = botocore.awsrequest.AWSRequest(
            request.method, f"http://{host}{request.target}", headers=headers, data=request.body)
        signer = botocore.auth.S3SigV4Auth if case.service == "s3" else botocore.auth.SigV4Auth
        if case.service == "s3":
            again.context["payload_signing_enabled"] = True
            again.context["client_config"] = types.SimpleNamespace(
                s3={"payload_signing_enabled": True})
        signer(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY), case.service,
               region).add_auth(again)
        assert request.header("authorization") == again.headers["Authorization"], case


@pytest.mark.parametrize("region, variant", GRID)
@pytest.mark.parametrize("method, operation", [("GET", "get_object"), ("PUT", "put_object")])
def test_presigned_urls_lead_where_botocores_do(region, variant, method, operation):
    places = [("bkt", key) for key in KEYS] + [("my.bucket", "a b"), ("a-b-c", "x/../y")]
    results = drive("", [{"op": "s3.presign", "method": method, "bucket": bucket, "key": key,
                          "content_type": None, "expires_s": 900} for bucket, key in places],
                    **environment(region, variant))
    boto = boto_for(region, FIPS in variant, DUAL in variant, TOKEN)
    for (bucket, key), result in zip(places, results):
        assert result["err"] == "ok", result
        ours = urllib.parse.urlsplit(result["result"])
        try:
            theirs = boto.presign("s3", operation, {"Bucket": bucket, "Key": key}, method, 900)
        except botocore.exceptions.EndpointResolutionError as error:
            assert FIPS in variant and "." in bucket and DOTS in str(error)
            assert ours.netloc == boto.s3_host() and ours.path.startswith(f"/{bucket}/")
            continue
        want = urllib.parse.urlsplit(theirs)
        assert (ours.scheme, ours.netloc, ours.path) == (want.scheme, want.netloc, want.path)
        assert urllib.parse.parse_qs(ours.query, strict_parsing=True) == \
            urllib.parse.parse_qs(want.query, strict_parsing=True)
