# SPDX-License-Identifier: Apache-2.0
"""`spotlist sns verify` on messages signed by a PKI of our own: every rule of trust, by its own
witness (python3-cryptography), and localcloud's messages with the certificate fetched."""

import functools
import http.server
import json
import os
import subprocess
import threading
import types
import uuid

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import sns_pki
from harness import BUILD, wait_until
from sns_pki import DAY, NOW, Issuer, ec_key, issue, pem, rsa_key, sign

REGION = "us-west-2"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:spotlist-events"
FILE = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
URL = f"https://sns.{REGION}.amazonaws.com/{FILE}"
AT = "2026-11-22T18:40:00Z"
SENT = "2026-11-22T18:39:59.123Z"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")
    root = Issuer("Test Root")
    (directory / "roots.pem").write_bytes(pem(root.certificate))
    key = rsa_key()
    return types.SimpleNamespace(
        directory=directory, root=root, key=key, other=rsa_key(),
        leaf=functools.partial(issue, "sns.amazonaws.com", key, root),
        bundle=str(directory / "roots.pem"))


def make(kind="Notification", version="2", **more):
    message = {"Type": kind, "MessageId": str(uuid.UUID(int=7)), "TopicArn": TOPIC,
               "Message": '{"status": "COMPLETE", "title": "안녕 – ünïcode\\n"}', "Timestamp": SENT,
               "SignatureVersion": version, "SigningCertURL": URL}
    if kind != "Notification":
        message |= {"Token": "2336412f37", "SubscribeURL": "https://sns.us-west-2.amazonaws.com/"
                    "?Action=ConfirmSubscription"}
    else:
        message["UnsubscribeURL"] = "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe"
    return {**message, **more}


