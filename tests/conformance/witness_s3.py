# SPDX-License-Identifier: Apache-2.0
"""Our S3 client on moto, on a server that verifies every signature, and on localcloud, which must
agree with the strict one about what is refused."""

import subprocess
import urllib.parse
import xml.etree.ElementTree

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

import harness
from witnesses import ask, good

MIB = 1024 * 1024
BUCKET = "films"

KEYS = [
    "plain.mp4", "with space.mp4", "a+b.mp4", "100%.mp4", "%41.mp4", "%2F.mp4", "number#1.mp4",
    "what?.mp4", "a&b=c;d.mp4", "\"double\" and 'single'.mp4", "<tag>&amp;.mp4", "한국어 영상.mp4",
    "🎬 clip 👩‍🚀.mp4", "e\u0301 and é.mp4", "deep/er/and.mp4", "..hidden..", "...", "~tilde",
    "-dash",
    "back\\slash|pipe^caret`tick{brace}[bracket].mp4", "colon:at@dollar$star*bang!(paren),.mp4",
    "newline\nand\ttab.mp4", "a" * 200,
]
# What a server that keeps objects as files cannot have.
NO_FILES = [
    "a//b", "./dot", "a/./b", "a/../b", "../up", "..", "/leading.mp4", "trailing/slash/",
    "a" * 1024, "é" * 512, "🎬" * 256,
]
# moto's web framework takes these paths for others, or for none, before moto sees them.
NOT_MOTO = {"newline\nand\ttab.mp4", "a/./b", "a/../b", "./dot", "../up", ".."}


@pytest.fixture(scope="module", params=["moto", "strict_s3", "localcloud"])
def s3(request):
    witness = request.getfixturevalue(request.param)
    witness.label = request.param
    good(witness, "s3.create_bucket", bucket=BUCKET)
    return witness


@pytest.fixture(scope="module", params=["strict_s3", "localcloud"])
def strict(request):
    """Those that verify signatures."""
    witness = request.getfixturevalue(request.param)
    witness.label = request.param
    answer = ask(witness, "s3.create_bucket", bucket="strict")
    assert answer["err"] in ("ok", "aws_conflict"), answer
    good(witness, "s3.put_object", bucket="strict", key="there.txt", body="there",
         content_type="text/plain")
    return witness


def put(witness, key, body="body", content_type="text/plain", bucket=BUCKET):
    good(witness, "s3.put_object", bucket=bucket, key=key, body=body, content_type=content_type)


def get(witness, key, bucket=BUCKET, **more):
    return good(witness, "s3.get_object", bucket=bucket, key=key, **more)


def listed(witness, bucket=BUCKET, **more):
    keys, token = [], None
    while True:
        page = good(witness, "s3.list_objects", bucket=bucket, token=token, **more)
        keys += page["keys"]
        token = page["next_token"]
        if not token:
            return keys


