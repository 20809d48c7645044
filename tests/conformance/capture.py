# SPDX-License-Identifier: Apache-2.0
"""A server that records what the client sends and answers from a script, and the driver that
performs the operations of aws/ (aws_driver.c)."""

import dataclasses
import email.utils
import http.server
import json
import os
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("SPOTLIST_BUILD", "build")).resolve()
REGION = "eu-west-1"
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CLOCK_MS = 1_795_000_000_123
DATE = email.utils.formatdate(CLOCK_MS // 1000, usegmt=True)


@dataclasses.dataclass
class Request:
    method: str
    target: str  # as it stood in the request line
    headers: dict  # as sent
    body: bytes

    def header(self, name):
        return {k.lower(): v for k, v in self.headers.items()}.get(name.lower())


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    cut: bool = False  # close the connection instead of answering
    hold: threading.Event = None  # wait for this before answering


class Capture:
    """Answers with `script(request)`; keeps every request in `requests`."""

    def __init__(self, script, tls=None):
        self.requests = []
        self.arrived = threading.Event()
        capture = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, dict(self.headers.items()),
                                  self.rfile.read(length))
                capture.requests.append(request)
                answer = script(request)
                capture.arrived.set()
                if answer.hold:
                    answer.hold.wait(30)
                if answer.cut or answer.hold:
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                headers = {"Content-Length": str(len(answer.body)), "Date": DATE,
                           **answer.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:  # an ssl.SSLContext
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def environment(url, **extra):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("AWS_") and not k.lower().endswith("_proxy")}
    return {**kept, "HOME": "/nonexistent", "AWS_REGION": REGION, "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true", **extra}


class Driver:
    """aws_driver, running."""

    def __init__(self, url, operations, clock_ms=CLOCK_MS, **extra):
        arguments = [str(BUILD / "tests" / "aws_driver")]
        if clock_ms is not None:
            arguments.append(str(clock_ms))
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        env=environment(url, **extra))
        self.process.stdin.write(json.dumps(operations) + "\n")
        self.process.stdin.flush()

    def interrupt(self):
        self.process.stdin.write("interrupt\n")
        self.process.stdin.flush()

    def results(self):
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, err
        assert err == ""
        return [json.loads(line) for line in out.split("\n") if line]


def drive(url, operations, **extra):
    return Driver(url, operations, **extra).results()
