# SPDX-License-Identifier: Apache-2.0
"""Other people's implementations of AWS, as fixtures: scripts/conformance.sh installs them into
.witnesses/, the classes here start them on 127.0.0.1, at ports that the kernel chooses.

A test belongs to the witnesses whose fixtures it uses, by name or by a parameter of that name; one
without a fixture says `@pytest.mark.witness("AWS CLI")`. The table at the end counts by these.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/integration"))

# pylint: disable=wrong-import-position
import boto3  # noqa: E402

import capture  # noqa: E402
import harness  # noqa: E402

WITNESSES = (ROOT / os.environ.get("SPOTLIST_WITNESSES", ".witnesses")).resolve()
LAUNCH = ROOT / "tests/conformance/launch"
PYTHON = WITNESSES / "python/bin/python"  # moto's, and whatever else is from PyPI
REGION = "us-east-1"


class Witness:
    """One that runs. Where it is and by which keys: .url, .region, .access_key, .secret_key."""

    name = None
    access_key, secret_key = "test", "test"
    region = REGION
    ready = r"^ready (http://\S+)$"  # what it logs once it answers; the group is the URL

    def __init__(self, directory):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.process = harness.Process(self.name, self.dir / f"{self.name}.log")
        offset = self.process.log_size()
        self.process.launch(self.command(), {**harness.plain_environment(), **self.settings()})
        try:
            self.url = self.wait_ready(offset)
        except AssertionError:
            self.process.stop()
            raise

    def command(self):
        raise NotImplementedError

    def wait_ready(self, offset):
        """Waits for its log, from `offset` on, to say that it answers; the URL."""
        return self.process.wait_log(self.ready, offset, 60).group(1)

    def settings(self):
        """What its environment has beyond ours."""
        return {}

    def stop(self):
        self.process.stop()

    def log(self):
        return self.process.log()

    def environment(self):
        """What points an AWS SDK, or spotlist, at this witness."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": self.region,
                "AWS_DEFAULT_REGION": self.region, "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key, "AWS_EC2_METADATA_DISABLED": "true"}

    def session(self):
        return boto3.Session(self.access_key, self.secret_key, region_name=self.region)

    def client(self, service, **options):
        return self.session().client(service, endpoint_url=self.url,
                                     config=harness.client_config(), **options)


class Moto(Witness):
    """moto in server mode: S3, SNS, STS, IAM, SQS, EventBridge, CloudFormation, … It checks no
    signatures and, unless told, no permissions."""

    name = "moto"
    ready = r"Running on (http://127\.0\.0\.1:\d+)"

    def command(self):
        return [str(PYTHON), "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]


class DynamodbLocal(Witness):
    """AWS's own DynamoDB for one machine."""

    name = "dynamodb_local"

    def command(self):
        jars = WITNESSES / "java"
        return ["/usr/bin/java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                f"-Djava.library.path={jars}", "-cp", f"{jars}/*", "bsh.Interpreter",
                str(LAUNCH / "dynamodb_local.bsh")]


class Dynalite(Witness):
    """DynamoDB as mhart found it to behave, by asking AWS."""

    name = "dynalite"

    def command(self):
        return ["/usr/bin/node", str(LAUNCH / "dynalite.js"), str(WITNESSES / "node")]


class StrictS3(Witness):
    """versitygw, an S3 server on files. It verifies every signature, header or query, and the
    digest of every body; of the servers that the registries offer and that build in a minute it is
    the one that does."""

    name = "strict_s3"
    access_key, secret_key = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

    def command(self):
        for name in ("data", "sidecar"):
            (self.dir / name).mkdir(exist_ok=True)
        # It cannot tell which port the kernel has chosen.
        self.port = free_port()
        # Metadata in files of their own: not every file system has extended attributes.
        return [str(WITNESSES / "go/versitygw"), "--port", f"127.0.0.1:{self.port}", "--region",
                self.region, "posix", "--sidecar", str(self.dir / "sidecar"),
                str(self.dir / "data")]

    def settings(self):
        return {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}

    def wait_ready(self, offset):
        self.process.wait_log(r"listening on", offset, 60)
        harness.wait_until(lambda: answers(self.port), 30, "a connection to versitygw")
        return f"http://127.0.0.1:{self.port}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def ask(witness, operation, environment=None, clock_ms=None, **arguments):
    """One operation of ours (aws_driver.c): {"err", "detail", "result", "provider"}."""
    extra = {**witness.environment(), **(environment or {})}
    url = extra.pop("AWS_ENDPOINT_URL")
    return capture.drive(url, [{"op": operation, **arguments}], clock_ms=clock_ms, **extra)[0]


def good(witness, operation, **arguments):
    """The same where it must end well: its result."""
    answer = ask(witness, operation, **arguments)
    assert answer["err"] == "ok", answer
    return answer["result"]


def _pinned(name, pattern):
    found = re.search(pattern, (ROOT / "tests/conformance/pins" / name).read_text(), re.MULTILINE)
    return found.group(1)


def _debian(package):
    shown = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True,
                           text=True, check=False)
    return shown.stdout or "not installed"


# Those whose tests are counted, in the table's order, and their versions.
NAMES = {
    "dynamodb_local": lambda: _pinned("jars.sha256", r"DynamoDBLocal/([^/]+)/"),
    "dynalite": lambda: _pinned("package.json", r'"dynalite": "(.+)"'),
    "moto": lambda: _pinned("python.txt", r"^moto==(\S+)"),
    "strict_s3": lambda: "versitygw " + _pinned("go.mod", r"versity/versitygw (\S+)"),
    "sns-validator": lambda: _pinned("package.json", r'"sns-validator": "(.+)"'),
    "localcloud": lambda: "ours",
    "cfn-lint": lambda: _pinned("python.txt", r"^cfn-lint==(\S+)"),
    "policy_sentry": lambda: _pinned("python.txt", r"^policy-sentry==(\S+)"),
    "schemathesis": lambda: _pinned("python.txt", r"^schemathesis==(\S+)"),
    "OpenTimelineIO": lambda: _pinned("python.txt", r"^opentimelineio==(\S+)"),
    "webvtt-py": lambda: _pinned("python.txt", r"^webvtt-py==(\S+)"),
    "Redocly CLI": lambda: _pinned("package.json", r'"@redocly/cli": "(.+)"'),
    "chromium": lambda: _debian("chromium").partition("-")[0],
    "boto3": lambda: _debian("python3-boto3"),
    "AWS CLI": lambda: _debian("awscli"),
    "SigV4 vectors": lambda: "given",
    "AWS events": lambda: "given",
}
# Those that come in a directory, and the option that names it.
GIVEN = {"SigV4 vectors": "--sigv4", "AWS events": "--events"}
