# SPDX-License-Identifier: Apache-2.0
"""The programs under test as objects: a PostgreSQL cluster, localcloud, spotlist.

Nothing here sleeps for a time: wait_until() asks again and again until a condition holds.
"""

import contextlib
import http.client
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
import uuid
from pathlib import Path

import boto3
import botocore.config
import psycopg2

import answers
from contract import Contract

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("SPOTLIST_BUILD", "build")).resolve()
# The sanitizer lane watches spotlist; OpenCV's and pocketsphinx' habits are not our subject.
CLOUD_BUILD = (ROOT / os.environ.get("LOCALCLOUD_BUILD", BUILD)).resolve()
PATIENCE = float(os.environ.get("SPOTLIST_TEST_PATIENCE", "1"))
REGION = "us-east-1"
BUCKET = "spotlist-test"
TABLE = "rekognition-thumbs"
TOPICS = {"rekognition": "AmazonRekognitionVideo-Notification", "events": "spotlist-events",
          "uploads": "spotlist-uploads"}
CONTRACT = Contract()
ANSWERS = answers.Watch()


def topic_arn(name):
    return f"arn:aws:sns:{REGION}:000000000000:{TOPICS[name]}"


def wait_until(condition, timeout=30, what=None):
    """Returns the first true value of condition(); fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            description = what() if callable(what) else what or "the condition"
            raise AssertionError(f"not within {timeout * PATIENCE:g} s: {description}")
        time.sleep(0.03)


def program(build, name):
    for candidate in (build / name, build / "service" / name, build / "localcloud" / name):
        if candidate.is_file():
            return str(candidate)
    raise FileNotFoundError(f"{name} is not built in {build}: ./run build")


class Process:
    """One child: its log file, its end."""

    def __init__(self, name, log_path):
        self.name = name
        self.log_path = Path(log_path)
        self.child = None

    def launch(self, argv, env, stdout=None):
        self.from_offset = self.log_size()
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL,
                                          stdout=stdout or log, stderr=log)

    def log_size(self):
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def log(self, offset=0):
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def wait_log(self, pattern, offset=0, timeout=30):
        """Waits for a line; fails at once when the program has ended without it."""
        def look():
            ended = self.child.poll() is not None
            found = re.search(pattern, self.log(offset), re.MULTILINE)
            if not found and ended:
                raise AssertionError(f"{self.name} ended with {self.child.returncode} before "
                                     f"{pattern!r}:\n{self.log(offset)[-4000:]}")
            return found
        return wait_until(look, timeout,
                          lambda: f"{pattern!r} in {self.name}'s log:\n{self.log(offset)[-4000:]}")

    def stop(self, how=signal.SIGTERM, timeout=20):
        """Ends it and returns its exit status; a graceful stop that takes too long is a failure."""
        if self.child is None:
            return None
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            status = self.child.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.name} did not stop:\n{self.log()[-4000:]}") from None
        finally:
            self.child = None
        return status


class Postgres:
    """A private cluster that listens on a Unix socket only."""

    def __init__(self):
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"),
                          key=lambda path: int(path.parent.name))
        self.bin = binaries[-1]
        self.dir = Path(tempfile.mkdtemp(prefix="spotlist-pg-", dir="/tmp"))
        self.prefix = []
        if os.geteuid() == 0:  # initdb and postgres refuse to run as root
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
            owner = pwd.getpwnam("postgres")
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", self.dir / "data", "-U", "spotlist", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync")
        options = (f"-c listen_addresses='' -c unix_socket_directories={self.dir} -c fsync=off "
                   "-c full_page_writes=off -c synchronous_commit=off -c max_connections=200")
        self.run("pg_ctl", "-D", self.dir / "data", "-l", self.dir / "log", "-o", options, "-w",
                 "start")

    def run(self, name, *arguments):
        done = subprocess.run([*self.prefix, str(self.bin / name), *map(str, arguments)],
                              cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            log = self.dir / "log"
            raise RuntimeError(f"{name}: {done.stderr}\n{log.read_text() if log.exists() else ''}")

    def conninfo(self, database="postgres"):
        return f"host={self.dir} user=spotlist dbname={database}"

    def create_database(self):
        name = f"test_{uuid.uuid4().hex[:12]}"
        with contextlib.closing(psycopg2.connect(self.conninfo())) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return Database(self, name)

    def stop(self):
        self.run("pg_ctl", "-D", self.dir / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.dir)


class Database:
    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.conninfo = cluster.conninfo(name)

    def query(self, sql, *parameters):
        """Rows of one statement, in a transaction of its own."""
        with contextlib.closing(psycopg2.connect(self.conninfo)) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []

    def drop(self):
        with contextlib.closing(psycopg2.connect(self.cluster.conninfo())) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"DROP DATABASE {self.name} WITH (FORCE)")


class Cloud:
    """localcloud with a data directory of its own; restart() keeps the directory and the port."""

    def __init__(self, data, gallery=None, arguments=()):
        self.data = Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        self.gallery = gallery
        self.arguments = list(arguments)
        self.region = REGION
        self.access_key = "test"
        self.secret_key = "test"
        self.port = 0
        self.process = Process("localcloud", self.data.parent / f"{self.data.name}.log")
        self.start()

    def start(self):
        argv = [program(CLOUD_BUILD, "localcloud"), "--data", str(self.data),
                "--listen", f"127.0.0.1:{self.port}", "--region", self.region, *self.arguments]
        if self.gallery:
            argv += ["--gallery", str(self.gallery)]
        offset = self.process.log_size()
        self.process.launch(argv, plain_environment())
        ready = self.process.wait_log(r"^localcloud ready (http://127\.0\.0\.1:(\d+))$", offset, 60)
        self.url = ready.group(1)
        self.port = int(ready.group(2))

    def stop(self, how=signal.SIGTERM):
        return self.process.stop(how)

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def log(self, offset=0):
        return self.process.log(offset)

    @property
    def ca(self):
        return self.data / "ca.pem"

    def control(self, method, name, value=None):
        """A request to localcloud's control endpoint; the decoded answer."""
        body = None if value is None else json.dumps(value).encode()
        reply = exchange(self.url, method, f"/_localcloud/{name}", body)
        assert reply.status in (200, 204), reply
        return json.loads(reply.body) if reply.body else None

    def faults(self, rules=None, notifications=None, seed=0):
        """Sets the faults (docs/localcloud.md), in the place of those before; with nothing, tells
        the rules in force with how often each `matched` and `fired`."""
        if rules is None and notifications is None:
            return self.control("GET", "faults")
        return self.control("PUT", "faults", {"seed": seed, "rules": rules or [],
                                              "notifications": notifications or []})

    def clear_faults(self):
        self.control("DELETE", "faults")

    def journal(self):
        """{"calls": {"s3 PutObject": {"total", "ok", "faulted"}, …}, "jobs": […]}."""
        return self.control("GET", "journal")

    def environment(self):
        """What points an AWS SDK, or spotlist, at this cloud."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": self.region,
                "AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_CA_BUNDLE": str(self.ca), "AWS_EC2_METADATA_DISABLED": "true"}

    def session(self):
        return boto3.Session(self.access_key, self.secret_key, region_name=self.region)

    def client(self, service, **options):
        """A client whose every answer is held against AWS's model of the service."""
        return ANSWERS.client(self.session().client(service, endpoint_url=self.url,
                                                    config=client_config(), **options))

    def resource(self, service, **options):
        resource = self.session().resource(service, endpoint_url=self.url,
                                           config=client_config(), **options)
        ANSWERS.client(resource.meta.client)
        return resource


