# SPDX-License-Identifier: Apache-2.0
"""What a client makes of answers that are not good, and of none: retries, clock, caps, deadlines,
interruption, TLS and proxies."""

import contextlib
import email.utils
import json
import ssl
import subprocess
import threading
import time
import zlib

import pytest

from capture import CLOCK_MS, SECRET_KEY, Answer, Capture, Driver, drive

STS_OK = Answer(200, b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account>"
                b"<UserId>u</UserId><Arn>arn:aws:iam::1:user/x</Arn></GetCallerIdentityResult>"
                b"</GetCallerIdentityResponse>")
JOB_OK = Answer(201, b'{"job": {"id": "1", "status": "SUBMITTED"}}')
GET_ITEM = {"op": "dynamodb.get_item", "table": "t", "key": {"fileName": {"S": "k"}}}
HEAD = {"op": "s3.head_object", "bucket": "bkt", "key": "k"}
GET = {"op": "s3.get_object", "bucket": "bkt", "key": "k"}
STS = {"op": "sts.get_caller_identity"}
CREATE = {"op": "mediaconvert.create_job", "body": {"role": "r"}}
CREATE_ONCE = {"op": "mediaconvert.create_job", "body": {"role": "r", "clientRequestToken": "t"}}
START = {"op": "rekognition.start_label_detection", "bucket": "b", "key": "k",
         "min_confidence": 85.0, "token": "t"}


def item(crc=None):
    body = b'{"Item": {"fileName": {"S": "k"}}}'
    return Answer(200, body, {"x-amz-crc32": str(zlib.crc32(body) if crc is None else crc)})


def failure(status, code, message="", **headers):
    return Answer(status, json.dumps({"__type": "ns#" + code, "message": message}).encode(),
                  {"x-amzn-RequestId": "req-1", **headers})


def xml_failure(status, code, message="", **headers):
    return Answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
                  .encode(), {"x-amz-request-id": "req-1", **headers})


@contextlib.contextmanager
def serving(answers, tls=None):
    """Answers in order; the last one again and again."""
    left = list(answers)
    capture = Capture(lambda request: left.pop(0) if len(left) > 1 else left[0], tls)
    try:
        yield capture
    finally:
        capture.stop()


def perform(operation, answers, **extra):
    """(result, requests)"""
    with serving(answers) as capture:
        [result] = drive(capture.url, [operation], **extra)
        return result, capture.requests


THROTTLED = failure(400, "ThrottlingException", "Rate exceeded")
DOWN = failure(500, "InternalServerError")
CUT = Answer(cut=True)


