# SPDX-License-Identifier: Apache-2.0
"""Other people's implementations of AWS, as fixtures: scripts/conformance.sh installs them into
.witnesses/, the classes here start them on 127.0.0.1, at ports that the kernel chooses.

A test belongs to the witnesses whose fixtures it uses, by name or by a parameter of that name; one
without a fixture says `@pytest.mark.witness("AWS CLI")`. The table at the end counts by these names.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/integration"))

# pylint: disable=wrong-import-position
import boto3  # noqa: E402

import harness  # noqa: E402

WITNESSES = (ROOT / os.environ.get("SPOTLIST_WITNESSES", ".witnesses")).resolve()
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
            self.url = self.process.wait_log(self.ready, offset, 60).group(1)
        except AssertionError:
            self.process.stop()
            raise

    def command(self):
        raise NotImplementedError

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


# Those whose tests are counted, in the table's order.
NAMES = ["moto", "localcloud"]
