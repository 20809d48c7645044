# SPDX-License-Identifier: Apache-2.0
"""The submitters' end of the completion webhook: verifies as Standard Webhooks tells receivers to,
and now and then does not answer well."""

import base64
import collections
import hashlib
import hmac
import http.server
import json
import random
import threading
import time

SECRET_BYTES = b"torture torture torture torture!"
SECRET = "whsec_" + base64.b64encode(SECRET_BYTES).decode()


class Callbacks:
    """Messages by the number in the path."""

    def __init__(self, seed, bad_answers):
        self.rng = random.Random(f"{seed}/callbacks")
        self.bad_answers = bad_answers  # probability
        self.lock = threading.Lock()
        self.messages = collections.defaultdict(list)
        self.wrong = collections.defaultdict(list)
        self.refused = 0
        callbacks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(callbacks.take(self.path, self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a sender that was killed is nothing to tell of
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        number = int(path.rsplit("/", 1)[1])
        with self.lock:
            for sentence in faulty(headers, body):
                self.wrong[number].append(sentence)
            if self.rng.random() < self.bad_answers:
                self.refused += 1
                return 503
            self.messages[number].append({**json.loads(body), "webhook-id": headers["webhook-id"]})
            return 200

    def told(self, number):
        return self.messages[number]

    def problems(self, number):
        return self.wrong[number]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def faulty(headers, body):
    identity, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    signed = f"{identity}.{stamp}.".encode() + body
    right = base64.b64encode(hmac.new(SECRET_BYTES, signed, hashlib.sha256).digest()).decode()
    if f"v1,{right}" not in headers.get("webhook-signature", "").split(" "):
        yield f"the signature {headers.get('webhook-signature')} is not v1,{right}"
    if abs(time.time() - int(stamp)) > 300:
        yield f"the timestamp {stamp} is not now"
