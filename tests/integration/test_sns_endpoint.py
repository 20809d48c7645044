# SPDX-License-Identifier: Apache-2.0
"""POST /sns: what SNS signed for our topics is taken, once; everything else is refused."""

import base64
import datetime
import http.server
import json
import threading
import urllib.parse
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from harness import TOPICS, exchange, topic_arn, wait_until

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token",
                                 "TopicArn", "Type"),
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]


class Listener:
    """An HTTP endpoint of ours, subscribed beside spotlist: it sees what SNS really sends."""

    def __init__(self):
        self.received = []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.received.append((dict(self.headers), json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of_type(self, kind):
        return [(headers, body) for headers, body in self.received if body.get("Type") == kind]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def rfc3339(offset_s=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_s)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


def string_to_sign(message):
    return "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]]
                   if message.get(name) is not None)


class Forger:
    """Signs with a key of its own, as an attacker can."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.datetime.utcnow()
        certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                       .public_key(self.key.public_key()).serial_number(1)
                       .not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=1))
                       .sign(self.key, hashes.SHA256()))
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, message):
        signature = self.key.sign(string_to_sign(message).encode(), padding.PKCS1v15(),
                                  hashes.SHA256())
        return {**message, "SignatureVersion": "2",
                "Signature": base64.b64encode(signature).decode()}


@pytest.fixture(scope="module")
def genuine(svc, cloud):
    """A real message on each topic's wire, as localcloud signed and sent it: (headers, body)."""
    listener = Listener()
    sns = cloud.client("sns")
    arn = topic_arn("events")
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=listener.url)
    confirmation = wait_until(lambda: listener.of_type("SubscriptionConfirmation"))[0]
    sns.confirm_subscription(TopicArn=arn, Token=confirmation[1]["Token"])
    sns.publish(TopicArn=arn, Message=json.dumps({"source": "nobody", "detail": {}}))
    notification = wait_until(lambda: listener.of_type("Notification"))[0]
    listener.close()
    return {"SubscriptionConfirmation": confirmation, "Notification": notification}


@pytest.fixture
def stored(svc, pg):
    """What /sns could change: the numbers of inbox rows and steps."""
    def count():
        return pg.query("SELECT (SELECT count(*) FROM spotlist_data.inbox), "
                        "(SELECT count(*) FROM spotlist_data.videos)")
    return count


def send(svc, body, headers=None, kind="text/plain; charset=UTF-8"):
    body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return svc.post("/sns", body=body, headers={"Content-Type": kind, **(headers or {})})


def refused(svc, stored, body, status, code, headers=None):
    """Refused with this code, logged once, and nothing was stored."""
    before, offset = stored(), svc.process.log_size()
    reply = send(svc, body, headers)
    assert (reply.status, reply.json["code"]) == (status, code), reply
    request = reply.headers["X-Request-Id"]
    svc.process.wait_log(rf"request_id={request}", offset)
    assert svc.log(offset).count(f"request_id={request}") == 1, svc.log(offset)
    assert code in next(line for line in svc.log(offset).splitlines() if request in line)
    assert stored() == before


def genuine_body(genuine):
    return genuine["Notification"][1]


def test_what_localcloud_sends_is_signed_as_the_documentation_says(genuine, cloud):
    headers, body = genuine["Notification"]
    assert body["SignatureVersion"] == "2"
    assert headers["x-amz-sns-message-type"] == "Notification"
    pem = exchange(cloud.url, "GET", body["SigningCertURL"].removeprefix(cloud.url)).body
    key = x509.load_pem_x509_certificate(pem).public_key()
    key.verify(base64.b64decode(body["Signature"]), string_to_sign(body).encode(),
               padding.PKCS1v15(), hashes.SHA256())


def test_a_genuine_message_is_taken_and_its_replay_changes_nothing(svc, genuine, stored):
    """SNS itself sends twice at times. spotlist is subscribed too, so it has had this one."""
    body = genuine_body(genuine)
    wait_until(lambda: send(svc, body).json == {"result": "duplicate"})
    before = stored()
    for _ in range(3):
        reply = send(svc, body)
        assert (reply.status, reply.json) == (200, {"result": "duplicate"})
    assert stored() == before


