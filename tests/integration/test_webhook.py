# SPDX-License-Identifier: Apache-2.0
"""The callback: what is sent, to whom, how often, and what is never connected to."""

import datetime
import http.server
import ipaddress
import json
import queue
import re
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import outages
import replay
from harness import CONTRACT, ROOT, Spotlist, wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "b2xkIHNlY3JldCBvbGQgc2VjcmV0IG9sZCE="
SETTINGS = {
    "SPOTLIST_WEBHOOK_SECRET": f"{SECRET},{OLD_SECRET}",
    "SPOTLIST_WEBHOOK_ALLOW_HTTP": "yes",
    "SPOTLIST_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1/32,::1",
    "SPOTLIST_WEBHOOK_RETRY_MS": "40,40,40,40",
    "SPOTLIST_WEBHOOK_TIMEOUT_MS": "1500",
    "SPOTLIST_POLL_INTERVAL_MS": "400",
}


class Hook:
    """A receiver. Answers with each of `answers` in turn, then 200: a status, or a pair of a
    status and headers, or "cut" (half an answer), "silence" (until the end), "flood", "headers" (both without end)."""

    def __init__(self, tls=None):
        self.received = queue.Queue()
        self.answers = queue.Queue()
        self.over = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.put((self.path, dict(self.headers.items()), body, time.monotonic()))
                hook.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler):
        try:
            answer = self.answers.get_nowait()
        except queue.Empty:
            answer = 200
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status == "silence":
            self.over.wait(30)
            status = 200
        handler.send_response(200 if isinstance(status, str) else status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status == "headers":
            handler.flush_headers()
        length = {"cut": 100, "flood": 10 ** 9}.get(status, 0)
        handler.send_header("Content-Length", str(length))
        if status != "headers":
            handler.end_headers()
        if status == "cut":
            handler.wfile.write(b"half")
            handler.close_connection = True
        try:
            while status == "flood":
                handler.wfile.write(b"x" * 65536)
            while status == "headers":
                handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        except OSError:
            handler.close_connection = True

    def next(self, timeout=20):
        path, headers, body, _ = self.received.get(timeout=timeout)
        return path, {name.lower(): value for name, value in headers.items()}, body

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud):
    spotlist = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings=SETTINGS)
    yield spotlist
    spotlist.stop()


def fail_a_video(svc, url, **options):
    """Submits what is no video, and so ends soon."""
    svc.cloud.client("s3").put_object(Bucket=svc.bucket, Key="notes.mp4", Body=b"not a video\n")
    video = svc.submit(f"s3://{svc.bucket}/notes.mp4", analyses=["labels"],
                       callback={"url": url}, **options)
    return svc.wait_state(video["id"], "failed")


def deliveries(svc, video):
    reply = svc.get(f"/videos/{video['id']}/deliveries")
    assert reply.status == 200
    return reply.json["deliveries"]


def wait_delivery(svc, video, state, attempts=None):
    def look():
        found = deliveries(svc, video)
        if found and found[0]["state"] == state and \
                attempts in (None, len(found[0]["attempts"])):
            return found[0]
        return None
    return wait_until(look, 20, lambda: f"{state}: {deliveries(svc, video)}")


