# SPDX-License-Identifier: Apache-2.0
"""The units of docker/, under a systemd that has booted: ready, migrated, confined, watched, ended."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import machine as machines
from conftest import ROOT, STORE, wait_until

SETTINGS = (ROOT / "docker" / "spotlist.env.example").read_text()
DATABASE = "SPOTLIST_DATABASE_URL=host=/run/postgresql user=spotlist dbname=spotlist"
UNIT_PARTS = """[Service]
WatchdogSec=6s
LoadCredential=aws-credentials:/etc/spotlist/aws-credentials
Environment=AWS_SHARED_CREDENTIALS_FILE=%d/aws-credentials
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Debian with systemd and PostgreSQL (STORE/boot, made by scripts/image.sh), and what
    `meson install` puts into it; booted."""
    directory = tmp_path_factory.mktemp("machine")
    tree = directory / "tree"
    subprocess.run(["cp", "--archive", "--reflink=auto", STORE / "boot", tree], check=True)
    subprocess.run(["meson", "install", "-C", os.environ["SPOTLIST_BUILD"], "--no-rebuild",
                    "--destdir", tree, "--tags", "runtime,systemd"],
                   check=True, stdout=subprocess.DEVNULL)
    one = machines.Machine(tree, directory / "console.log")
    one.write("/etc/spotlist/spotlist.env",
              re.sub(r"^SPOTLIST_DATABASE_URL=.*", DATABASE, SETTINGS, flags=re.M))
    one.write("/etc/spotlist/aws-credentials", "[default]\naws_access_key_id=A\n")
    one.write("/etc/systemd/system/spotlist.service.d/test.conf", UNIT_PARTS, 0o644)
    try:
        one.wait_booted()
        yield one
    except machines.CannotBoot as error:
        pytest.skip(f"systemd-nspawn cannot boot here: {error}")
    finally:
        one.end()


def ready(machine):
    return machine.run("spotlist", "health", "--ready", check=False).returncode == 0


def test_it_is_up_before_its_database_is_there(machine):
    machine.run("systemctl", "enable", "--now", "spotlist.service")
    assert machine.show("spotlist", "ActiveState") == "active"
    assert machine.show("spotlist", "Type") == "notify"
    machine.run("spotlist", "health")
    assert not ready(machine)
    assert machine.show("spotlist-migrate", "Restart") == "on-failure"


def test_it_migrates_and_is_ready_when_the_database_has_come(machine):
    for command in (["createuser", "spotlist"], ["createdb", "-O", "spotlist", "spotlist"]):
        machine.run("runuser", "-u", "postgres", "--", *command)
    wait_until(lambda: ready(machine), 30, machine.journal)
    assert machine.show("spotlist-migrate", "Result") == "success"
    assert machine.show("spotlist", "NRestarts") == "0"


def process(machine):
    return machine.show("spotlist", "MainPID")


def test_it_has_no_rights(machine):
    status = dict(line.split(":\t", 1) for line in machine.run(
        "cat", f"/proc/{process(machine)}/status").stdout.splitlines())
    assert int(status["Uid"].split()[0]) >= 61184  # a dynamic one
    assert {int(status[f"Cap{which}"], 16) for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"


def test_it_sees_files_that_it_cannot_change(machine):
    inside = ["nsenter", f"--target={process(machine)}", "--mount", "--"]
    for path in ("/x", "/usr/x", "/etc/x", "/var/lib/x"):
        done = machine.run(*inside, "touch", path, check=False)
        assert "Read-only file system" in done.stderr, (path, done)
    machine.run(*inside, "touch", "/tmp/x")
    assert not machine.run("ls", "/tmp/x", check=False).stdout  # its own /tmp
    # Its credentials are the service's alone.
    mode = machine.run(*inside, "stat", "--format=%a %U",
                       "/run/credentials/spotlist.service/aws-credentials").stdout
    assert mode == "400 spotlist\n"


def test_one_that_hangs_is_started_again(machine):
    machine.run("sh", "-c", f"kill -STOP {process(machine)}")
    wait_until(lambda: machine.show("spotlist", "NRestarts") == "1" and ready(machine), 30,
               machine.journal)
    assert "Failed with result 'watchdog'" in machine.journal()


def test_it_stops_when_asked(machine):
    machine.run("systemctl", "stop", "spotlist")
    assert machine.show("spotlist", "Result") == "success"
    assert machine.show("spotlist", "ExecMainStatus") == "0"


def test_a_wrong_setting_is_not_tried_again(machine):
    path = Path(f"{machine.tree}/etc/spotlist/spotlist.env")
    good = path.read_text()
    path.write_text(good + "SPOTLIST_WORKERS=none\n")
    assert machine.run("systemctl", "start", "spotlist", check=False).returncode != 0
    for unit in ("spotlist", "spotlist-migrate"):
        wait_until(lambda: machine.show(unit, "ActiveState") == "failed", 15, machine.journal)
        assert machine.show(unit, "ExecMainStatus") == "78"
    assert 'SPOTLIST_WORKERS is \\"none\\"' in machine.journal()
    path.write_text(good)
    machine.run("systemctl", "start", "spotlist")
    wait_until(lambda: ready(machine), 15, machine.journal)