def test_every_genuine_subscription_was_confirmed(svc, cloud):
    sns = cloud.client("sns")
    for name in TOPICS:
        found = [one for one in sns.list_subscriptions_by_topic(TopicArn=topic_arn(name))
                 ["Subscriptions"] if one["Endpoint"] == f"{svc.url}/sns"]
        assert [one["SubscriptionArn"].startswith("arn:") for one in found] == [True], name


CHANGES = {
    "the message": ("Message", '{"source": "aws.mediaconvert"}'),
    "the message id": ("MessageId", str(uuid.uuid4())),
    "the timestamp": ("Timestamp", rfc3339()),
    "the signature": ("Signature", base64.b64encode(b"x" * 256).decode()),
    "a subject that was not signed": ("Subject", "added"),
    "the type": ("Type", "UnsubscribeConfirmation"),
    "a short signature": ("Signature", "AAAA"),
    "a signature that is not base64": ("Signature", "!!!"),
    "an unknown version": ("SignatureVersion", "3"),
    "the other version": ("SignatureVersion", "1"),
}


@pytest.mark.parametrize("case", list(CHANGES), ids=[one.replace(" ", "_") for one in CHANGES])
def test_any_change_breaks_the_signature(svc, genuine, stored, case):
    name, value = CHANGES[case]
    body = {**genuine_body(genuine), name: value}
    if value == "UnsubscribeConfirmation":
        body.update(Token="t", SubscribeURL="http://127.0.0.1/")
    refused(svc, stored, body, 403, "sns_signature")


def forged(**changes):
    return {"Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": topic_arn("events"),
            "Message": "{}", "Timestamp": rfc3339(), "SignatureVersion": "2", **changes}


def test_a_foreign_topic_is_refused_before_anything_is_fetched(svc, stored, genuine):
    foreign = "arn:aws:sns:us-east-1:111111111111:spotlist-events"
    refused(svc, stored, {**genuine_body(genuine), "TopicArn": foreign}, 403, "sns_topic_foreign")


@pytest.mark.parametrize("url", [
    "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-{hex}.pem",
    "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-{hex}.pem",
    "https://evil.example/SimpleNotificationService-{hex}.pem",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "{cloud}/other.pem",
    "{cloud}@evil.example/SimpleNotificationService-{hex}.pem",
    "{cloud}/SimpleNotificationService-{hex}.pem?x=1",
    "{cloud}/SimpleNotificationService-{hex}.pem#x",
    "{cloud}/a/../SimpleNotificationService-{hex}.pem",
    "not a url", "",
])
def test_a_certificate_from_elsewhere_is_not_fetched(svc, stored, cloud, url):
    url = url.replace("{cloud}", cloud.url).replace("{hex}", "0" * 32)
    body = Forger().sign(forged(SigningCertURL=url))
    refused(svc, stored, body, 403, "sns_cert_url")


def test_a_forger_s_signature_is_refused_though_he_names_our_certificate(svc, stored, genuine):
    url = genuine_body(genuine)["SigningCertURL"]
    refused(svc, stored, Forger().sign(forged(SigningCertURL=url)), 403, "sns_signature")


def test_a_certificate_that_does_not_exist_is_not_trusted(svc, stored, cloud):
    url = f"{cloud.url}/SimpleNotificationService-{'0' * 32}.pem"
    before = stored()
    reply = send(svc, Forger().sign(forged(SigningCertURL=url)))
    assert reply.json["code"] in ("sns_cert_unavailable", "sns_cert_untrusted"), reply
    assert stored() == before


@pytest.mark.parametrize("case,value", [
    ("unsigned", {}), ("without a certificate", {"Signature": "AAAA"}),
    ("with another case", {"Signature": "AAAA", "SigningCertUrl": "http://x/"})])
def test_an_unsigned_message_is_refused(svc, stored, case, value):
    refused(svc, stored, forged(**value), 400, "sns_not_a_message")


