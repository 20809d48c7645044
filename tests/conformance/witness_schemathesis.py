# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml and the program before schemathesis: it makes requests out of the schemas, good ones
and bad ones, follows what the answers name, and judges every answer by the document. A video that
is analysed is there to be found, so that it meets more than 404 (schemathesis/hooks.py)."""

import json
import re
import subprocess

import pytest
import yaml

import harness
import replay
import witnesses
from witnesses import PYTHON, ROOT

HERE = ROOT / "tests/conformance/schemathesis"
SEED = 5
# DELETE is answered before everything is gone: until then the video is there, and says so. What
# POST /videos has made may be deleted before it is asked for, and ?dry_run=true makes nothing.
LEFT_OUT = ["use_after_free", "ensure_resource_availability"]

pytestmark = pytest.mark.witness("schemathesis")


@pytest.fixture(scope="module")
def svc(tmp_path_factory):
    """spotlist on localcloud, with an analysed video whose submitter cannot be reached."""
    replays = tmp_path_factory.mktemp("replays")
    cluster = harness.Postgres()
    cloud = harness.Cloud(tmp_path_factory.mktemp("cloud") / "data",
                          arguments=["--replay", str(replays)])
    spotlist = harness.Spotlist(
        tmp_path_factory.mktemp("svc"), cluster.create_database(), cloud,
        settings={"SPOTLIST_POLL_INTERVAL_MS": "400", "SPOTLIST_LOG_LEVEL": "info",
                  "SPOTLIST_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                  "SPOTLIST_WEBHOOK_ALLOW_HTTP": "yes",
                  "SPOTLIST_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1/32"})
    spotlist.hook = f"http://127.0.0.1:{witnesses.free_port()}/hook"
    made = replay.write(replays, "street", frames=20, celebrities=2, labels=3, words=60)
    spotlist.sample = made.upload(cloud, harness.BUCKET, "footage/street.mp4")
    video = spotlist.submit(spotlist.sample, title="Street", tags=["news"],
                            callback={"url": spotlist.hook})["id"]
    spotlist.wait_state(video, "complete")
    delivery = harness.wait_until(
        lambda: spotlist.get(f"/videos/{video}/deliveries").json["deliveries"])[0]["id"]
    spotlist.known = {"id": video, "kind": "labels", "attempt": 1, "delivery": delivery,
                      "callback": spotlist.hook}
    # From here on with tokens.
    spotlist.token = spotlist.command("token", "create", "--name", "fuzz", "--scope", "admin",
                                      "--rate", "100000").stdout.strip()
    spotlist.environment["SPOTLIST_AUTH"] = "tokens"
    spotlist.restart()
    yield spotlist
    spotlist.stop()
    cloud.stop()
    cluster.stop()


def fuzz(svc, tmp_path, *arguments):
    """One run; what it printed. Its hooks are schemathesis/hooks.py."""
    environment = {**harness.plain_environment(), "SCHEMATHESIS_HOOKS": "hooks",
                   "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
                   "SPOTLIST_KNOWN": json.dumps(svc.known)}
    return subprocess.run(
        [PYTHON.parent / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run",
         ROOT / "openapi.yaml", "--url", svc.url, "--no-color", "--continue-on-failure",
         "--generation-database", "none", "--seed", str(SEED),
         "--header", f"Authorization: Bearer {svc.token}",
         "--exclude-checks", ",".join(LEFT_OUT), *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def operations():
    """Those of the API's own address."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return [operation["operationId"] for item in document["paths"].values() if "servers" not in item
            for operation in item.values()
            if isinstance(operation, dict) and "operationId" in operation]


def test_schemathesis_finds_nothing(svc, tmp_path):
    offset = svc.process.log_size()
    done = fuzz(svc, tmp_path, "--max-examples", "40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"Tested: (\d+)", done.stdout).group(1)) == len(operations())
    assert int(re.search(r"(\d+) generated", done.stdout).group(1)) > 1000
    errors = [line for line in svc.log(offset).splitlines() if "level=error" in line]
    assert not errors, "\n".join(errors)
    # Stateful testing may have deleted what it found in lists, our sample too.
    reply = svc.get("/videos?limit=1", headers={"Authorization": f"Bearer {svc.token}"})
    assert reply.status == 200, reply
