# SPDX-License-Identifier: Apache-2.0
"""What is tortured: a PostgreSQL cluster, localcloud, several spotlist processes on one database,
and in front of them a forwarder that stands for the load balancer. Each can be ended in the middle
and comes back by itself, as under a service manager.
"""

import contextlib
import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import harness
from harness import BUCKET, PATIENCE, TABLE, Postgres, Process, wait_until

SETTINGS = {
    "SPOTLIST_LEASE_MS": "2000",
    "SPOTLIST_POLL_INTERVAL_MS": "1000",
    "SPOTLIST_WORKERS": "6",
    "SPOTLIST_HTTP_THREADS": "4",
    "SPOTLIST_SHUTDOWN_S": "2",
    "SPOTLIST_LOG_LEVEL": "info",
    "SPOTLIST_AUTH": "off",
    # AWS's default rates would make a short test long; they have tests of their own.
    **{f"SPOTLIST_RATE_{api}": "500" for api in (
        "CREATE_JOB", "GET_JOB", "RECOGNIZE_CELEBRITIES", "START_LABEL_DETECTION",
        "GET_LABEL_DETECTION", "START_TRANSCRIPTION_JOB", "GET_TRANSCRIPTION_JOB")},
}


def free_port():
    """A port below those that the kernel gives to outgoing connections: it stays ours while the
    program that listens there is down."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, max(low, 20000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Cluster(Postgres):
    """PostgreSQL that keeps what it has committed when it is shot, and can be restarted."""

    def __init__(self):
        super().__init__()
        # fsync may stay off, no power is lost; but a commit that was answered must be in the file.
        self.options = (f"-c listen_addresses='' -c unix_socket_directories={self.dir} "
                        "-c fsync=off -c synchronous_commit=on -c max_connections=200")
        self.restarts = 0
        self.restart("fast")
        self.restarts = 0

    def restart(self, mode):
        self.run("pg_ctl", "-D", self.dir / "data", "-l", self.dir / "log", "-o", self.options,
                 "-m", mode, "-w", "restart")
        self.restarts += 1

    def stop(self):
        if (self.dir / "data/postmaster.pid").exists():
            super().stop()


class FixedCloud(harness.Cloud):
    """localcloud on a port that is free to come back to."""

    def start(self):
        self.port = self.port or free_port()
        super().start()


class Service:
    """One `spotlist serve` that is started again whenever it ends. Ends that nobody ordered are
    remembered: they are bugs."""

    def __init__(self, name, directory, environment, rng):
        self.name = name
        self.rng = rng
        self.port = free_port()
        self.environment = {**environment, "SPOTLIST_LISTEN": f"127.0.0.1:{self.port}",
                            "SPOTLIST_ADMIN_LISTEN": "127.0.0.1:0"}
        self.process = Process(name, Path(directory) / f"{name}.log")
        self.lock = threading.Lock()
        self.ordered = None  # the ending signal that this run was sent
        self.launched = 0
        self.crashes = []  # (exit status, end of the log)
        self.back_at = 0
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.supervise, daemon=True)
        self.thread.start()

    def supervise(self):
        while not self.closing.is_set():
            if time.monotonic() < self.back_at:
                self.closing.wait(0.05)
                continue
            offset = self.process.log_size()
            with self.lock:
                self.ordered = None
                self.process.launch([harness.program(harness.BUILD, "spotlist"), "serve"],
                                    self.environment)
                self.launched += 1
            status = self.process.child.wait()
            with self.lock:
                self.judge(status, offset)
            self.closing.wait(0.2)

    def judge(self, status, offset):
        """Exit status 1 at boot is the answer to a database that is not there."""
        refused = status == 1 and not re.search(r'msg="?listening', self.process.log(offset))
        ordered = self.ordered is not None and status in (0, -signal.SIGKILL, -signal.SIGTERM)
        if not ordered and not refused and not self.closing.is_set():
            self.crashes.append((status, self.process.log(offset)[-3000:]))

    def send(self, how, down_s=0.0):
        """Sends a signal when it runs; True when it did. It stays down for so long."""
        with self.lock:
            child = self.process.child
            if child is None or child.poll() is not None:
                return False
            if how in (signal.SIGKILL, signal.SIGTERM):
                self.ordered = how
                self.back_at = time.monotonic() + down_s
            child.send_signal(how)
            return True

    def running(self):
        child = self.process.child
        return child is not None and child.poll() is None

    def close(self):
        self.closing.set()
        with self.lock:
            if self.running():
                self.process.child.send_signal(signal.SIGCONT)
                self.process.child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.child.wait(20 * PATIENCE)
        if self.running():
            self.process.child.kill()
            self.crashes.append(("did not stop", self.process.log()[-3000:]))
        self.thread.join()


class Forwarder:
    """TCP in front of the services: each connection goes to one that accepts it."""

    def __init__(self, ports, rng):
        self.ports = list(ports)
        self.rng = rng
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        for port in self.rng.sample(self.ports, len(self.ports)):
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", port), timeout=5)
                server.settimeout(None)
                threading.Thread(target=pump, args=(server, client), daemon=True).start()
                pump(client, server)
                return
        client.close()

    def close(self):
        self.listener.close()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    source.close()


class World:
    """Everything, started; close() ends it."""

    def __init__(self, directory, seed, shapes, services=3, settings=None):
        self.dir = Path(directory)
        self.shapes = shapes
        replay = self.dir / "replay"
        for shape in shapes:
            shape.write(replay)
        self.stack = contextlib.ExitStack()
        try:
            self.start(seed, services, settings or {}, replay)
        except BaseException:
            self.close()
            raise

    def start(self, seed, services, settings, replay):
        self.cluster = Cluster()
        self.stack.callback(self.cluster.stop)
        self.database = self.cluster.create_database()
        self.cloud = FixedCloud(self.dir / "cloud", arguments=["--replay", str(replay)])
        self.stack.callback(self.cloud.stop)
        environment = {**harness.plain_environment(), **self.cloud.environment(),
                       **harness.provision(self.cloud, BUCKET),
                       "SPOTLIST_DATABASE_URL": self.database.conninfo, **SETTINGS, **settings}
        self.environment = environment
        self.command("migrate")
        self.services = []
        for number in range(services):
            service = Service(f"spotlist{number}", self.dir, environment,
                              random.Random(f"{seed}/service/{number}"))
            self.stack.callback(service.close)
            self.services.append(service)
        self.forwarder = Forwarder([service.port for service in self.services],
                                   random.Random(f"{seed}/forwarder"))
        self.stack.callback(self.forwarder.close)
        wait_until(lambda: all(re.search(r'msg="?listening', service.process.log())
                               for service in self.services), 60, "the services to listen")
        harness.provision(self.cloud, BUCKET, "--endpoint", f"{self.forwarder.url}/sns")
        s3 = self.cloud.client("s3")
        for shape in self.shapes:
            s3.put_object(Bucket=BUCKET, Key=f"footage/{shape.name}.mp4", Body=shape.source())

    def command(self, *arguments, check=True):
        done = subprocess.run([harness.program(harness.BUILD, "spotlist"), *arguments],
                              env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120 * PATIENCE)
        assert done.returncode == 0 or not check, f"spotlist {arguments}: {done.stderr}"
        return done

    def crashes(self):
        return [(service.name, *crash) for service in self.services for crash in service.crashes]

    def scan(self):
        """Every DynamoDB item by its fileName."""
        table = self.cloud.resource("dynamodb").Table(TABLE)
        found, page = {}, table.scan()
        while True:
            found.update({item["fileName"]: item for item in page["Items"]})
            if "LastEvaluatedKey" not in page:
                return found
            page = table.scan(ExclusiveStartKey=page["LastEvaluatedKey"])

    def objects(self):
        """Every S3 key of the bucket."""
        pages = self.cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {entry["Key"] for page in pages for entry in page.get("Contents", [])}

    def close(self):
        for service in getattr(self, "services", []):
            service.closing.set()
        self.stack.close()


def tell(text):
    print(f"torture: {text}", file=sys.stderr, flush=True)


def dump(value):
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)
