# SPDX-License-Identifier: Apache-2.0
"""What stands between spotlist and AWS on bad days: a gate that lets requests through, answers with
a portal's page, shows a captive certificate, hangs, or closes the door; and addresses where nobody
is. On 127.0.0.1 only."""

import contextlib
import datetime
import ipaddress
import select
import socket
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PAGE = (b"<!DOCTYPE html><html><head><title>Hotel Wi-Fi: sign in</title></head>"
        b"<body>Room number?</body></html>")
HTML = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: portal\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE))


def certificate(directory, name, common_name, organisation):
    """A self-made one for 127.0.0.1; the path of its PEM file, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                     x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(),
                                    now - datetime.timedelta(days=1),
                                    now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .sign(key, hashes.SHA256()))
    path = directory / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return path


class Gate:
    """https://127.0.0.1:port in front of a plain HTTP server. `mode` may change at any time, which
    also closes what is open: "through", "page", "captive", "hang", "closed"."""

    def __init__(self, directory, port):
        self.behind = ("127.0.0.1", port)
        self.good = certificate(directory, "good", "good.example", "Gate")
        self.captive = certificate(directory, "captive", "portal.example", "Captive Corp")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.open = set()
        self._mode = "through"
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        self._mode = mode
        with self.lock:
            for one in self.open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)  # not TLS's own

    def stop(self):
        self.mode = "closed"
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection, self._mode), daemon=True).start()

    @contextlib.contextmanager
    def kept(self, connection):
        with self.lock:
            self.open.add(connection)
        try:
            with connection:
                yield
        finally:
            with self.lock:
                self.open.discard(connection)

    def serve(self, connection, mode):
        with contextlib.suppress(OSError, ValueError), connection:
            if mode == "hang":
                with self.kept(connection):
                    while connection.recv(65536):
                        pass
            elif mode != "closed":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.captive if mode == "captive" else self.good)
                secure = context.wrap_socket(connection, server_side=True)
                with self.kept(secure):
                    self.answer(secure, mode)

    def answer(self, secure, mode):
        if mode == "page":
            secure.recv(65536)
            secure.sendall(HTML)
            return
        with socket.create_connection(self.behind) as behind:
            pump(secure, behind)


def pump(secure, behind):
    while True:
        ready = [secure] if secure.pending() else select.select([secure, behind], [], [], 60)[0]
        for one in ready:
            data = one.recv(65536)
            if not data:
                return
            (behind if one is secure else secure).sendall(data)


class Hole:
    """Ports of 127.0.0.1 where nothing good happens."""

    def __init__(self):
        self.sockets = []
        # Takes connections and says nothing.
        silent = self.keep(socket.create_server(("127.0.0.1", 0), backlog=128))
        self.silent = f"http://127.0.0.1:{silent.getsockname()[1]}"
        self.silent_tls = f"https://127.0.0.1:{silent.getsockname()[1]}"
        # Its queue is full, so the kernel drops whoever knocks, as a firewall does.
        full = self.keep(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            one = self.keep(socket.socket())
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(full.getsockname())
        time.sleep(0.01)
        self.dropping = f"http://127.0.0.1:{full.getsockname()[1]}"
        # Bound, but not listening.
        nobody = self.keep(socket.socket())
        nobody.bind(("127.0.0.1", 0))
        self.refusing = f"http://127.0.0.1:{nobody.getsockname()[1]}"

    def keep(self, one):
        self.sockets.append(one)
        return one

    def stop(self):
        for one in self.sockets:
            one.close()


class Portal:
    """A plain HTTP proxy that answers whatever is asked with its page."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.recv(65536)
                connection.sendall(HTML)

    def stop(self):
        self.listener.close()
