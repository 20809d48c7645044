# SPDX-License-Identifier: Apache-2.0
"""Signed SNS messages, judged by AWS's own validator for JavaScript and by `spotlist sns verify`:
those that localcloud sends, and those that python3-cryptography signed. Only the string to sign and
the signature are compared: the validator's rules for the certificate's address, which accept
anybody's bucket called "sns", are replaced by none, and it looks at no certificate's name or chain."""

import http.server
import json
import subprocess
import threading
import urllib.parse
import urllib.request

import pytest

import harness
import sns_pki
from sns_pki import Issuer, issue, pem, rsa_key, sign
from witnesses import LAUNCH, WITNESSES

pytestmark = pytest.mark.witness("sns-validator")

TOPIC = "arn:aws:sns:us-west-2:123456789012:spotlist-events"
URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-" + "0" * 32 + ".pem"
UNICODE = "안녕 – ünïcode 🎬 \"quoted\" \\ back\r\nline\ttab \u0001\u007f"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    class Pki:
        directory = tmp_path_factory.mktemp("pki")
        key = rsa_key()
        root = Issuer("Test Root")
        leaf = pem(issue("sns.amazonaws.com", key, root))
    (Pki.directory / "roots.pem").write_bytes(pem(Pki.root.certificate))
    (Pki.directory / "leaf.pem").write_bytes(Pki.leaf)
    return Pki


def validator(message, certificate):
    """None, or why AWS's validator refuses."""
    # Its own check of the scheme stays.
    path = urllib.parse.urlsplit(message["SigningCertURL"]).path
    asked = {"message": {**message, "SigningCertURL": "https://sns.example" + path},
             "certificate": certificate.decode()}
    done = subprocess.run(["/usr/bin/node", LAUNCH / "sns_validator.js", WITNESSES / "node"],
                          input=json.dumps(asked) + "\n", capture_output=True, text=True, timeout=30,
                          check=True)
    return json.loads(done.stdout)


def ours(message, *arguments, **environment):
    """None, or what `spotlist sns verify` says."""
    done = subprocess.run(
        [harness.BUILD / "service/spotlist", "sns", "verify", "--topic-arn", message["TopicArn"],
         *arguments], input=json.dumps(message), capture_output=True, text=True, timeout=30,
        env={**harness.plain_environment(), **environment}, check=False)
    assert done.returncode in (0, 1), done
    return None if done.returncode == 0 else done.stdout


def ours_given(pki, message):
    return ours(message, "--cert", pki.directory / "leaf.pem", "--at", "2026-11-22T18:40:00Z",
                AWS_CA_BUNDLE=str(pki.directory / "roots.pem"))


def make(kind, version, **more):
    message = {"Type": kind, "MessageId": "m-1", "TopicArn": TOPIC, "Message": UNICODE,
               "Timestamp": "2026-11-22T18:39:59.000Z", "SignatureVersion": version,
               "SigningCertURL": URL}
    if kind != "Notification":
        message |= {"Token": "2336", "SubscribeURL": "https://sns.us-west-2.amazonaws.com/?a=b&c"}
    return {**message, **more}


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind, more", [
    ("Notification", {}), ("Notification", {"Subject": "Amazon S3 Notification – é"}),
    ("Notification", {"Message": "x" * 260_000}), ("SubscriptionConfirmation", {})])
def test_what_is_signed_is_believed_by_both(pki, kind, more, version):
    message = sign(make(kind, version, **more), pki.key)
    assert validator(message, pki.leaf) is None
    assert ours_given(pki, message) is None


@pytest.mark.parametrize("change", [
    {"Message": "other"}, {"MessageId": "m-2"}, {"Subject": "added"}, {"TopicArn": TOPIC + "x"},
    {"Timestamp": "2026-11-22T18:39:59.001Z"}, {"SignatureVersion": "1"}, {"SignatureVersion": "3"},
    {"Signature": "AAAA"}, {"Type": "Unknown"}])
def test_what_was_changed_is_refused_by_both(pki, change):
    message = sign(make("Notification", "2"), pki.key) | change
    assert validator(message, pki.leaf) is not None
    assert ours_given(pki, message) is not None


def test_the_validator_cannot_read_an_unsubscribe_confirmation(pki):
    """It leaves Token out of what it takes to be signed; AWS's validators for PHP and Java, and we,
    do not."""
    message = sign(make("UnsubscribeConfirmation", "2"), pki.key)
    assert validator(message, pki.leaf) == "The message signature is invalid."
    assert ours_given(pki, message) is None


@pytest.mark.parametrize("version", ["1", "2"])
def test_localclouds_messages_are_believed_by_both(localcloud, version):
    got = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    sns = localcloud.client("sns")
    topic = sns.create_topic(Name=f"validated-{version}",
                             Attributes={"SignatureVersion": version})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http",
                  Endpoint=f"http://127.0.0.1:{server.server_port}/")
    harness.wait_until(lambda: got)
    sns.confirm_subscription(TopicArn=topic, Token=got[0]["Token"])
    sns.publish(TopicArn=topic, Message=UNICODE.replace("\u0001", ""), Subject="Subject")
    sns.publish(TopicArn=topic, Message='{"JobId": "1"}')
    harness.wait_until(lambda: len(got) == 3)
    server.shutdown()
    server.server_close()
    assert [message["Type"] for message in got] == \
        ["SubscriptionConfirmation", "Notification", "Notification"]
    for message in got:
        assert message["SignatureVersion"] == version
        with urllib.request.urlopen(message["SigningCertURL"], timeout=10) as reply:
            certificate = reply.read()
        assert validator(message, certificate) is None
        assert ours(message, AWS_CA_BUNDLE=str(localcloud.ca),
                    AWS_ENDPOINT_URL=localcloud.url) is None
        forged = {**message, "Message": "forged"}
        assert validator(forged, certificate) is not None
        assert ours(forged, AWS_CA_BUNDLE=str(localcloud.ca),
                    AWS_ENDPOINT_URL=localcloud.url) is not None
