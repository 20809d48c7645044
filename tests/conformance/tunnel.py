# SPDX-License-Identifier: Apache-2.0
"""A proxy that takes the place of every https host, so that what the client sends to AWS's own hosts
can be read: CONNECT is answered here, under a certificate made for the host that was asked for."""

import datetime
import http.server
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capture import DATE, Request


class Authority:
    """Signs for any host; `path` is its root."""

    def __init__(self, directory):
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.contexts = {}
        self.lock = threading.Lock()
        self.path = directory / "root.pem"
        self.root = self._issue("Tunnel", None)
        self.path.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))

    def _issue(self, common_name, host):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tunnel")])
        now, day = datetime.datetime.utcnow(), datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(issuer, subject, self.key.public_key(),
                                          x509.random_serial_number(), now - day, now + day)
        builder = builder.add_extension(x509.BasicConstraints(host is None, None), True)
        if host:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                path = self.directory / f"{len(self.contexts)}.pem"
                path.write_bytes(
                    self.key.private_bytes(serialization.Encoding.PEM,
                                           serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()) +
                    self._issue("host", host).public_bytes(serialization.Encoding.PEM))
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(path)
                self.contexts[host] = context
            return self.contexts[host]


class Tunnel:
    """Answers with `script(request)`; keeps (host and port, request) of each in `requests`."""

    def __init__(self, authority, script):
        self.requests = []
        tunnel = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            authority_asked = None

            def do_CONNECT(self):
                self.authority_asked = self.path
                self.send_response_only(200)
                self.end_headers()
                self.connection = authority.context(self.path.rpartition(":")[0]).wrap_socket(
                    self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", 0)

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, dict(self.headers.items()),
                                  self.rfile.read(length))
                tunnel.requests.append((self.authority_asked, request))
                answer = script(request)
                self.send_response_only(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), "Date": DATE,
                                    **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
