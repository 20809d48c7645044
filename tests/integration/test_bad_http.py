# SPDX-License-Identifier: Apache-2.0
"""Bytes that no honest client sends, and clients that take their time: a clear 4xx or a closed
connection, never a 5xx, never a request that was not meant as one."""

import contextlib
import os
import re
import resource
import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

import replay
from harness import BUCKET, BUILD, CONTRACT, PATIENCE, program, wait_until

TIMEOUT_S = 2
SANITIZED = "asan" in os.environ.get("SPOTLIST_BUILD", "")


@pytest.fixture(scope="module")
def settings():
    return {"SPOTLIST_HTTP_TIMEOUT_S": str(TIMEOUT_S), "SPOTLIST_POLL_INTERVAL_MS": "400",
            "SPOTLIST_LOG_LEVEL": "info"}


@pytest.fixture(autouse=True)
def no_error_is_logged(svc):
    offset = svc.process.log_size()
    yield
    errors = [line for line in svc.log(offset).splitlines() if "level=error" in line]
    assert not errors, "\n".join(errors)
    assert svc.get("/videos?limit=1").status == 200


def connect(svc, receive_buffer=None):
    url = urlsplit(svc.url)
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(60)
    connection.connect((url.hostname, url.port))
    return connection


def converse(svc, sent):
    """Sends these bytes; everything that is answered until the server closes the connection."""
    with connect(svc) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(1 << 16):
                answer += piece
        return answer


def statuses(answer):
    """Of each reply in turn, up to the one that is said to be the last; bodies are skipped by their
    length. (libmicrohttpd 0.9.75 sends the head of an error of its own twice.)"""
    found = []
    while answer:
        head, separator, rest = answer.partition(b"\r\n\r\n")
        status = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
        assert status and (separator or found), answer[:300]
        length = re.search(rb"(?i)^content-length: *(\d+)\r?$", head, re.MULTILINE)
        found.append(int(status.group(1)))
        answer = rest[int(length.group(1)) if length else 0:]
        if re.search(rb"(?i)^connection: *close\r?$", head, re.MULTILINE):
            break
    return found


HOST = b"Host: x\r\n"
# What a second parser might take for a request of its own. It must never be answered.
HIDDEN = b"GET /videos?limit=1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"


def post(head, body=b""):
    return b"POST /videos HTTP/1.1\r\n" + HOST + head + b"\r\n" + body