def verify(pki, body, *arguments, cert=None, topic=TOPIC, at=AT, **environment):
    """(exit status, standard output)"""
    if isinstance(body, dict):
        body = json.dumps(body)
    command = [BUILD / "service" / "spotlist", "sns", "verify", "--topic-arn", topic]
    if at:
        command += ["--at", at]
    if cert is not None:
        (pki.directory / "given.pem").write_bytes(cert)
        command += ["--cert", pki.directory / "given.pem"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SPOTLIST_"))}
    done = subprocess.run([*command, *arguments], capture_output=True, timeout=60,
                          input=body if isinstance(body, bytes) else body.encode(),
                          env={**kept, "HOME": "/nonexistent", "AWS_CA_BUNDLE": pki.bundle,
                               **environment})
    assert done.stderr == b"" or done.returncode in (2, 78), done.stderr
    return done.returncode, (done.stdout or done.stderr).decode()


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", sns_pki.SIGNED)
def test_every_kind_and_version_is_verified_and_told(pki, kind, version):
    status, said = verify(pki, sign(make(kind, version), pki.key), cert=pem(pki.leaf()))
    assert status == 0, said
    for word in ("verified: ", kind, TOPIC, str(uuid.UUID(int=7)), SENT, f"version {version}",
                 "CN=sns.amazonaws.com", "CN=Test Root", "2026-10-23", "2026-12-22",
                 "note: the certificate came from "):
        assert word in said, (word, said)


def test_subjects_count_when_they_are_there(pki):
    cert = pem(pki.leaf())
    for subject in ("Amazon S3 Notification", "", None):
        assert verify(pki, sign(make(Subject=subject), pki.key), cert=cert)[0] == 0, subject
    forged = {**sign(make(Subject="a"), pki.key), "Subject": None}
    assert verify(pki, forged, cert=cert)[0] == 1
    # A confirmation's Subject is signed by nobody, so nobody may believe it; it does no harm.
    assert verify(pki, sign(make("UnsubscribeConfirmation"), pki.key) | {"Subject": "x"},
                  cert=cert)[0] == 0


@pytest.mark.parametrize("change", [
    {"Message": "other"}, {"MessageId": "other"}, {"Timestamp": "2026-11-22T18:39:59.124Z"},
    {"Subject": "added"}, {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "u"},
    {"SignatureVersion": "1"}, {"Signature": "AAAA"},
])
def test_what_was_signed_may_not_change(pki, change):
    status, said = verify(pki, sign(make(), pki.key) | change, cert=pem(pki.leaf()))
    assert status == 1 and said.startswith("refused: sns_signature (/Signature): "), said


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_digest_is_that_of_the_version(pki, version):
    mixed = sign(make(version=version), pki.key, version={"1": "2", "2": "1"}[version])
    assert verify(pki, mixed, cert=pem(pki.leaf()))[0] == 1


@pytest.mark.parametrize("change, says", [
    ({"SignatureVersion": "3"}, "neither 1 nor 2"),
    ({"SignatureVersion": 2}, "SignatureVersion"),
    ({"Signature": "%%"}, "not base64"),
    ({"Type": "Other"}, "sns_not_a_message"),
    ({"Timestamp": "yesterday"}, "RFC 3339"),
    ({"MessageId": None}, "sns_not_a_message"),
])
def test_odd_members_are_named(pki, change, says):
    status, said = verify(pki, sign(make(), pki.key) | change, cert=pem(pki.leaf()))
    assert status == 1 and says in said, said


def test_another_key_of_the_right_name_is_no_use(pki):
    status, said = verify(pki, sign(make(), pki.other), cert=pem(pki.leaf()))
    assert (status, "does not match the message" in said) == (1, True)


HOST = f"sns.{REGION}.amazonaws.com"


@pytest.mark.parametrize("url", [
    URL.replace("https:", "http:"), URL.replace("https:", "HTTPS:"),
    f"https://sns.s3-{REGION}.amazonaws.com/{FILE}",  # anybody's bucket called "sns"
    f"https://sns.s3-accelerate.amazonaws.com/{FILE}",
    f"https://sns.s3-external-1.amazonaws.com/{FILE}",
    f"https://s3.amazonaws.com/sns/{FILE}", f"https://sns.{REGION}.s3.amazonaws.com/{FILE}",
    f"https://sns.eu-west-1.amazonaws.com/{FILE}",  # AWS, but not the topic's region
    f"https://{HOST}.cn/{FILE}", f"https://{HOST}.evil.example/{FILE}",
    f"https://{HOST}evil.example/{FILE}", f"https://evil{HOST}/{FILE}",
    f"https://sns-{REGION}.amazonaws.com/{FILE}", f"https://SNS.{REGION}.amazonaws.com/{FILE}",
    f"https://{HOST}:443/{FILE}", f"https://{HOST}:8443/{FILE}", f"https://{HOST}./{FILE}",
    f"https://user@{HOST}/{FILE}", f"https://{HOST}@evil.example/{FILE}",
    f"https://{HOST}:pw@evil.example/{FILE}", f"https://evil.example#@{HOST}/{FILE}",
    f"https://evil.example/?{HOST}/{FILE}", f"https://evil.example\\@{HOST}/{FILE}",
    f"{URL}?x=.pem", f"{URL}#.pem", f"{URL}?", f"{URL}%00.pem", URL + "\n", " " + URL,
    f"https://{HOST}//{FILE}", f"https://{HOST}/a/../{FILE}", f"https://{HOST}/a/{FILE}",
    f"https://{HOST}/%53impleNotificationService-{'0' * 32}.pem",
    f"https://{HOST}/SimpleNotificationService-{'0' * 31}.pem",
    f"https://{HOST}/SimpleNotificationService-{'0' * 33}.pem",
    f"https://{HOST}/SimpleNotificationService-{'A' * 32}.pem",
    f"https://{HOST}/SimpleNotificationService-{'g' * 32}.pem",
    f"https://{HOST}/SimpleNotificationService-{'0' * 32}.PEM",
    f"https://{HOST}/SimpleNotificationService-{'0' * 32}.crt",
    f"https://{HOST}/", f"https://{HOST}", "file:///etc/ssl/cert.pem", "", "//" + HOST,
])
def test_only_the_topics_region_has_certificates(pki, url):
    status, said = verify(pki, sign(make(SigningCertURL=url), pki.key), cert=pem(pki.leaf()))
    assert status == 1 and "sns_cert_url (/SigningCertURL)" in said and f"https://{HOST}/" in said


REGIONS = [
    ("aws", "us-east-1", "amazonaws.com", "sns.amazonaws.com"),
    ("aws", "eu-south-2", "amazonaws.com", "sns-signing.eu-south-2.amazonaws.com"),
    ("aws", "me-central-1", "amazonaws.com", "sns-signing.me-central-1.amazonaws.com"),
    ("aws-cn", "cn-north-1", "amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn"),
    ("aws-cn", "cn-northwest-1", "amazonaws.com.cn", "sns-cn-northwest-1.amazonaws.com.cn"),
    ("aws-us-gov", "us-gov-east-1", "amazonaws.com", "sns-us-gov-west-1.amazonaws.com"),
    ("aws-eusc", "eusc-de-east-1", "amazonaws.eu", "sns-signing.eusc-de-east-1.amazonaws.eu"),
]


@pytest.mark.parametrize("partition, region, suffix, signer", REGIONS)
def test_each_region_has_its_signer_and_no_others(pki, partition, region, suffix, signer):
    topic = f"arn:{partition}:sns:{region}:123456789012:t"
    message = sign(make(TopicArn=topic, SigningCertURL=f"https://sns.{region}.{suffix}/{FILE}"),
                   pki.key)
    for row in REGIONS:
        cert = pem(issue(row[3], pki.key, pki.root))
        status, said = verify(pki, message, cert=cert, topic=topic)
        assert (status == 0) == (row[3] == signer), (row, said)
        assert status == 0 or f"does not belong to {signer}" in said


@pytest.mark.parametrize("topic", [
    "arn:aws-iso:sns:us-iso-east-1:123456789012:t",  # no published name of a signer
    "arn:aws:sns:cn-north-1:123456789012:t",  # region and partition that do not go together
    "arn:aws-cn:sns:us-west-2:123456789012:t", "arn:aws:sqs:us-west-2:123456789012:t",
])
def test_topics_without_a_known_signer_are_refused(pki, topic):
    status, said = verify(pki, sign(make(TopicArn=topic), pki.key), cert=pem(pki.leaf()),
                          topic=topic)
    assert status == 1 and "sns_cert_url (/TopicArn)" in said


def test_only_allowed_topics_count(pki):
    good = sign(make(), pki.key)
    cert = pem(pki.leaf())
    assert verify(pki, good, "--topic-arn", TOPIC, topic=TOPIC + "-b", cert=cert)[0] == 0
    for topic in (TOPIC + "-b", TOPIC[:-1], TOPIC.replace("spot", "Spot")):
        status, said = verify(pki, good, cert=cert, topic=topic)
        assert status == 1 and "sns_topic_foreign" in said


def chain(pki, kind):
    """A file that is not the signer's, and what is said of it."""
    leaf, root, key = pki.leaf, pki.root, pki.key
    good = pem(leaf())
    between = Issuer("Between", by=root)
    return {
        "expired": (pem(leaf(end=NOW - DAY)), "has expired"),
        "not yet valid": (pem(leaf(start=NOW + DAY)), "not yet valid"),
        "self-signed": (pem(issue("sns.amazonaws.com", key,
                                  types.SimpleNamespace(key=key, certificate=leaf()))), "verify"),
        "foreign root": (pem(issue("sns.amazonaws.com", key, Issuer("Other Root"))),
                         "issuer certificate"),
        "without its intermediate": (pem(issue("sns.amazonaws.com", key, between)),
                                     "append its issuers"),
        "for a client": (pem(leaf(usage=ExtendedKeyUsageOID.CLIENT_AUTH)), "purpose"),
        "wildcard": (pem(issue("*.amazonaws.com", key, root)), "does not belong"),
        "SAN of another": (pem(leaf(sans=["sns-signing.us-west-2.amazonaws.com"])),
                           "does not belong"),
        "EC key": (pem(issue("sns.amazonaws.com", ec_key(), root)), "RSA"),
        "weak RSA": (pem(issue("sns.amazonaws.com", rsa_key(1024), root)), "2048"),
        "text around": (b"subject=CN = sns.amazonaws.com\n" + good, "does not begin with"),
        "junk inside": (good.replace(b"\n", b"\n!", 1), "does not begin with"),
        "junk behind": (good + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                        "not PEM certificates"),
        "a key": (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                  "does not begin with"),
    }[kind]


@pytest.mark.parametrize("kind", [
    "expired", "not yet valid", "self-signed", "foreign root", "without its intermediate",
    "for a client", "wildcard", "SAN of another", "EC key", "weak RSA", "text around",
    "junk inside", "junk behind", "a key"])
def test_a_certificate_must_be_the_signers(pki, kind):
    cert, says = chain(pki, kind)
    status, said = verify(pki, sign(make(), pki.key), cert=cert)
    assert status == 1 and "sns_cert_untrusted" in said and says in said, said


def test_a_chain_may_follow_the_leaf_and_the_san_counts(pki):
    between = Issuer("Between", by=pki.root)
    leaf = issue("x", pki.key, between, sans=["sns.amazonaws.com"])
    good = sign(make(), pki.key)
    assert verify(pki, good, cert=pem(leaf, between.certificate))[0] == 0
    assert verify(pki, good, cert=pem(between.certificate, leaf))[0] == 1


def test_time_is_that_of_at(pki):
    good, cert = sign(make(), pki.key), pem(pki.leaf())
    for at, age, status, says in [
            ("2026-11-22T19:44:59Z", None, 0, "verified"),
            ("2026-11-22T19:45:00Z", None, 1, "sns_stale (/Timestamp)"),
            ("2026-11-22T17:34:59Z", None, 1, "sns_stale (/Timestamp)"),  # from the future
            ("2026-11-22T18:41:00Z", "30", 1, "sns_stale"),
            ("2026-12-20T00:00:00Z", "4000000", 0, "verified"),
            ("2026-12-23T00:00:00Z", "4000000", 1, "has expired"),
            ("2026-10-01T00:00:00Z", "9000000", 1, "not yet valid")]:
        arguments = ["--max-age", age] if age else []
        got, said = verify(pki, good, *arguments, cert=cert, at=at)
        assert got == status and says in said, (at, said)
        assert status == 0 or "--at" in said
    assert verify(pki, good, cert=cert, at=None)[0] == 1  # NOW is long ago or not yet


def raw(message, old, new):
    text = json.dumps(message)
    assert old in text
    return text.replace(old, new, 1)


def test_what_is_no_envelope_is_refused(pki):
    cert, good = pem(pki.leaf()), sign(make(), pki.key)
    big = sign(make(Message="x" * 300_000), pki.key)
    assert verify(pki, big, cert=cert)[0] == 0
    for body, says in [
            ('{"source": "aws.mediaconvert", "detail": {}}', "RawMessageDelivery"),
            ("", "sns_not_a_message"), ("[]", "sns_"), ("{", "sns_not_a_message"),
            (raw(good, "COMPLETE", "\\u0000"), "sns_not_a_message"),
            (raw(good, "{", '{"Type": "Notification", '), "sns_not_a_message"),
            (raw(good, "{", '{"Message": "a", '), "sns_not_a_message"),
            (raw(good, "SigningCertURL", "SigningCertUrl"), "SigningCertURL"),
            (json.dumps(good).encode() + b"\xff", "sns_not_a_message"),
            (b" " * (1 << 20) + b"{}", "body_too_large")]:
        status, said = verify(pki, body, cert=cert)
        assert status == 1 and says in said, (says, said)


@pytest.mark.parametrize("arguments", [
    ["--at", "noon"], ["--max-age", "0"], ["--max-age", "x"], ["--cert", "/nonexistent"],
    ["--other"], ["--at"], ["--cert", "/dev/null"]])
def test_wrong_options_are_usage_errors(pki, arguments):
    status, said = verify(pki, "", *arguments, at=None)
    assert status == 2 and said


class Site:
    """Stands for SNS: serves one body at FILE."""

    def __init__(self):
        site = self
        self.answer = (200, b"", {})

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body, headers = site.answer
                self.send_response(status if self.path == "/" + FILE else 404)
                for header, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def test_a_fetched_file_is_one_certificate_without_detours(pki):
    site = Site()
    good = sign(make(SigningCertURL=f"{site.url}/{FILE}"), pki.key)
    leaf = pem(pki.leaf())
    here = {"AWS_ENDPOINT_URL_SNS": site.url, "no_proxy": "*"}
    for answer, says in [
            ((200, leaf, {}), "verified"),
            ((200, leaf.replace(b"\n", b"\r\n"), {}), "verified"),
            ((200, leaf + pem(pki.root.certificate), {}), "exactly one PEM certificate"),
            ((200, b"x\n" + leaf, {}), "exactly one PEM certificate"),
            ((200, leaf + b"x", {}), "exactly one PEM certificate"),
            ((200, leaf[:-30], {}), "exactly one PEM certificate"),
            ((200, b"", {}), "exactly one PEM certificate"),
            ((302, b"", {"Location": f"{site.url}/{FILE}"}), "HTTP status 302"),
            ((500, leaf, {}), "HTTP status 500"),
            ((404, leaf, {}), "HTTP status 404"),
            ((200, leaf * 20, {}), "more than 16384 bytes"),
            ((200, b"<html><title>Sign in</title>", {}), "exactly one PEM certificate")]:
        site.answer = answer
        status, said = verify(pki, good, **here)
        assert (status == 0) == (says == "verified") and says in said, (says, said)
    site.server.shutdown()
    site.server.server_close()
    status, said = verify(pki, good, **here)
    assert status == 1 and "sns_cert_unavailable" in said and "firewall" in said


def test_localclouds_messages_are_verified(cloud, pki):
    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass
    got = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="verify", Attributes={"SignatureVersion": "2"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http",
                  Endpoint=f"http://127.0.0.1:{server.server_port}/")
    wait_until(lambda: got)
    sns.confirm_subscription(TopicArn=topic, Token=json.loads(got[0])["Token"])
    sns.publish(TopicArn=topic, Message="안녕", Subject="s")
    wait_until(lambda: len(got) == 2)
    server.shutdown()
    server.server_close()
    for body in got:
        status, said = verify(pki, body, topic=topic, at=None, AWS_CA_BUNDLE=str(cloud.ca),
                              AWS_ENDPOINT_URL=cloud.url, no_proxy="*")
        assert status == 0, said
        status, said = verify(pki, body, topic=topic, at=None, AWS_ENDPOINT_URL=cloud.url)
        assert status == 1 and "AWS_CA_BUNDLE" in said