def curl(*arguments, body=b""):
    """curl's status and what it got."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", "--path-as-is", "--write-out",
         "\n%{http_code}", *arguments], input=body, capture_output=True, check=True,
        env=harness.plain_environment())
    content, _, status = done.stdout.rpartition(b"\n")
    return int(status), content


def send(url, method, headers, body):
    arguments = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    return curl("--request", method, "--data-binary", "@-", *arguments, url, body=body)


def code_of(content):
    return xml.etree.ElementTree.fromstring(content).findtext("Code")


# --- objects -------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", KEYS + NO_FILES)
def test_odd_keys(s3, key):
    if key in NO_FILES and s3.label == "strict_s3":
        pytest.skip("versitygw keeps objects as files, which cannot be named so")
    if key in NOT_MOTO and s3.label == "moto":
        pytest.skip("werkzeug does not hand it on as it is")
    at = {"bucket": BUCKET, "key": key}
    body = f"the body of {key}"
    put(s3, key, body)
    assert good(s3, "s3.head_object", **at)["size"] == len(body.encode())
    assert get(s3, key) == body
    assert key in listed(s3, prefix=key)
    # What curl makes of the URL that we signed.
    status, content = curl(good(s3, "s3.presign", method="GET", **at))
    assert (status, content.decode()) == (200, body)
    url = good(s3, "s3.presign", method="PUT", content_type="text/csv", **at)
    assert send(url, "PUT", {"Content-Type": "text/csv"}, b"by curl")[0] == 200
    assert get(s3, key) == "by curl"
    good(s3, "s3.delete_objects", bucket=BUCKET, keys=[key])
    assert ask(s3, "s3.head_object", **at)["err"] == "aws_not_found"


@pytest.mark.parametrize("body", ["", "x", "é" * 1000, "a" * (5 * MIB)],
                         ids=["nothing", "a byte", "unicode", "5 MiB"])
def test_bodies(s3, body):
    put(s3, "body", body)
    head = good(s3, "s3.head_object", bucket=BUCKET, key="body")
    assert head["size"] == len(body.encode())
    assert len(head["etag"]) == 32 and '"' not in head["etag"]
    assert get(s3, "body", max_bytes=6 * MIB) == body


@pytest.mark.parametrize("start, end, expected", [
    (0, 0, "0"), (3, 5, "345"), (8, -1, "89"), (5, 100, "56789"), (0, -1, "0123456789")])
def test_ranges(s3, start, end, expected):
    put(s3, "range", "0123456789")
    assert get(s3, "range", **{"from": start, "to": end}) == expected


def test_a_range_behind_the_end_is_refused(s3):
    put(s3, "range", "0123456789")
    answer = ask(s3, "s3.get_object", bucket=BUCKET, key="range", **{"from": 10, "to": 20})
    assert answer["err"] == "aws_rejected"
    assert answer["provider"]["code"] == "InvalidRange"
    assert answer["provider"]["http_status"] == 416


def test_more_than_is_allowed_is_not_read(s3):
    put(s3, "large", "a" * MIB)
    answer = ask(s3, "s3.get_object", bucket=BUCKET, key="large", max_bytes=MIB - 1)
    assert answer["err"] == "aws_too_large"


@pytest.mark.parametrize("operation, arguments", [
    ("head_object", {}), ("get_object", {}),
    ("put_object", {"body": "b", "content_type": "text/plain"})])
def test_a_bucket_that_is_not_there(s3, operation, arguments):
    answer = ask(s3, "s3." + operation, bucket="nowhere-at-all", key="k", **arguments)
    assert answer["err"] == "aws_not_found", answer
    assert operation == "head_object" or answer["provider"]["code"] == "NoSuchBucket"


def test_a_key_that_is_not_there(s3):
    answer = ask(s3, "s3.get_object", bucket=BUCKET, key="nobody")
    assert (answer["err"], answer["provider"]["code"]) == ("aws_not_found", "NoSuchKey")
    good(s3, "s3.delete_objects", bucket=BUCKET, keys=["nobody"])


# --- lists ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def thousand(s3):
    """1,050 objects: more than a page, and more than one DeleteObjects takes."""
    good(s3, "s3.create_bucket", bucket="thousand")
    client = s3.client("s3")
    for i in range(1050):
        client.put_object(Bucket="thousand", Key=f"p/{i:04} +%é", Body=b"")
    return [f"p/{i:04} +%é" for i in range(1050)]


def test_lists_go_by_pages_and_deletes_by_thousands(s3, thousand):
    assert listed(s3, "thousand") == thousand
    assert listed(s3, "thousand", prefix="p/001") == thousand[10:20]
    assert listed(s3, "thousand", start_after=thousand[1039]) == thousand[1040:]
    assert listed(s3, "thousand", prefix="q") == []
    page = good(s3, "s3.list_objects", bucket="thousand")
    assert len(page["keys"]) == 1000 and page["next_token"]
    good(s3, "s3.delete_objects", bucket="thousand", keys=thousand[:1000])
    assert listed(s3, "thousand") == thousand[1000:]


def test_the_order_is_that_of_bytes(s3):
    good(s3, "s3.create_bucket", bucket="order")
    keys = ["B", "a", "a b", "a+b", "b/a", "b0", "é", "\uffee", "😀"]
    for key in reversed(keys):
        put(s3, key, bucket="order")
    assert listed(s3, "order") == sorted(keys, key=str.encode)


# --- presigned URLs ------------------------------------------------------------------------------

def presigned(witness, method="GET", key="there.txt", **more):
    return good(witness, "s3.presign", method=method, bucket="strict", key=key, **more)


def test_a_presigned_get_answers_ranges_and_heads(strict):
    assert curl("--range", "1-3", presigned(strict)) == (206, b"her")
    status, _ = curl("--head", presigned(strict, "HEAD"))
    assert status == 200


@pytest.mark.parametrize("change", [
    lambda url: url.replace("there.txt", "other.txt"),
    lambda url: url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
    lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
    lambda url: url + "&response-content-type=text%2Fhtml",
], ids=["another key", "longer", "the signature", "one parameter more"])
def test_a_presigned_url_is_good_for_itself_only(strict, change):
    status, content = curl(change(presigned(strict)))
    assert (status, code_of(content)) == (403, "SignatureDoesNotMatch")


def test_a_presigned_url_is_good_for_its_method_only(strict):
    status, content = curl("--request", "DELETE", presigned(strict))
    assert (status, code_of(content)) == (403, "SignatureDoesNotMatch")
    assert get(strict, "there.txt", "strict") == "there"


def test_a_presigned_content_type_must_be_sent(strict):
    url = presigned(strict, "PUT", "typed", content_type="video/mp4")
    status, content = send(url, "PUT", {"Content-Type": "text/html"}, b"x")
    assert (status, code_of(content)) == (403, "SignatureDoesNotMatch")
    assert send(url, "PUT", {"Content-Type": "video/mp4"}, b"x")[0] == 200


def test_a_presigned_url_expires(strict):
    url = presigned(strict, expires_s=1)

    def refused():
        status, content = curl(url)
        return status == 403 and code_of(content)
    assert harness.wait_until(refused, 15, "the URL to expire") == "AccessDenied"


# --- signatures ----------------------------------------------------------------------------------

OPERATIONS = [
    ("head_object", {"key": "there.txt"}), ("get_object", {"key": "there.txt"}),
    ("put_object", {"key": "new.txt", "body": "b", "content_type": "text/plain"}),
    ("list_objects", {}), ("delete_objects", {"keys": ["there.txt"]}),
]


@pytest.mark.parametrize("operation, arguments", OPERATIONS)
def test_a_wrong_secret_is_refused(strict, operation, arguments):
    answer = ask(strict, "s3." + operation, {"AWS_SECRET_ACCESS_KEY": "x" * 40}, bucket="strict",
                 **arguments)
    assert answer["err"] in ("aws_credentials", "aws_forbidden"), answer
    assert answer["provider"]["http_status"] == 403
    assert answer["provider"]["code"] == "SignatureDoesNotMatch"
    assert "x" * 40 not in str(answer)


@pytest.mark.parametrize("operation, arguments", OPERATIONS)
def test_a_key_that_nobody_has_is_refused(strict, operation, arguments):
    answer = ask(strict, "s3." + operation, {"AWS_ACCESS_KEY_ID": "AKIANOBODYHASTHIS"},
                 bucket="strict", **arguments)
    if strict.label == "strict_s3":  # versitygw 1.8 has an error of its own, with status 404
        assert answer["err"] == "aws_not_found", answer
    else:
        assert answer["err"] in ("aws_credentials", "aws_forbidden"), answer
        assert answer["provider"]["code"] == "InvalidAccessKeyId"


@pytest.mark.parametrize("operation, arguments", OPERATIONS)
@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_wrong_is_corrected(strict, operation, arguments, minutes):
    """The first request is refused, with the server's time; the second is signed with that."""
    answer = ask(strict, "s3." + operation, clock_ms=harness.time.time_ns() // 10**6 +
                 minutes * 60_000, bucket="strict", **arguments)
    assert answer["err"] == "ok", answer
    if operation == "delete_objects":
        put(strict, "there.txt", "there", bucket="strict")