@pytest.mark.parametrize("operation, answers, err, sent", [
    # throttled: not processed, so anything may be sent again
    (GET_ITEM, [THROTTLED, THROTTLED, item()], "ok", 3),
    (GET_ITEM, [THROTTLED], "aws_throttled", 3),
    (CREATE, [failure(429, "TooManyRequestsException"), JOB_OK], "ok", 2),
    (HEAD, [Answer(503), Answer(200, b"x")], "ok", 2),
    (GET, [xml_failure(503, "SlowDown")], "aws_throttled", 3),
    # effect unknown: only what may happen twice
    (GET_ITEM, [DOWN, item()], "ok", 2),
    (GET_ITEM, [DOWN], "aws_unavailable", 3),
    (GET_ITEM, [CUT, CUT, item()], "ok", 3),
    (CREATE, [DOWN, JOB_OK], "aws_unavailable", 1),
    (CREATE, [CUT, JOB_OK], "aws_unavailable", 1),
    (CREATE_ONCE, [DOWN, CUT, JOB_OK], "ok", 3),
    # damaged on the way
    (GET_ITEM, [item(crc=1), item()], "ok", 2),
    (GET_ITEM, [item(crc=1)], "aws_protocol", 3),
    # no use in trying again
    (START, [failure(400, "LimitExceededException", "22 open jobs")], "aws_limit", 1),
    (START, [failure(400, "IdempotentParameterMismatchException")], "aws_conflict", 1),
    (GET_ITEM, [failure(400, "ValidationException")], "aws_rejected", 1),
    (GET_ITEM, [failure(400, "ResourceNotFoundException")], "table_missing", 1),
    # keys are read again once, and a HEAD's refusal is asked for its reason
    (GET_ITEM, [failure(400, "UnrecognizedClientException")], "aws_credentials", 2),
    (GET_ITEM, [failure(400, "ExpiredTokenException"), item()], "ok", 2),
    (HEAD, [Answer(403), xml_failure(403, "ExpiredToken")], "aws_credentials", 3),
    (GET_ITEM, [failure(400, "AccessDeniedException")], "aws_forbidden", 1),
    (HEAD, [Answer(404)], "aws_not_found", 1),
    (HEAD, [Answer(403)], "aws_forbidden", 2),
    (HEAD, [Answer(301, b"", {"Location": "http://127.0.0.1:1/"})], "aws_rejected", 1),
    (HEAD, [Answer(501)], "aws_unavailable", 1),
    # answers that are no answers
    (GET_ITEM, [Answer(200, b"{")], "aws_protocol", 1),
    (GET_ITEM, [Answer(200, b"[]")], "aws_protocol", 1),
    (STS, [Answer(200, b"<a>")], "aws_protocol", 1),
])
def test_answers_lead_to_retries_and_errors(operation, answers, err, sent):
    result, requests = perform(operation, answers)
    assert (result["err"], len(requests)) == (err, sent), result


def test_max_attempts_is_obeyed():
    for attempts in (1, 4):
        result, requests = perform(GET_ITEM, [THROTTLED], AWS_MAX_ATTEMPTS=str(attempts))
        assert (result["err"], len(requests)) == ("aws_throttled", attempts)


def test_the_providers_words_are_kept():
    result, _ = perform(START, [failure(400, "LimitExceededException", "22 open jobs")])
    assert result["provider"] == {
        "service": "rekognition", "operation": "StartLabelDetection",
        "code": "LimitExceededException", "message": "22 open jobs", "request_id": "req-1",
        "http_status": 400}
    result, _ = perform(HEAD, [Answer(301, b"", {"x-amz-request-id": "req-2"})])
    assert (result["provider"]["code"], result["provider"]["request_id"]) == \
        ("PermanentRedirect", "req-2")


@pytest.mark.parametrize("operation, skewed, good, err", [
    (GET, xml_failure(403, "RequestTimeTooSkewed"), Answer(200, b"x"), "aws_credentials"),
    # No body: only the Date tells. Once the clock is right, 403 means what it says.
    (HEAD, Answer(403), Answer(200, b"x"), "aws_forbidden"),
    (GET_ITEM, failure(400, "InvalidSignatureException", "Signature expired: …"), item(),
     "aws_credentials"),
])
def test_a_wrong_clock_is_corrected_once_from_the_date(operation, skewed, good, err):
    theirs = CLOCK_MS // 1000 + 3600
    skewed.headers["Date"] = email.utils.formatdate(theirs, usegmt=True)
    result, requests = perform(operation, [skewed, good])
    assert result["err"] == "ok"
    assert requests[1].header("x-amz-date") == \
        time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(theirs))
    result, requests = perform(operation, [skewed])
    # A HEAD that is refused all the same is asked for its reason, by GET.
    assert (result["err"], len(requests)) == (err, 3 if operation is HEAD else 2)


def test_answers_are_capped():
    large = Answer(200, b"x" * 100_001)
    result, requests = perform({**GET, "max_bytes": 100_000}, [large])
    assert (result["err"], len(requests)) == ("aws_too_large", 1)
    result, _ = perform({**GET, "max_bytes": 100_001}, [large])
    assert (result["err"], len(result["result"])) == ("ok", 100_001)
    # The cap is for what was asked for, not for the reason why it was not given.
    result, _ = perform({**GET, "max_bytes": 1}, [xml_failure(404, "NoSuchKey", "m" * 1000)])
    assert (result["err"], result["provider"]["code"]) == ("aws_not_found", "NoSuchKey")
    result, _ = perform(GET, [xml_failure(404, "NoSuchKey", "m" * 1_000_000)])
    assert result["err"] == "aws_not_found"