SMUGGLING = {
    "CL and TE": post(b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "TE and CL": post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "two CLs that differ": post(b"Content-Length: 0\r\nContent-Length: 44\r\n"),
    "two CLs that agree": post(b"Content-Length: 0\r\nContent-Length: 0\r\n"),
    "a list of CLs": post(b"Content-Length: 0, 0\r\n"),
    "CL with a sign": post(b"Content-Length: +0\r\n"),
    "CL below zero": post(b"Content-Length: -1\r\n"),
    "CL in hex": post(b"Content-Length: 0x0\r\n"),
    "CL with a fraction": post(b"Content-Length: 0.0\r\n"),
    "CL of nothing": post(b"Content-Length: \r\n"),
    "CL beyond 64 bits": post(b"Content-Length: 18446744073709551616\r\n"),
    "CL with a blank before the colon": post(b"Content-Length : 0\r\n"),
    "CL with a NUL": post(b"Content-Length: 0\x00\r\nX: 1\r\n"),
    "CL folded": post(b"Content-Length:\r\n 0\r\n"),
    "CL hidden in a folded field": post(b"X: a\r\n Content-Length: 44\r\n"),
    "a name folded together": post(b"Content: 44\r\n -Length\r\n"),
    "the first field folded": b"POST /videos HTTP/1.1\r\n " + HOST + b"Content-Length: 0\r\n\r\n",
    "TE unknown": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "TE identity": post(b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"),
    "TE gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "TE chunked, identity": post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "TE chunked, chunked": post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "two TEs": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                    b"0\r\n\r\n"),
    "TE in quotes": post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"),
    "TE with a parameter": post(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"),
    "TE with a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "TE with a no-break space": post(b"Transfer-Encoding: \xa0chunked\r\n", b"0\r\n\r\n"),
    "TE with a blank before the colon": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "TE folded": post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "TE behind a CR": post(b"X: a\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "TE of nothing": post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n"),
    "TE in HTTP/1.0": b"POST /videos HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two Hosts": b"GET /videos HTTP/1.1\r\n" + HOST + b"Host: y\r\n\r\n",
    "no Host": b"GET /videos HTTP/1.1\r\n\r\n",
    "a name with a blank": post(b"X Y: 1\r\nContent-Length: 0\r\n"),
    "a name with brackets": post(b"X[0]: 1\r\nContent-Length: 0\r\n"),
    "no name": post(b": 1\r\nContent-Length: 0\r\n"),
    "a NUL in a value": post(b"X: a\x00b\r\nContent-Length: 0\r\n"),
    "a control character": post(b"X: a\x07b\r\nContent-Length: 0\r\n"),
    "a NUL in the target": b"GET /vid\x00eos HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in the method": b"GE\x00T /videos HTTP/1.1\r\n" + HOST + b"\r\n",
    "a line feed alone between fields": b"GET /videos HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "a line feed alone behind the first line": b"GET /videos HTTP/1.1\nHost: x\r\n\r\n",
    "a field hidden by a line feed": post(b"X: a\nContent-Length: 44\r\n"),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_two_parsers_read_differently_is_refused(svc, name):
    offset = svc.process.log_size()
    answer = converse(svc, SMUGGLING[name] + HIDDEN)
    found = statuses(answer)
    assert found in ([400], [413], []), answer
    assert b"smuggled" not in answer
    assert "request_id=smuggled" not in svc.log(offset)


CHUNKED = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
BAD_CHUNKS = {
    "a size below zero": b"-1\r\n",
    "a size with a sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "a size with 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a size of no number": b"zz\r\n",
    "a size beyond 64 bits": b"10000000000000000\r\n",
    "more than its size": b"1\r\n{}}\r\n0\r\n\r\n",
    "a size with a NUL": b"2\x00\r\n{}\r\n0\r\n\r\n",
    "a blank before the size": b" 2\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_end_the_connection(svc, name):
    offset = svc.process.log_size()
    answer = converse(svc, post(CHUNKED, BAD_CHUNKS[name]) + HIDDEN)
    assert statuses(answer) in ([400], [413], []), answer
    assert "request_id=smuggled" not in svc.log(offset)


def test_a_trailer_changes_nothing(svc):
    """What stands behind the last chunk is no header of this request, and none of the next."""
    answer = converse(svc, post(CHUNKED, b"2\r\n{}\r\n0\r\nContent-Length: 500\r\nHost: y\r\n\r\n") +
                      b"GET /videos?limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [422, 200], answer


TARGETS = {
    b"http://evil.example/videos?limit=1": {200}, b"HTTP://a:b@evil.example:1/videos": {200},
    b"https://evil.example/videos": {200}, b"http://evil.example": {400}, b"http:///videos": {400},
    b"ftp://evil.example/videos": {400}, b"//evil.example/videos": {404}, b"/../videos": {404},
    b"/videos/../videos": {404}, b"/./videos": {404}, b"/videos/": {404}, b"//videos": {404},
    b"/videos/%2e%2e/%2e%2e": {404}, b"/VIDEOS": {404}, b"/videos;a=b": {404}, b"*": {400},
    b"videos": {400}, b"evil.example:443": {400}, b"/videos#part": {400}, b"?limit=1": {400},
    b"/videos\\..\\..": {404}, b"/videos?limit=1#part": {400}, b"/%76ideos?limit=1": {200, 404},
    b"http://evil.example\\@x/videos": {200, 400}, b"http://[::1/videos": {200, 400},
    b"http://evil.example?/videos": {400, 200, 404},
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.decode())
def test_odd_targets(svc, target):
    answer = converse(svc, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert set(statuses(answer)) <= TARGETS[target], answer
    assert statuses(answer), "no answer"


def test_odd_methods(svc):
    for method, wanted in ((b"CONNECT", {400, 405}), (b"TRACE", {405}), (b"get", {405}),
                           (b"GET\tX", {400}), (b"\x80", {400}), (b"A" * 9000, {400, 405, 414, 431}),
                           (b"QUERY", {405}), (b"PRI", {400, 405})):
        answer = converse(svc, method + b" /videos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert set(statuses(answer)) <= wanted, (method[:20], answer)
        assert b"\r\nGET /videos" not in answer, "TRACE would echo"


BAD_TEXT = [b"%", b"%2", b"%zz", b"%%", b"%u0041", b"%00", b"%c0%af", b"%ff", b"%ed%a0%80",
            b"%f4%90%80%80", b"%e2%82", b"\xff\xfe", b"\xc0\xaf", b"%f0%28%8c%28"]


@pytest.mark.parametrize("text", BAD_TEXT, ids=repr)
def test_broken_escapes_and_broken_utf8(svc, text):
    for target in (b"/videos/" + text, b"/" + text, b"/videos?tag=" + text, b"/videos?" + text + b"=1",
                   b"/videos?state=" + text, b"/videos?cursor=" + text, b"/videos/" + text + b"/metadata"):
        answer = converse(svc, b"GET " + target +
                          b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert set(statuses(answer)) <= {400, 404}, (target, answer)
        assert b"application/problem+json" in answer
        body = answer.partition(b"\r\n\r\n")[2]
        body.decode()  # what is quoted of it is valid UTF-8


def test_overlong_things_are_refused(svc):
    long = {
        "a query of 10 KB": b"GET /videos?tag=" + b"a" * 10240 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "10 KB of escapes": b"GET /videos?tag=" + b"%61" * 3500 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "10 KB of parameters": b"GET /videos?" + b"a=1&" * 2560 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "10 KB of ampersands": b"GET /videos?" + b"&" * 10240 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "a path of 10 KB": b"GET /videos/" + b"a" * 10240 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "a path of 100 KB": b"GET /" + b"a" * 102400 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        "a field of 100 KB": b"GET /videos HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 102400 + b"\r\n\r\n",
        "a name of 100 KB": b"GET /videos HTTP/1.1\r\n" + HOST + b"a" * 102400 + b": 1\r\n\r\n",
        "1,000 fields": b"GET /videos HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 1000 + b"\r\n",
        "1,000 cookies": b"GET /videos HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a=1;" * 1000 +
                         b"\r\nContent-Length: x\r\n\r\n",
    }
    for name, sent in long.items():
        answer = converse(svc, sent)
        assert set(statuses(answer)) <= {400, 413, 414, 431}, (name, answer)


def test_what_comes_behind_a_good_request_is_judged_too(svc):
    good = b"GET /videos?limit=1 HTTP/1.1\r\n" + HOST + b"\r\n"
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    b"GARBAGE\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n", os.urandom(4096) + b"\r\n\r\n",
                    b"GET /videos HTTP/9.9\r\n\r\n", b"{}\r\n\r\n"):
        found = statuses(converse(svc, good + good + garbage))
        assert found[:2] == [200, 200]
        assert set(found[2:]) <= {400, 404, 405, 414, 431, 501, 505}, garbage[:20]
    # 500 requests in one write are 500 answers
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(converse(svc, good * 500 + last)) == [200] * 500 + [404]


def test_a_body_where_none_belongs(svc):
    reply = svc.request("GET", "/videos", body=b"{}", validate=False)
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    assert CONTRACT.schema_errors("Problem", reply.json) == []


# --- clients that take their time ----------------------------------------------------------------

CLIENTS = 999
EACH = CLIENTS // 3


class Slow:
    """One that never gets to its end: `beginning` at once, then `drop` again and again; or, without
    a drop, it reads a little now and then."""

    def __init__(self, svc, beginning, drop):
        self.connection = connect(svc, receive_buffer=4096)
        self.drop = drop
        self.connection.sendall(beginning)
        self.connection.setblocking(False)
        self.got = b""
        self.open = True

    def tick(self):
        if not self.open:
            return
        try:
            if self.drop:
                self.connection.send(self.drop)
            piece = self.connection.recv(100)
            self.got = (self.got + piece)[:20]
            self.open = bool(piece)
        except BlockingIOError:
            pass
        except OSError:
            self.open = False
        if not self.open:
            self.connection.close()


def memory_kb(svc, what):
    with open(f"/proc/{svc.process.child.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"^{what}:\s+(\d+) kB", status.read(), re.MULTILINE).group(1))


@pytest.fixture(scope="module")
def large(svc, replays):
    """A document of several megabytes: more than what lies in sockets' buffers."""
    made = replay.write(replays, "large", frames=600, labels=10, instances=10, words=2000)
    video = svc.submit(made.upload(svc.cloud, BUCKET, "slow/large.mp4"))["id"]
    svc.wait_state(video, "complete")
    assert len(svc.get(f"/videos/{video}/metadata").body) > 3_000_000
    return video


def test_a_thousand_slow_clients(svc, large):
    """Slow heads, slow bodies, slow readers: each does something often enough for an idle timeout
    never to come."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with open(f"/proc/{svc.process.child.pid}/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")
    before = memory_kb(svc, "VmHWM")
    offset = svc.process.log_size()
    head = b"GET /videos HTTP/1.1\r\nHost: x\r\nX-Slow: "
    body = b"POST /videos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" \
           b"Content-Length: 60000\r\n\r\n{"
    read = f"GET /videos/{large}/metadata HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    slow = []
    over = threading.Event()
    deadline = time.monotonic() + 120 * PATIENCE  # that they end is asserted, not how fast

    def drive():
        while not over.is_set() and any(one.open for one in slow):
            for one in slow:
                one.tick()
            over.wait(0.1)
    driver = threading.Thread(target=drive)
    try:
        for number in range(CLIENTS):
            slow.append(Slow(svc, *((head, b"a"), (body, b" "), (read, None))[number % 3]))
            if number == 0:
                driver.start()
        answered = 0
        while any(one.open for one in slow) or not answered:
            assert svc.get("/videos?limit=1").status == 200, "a normal client is answered"
            answered += 1
            assert svc.process.child.poll() is None
            assert time.monotonic() < deadline, "some are still open"
    finally:
        over.set()
        if driver.is_alive():
            driver.join()
        for one in slow:
            one.connection.close()
    grown = memory_kb(svc, "VmHWM") - before
    # A reader of a large document has one part of it, half a megabyte, however large it is.
    assert SANITIZED or grown < EACH * 900 + CLIENTS * 100, f"{grown} kB for {CLIENTS} connections"
    answers = {one.got[:12] for one in slow}
    assert answers <= {b"", b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 408"}
    assert len(re.findall("ended=(too_slow|timeout)", svc.log(offset))) >= EACH
    assert answered > 10


def test_descriptors_are_raised_or_it_is_said(svc, make_svc, cloud):
    def limit(process):
        with open(f"/proc/{process.child.pid}/limits", encoding="ascii") as limits:
            return int(re.search(r"^Max open files +(\d+)", limits.read(), re.MULTILINE).group(1))

    small = make_svc(cloud, subscribe=False)
    small.stop()
    for allowed, enough in (("256:4096", True), ("1024:1024", False)):
        offset = small.process.log_size()
        small.process.launch(["/usr/bin/prlimit", f"--nofile={allowed}",
                              program(BUILD, "spotlist"), "serve"],
                             {**small.environment, "SPOTLIST_LISTEN": "127.0.0.1:0"})
        small.process.wait_log('msg="?listening', offset)
        told = re.search(r"the limit of open files is too low .*connections=(\d+)",
                         small.log(offset))
        assert bool(told) != enough
        assert limit(small.process) > 1024 if enough else 16 <= int(told.group(1)) < 1024
        small.stop()
