# SPDX-License-Identifier: Apache-2.0
"""What ./run image --test has built, mounted; and docker/compose.yaml, up. As root, in a network
namespace of its own (scripts/image.sh sees to that)."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import containers

ROOT = Path(__file__).resolve().parents[2]
STORE = Path(os.environ.get("SPOTLIST_IMAGE_STORE", ROOT / ".image"))


@pytest.fixture(scope="session")
def images():
    """By name; localcloud's only when it was built."""
    buildah = containers.storage(STORE)
    listed = subprocess.run([*buildah, "images", "--format", "{{.Name}}:{{.Tag}}"],
                            capture_output=True, text=True, check=True).stdout.split()
    mounted = {name: containers.Image(buildah, name) for name in listed
               if name.startswith(("localhost/spotlist", "docker.io/library/debian"))}
    yield mounted
    for image in mounted.values():
        image.remove()


@pytest.fixture(scope="session")
def image(images):
    return images["localhost/spotlist:latest"]


@pytest.fixture(scope="session")
def base(images):
    return images["docker.io/library/debian:bookworm-slim"]


class Program:
    """A program of the host in the place of a container."""

    def __init__(self, argv, log, healthy):
        self.log_path = log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=output, cwd="/")
        self.healthy = healthy

    def log(self):
        return self.log_path.read_text(errors="replace")

    def end(self):
        self.child.send_signal(signal.SIGINT)  # of PostgreSQL: the fast end
        self.child.wait()


def as_user(user):
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]


def postgres(directory):
    """The host's PostgreSQL, set up from the same environment as the published image."""
    def begin(service):
        settings = service["environment"]
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        data, password = directory / "postgres", directory / "password"
        data.mkdir()
        secret = settings.get("POSTGRES_PASSWORD") or (
            directory / "postgres-password.txt").read_text()
        password.write_text(secret)
        for path in (data, password):
            subprocess.run(["chown", "postgres:", path], check=True)
        user = settings["POSTGRES_USER"]
        subprocess.run([*as_user("postgres"), programs / "initdb", "-D", data, "-U", user,
                        f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        environment = {**os.environ, "PGPASSWORD": secret}
        check = service["healthcheck"]["test"][1:]
        database = settings["POSTGRES_DB"]

        def healthy():
            if subprocess.run([programs / check[0], *check[1:]], capture_output=True,
                              check=False).returncode != 0:
                return False
            done = subprocess.run([programs / "createdb", "-h", "127.0.0.1", "-U", user, database],
                                  env=environment, capture_output=True, text=True, check=False)
            return done.returncode == 0 or "already exists" in done.stderr

        return Program([*as_user("postgres"), programs / "postgres", "-D", data, "-c",
                        f"unix_socket_directories={data}"], directory / "postgres.log", healthy)
    return begin


def localcloud(directory, user, program):
    """The host's localcloud, with the options of the image's ENTRYPOINT."""
    def begin(service):
        data = directory / "volumes" / "cloud"
        data.mkdir(parents=True)
        os.chown(data, *user)

        def healthy():
            return subprocess.run([program, "--health", "127.0.0.1:4566"], capture_output=True,
                                  check=False).returncode == 0

        return Program([*as_user(user[0]), program, "--data", data, "--listen", "0.0.0.0:4566",
                        *service["command"]], directory / "localcloud.log", healthy)
    return begin


def open_directory(tmp_path_factory, name):
    """One that other users pass through."""
    directory = tmp_path_factory.mktemp(name)
    for path in (directory, *directory.parents[:2]):
        path.chmod(0o711)
    return directory


@pytest.fixture(scope="module")
def compose(images, image, tmp_path_factory):
    """docker/compose.yaml, up. Only PostgreSQL's image cannot be had here: the host's runs."""
    directory = open_directory(tmp_path_factory, "compose")
    stand_ins = {"postgres": postgres(directory)}
    if "localhost/spotlist-localcloud:latest" not in images:
        program = Path(os.environ["SPOTLIST_LOCALCLOUD"])
        stand_ins["localcloud"] = localcloud(directory, image.user, program)
    one = containers.Compose(ROOT / "docker" / "compose.yaml", images, directory, stand_ins)
    try:
        one.up()
        one.wait_completed("subscribe")
        yield one
    finally:
        one.down()


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what()}"
        time.sleep(0.1)