def documented_verify():
    """The example of docs/webhooks.md, as a reader would copy it."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)
    scope = {}
    exec(code.group(1), scope)
    return scope["verify"]


# --- what is sent ----------------------------------------------------------------------------


def test_a_failed_video_is_told_and_the_signature_verifies(svc, hook):
    video = fail_a_video(svc, hook.url)
    path, headers, body = hook.next()
    message = json.loads(body)
    assert path == "/hook"
    assert CONTRACT.schema_errors("CallbackMessage", message) == []
    assert message["type"] == "video.failed"
    assert message["timestamp"] == video["completed_at"]
    assert message["data"] == video
    assert headers["content-type"] == "application/json"
    assert "transfer-encoding" not in headers and "expect" not in headers
    assert len(headers["webhook-signature"].split(" ")) == 2
    verify = documented_verify()
    assert verify(SECRET, headers, body)
    assert verify(OLD_SECRET, headers, body)
    assert not verify(SECRET, headers, body + b" ")
    assert not verify("whsec_" + "A" * 32, headers, body)
    assert not verify(SECRET, {**headers, "webhook-timestamp": "1000"}, body)
    delivery = wait_delivery(svc, video, "delivered")
    assert delivery["id"] == headers["webhook-id"]
    assert delivery["url"] == hook.url
    [attempt] = delivery["attempts"]
    assert (attempt["number"], attempt["http_status"]) == (1, 200)
    assert "error" not in attempt and "next_attempt_at" not in delivery


def test_a_complete_video_is_told(svc, hook, sample):
    source = svc.put_object("whole.mp4", sample.no_audio)
    video = svc.submit(source, analyses=["transcript"], callback={"url": hook.url})
    final = svc.wait_state(video["id"], "complete")
    _, _, body = hook.next()
    message = json.loads(body)
    assert CONTRACT.schema_errors("CallbackMessage", message) == []
    assert (message["type"], message["data"]) == ("video.complete", final)


def test_a_submission_without_a_callback_has_no_deliveries(svc):
    svc.cloud.client("s3").put_object(Bucket=svc.bucket, Key="notes.mp4", Body=b"not a video\n")
    video = svc.submit(f"s3://{svc.bucket}/notes.mp4", analyses=["labels"])
    assert deliveries(svc, svc.wait_state(video["id"], "failed")) == []


# --- answers -----------------------------------------------------------------------------------


def test_what_fails_is_tried_again_with_the_same_id(svc, hook):
    for answer in (500, "cut", (302, {"Location": hook.url}), 404):
        hook.answers.put(answer)
    video = fail_a_video(svc, hook.url)
    seen = [hook.next() for _ in range(5)]
    assert len({headers["webhook-id"] for _, headers, _ in seen}) == 1
    assert len({body for _, _, body in seen}) == 1
    delivery = wait_delivery(svc, video, "delivered")
    assert [attempt["number"] for attempt in delivery["attempts"]] == [1, 2, 3, 4, 5]
    assert [attempt["http_status"] for attempt in delivery["attempts"]] == \
        [500, 200, 302, 404, 200]
    assert ["error" in attempt for attempt in delivery["attempts"]] == [True] * 4 + [False]


def test_after_the_schedule_it_has_failed_and_a_replay_begins_anew(svc, hook):
    for _ in range(5):
        hook.answers.put(503)
    video = fail_a_video(svc, hook.url)
    delivery = wait_delivery(svc, video, "failed", 5)
    first = [hook.next() for _ in range(5)][0]
    hook.answers.put(500)
    reply = svc.post(f"/videos/{video['id']}/deliveries/{delivery['id']}/replay")
    assert (reply.status, reply.json["state"]) == (202, "pending")
    delivery = wait_delivery(svc, video, "delivered", 7)
    assert [hook.next()[2] for _ in range(2)] == [first[2]] * 2
    assert svc.video(video["id"])["state"] == "failed"  # of the video's own accord


def test_gone_is_final_until_a_replay(svc, hook):
    hook.answers.put(410)
    video = fail_a_video(svc, hook.url)
    delivery = wait_delivery(svc, video, "failed", 1)
    assert svc.post(f"/videos/{video['id']}/deliveries/{delivery['id']}/replay").status == 202
    wait_delivery(svc, video, "delivered", 2)


def test_retry_after_is_honoured(svc, hook):
    hook.answers.put((429, {"Retry-After": "1"}))
    fail_a_video(svc, hook.url)
    times = [hook.received.get(timeout=20)[3] for _ in range(2)]
    assert times[1] - times[0] > 0.9


def test_an_answer_without_end_is_cut_off_and_its_status_counts(svc, hook):
    hook.answers.put("flood")
    delivery = wait_delivery(svc, fail_a_video(svc, hook.url), "delivered")
    assert len(delivery["attempts"]) == 1


def test_headers_without_end_are_no_answer(svc, hook):
    hook.answers.put("headers")
    delivery = wait_delivery(svc, fail_a_video(svc, hook.url), "delivered", 2)
    assert "headers" in delivery["attempts"][0]["error"]
    assert delivery["attempts"][0]["duration_ms"] < 1000


def test_a_silent_receiver_is_left_after_the_time_limit(svc, hook):
    hook.answers.put("silence")
    video = fail_a_video(svc, hook.url)
    delivery = wait_delivery(svc, video, "delivered", 2)
    assert 1400 < delivery["attempts"][0]["duration_ms"] < 4000
    assert "http_status" not in delivery["attempts"][0]


def test_a_slow_receiver_delays_neither_videos_nor_other_receivers(make_svc, cloud, hook):
    svc = make_svc(cloud, settings={**SETTINGS, "SPOTLIST_WORKERS": "1",
                                    "SPOTLIST_WEBHOOK_SENDERS": "2",
                                    "SPOTLIST_WEBHOOK_TIMEOUT_MS": "60000",
                                    "SPOTLIST_SHUTDOWN_S": "1"}, subscribe=False)
    slow = Hook()
    try:
        for _ in range(3):
            slow.answers.put("silence")
            fail_a_video(svc, slow.url)
        slow.next()
        wait_delivery(svc, fail_a_video(svc, hook.url), "delivered")
        assert slow.received.empty()  # half of the senders at most
        svc.stop()  # in time, with a POST under way
        [(held,)] = svc.database.query(
            "SELECT count(*) FROM spotlist_data.webhook_deliveries WHERE held")
        assert held == 0
    finally:
        slow.close()


# --- where it may go ---------------------------------------------------------------------------


def test_307_and_308_are_followed_and_counted(svc, hook):
    for status in (307, 308, 307):
        hook.answers.put((status, {"Location": "/elsewhere"}))
    wait_delivery(svc, fail_a_video(svc, hook.url), "delivered", 1)
    seen = [hook.next() for _ in range(4)]
    assert [path for path, _, _ in seen] == ["/hook"] + ["/elsewhere"] * 3
    assert len({body for _, _, body in seen}) == 1
    for _ in range(20):
        hook.answers.put((307, {"Location": "/round"}))
    delivery = wait_delivery(svc, fail_a_video(svc, hook.url), "failed", 5)
    assert "redirects" in delivery["attempts"][0]["error"]


@pytest.mark.parametrize("target", [
    "http://127.0.0.2:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://169.254.169.254/",
    "http://user@127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/x"])
def test_a_redirect_to_where_it_may_not_go_is_refused(svc, hook, target):
    hook.answers.put((307, {"Location": target.format(port=hook.port)}))
    delivery = wait_delivery(svc, fail_a_video(svc, hook.url), "delivered", 2)
    assert "callback URL" in delivery["attempts"][0]["error"]
    assert hook.received.qsize() == 2


def test_a_redirect_to_a_name_that_is_not_public_is_refused_at_connect_time(svc, hook):
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        pytest.skip("this machine's own name does not resolve")
    if address == "127.0.0.1" or not ipaddress.ip_address(address).is_private:
        pytest.skip(f"{name} is {address}")
    hook.answers.put((308, {"Location": f"http://{name}:{hook.port}/"}))
    delivery = wait_delivery(svc, fail_a_video(svc, hook.url), "delivered", 2)
    assert address in delivery["attempts"][0]["error"]


def test_a_name_that_resolves_to_loopback_is_refused_at_connect_time(make_svc, cloud, hook):
    svc = make_svc(cloud, settings={**SETTINGS, "SPOTLIST_WEBHOOK_ALLOW_NETWORKS": ""},
                   subscribe=False)
    video = fail_a_video(svc, f"http://localhost:{hook.port}/hook")
    delivery = wait_delivery(svc, video, "failed", 5)
    assert all("loopback" in attempt["error"] for attempt in delivery["attempts"])
    assert hook.received.empty()


REFUSED = [
    "https://127.0.0.1/", "https://10.0.0.1/x", "https://192.168.1.1/", "https://172.31.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0/",
    "https://2130706433/", "https://0x7f000001/", "https://017700000001/", "https://127.1/",
    "https://0x7f.0.0.1/", "https://127.0.0.1./", "https://[::1]/", "https://[::]/",
    "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/",
    "https://224.0.0.1/", "https://user@example.com/", "https://user:pw@example.com/",
    "https://@example.com/", "https://example.com:0/", "https://example.com:99999/",
    "http://example.com/", "ftp://example.com/", "https:example.com", "https:///example.com/",
    "https://", "example.com", "https://exa mple.com/", "https://example.com/#part",
    "https://%31%32%37.0.0.1/", "https://１２７.0.0.1/", "https://example.com\\@127.0.0.1/",
    "https://1.2.3.256/", "https://a..b/", "javascript:alert(1)",
]


def test_what_can_be_refused_at_submission_is(make_svc, cloud):
    svc = make_svc(cloud, settings={"SPOTLIST_WEBHOOK_SECRET": SECRET}, subscribe=False)
    cloud.client("s3").put_object(Bucket=svc.bucket, Key="notes.mp4", Body=b"not a video\n")
    source = f"s3://{svc.bucket}/notes.mp4"
    for url in REFUSED:
        reply = svc.post("/videos", {"source": source, "callback": {"url": url}})
        assert (reply.status, reply.json["code"], reply.json["pointer"]) == \
            (422, "callback_refused", "/callback/url"), url
    for url in ("https://example.com", "https://example.com:8443/a?b=c", "HTTPS://8.8.8.8/",
                "https://[2606:4700::1111]/", "https://xn--bcher-kva.example/"):
        reply = svc.post("/videos", {"source": source, "callback": {"url": url},
                                     "analyses": ["labels"]})
        assert reply.status == 202, (url, reply)
    for callback, code, pointer in (
            ({}, "missing_field", "/callback/url"), ({"url": 7}, "wrong_type", "/callback/url"),
            ("https://example.com", "wrong_type", "/callback"),
            ({"url": ""}, "out_of_range", "/callback/url"),
            ({"url": "https://example.com/" + "x" * 2048}, "out_of_range", "/callback/url"),
            ({"url": "https://example.com", "secret": "x"}, "unknown_field", "/callback/secret")):
        reply = svc.post("/videos", {"source": source, "callback": callback})
        assert (reply.status, reply.json["code"], reply.json["pointer"]) == (422, code, pointer)


def test_without_a_secret_no_callback_is_accepted(make_svc, cloud):
    svc = make_svc(cloud, subscribe=False)
    reply = svc.post("/videos", {"source": "s3://bucket/key",
                                 "callback": {"url": "https://example.com"}})
    assert (reply.status, reply.json["code"]) == (422, "callback_refused")
    for name, value in (("SECRET", "hunter2"), ("SECRET", f"{SECRET},whsec_c2hvcnQ="),
                        ("ALLOW_NETWORKS", "10.0.0.0/33"), ("RETRY_MS", "5,soon")):
        name = f"SPOTLIST_WEBHOOK_{name}"
        done = svc.command("serve", check=False, environment={
            "SPOTLIST_LISTEN": "127.0.0.1:0", name: value})
        assert done.returncode == 78 and name in done.stderr
        assert "hunter2" not in done.stderr and "c2hvcnQ" not in done.stderr
    shown = svc.command("config", "--print", environment={"SPOTLIST_WEBHOOK_SECRET": SECRET})
    assert SECRET not in shown.stdout


# --- TLS ---------------------------------------------------------------------------------------


def certificate(directory, name):
    """A self-signed server certificate for 127.0.0.1: (context, path of the PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(1))
            .not_valid_after(now + datetime.timedelta(1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .sign(key, hashes.SHA256()))
    path = directory / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path = directory / f"{name}.key"
    key_path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return context, path


def test_tls_is_verified(make_svc, cloud, tmp_path):
    context, path = certificate(tmp_path, "ours")
    trusted = Hook(context)
    stranger = Hook(certificate(tmp_path, "theirs")[0])
    svc = make_svc(cloud, settings={**SETTINGS, "SPOTLIST_WEBHOOK_ALLOW_HTTP": "no",
                                    "SPOTLIST_WEBHOOK_CA_BUNDLE": str(path)}, subscribe=False)
    try:
        wait_delivery(svc, fail_a_video(svc, trusted.url), "delivered", 1)
        delivery = wait_delivery(svc, fail_a_video(svc, stranger.url), "failed", 5)
        assert "certificate" in delivery["attempts"][0]["error"]
        trusted.answers.put((307, {"Location": trusted.url.replace("https", "http")}))
        delivery = wait_delivery(svc, fail_a_video(svc, trusted.url), "delivered", 2)
        assert "https://" in delivery["attempts"][0]["error"]
    finally:
        trusted.close()
        stranger.close()


# --- every end ---------------------------------------------------------------------------------


def test_partial_and_canceled_are_told_and_deletion_is_not(make_cloud, make_svc, tmp_path, hook):
    replays = tmp_path / "replays"
    replays.mkdir()
    cloud = make_cloud(arguments=["--replay", str(replays)])
    svc = make_svc(cloud, settings=SETTINGS, subscribe=False)
    half = replay.write(replays, "half", frames=2, fail={"labels": "no labels today"})
    video = svc.submit(half.upload(cloud, svc.bucket, "half.mp4"), callback={"url": hook.url},
                       analyses=["celebrities", "labels"])
    final = svc.wait_state(video["id"], "partial")
    message = json.loads(hook.next()[2])
    assert CONTRACT.schema_errors("CallbackMessage", message) == []
    assert (message["type"], message["data"]) == ("video.partial", final)
    slow = replay.write(replays, "slow", frames=1, transcode_ms=600000)
    source = slow.upload(cloud, svc.bucket, "slow.mp4")
    video = svc.submit(source, callback={"url": hook.url})
    assert svc.post(f"/videos/{video['id']}/cancel").status == 202
    message = json.loads(hook.next()[2])
    assert CONTRACT.schema_errors("CallbackMessage", message) == []
    assert (message["type"], message["data"]["id"]) == ("video.canceled", video["id"])
    video = svc.submit(source, callback={"url": hook.url})
    assert svc.request("DELETE", f"/videos/{video['id']}").status == 202
    wait_until(lambda: svc.get(f"/videos/{video['id']}").status == 404)
    hook.answers.put((503, {"Retry-After": "3600"}))
    video = fail_a_video(svc, hook.url)
    wait_delivery(svc, video, "pending", 1)
    hook.next()
    assert svc.request("DELETE", f"/videos/{video['id']}").status == 202
    wait_until(lambda: svc.get(f"/videos/{video['id']}/deliveries").status == 404)
    assert hook.received.empty()


# --- the life of a message ---------------------------------------------------------------------


def test_what_was_not_sent_when_the_process_died_is_sent_by_the_next(make_svc, cloud, hook):
    svc = make_svc(cloud, settings={**SETTINGS, "SPOTLIST_WEBHOOK_TIMEOUT_MS": "60000"},
                   subscribe=False)
    hook.answers.put("silence")
    video = fail_a_video(svc, hook.url)
    first = hook.next()
    svc.kill()
    # What the lease would do after a minute and a half.
    svc.database.query("UPDATE spotlist_data.webhook_deliveries SET due_at = now()")
    svc.start()
    _, headers, body = hook.next()
    assert body == first[2] and documented_verify()(SECRET, headers, body)
    delivery = wait_delivery(svc, video, "delivered", 1)
    assert delivery["id"] == first[1]["webhook-id"]


def test_sending_goes_on_when_postgresql_is_back(make_svc, cloud, hook):
    server = outages.Server()
    try:
        svc = make_svc(cloud, server.create_database(), settings=SETTINGS, subscribe=False)
        hook.answers.put((503, {"Retry-After": "1"}))
        video = fail_a_video(svc, hook.url)
        wait_delivery(svc, video, "pending", 1)
        hook.next()
        with svc.logs("cannot claim a callback"):
            server.halt("immediate")
        server.go()
        hook.next()
        wait_until(lambda: svc.get(f"/videos/{video['id']}/deliveries").status == 200)
        wait_delivery(svc, video, "delivered", 2)
    finally:
        server.stop()


def test_a_later_end_supersedes_what_is_still_to_be_sent(svc, hook):
    """What a video that was analysed again does, without the analysis."""
    hook.answers.put((503, {"Retry-After": "3600"}))
    video = fail_a_video(svc, hook.url)
    wait_delivery(svc, video, "pending", 1)
    hook.next()
    svc.database.query(
        "UPDATE spotlist_data.videos SET state = 'analyzing', completed_at = NULL, "
        "duration_ms = 1000 WHERE id = %s", video["id"])
    svc.database.query(
        "INSERT INTO spotlist_data.steps (video_id, track, kind) VALUES (%s, 'video', 'settle');"
        "SELECT pg_notify('spotlist_steps', '')", video["id"])
    svc.wait_state(video["id"], "complete", "partial", "failed")
    wait_until(lambda: len(deliveries(svc, video)) == 2)
    latest = wait_delivery(svc, video, "delivered")
    older = deliveries(svc, video)[1]
    assert older["state"] == "superseded" and older["id"] < latest["id"]
    assert hook.next()[1]["webhook-id"] == latest["id"]
    # An explicit replay still sends it.
    svc.post(f"/videos/{video['id']}/deliveries/{older['id']}/replay")
    assert hook.next()[1]["webhook-id"] == older["id"]


def test_unknown_videos_and_deliveries_are_404(svc, hook):
    video = fail_a_video(svc, hook.url)
    delivery = wait_delivery(svc, video, "delivered")["id"]
    other = fail_a_video(svc, hook.url)
    nobody = "019aad3e-7b6c-7d3a-9d0f-0c5f0e3b8a10"
    for target, code in (
            (f"/videos/{nobody}/deliveries/{delivery}/replay", "video_not_found"),
            (f"/videos/x/deliveries/{delivery}/replay", "video_not_found"),
            (f"/videos/{video['id']}/deliveries/{nobody}/replay", "delivery_not_found"),
            (f"/videos/{video['id']}/deliveries/x/replay", "delivery_not_found"),
            (f"/videos/{other['id']}/deliveries/{delivery}/replay", "delivery_not_found")):
        reply = svc.post(target)
        assert (reply.status, reply.json["code"]) == (404, code), target
    for target in (f"/videos/{nobody}/deliveries", "/videos/x/deliveries"):
        reply = svc.get(target)
        assert (reply.status, reply.json["code"]) == (404, "video_not_found")
    assert svc.get(f"/videos/{video['id']}/deliveries?x=1").status == 400
