# SPDX-License-Identifier: Apache-2.0
"""An HTTP endpoint for SNS deliveries, and SNS's signature checked with other code than ours."""

import base64
import http.server
import json
import queue
import threading
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


class Delivery:
    def __init__(self, headers, body):
        self.headers = headers
        self.names = [name.lower() for name in headers.keys()]
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.headers["x-amz-sns-message-type"]


class Receiver:
    """Answers with the statuses of `answers` in turn, then 200. `gate`, when set to an Event,
    holds every answer back until it is set."""

    def __init__(self):
        self.answers = queue.Queue()
        self.deliveries = queue.Queue()
        self.gate = None
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.deliveries.put(Delivery(self.headers, body))
                if receiver.gate:
                    receiver.gate.wait(30)
                try:
                    status = receiver.answers.get_nowait()
                except queue.Empty:
                    status = 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/sns"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        if self.gate:
            self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def next(self, timeout=20):
        return self.deliveries.get(timeout=timeout)

    def subscribe(self, client, topic_arn, path="", **attributes):
        """Subscribes and confirms; returns the subscription's ARN."""
        arn = client.subscribe(TopicArn=topic_arn, Protocol="http", Endpoint=self.url + path,
                               Attributes=attributes, ReturnSubscriptionArn=True)["SubscriptionArn"]
        message = self.next().json
        assert message["Type"] == "SubscriptionConfirmation"
        client.confirm_subscription(TopicArn=topic_arn, Token=message["Token"])
        return arn


SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token",
                                 "TopicArn", "Type"],
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]


def check_signature(message, ca_path):
    """Raises unless the message is signed as AWS documents it, by a leaf of the given root."""
    pem = urllib.request.urlopen(message["SigningCertURL"]).read()
    leaf = x509.load_pem_x509_certificate(pem)
    root = x509.load_pem_x509_certificate(ca_path.read_bytes())
    root.public_key().verify(leaf.signature, leaf.tbs_certificate_bytes, padding.PKCS1v15(),
                             leaf.signature_hash_algorithm)
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]]
                   if name in message)
    digest = {"1": hashes.SHA1, "2": hashes.SHA256}[message["SignatureVersion"]]()
    leaf.public_key().verify(base64.b64decode(message["Signature"]), text.encode(),
                             padding.PKCS1v15(), digest)
    return leaf
