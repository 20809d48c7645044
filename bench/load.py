# SPDX-License-Identifier: Apache-2.0
"""What asks and what is asked, as programs: wrk, pgbench, openssl speed, the trivial handler, the
FastAPI yardstick. Each ends by itself or with its context."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import harness
from cluster import BINARIES

HERE = Path(__file__).resolve().parent
CORES = len(os.sched_getaffinity(0))


def output(*command, **options):
    done = subprocess.run([str(one) for one in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def wrk(url, seconds, *, connections=64, script=None, headers=(), arguments=()):
    """Good answers a second; anything else than 2xx ends the bench."""
    command = ["wrk", "-t", min(2, CORES), "-c", connections, "-d", f"{seconds}s",
               "--timeout", "10s"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", HERE / "wrk" / script]
    out = output(*command, url, *arguments)
    if "Non-2xx" in out or "Socket errors" in out:
        sys.exit(f"bench: {out}")
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", out).group(1))


def pgbench(cluster, database, script, seconds, clients):
    """Transactions a second."""
    out = output(BINARIES[-1] / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j",
                 min(2, CORES), "-T", seconds, "-D", "n=0", "-D", f"t={time.time_ns() // 10**6}",
                 "-f", script, "-h", cluster.socket, "-U", "spotlist", database)
    if not re.search(r"failed transactions: 0 ", out):
        sys.exit(f"bench: {out}")
    return float(re.search(r"tps = ([0-9.]+)", out).group(1))


def rsa_verifies(seconds):
    """As `openssl speed` counts them, a second, on all cores."""
    out = output("openssl", "speed", "-mr", "-multi", CORES, "-seconds", seconds, "rsa2048",
                 stderr=None)
    # "+F2:<index>:<bits>:<seconds per signature>:<per verification>", or their rates
    last = [line for line in out.splitlines() if line.startswith("+F2:")][-1]
    value = float(last.split(":")[4])
    return value if value > 1 else 1 / value


def free_port():
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def ended(child):
    """Ends a child and waits for it."""
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def trivial(path, threads=16):
    """The URL of the least that libmicrohttpd can do with the bytes of a file."""
    with ended(subprocess.Popen([harness.program(harness.BUILD / "bench", "trivial"), str(path),
                                 str(threads)], stdout=subprocess.PIPE, text=True)) as child:
        yield f"http://127.0.0.1:{child.stdout.readline().split()[1]}/"
        child.stdout.close()


@contextlib.contextmanager
def fastapi(venv, cluster, database, cloud):
    """The base URL of the yardstick, a worker on each core."""
    port = free_port()
    host = f"postgresql://spotlist@/{database}?host={cluster.socket}"
    environment = {**harness.plain_environment(), **cloud.environment(), "DATABASE_URL": host}
    command = [venv / "bin" / "uvicorn", "--app-dir", HERE / "yardstick", "--workers", CORES,
               "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level",
               "warning", "--host", "127.0.0.1", "--port", port, "app:app"]
    with ended(subprocess.Popen([str(one) for one in command], env=environment,
                                stdin=subprocess.DEVNULL, stdout=sys.stderr)) as child:
        def answers():
            if child.poll() is not None:
                sys.exit("bench: the yardstick ended")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            return False
        harness.wait_until(answers, 60, "an answer of the yardstick")
        yield f"http://127.0.0.1:{port}"


def fetch(url, headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as reply:
        return reply.read()


class Raw:
    """A kept connection that asks one thing after the other, with little work of its own."""

    def __init__(self, url, headers=()):
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tail = "".join(f"{header}\r\n" for header in ("Host: bench", *headers)) + "\r\n"

    def get(self, target):
        """(status, body)"""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\n{self.tail}".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head).group(1))
        while len(body) < length:
            body += self.receive()
        return int(head[9:12]), body

    def receive(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("closed by spotlist")
        return data

    def close(self):
        self.socket.close()