def test_another_region_is_refused(strict):
    answer = ask(strict, "s3.get_object", {"AWS_REGION": "eu-west-1"}, bucket="strict",
                 key="there.txt")
    assert answer["err"] == "aws_rejected", answer
    assert answer["provider"]["code"] == "AuthorizationHeaderMalformed"


# --- that they are strict ------------------------------------------------------------------------

def signed_by_botocore(witness, method="PUT", path="/strict/raw.txt", body=b"body", headers=()):
    """A request that is good, as (URL, headers)."""
    request = AWSRequest(method, witness.url + urllib.parse.quote(path), data=body,
                         headers=dict(headers))
    S3SigV4Auth(witness.session().get_credentials(), "s3", witness.region).add_auth(request)
    return request.url, dict(request.headers)


@pytest.mark.parametrize("change, code", [
    (lambda url, headers, body: (url, headers, body), None),
    (lambda url, headers, body: (url, headers, b"BODY"), "XAmzContentSHA256Mismatch"),
    (lambda url, headers, body: (url.replace("raw", "row"), headers, body),
     "SignatureDoesNotMatch"),
    (lambda url, headers, body: (url + "?x=1", headers, body), "SignatureDoesNotMatch"),
    (lambda url, headers, body: (url, {**headers, "X-Amz-Meta-A": "2"}, body),
     "SignatureDoesNotMatch"),
    (lambda url, headers, body: (url, {**headers, "X-Amz-Content-SHA256": "0" * 64}, body),
     "SignatureDoesNotMatch"),
], ids=["nothing", "the body", "the path", "the query", "a header", "the digest"])
def test_a_change_is_noticed(strict, change, code):
    """Not of our client: that these witnesses would notice a signature of ours that is wrong."""
    url, headers = signed_by_botocore(strict, headers={"X-Amz-Meta-A": "1",
                                                       "Content-Type": "text/plain"}.items())
    url, headers, body = change(url, headers, b"body")
    status, content = send(url, "PUT", headers, body)
    assert (status, content and code_of(content) or None) == \
        ((400 if code == "XAmzContentSHA256Mismatch" else 403) if code else 200, code)