def client_config():
    return botocore.config.Config(retries={"max_attempts": 1}, read_timeout=120,
                                  s3={"addressing_style": "path"})


def plain_environment():
    """The environment without settings that would lead a program elsewhere."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("AWS_", "SPOTLIST_", "PG")) and
                   not name.lower().endswith("_proxy")}
    environment["HOME"] = "/nonexistent"  # no ~/.aws, no ~/.pgpass
    environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:exitcode=99")
    return environment


def provision(cloud, bucket, *arguments):
    """Runs `spotlist provision` as the demo and an operator do; returns the settings it prints."""
    done = subprocess.run([program(BUILD, "spotlist"), "provision", "--bucket", bucket, *arguments],
                          env={**plain_environment(), **cloud.environment()},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:1000]!r}"


def exchange(base_url, method, target, body=None, headers=None, timeout=60):
    """One HTTP request on a connection of its own; headers may be a list, to repeat a name."""
    url = urllib.parse.urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout * PATIENCE)
    with contextlib.closing(connection):
        pairs = list(headers.items() if isinstance(headers, dict) else headers or [])
        names = {name.lower() for name, _ in pairs}
        connection.putrequest(method, target, skip_accept_encoding=True)
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            pairs.append(("Content-Length", str(len(body))))
        for name, value in pairs:
            connection.putheader(name, value)
        connection.endheaders()
        if body:
            try:
                connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # answered before it was all sent: read the answer
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


class Spotlist:
    """spotlist, migrated, provisioned and serving. Every reply is held against openapi.yaml."""

    def __init__(self, directory, database, cloud, settings=None, subscribe=True, bucket=BUCKET):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.database = database
        self.cloud = cloud
        self.bucket = bucket
        self.listen = "127.0.0.1:0"
        self.process = Process("spotlist", self.dir / "spotlist.log")
        provisioned = provision(cloud, bucket)
        self.environment = {
            **plain_environment(), **cloud.environment(), **provisioned,
            "SPOTLIST_DATABASE_URL": database.conninfo,
            "SPOTLIST_ADMIN_LISTEN": "127.0.0.1:0",
            "SPOTLIST_AUTH": "off",
            "SPOTLIST_LOG_LEVEL": "debug",
            **(settings or {}),
        }
        self.command("migrate")
        self.start()
        if subscribe:
            provision(cloud, bucket, "--endpoint", f"{self.url}/sns")

    def command(self, *arguments, check=True, environment=None):
        """Runs a subcommand to its end."""
        done = subprocess.run([program(BUILD, "spotlist"), *arguments],
                              env={**self.environment, **(environment or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60 * PATIENCE)
        if check:
            assert done.returncode == 0, f"spotlist {arguments}: {done.stdout}{done.stderr}"
        return done

    def start(self):
        offset = self.process.log_size()
        self.process.launch([program(BUILD, "spotlist"), "serve"],
                            {**self.environment, "SPOTLIST_LISTEN": self.listen})
        ready = self.process.wait_log(
            r'msg="?listening"? .*\baddress=(\S+) admin=(\S+)', offset, 60)
        self.listen = ready.group(1)
        self.url = f"http://{ready.group(1)}"
        self.admin = f"http://{ready.group(2)}"

    def stop(self, how=signal.SIGTERM):
        status = self.process.stop(how)
        if how == signal.SIGTERM:
            assert status in (0, None), f"exit status {status}:\n{self.log()[-6000:]}"
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def log(self, offset=0):
        return self.process.log(offset)

    @contextlib.contextmanager
    def logs(self, pattern, timeout=30):
        """Waits at the end of the block for a log line that was not there at its start."""
        offset = self.process.log_size()
        yield
        self.process.wait_log(pattern, offset, timeout)

    def request(self, method, target, body=None, headers=None, base=None, validate=True):
        reply = exchange(base or self.url, method, target, body, headers)
        if validate:
            problems = CONTRACT.check(method, target, reply.status, reply.headers, reply.body)
            assert not problems, f"{method} {target}: " + "; ".join(problems)
        return reply

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def admin_get(self, target, **options):
        return self.request("GET", target, base=self.admin, **options)

    def post(self, target, value=None, body=None, headers=None, **options):
        """POSTs `value` as JSON, or `body` as it is."""
        if body is None and value is not None:
            body = json.dumps(value, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} if headers is None else headers
        return self.request("POST", target, body=body, headers=headers, **options)

    def submit(self, source, **options):
        """Accepts a source and returns the video as the reply has it."""
        reply = self.post("/videos", {"source": source, **options})
        assert reply.status == 202, reply
        video = reply.json
        assert reply.headers["Location"] == video["links"]["self"] == f"/videos/{video['id']}"
        return video

    def video(self, video_id):
        reply = self.get(f"/videos/{video_id}")
        assert reply.status == 200, reply
        return reply.json

    def metadata(self, video_id):
        reply = self.get(f"/videos/{video_id}/metadata")
        assert reply.status == 200, reply
        return reply.json

    def wait_state(self, video_id, *states, timeout=120):
        """The video once it is in one of the states; any other settled state fails at once."""
        settled = {"complete", "partial", "failed"}

        def look():
            video = self.video(video_id)
            if video["state"] in states:
                return video
            assert video["state"] not in settled, \
                f"{video['state']}, not {states}: {json.dumps(video, indent=1)}\n" \
                f"{self.log()[-3000:]}"
            assert self.process.child.poll() is None, f"spotlist ended:\n{self.log()[-4000:]}"
            return None
        return wait_until(look, timeout,
                          lambda: f"{states}: {json.dumps(self.video(video_id), indent=1)}\n"
                                  f"{self.log()[-3000:]}\n{self.cloud.log()[-2000:]}")

    def put_object(self, key, path):
        """Stores a file under an S3 key of the service's bucket; returns its URI."""
        with open(path, "rb") as body:
            self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"
