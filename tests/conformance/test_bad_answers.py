# SPDX-License-Identifier: Apache-2.0
"""Networks and AWS accounts that are not as they should be, met by the client: one error each, of
the right class, that names cause and remedy, comes in time and has no secret in it."""

import contextlib
import datetime
import email.utils
import json
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capture import CLOCK_MS, SECRET_KEY, Answer, drive
from test_calls import (CREATE, GET, GET_ITEM, HEAD, JOB_OK, STS, STS_OK, failure, item, perform,
                        serving, xml_failure)

TOKEN = "FwoGZXIvYXdzE//SESSION+TOKEN=="
PROXY_PASSWORD = "PROXY-PASSWORD"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Airport\x1b[31m Wi-Fi</title></head></html>"
PUT = {"op": "s3.put_object", "bucket": "bkt", "key": "k", "body": "x"}
LIST = {"op": "s3.list_objects", "bucket": "bkt", "prefix": "", "start_after": "", "token": None}


def only_error(results, err, *words, never=()):
    [result] = results
    assert result["err"] == err, result
    for word in words:
        assert word in result["detail"], (word, result["detail"])
    for word in (SECRET_KEY, TOKEN, PROXY_PASSWORD, "\x1b", *never):
        assert word not in json.dumps(result)
    assert "\n" not in result["detail"]
    return result


def html(status, body=PAGE, **headers):
    return Answer(status, body, {"Content-Type": "text/html; charset=utf-8", **headers})


@pytest.mark.parametrize("operation", [GET_ITEM, HEAD, GET, LIST, STS, CREATE, PUT],
                         ids=lambda operation: operation["op"])
@pytest.mark.parametrize("status", [200, 302, 403, 404, 407, 502, 511])
def test_a_page_is_told_to_be_one(operation, status):
    result, requests = perform(operation, [html(status, Location="http://portal.example/")],
                               AWS_SESSION_TOKEN=TOKEN, AWS_MAX_ATTEMPTS="2")
    words = ["HTML page", "127.0.0.1", f"HTTP {status}",
             "wants a user and a password" if status == 407 else "captive portal", "HTTPS_PROXY"]
    words += [] if operation is HEAD else ["Airport"]
    only_error([result], "aws_unavailable", *words)
    # A gateway in between may recover; what must not be done twice is not sent again.
    again = status == 502 and operation is not CREATE
    asked = status == 403 and operation is HEAD  # for the reason, by GET
    assert len(requests) == (2 if again or asked else 1)


def test_a_page_by_its_looks_is_one_too_but_stored_ones_are_not():
    result, _ = perform(GET_ITEM, [Answer(503, b"\r\n <HTML><body>Service Unavailable")],
                        AWS_MAX_ATTEMPTS="1")
    only_error([result], "aws_unavailable", "HTML page")
    result, _ = perform(GET, [html(200, **{"x-amz-request-id": "r"})])
    assert result["err"] == "ok"
    result, _ = perform(HEAD, [html(200, **{"x-amz-request-id": "r"})])
    assert result["err"] == "ok"


@contextlib.contextmanager
def listening(serve):
    """A TCP server: serve(connection) in a thread for each."""
    server = socket.create_server(("127.0.0.1", 0))
    connections = []

    def accept():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()
        for connection in connections:
            connection.close()


def refusing(status):
    def serve(connection):
        with contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    return serve


@pytest.mark.parametrize("status, says", [
    ("407 Proxy Authentication Required", "wants a user and a password"),
    ("403 Forbidden", "https_proxy names lets nobody through"),
])
def test_a_proxy_that_refuses_the_tunnel(status, says):
    with listening(refusing(status)) as port:
        proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:{port}"
        started = time.monotonic()
        results = drive("https://sts.invalid", [STS], https_proxy=proxy)
    only_error(results, "aws_unavailable", "sts.invalid", status[:3], says)
    assert time.monotonic() - started < 5


def test_a_proxy_that_is_not_there():
    with listening(lambda connection: None) as port:
        pass
    user = f"http://u:{PROXY_PASSWORD}"
    results = drive("https://sts.invalid", [STS], HTTPS_PROXY=f"{user}@127.0.0.1:{port}")
    only_error(results, "aws_unavailable", "HTTPS_PROXY", "NO_PROXY")
    results = drive("https://sts.invalid", [STS], HTTPS_PROXY=f"{user}@proxy.invalid:1")
    only_error(results, "aws_unavailable", "proxy.invalid", "HTTPS_PROXY")


def tls_context(directory, sans, start=-1, end=1):
    """(server context, path of the certificate), self-signed, valid from `start` to `end` days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal")])
    now = datetime.datetime.utcnow()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(),
                                now + datetime.timedelta(days=start),
                                now + datetime.timedelta(days=end))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(san) for san in sans]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256()))
    (directory / "tls.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                          serialization.NoEncryption()))
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "tls.pem")
    return context, str(directory / "cert.pem")


@pytest.mark.parametrize("sans, start, end, trusted, says", [
    (["localhost"], -1, 1, False, ["self-signed certificate", "AWS_CA_BUNDLE", "captive portal"]),
    (["portal.example"], -1, 1, True, ["somebody else's", "captive portal"]),
    (["localhost"], -9, -2, True, ["expired", "clock", "NTP"]),
    (["localhost"], 2, 9, True, ["not yet valid", "clock", "NTP"]),
], ids=["self-signed", "wrong host", "expired", "not yet valid"])
def test_a_captive_certificate(tmp_path, sans, start, end, trusted, says):
    context, path = tls_context(tmp_path, sans, start, end)
    with serving([STS_OK], tls=context) as capture:
        extra = {"AWS_CA_BUNDLE": path} if trusted else {}
        started = time.monotonic()
        results = drive(capture.url.replace("127.0.0.1", "localhost"), [STS],
                        AWS_SESSION_TOKEN=TOKEN, **extra)
    only_error(results, "aws_unavailable", "localhost", "certificate", *says)
    assert capture.requests == []  # nothing was told to the stranger
    assert time.monotonic() - started < 5


def test_a_bundle_without_certificates(tmp_path):
    context, _ = tls_context(tmp_path, ["localhost"])
    with serving([STS_OK], tls=context) as capture:
        (tmp_path / "none.pem").write_text("there is no certificate here")
        results = drive(capture.url, [STS], AWS_CA_BUNDLE=str(tmp_path / "none.pem"))
    only_error(results, "aws_unavailable", "AWS_CA_BUNDLE")


def test_no_tls_where_it_should_be():
    with serving([STS_OK]) as capture:
        results = drive(capture.url.replace("http:", "https:"), [STS])
    only_error(results, "aws_unavailable", "does not speak TLS", "https:// for http://")


def test_refused_and_unknown_hosts():
    with listening(lambda connection: None) as port:
        pass
    started = time.monotonic()
    only_error(drive(f"https://127.0.0.1:{port}", [GET_ITEM]), "aws_unavailable",
               f"127.0.0.1:{port}", "firewall", "HTTPS_PROXY")
    only_error(drive("https://dynamodb.invalid", [GET_ITEM]), "aws_unavailable",
               "dynamodb.invalid", "AWS_REGION", "DNS")
    # 255.255.255.255 is reachable for nobody: no route.
    only_error(drive("https://255.255.255.255", [GET_ITEM]), "aws_unavailable", "firewall")
    assert time.monotonic() - started < 30


def hang(connection):
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def hang_in_body(connection):
    with contextlib.suppress(OSError):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        hang(connection)


@pytest.mark.parametrize("scheme, serve, says", [
    ("https", hang, "TLS handshake"),
    ("http", hang, "took the request and did not answer"),
    ("http", hang_in_body, "began and did not end"),
])
def test_what_hangs_ends_with_the_deadline(scheme, serve, says):
    with listening(serve) as port:
        started = time.monotonic()
        results = drive(f"{scheme}://127.0.0.1:{port}", [{**GET_ITEM, "deadline_ms": 700}])
    only_error(results, "aws_unavailable", says)
    assert time.monotonic() - started < 5


def test_a_connect_that_hangs_ends_with_the_deadline():
    # A full backlog: the kernel drops what comes then.
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(server.getsockname())
        waiting.append(one)
    started = time.monotonic()
    results = drive(f"http://127.0.0.1:{server.getsockname()[1]}",
                    [{**GET_ITEM, "deadline_ms": 700}])
    only_error(results, "aws_unavailable", "nothing answers there", "firewall")
    assert time.monotonic() - started < 5
    for one in [*waiting, server]:
        one.close()


REGION = {"x-amz-bucket-region": "ap-northeast-2", "x-amz-request-id": "r"}


@pytest.mark.parametrize("operation, answer, words", [
    (GET, xml_failure(301, "PermanentRedirect", "The bucket …", **REGION), ["ap-northeast-2"]),
    (HEAD, Answer(301, b"", REGION), ["ap-northeast-2"]),
    (HEAD, Answer(400, b"", REGION), ["ap-northeast-2"]),
    (PUT, xml_failure(307, "TemporaryRedirect"), []),
    (LIST, xml_failure(400, "AuthorizationHeaderMalformed",
                       "The authorization header is malformed; the region 'eu-west-1' is wrong; "
                       "expecting 'ap-northeast-2'"), ["ap-northeast-2"]),
    (GET, xml_failure(400, "IncorrectEndpoint", "…"), []),
    (GET, xml_failure(400, "IllegalLocationConstraintException", "…"), []),
])
def test_a_bucket_in_another_region(operation, answer, words):
    result, requests = perform(operation, [answer])
    only_error([result], "aws_rejected", "bucket", "AWS_REGION", *words)
    assert len(requests) == (2 if answer.status == 400 and operation is HEAD else 1)


@pytest.mark.parametrize("operation, answer", [
    (GET_ITEM, failure(400, "InvalidSignatureException",
                       "Credential should be scoped to a valid region.")),
    (STS, xml_failure(403, "SignatureDoesNotMatch",
                      "Credential should be scoped to a valid region, not 'eu-west-1'.")),
])
def test_a_request_for_another_region(operation, answer):
    result, _ = perform(operation, [answer])
    only_error([result], "aws_credentials", "another region", "AWS_REGION")


@pytest.mark.parametrize("operation, answer, err, words", [
    (GET_ITEM, failure(400, "ExpiredTokenException", "The security token … is expired"),
     "aws_credentials", ["session token has run out", "renew"]),
    (STS, xml_failure(403, "ExpiredToken"), "aws_credentials", ["session token has run out"]),
    (HEAD, xml_failure(403, "ExpiredToken"), "aws_credentials", ["session token has run out"]),
    (GET, xml_failure(400, "ExpiredToken"), "aws_credentials", ["session token has run out"]),
    (CREATE, failure(403, "ExpiredTokenException"), "aws_credentials", ["renew"]),
    (GET_ITEM, failure(400, "UnrecognizedClientException"), "aws_credentials", ["no such access"]),
    (STS, xml_failure(403, "InvalidClientTokenId"), "aws_credentials", ["no such access key"]),
    (GET, xml_failure(403, "InvalidAccessKeyId"), "aws_credentials", ["no such access key"]),
    (GET, xml_failure(403, "SignatureDoesNotMatch", "The request signature we calculated …"),
     "aws_credentials", ["secret access key"]),
    (CREATE, failure(403, "InvalidSignatureException", "The request signature we …"),
     "aws_credentials", ["secret access key"]),
    (GET, xml_failure(403, "AccessDenied"), "aws_forbidden", ["allow GetObject"]),
    (CREATE, failure(403, "AccessDeniedException", "User: arn:… is not authorized"),
     "aws_forbidden", ["allow CreateJob", "not authorized"]),
    (STS, xml_failure(403, "OptInRequired"), "aws_forbidden", ["not signed up"]),
    (GET, xml_failure(404, "NoSuchBucket"), "aws_not_found", ["create the bucket"]),
])
def test_refusals_tell_what_to_do(operation, answer, err, words):
    result, _ = perform(operation, [answer], AWS_SESSION_TOKEN=TOKEN)
    only_error([result], err, *words)


def date(offset_s):
    return email.utils.formatdate(CLOCK_MS // 1000 + offset_s, usegmt=True)


SKEWED = [
    (GET_ITEM, failure(400, "InvalidSignatureException", "Signature expired: 2026… is now earlier "
                       "than 2026…"), item()),
    (GET_ITEM, failure(400, "InvalidSignatureException", "Signature not yet current: …"), item()),
    (CREATE, failure(403, "InvalidSignatureException", "Signature expired: …"), JOB_OK),
    (STS, xml_failure(403, "SignatureDoesNotMatch", "Signature expired: …"), STS_OK),
    (STS, xml_failure(403, "SignatureDoesNotMatch", "Signature not yet current: …"), STS_OK),
    (STS, xml_failure(400, "RequestExpired", "Request has expired. …"), STS_OK),
    (STS, xml_failure(400, "RequestInTheFuture"), STS_OK),
    (GET, xml_failure(403, "RequestTimeTooSkewed", "The difference between …"), Answer(200, b"x")),
    (PUT, xml_failure(403, "RequestTimeTooSkewed", "The difference between …"), Answer(200)),
    (HEAD, Answer(403), Answer(200, b"x")),
    (HEAD, Answer(400), Answer(200, b"x")),
]


@pytest.mark.parametrize("hours", [-30, -1, 1, 30])
@pytest.mark.parametrize("operation, skewed, good", SKEWED)
def test_a_clock_that_is_off_either_way_is_corrected(operation, skewed, good, hours):
    skewed = Answer(skewed.status, skewed.body, {**skewed.headers, "Date": date(hours * 3600)})
    with serving([skewed, good]) as capture:
        # The correction is the process's: the second operation begins with it.
        first, second = drive(capture.url, [operation, operation])
    assert first["err"] == second["err"] == "ok"
    stamps = [request.header("x-amz-date") for request in capture.requests]
    ours, theirs = (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(CLOCK_MS // 1000 + offset))
                    for offset in (0, hours * 3600))
    assert stamps == [ours, theirs, theirs]


@pytest.mark.parametrize("operation, skewed", [
    (operation, skewed) for operation, skewed, _ in SKEWED if operation is not HEAD])
def test_a_clock_that_stays_off_is_told(operation, skewed):
    skewed = Answer(skewed.status, skewed.body, {**skewed.headers, "Date": date(3600)})
    result, requests = perform(operation, [skewed])
    assert len(requests) == 2
    only_error([result], "aws_credentials", "clock of this machine", date(3600), "NTP")