def test_a_deadline_ends_an_operation():
    hold = threading.Event()
    result, requests = perform({**GET_ITEM, "deadline_ms": 200}, [Answer(hold=hold)])
    hold.set()
    assert (result["err"], len(requests)) == ("aws_unavailable", 1)


def test_an_interruption_ends_a_transfer_and_all_that_follow():
    hold = threading.Event()
    with serving([Answer(hold=hold)]) as capture:
        driver = Driver(capture.url, [GET_ITEM, GET_ITEM])
        assert capture.arrived.wait(10)
        start = time.monotonic()
        driver.interrupt()
        results = driver.results()
        hold.set()
    assert [r["err"] for r in results] == ["shutting_down"] * 2
    assert time.monotonic() - start < 5
    assert len(capture.requests) == 1


def test_an_interruption_ends_a_wait_between_attempts():
    with serving([THROTTLED]) as capture:
        # So many attempts that the waits go on for minutes.
        driver = Driver(capture.url, [GET_ITEM], AWS_MAX_ATTEMPTS="100")
        assert capture.arrived.wait(10)
        driver.interrupt()
        [result] = driver.results()
    assert result["err"] == "shutting_down"


def test_secrets_are_never_told():
    token = "TOKEN+SECRET"
    with serving([failure(403, "ExpiredTokenException", "expired")]) as capture:
        results = drive(capture.url, [GET_ITEM, HEAD, STS, {**GET_ITEM, "deadline_ms": 1}],
                        AWS_SESSION_TOKEN=token)
    assert SECRET_KEY not in json.dumps(results) and token not in json.dumps(results)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, its own root."""
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "key.pem",
                    "-out", directory / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return context, str(directory / "cert.pem")


def test_tls_trusts_the_ca_bundle_and_nothing_else(certificate):
    context, path = certificate
    with serving([STS_OK], tls=context) as capture:
        [trusted] = drive(capture.url, [STS], AWS_CA_BUNDLE=path)
        [foreign] = drive(capture.url, [STS])
    assert trusted["err"] == "ok"
    assert foreign["err"] == "aws_unavailable" and "certificate" in foreign["detail"]
    assert len(capture.requests) == 1


def test_proxies_of_the_environment_are_used():
    with serving([STS_OK]) as proxy:
        [result] = drive("http://sts.invalid:8080", [STS], http_proxy=proxy.url)
        assert result["err"] == "ok"
        assert proxy.requests[0].target == "http://sts.invalid:8080/"
        [result] = drive("http://sts.invalid:8080", [STS], http_proxy=proxy.url,
                         no_proxy="sts.invalid")
        assert result["err"] == "aws_unavailable"
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("extra, says", [
    ({"AWS_REGION": ""}, "AWS_REGION"),
    ({"AWS_ENDPOINT_URL_SNS": "h"}, "http://"),
    ({"AWS_USE_FIPS_ENDPOINT": "true"}, "FIPS"),
])
def test_wrong_settings_stop_the_start(extra, says):
    driver = Driver("http://127.0.0.1:1", [], **extra)
    _, err = driver.process.communicate(timeout=20)
    assert driver.process.returncode == 1 and says in err


def test_missing_credentials_are_told():
    result, requests = perform(STS, [STS_OK], AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert (result["err"], requests) == ("aws_credentials", [])
    result, requests = perform({"op": "sns.confirm_subscription", "topic_arn": "a:b:c",
                                "token": "t"}, [Answer(404)],
                               AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert len(requests) == 1  # goes unsigned