def test_raw_delivery_is_refused(svc, stored):
    event = {"Records": [{"eventName": "ObjectCreated:Put"}]}
    refused(svc, stored, event, 400, "sns_raw_delivery", {"x-amz-sns-rawdelivery": "true"})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}",
                                  b'{"Type": "Notification"}',
                                  b'{"Type": "Gossip", "MessageId": "1"}'],
                         ids=["nothing", "half", "list", "null", "string", "binary", "object",
                              "bare", "unknown_type"])
def test_what_is_not_an_envelope_is_refused(svc, stored, body):
    before = stored()
    reply = send(svc, body)
    assert reply.status == 400, reply
    assert reply.json["code"] in ("sns_not_a_message", "body_missing", "body_not_json"), reply
    assert stored() == before


def test_a_key_given_twice_is_refused(svc, stored, genuine):
    body = json.dumps(genuine_body(genuine))
    twice = '{"Message": "{}", ' + body[1:]
    before = stored()
    assert send(svc, twice.encode()).status == 400
    assert stored() == before


def test_an_envelope_that_is_too_large_is_refused(svc, stored):
    before = stored()
    reply = send(svc, forged(Message="x" * (2 << 20)))
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    assert stored() == before


def test_the_headers_decide_nothing(svc, genuine):
    """They are not signed: a genuine body is what its body says."""
    headers = {"x-amz-sns-message-type": "SubscriptionConfirmation",
               "x-amz-sns-topic-arn": topic_arn("uploads")}
    assert send(svc, genuine_body(genuine), headers).json == {"result": "duplicate"}


def test_an_old_message_is_a_replay(make_svc, cloud, genuine):
    """The signature is good, but the message is older than this service accepts."""
    strict = make_svc(cloud, subscribe=False, settings={"SPOTLIST_SNS_MAX_AGE_S": "60"})
    body = genuine_body(genuine)
    sent = datetime.datetime.strptime(body["Timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
    if (datetime.datetime.utcnow() - sent).total_seconds() < 60:
        assert send(strict, body).status == 200
    else:
        reply = send(strict, body)
        assert (reply.status, reply.json["code"]) == (403, "sns_stale")


def test_a_confirmation_for_a_foreign_topic_is_not_confirmed(svc, stored, genuine, cloud):
    body = {**genuine["SubscriptionConfirmation"][1],
            "TopicArn": "arn:aws:sns:us-east-1:111111111111:spotlist-events"}
    refused(svc, stored, body, 403, "sns_topic_foreign")


def test_the_subscribe_url_is_never_followed(svc, stored, genuine):
    """It is signed, but a changed one must not lead anywhere, and breaks the signature."""
    listener = Listener()
    body = {**genuine["SubscriptionConfirmation"][1], "SubscribeURL": listener.url}
    refused(svc, stored, body, 403, "sns_signature")
    assert listener.received == []
    listener.close()


def test_unsubscribing_sends_a_goodbye_that_is_not_taken_for_a_new_subscription(
        make_svc, make_cloud):
    cloud = make_cloud()
    svc = make_svc(cloud)
    sns = cloud.client("sns")
    arn = topic_arn("uploads")
    [mine] = [one["SubscriptionArn"] for one in
              sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]]
    offset = svc.process.log_size()
    # As the UnsubscribeURL of a notification does, which anyone can follow who has seen one.
    query = urllib.parse.urlencode({"Action": "Unsubscribe", "SubscriptionArn": mine})
    assert exchange(cloud.url, "GET", f"/?{query}").status == 200
    svc.process.wait_log(r"op=sns_receive .*status=200", offset)
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []


def test_many_genuine_messages_at_once_are_all_stored_once(svc, cloud, pg):
    sns = cloud.client("sns")
    ids = {sns.publish(TopicArn=topic_arn("events"),
                       Message=json.dumps({"n": n}))["MessageId"] for n in range(50)}
    wait_until(lambda: pg.query("SELECT count(*) FROM spotlist_data.inbox WHERE message_id = ANY(%s)",
                                list(ids)) == [(50,)])
