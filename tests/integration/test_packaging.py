# SPDX-License-Identifier: Apache-2.0
"""What is installed beside the program, and what docker/ says about running it: held against the
program itself, so that none of it goes stale. That the image works: ./run image --test."""

import json
import re
import shutil
import signal
import socket
import subprocess
import threading

import jsonschema
import pytest
import yaml

from harness import BUILD, PATIENCE, ROOT, plain_environment, program, wait_until

DOCKER = ROOT / "docker"
UNITS = ("spotlist.service", "spotlist-migrate.service")
COMPOSE_FILES = ("compose.yaml", "compose.aws.yaml")


def spotlist(*arguments, environment=None):
    return subprocess.run([program(BUILD, "spotlist"), *arguments], stdin=subprocess.DEVNULL,
                          env={**plain_environment(), **(environment or {})},
                          capture_output=True, text=True, timeout=60 * PATIENCE)


# --- meson install -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory that takes the place of / ."""
    place = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir",
                           str(place), "--tags", "runtime,systemd,doc"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_the_program_is_installed_with_its_licence_and_documentation(installed):
    usr = installed / "usr/local"
    done = subprocess.run([usr / "bin/spotlist", "version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("spotlist ")
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "openapi.yaml", "docs/install.md",
                 "docs/operations.md", "examples/spotlist.env.example"):
        assert (usr / "share/doc/spotlist" / name).is_file(), name


def unit(installed, name):
    """[(setting, value)…] of a unit, as it is installed."""
    text = (installed / "usr/local/lib/systemd/system" / name).read_text()
    assert not re.search(r"@\w+@", text)
    return [tuple(line.split("=", 1)) for line in text.splitlines()
            if "=" in line and not line.startswith("#")]


def test_units_start_what_was_installed(installed):
    for name, command in zip(UNITS, ("serve", "migrate")):
        assert ("ExecStart", f"/usr/local/bin/spotlist {command}") in unit(installed, name)


def test_supervisors_wait_longer_than_a_stop_takes(installed):
    """SPOTLIST_SHUTDOWN_S and a margin of 10 s, said in serve.c, is the longest."""
    longest = int(table()["SPOTLIST_SHUTDOWN_S"][0]) + 10
    assert int(dict(unit(installed, "spotlist.service"))["TimeoutStopSec"].rstrip("s")) > longest
    for name in COMPOSE_FILES:
        grace = compose(name)["services"]["spotlist"]["stop_grace_period"]
        assert int(grace.rstrip("s")) > longest


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_units_and_finds_them_confined(installed, name):
    done = subprocess.run(["systemd-analyze", "verify", "--root", installed, "--man=no",
                           "--recursive-errors=no", f"/usr/local/lib/systemd/system/{name}"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           "--threshold=12", installed / "usr/local/lib/systemd/system" / name],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]


# --- the example of settings ---------------------------------------------------------------------


def environment_file(text, commented):
    """NAME -> (value, the comment before it), of the lines that are set, or are commented out."""
    pattern = r"^((?:# .*\n)*)" + ("#" if commented else "") + r"([A-Z][A-Z_0-9]*)=(.*)$"
    return {name: (value, comment) for comment, name, value in re.findall(pattern, text, re.M)}


def example(commented=False):
    return environment_file((DOCKER / "spotlist.env.example").read_text(), commented)


def settings():
    return {name: value for name, (value, _) in example().items()}


def table():
    """NAME -> (default, help), as `config --print` shows with the example's settings."""
    done = spotlist("config", "--print", environment=settings())
    assert done.returncode == 0, done.stderr
    return environment_file(done.stdout, commented=False)


def test_the_example_has_every_setting_with_its_meaning_and_default():
    known = {name: one for name, one in table().items() if name.startswith("SPOTLIST_")}
    set_, shown = example(), example(commented=True)
    ours = {name for name in [*set_, *shown] if name.startswith("SPOTLIST_")}
    assert ours == set(known)
    for name, (default, help_) in known.items():
        value, comment = set_.get(name) or shown[name]
        assert comment.endswith(help_), name
        if name in shown and default != "***":
            assert value == default, name


def test_every_setting_that_must_be_set_is_set_in_the_example():
    required = [name for name in settings() if name.startswith("SPOTLIST_") and spotlist(
        "config", "--print",
        environment={key: value for key, value in settings().items() if key != name},
    ).returncode == 78]
    assert {"SPOTLIST_DATABASE_URL", "SPOTLIST_BUCKET"} <= set(required)


# --- docker/ -------------------------------------------------------------------------------------


def compose(name):
    return yaml.safe_load((DOCKER / name).read_text())


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_compose_files_are_valid(name):
    schema = json.loads((ROOT / "tests/integration/compose-spec-schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(compose(name))] == []


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_services_are_confined_and_reached_from_this_machine_only(name):
    for service, one in compose(name)["services"].items():
        assert one["read_only"] is True and one["cap_drop"] == ["ALL"], service
        assert one["security_opt"] == ["no-new-privileges:true"], service
        assert "privileged" not in one and one.get("network_mode") is None, service
        for port in one.get("ports", []):
            assert port.startswith("127.0.0.1:"), (service, port)


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_spotlist_takes_the_settings_of_compose_files(name):
    service = compose(name)["services"]["spotlist"]
    base = settings() if service.get("env_file") == "spotlist.env" else {}
    done = spotlist("config", "--print", environment={**base, **service["environment"]})
    assert done.returncode == 0, done.stderr
    assert "SPOTLIST_AUTH=tokens" in done.stdout  # it listens beyond loopback


def stages():
    """name -> packages that it installs, of the Dockerfile."""
    found = {}
    for part in re.split(r"^FROM ", (DOCKER / "Dockerfile").read_text(), flags=re.M)[1:]:
        packages = re.search(r"--no-install-recommends \\\n((?:\t\t.*\n)+)", part).group(1)
        found[part.split("\n")[0].split(" AS ")[1]] = set(packages.replace("\\", "").split())
    return found


def test_the_image_is_built_with_the_packages_that_others_build_with():
    listed = subprocess.run(["bash", "-c", '. scripts/packages.sh; echo "${packages_build[@]}"'],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    of_localcloud = {"libsqlite3-dev", "libopencv-dev", "libopencv-contrib-dev",
                     "libpocketsphinx-dev"}
    assert stages()["build-localcloud"] == set(listed)
    assert stages()["build"] == set(listed) - of_localcloud


def test_images_that_run_have_nothing_to_build_with():
    for stage in ("spotlist", "localcloud"):
        assert not {name for name in stages()[stage]
                    if name.endswith("-dev") or name in ("gcc", "g++", "meson", "python3")}


# --- health and supervision ----------------------------------------------------------------------


def test_health_is_told_by_the_exit_status(svc):
    admin = {"SPOTLIST_ADMIN_LISTEN": svc.admin.removeprefix("http://")}
    for options in ([], ["--ready"]):
        done = spotlist("health", *options, environment=admin)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    # All addresses are asked on loopback; names are not asked of anybody.
    port = svc.admin.rsplit(":", 1)[1]
    assert spotlist("health", environment={
        "SPOTLIST_ADMIN_LISTEN": f"0.0.0.0:{port}"}).returncode == 0


class Answers(threading.Thread):
    """Answers one connection with given bytes, and then closes it or keeps silent."""

    def __init__(self, answer, close=True):
        super().__init__(daemon=True)
        self.answer, self.close = answer, close
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.start()

    def run(self):
        connection, _ = self.socket.accept()
        connection.recv(4096)
        connection.sendall(self.answer)
        if self.close:
            connection.close()
        else:
            connection.recv(1)


@pytest.mark.parametrize("answer, words", [
    (b"HTTP/1.1 503 x\r\n\r\n{\"code\": \"database_unavailable\"}", "database_unavailable"),
    (b"SSH-2.0-x\r\n", "not HTTP"),
    (b"", "not HTTP"),
    (b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n", "301"),
])
def test_whatever_else_answers_is_not_health(answer, words):
    done = spotlist("health", "--ready",
                    environment={"SPOTLIST_ADMIN_LISTEN": Answers(answer).address})
    assert done.returncode == 1 and words in done.stderr, done


def test_health_does_not_wait_for_ever():
    slow = Answers(b"HTTP/1.1 ", close=False)
    done = spotlist("health", environment={"SPOTLIST_ADMIN_LISTEN": slow.address})
    assert done.returncode == 1 and "no answer in time" in done.stderr, done


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.0.0.1", "localhost.invalid:80", "x", ":"])
def test_what_cannot_be_asked_is_named(address):
    done = spotlist("health", environment={"SPOTLIST_ADMIN_LISTEN": address})
    assert done.returncode == 1 and f'\\"{address}\\"' in done.stderr, done


def test_systemd_is_told_of_the_life(make_svc, cloud, tmp_path):
    one = make_svc(cloud, subscribe=False)
    one.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.settimeout(30 * PATIENCE)
        supervisor.bind(str(tmp_path / "notify"))
        one.environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        one.start()
        assert supervisor.recv(100) == b"READY=1"
        assert supervisor.recv(100) == supervisor.recv(100) == b"WATCHDOG=1"
        child = one.process.child
        child.send_signal(signal.SIGTERM)
        wait_until(lambda: supervisor.recv(100) == b"STOPPING=1")
        assert child.wait(30 * PATIENCE) == 0


def test_another_process_watchdog_is_not_ours(make_svc, cloud, tmp_path):
    one = make_svc(cloud, subscribe=False)
    one.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.settimeout(30 * PATIENCE)
        supervisor.bind("\0spotlist-test-" + tmp_path.name)
        one.environment |= {"NOTIFY_SOCKET": "@spotlist-test-" + tmp_path.name,
                            "WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}
        one.start()
        assert supervisor.recv(100) == b"READY=1"
        child = one.process.child
        child.send_signal(signal.SIGTERM)
        assert supervisor.recv(100) == b"STOPPING=1"
        assert child.wait(30 * PATIENCE) == 0
