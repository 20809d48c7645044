# SPDX-License-Identifier: Apache-2.0
"""Runs images as an engine would, where there is none: what a compose file says, by bubblewrap.

An image's files are a directory (`buildah mount`). A container is a process in namespaces of its own
with that directory read-only as its root, PID 1, its user's number, no capability, no new privileges
and exactly the environment that image and service give it. What an engine does and this does not:
networks (all containers share one network namespace, where service names are 127.0.0.1), limits of
memory and CPU, seccomp, `init: true` (so PID 1 is always the program itself), restarts.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import yaml

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Image:
    """A built image: its configuration, and its files at `root`."""

    def __init__(self, buildah, name):
        self.buildah = buildah
        self.name = name
        described = json.loads(self.run("inspect", "--type", "image", name))
        self.docker = described["Docker"]
        self.config = self.docker["config"]
        self.container = self.run("from", "--pull-never", name).strip()
        self.root = Path(self.run("mount", self.container).strip())

    def run(self, *arguments):
        done = subprocess.run([*self.buildah, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        assert done.returncode == 0, f"buildah {arguments}: {done.stderr}"
        return done.stdout

    @property
    def environment(self):
        return dict(one.split("=", 1) for one in self.config.get("Env") or [])

    @property
    def user(self):
        uid, _, gid = self.config["User"].partition(":")
        return int(uid), int(gid)

    @property
    def health(self):
        """The check's command, as an argument vector."""
        check = self.config["Healthcheck"]
        assert check["Test"][0] == "CMD", check
        return check["Test"][1:]

    def remove(self):
        self.run("umount", self.container)
        self.run("rm", self.container)


class Container:
    """One process of an image, and what it has written to its log."""

    def __init__(self, image, directory, name, command=None, environment=None, binds=(),
                 tmpfs=("/tmp",)):
        self.image = image
        self.name = name
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.command = command
        self.environment = {"PATH": PATH, "HOSTNAME": name, **image.environment,
                            **(environment or {})}
        self.hosts = self.dir / "hosts"
        self.binds = [*binds]
        self.tmpfs = tmpfs
        self.log_path = self.dir / f"{name}.log"
        self.child = None

    def argv(self, entrypoint, command):
        """bubblewrap's command line. Root begins; setpriv(1), which is in every Debian, becomes the
        image's user without any capability, and then the program, by exec."""
        argv = ["bwrap", "--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts",
                "--new-session", "--clearenv",
                "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID",
                "--cap-add", "CAP_SETPCAP",
                "--ro-bind", str(self.image.root), "/", "--proc", "/proc", "--dev", "/dev"]
        for path in self.tmpfs:
            argv += ["--perms", "1777", "--tmpfs", path]
        for host, path, writable in self.binds:
            # As engines do: what is mounted on is made, in the container's own copy.
            point = Path(f"{self.image.root}{path}")
            if Path(host).is_dir():
                point.mkdir(parents=True, exist_ok=True)
            else:
                point.parent.mkdir(parents=True, exist_ok=True)
                point.touch()
            argv += ["--bind" if writable else "--ro-bind", str(host), path]
        if self.hosts.exists():
            argv += ["--ro-bind", str(self.hosts), "/etc/hosts"]
        for name, value in self.environment.items():
            argv += ["--setenv", name, str(value)]
        return [*argv, "--chdir", "/", "--", *self.as_user(), *entrypoint, *command]

    def as_user(self):
        uid, gid = self.image.user
        return ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups",
                "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]

    def start(self):
        entrypoint = self.image.config.get("Entrypoint") or []
        command = self.command if self.command is not None else self.image.config.get("Cmd") or []
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(self.argv(entrypoint, command), stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log)
        return self

    def log(self):
        return self.log_path.read_text(errors="replace")

    def pid(self):
        """The number that the container's first process has outside of it."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        while not children.read_text():  # bubblewrap is still preparing it
            assert self.child.poll() is None, self.log()
            time.sleep(0.01)
        return int(children.read_text().split()[0])

    def status(self):
        """Of the first process, as the kernel tells: {"Uid": …, "CapEff": …}."""
        text = Path(f"/proc/{self.pid()}/status").read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines())

    def execute(self, argv, timeout=60):
        """Runs another program inside, as `docker exec` and health checks do."""
        enter = ["nsenter", f"--target={self.pid()}", "--mount", "--pid", "--ipc", "--uts",
                 "--root", "--wd", "--", *self.as_user()]
        return subprocess.run([*enter, *argv], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout, env=self.environment)

    def healthy(self):
        return self.execute(self.image.health).returncode == 0

    def wait(self, timeout=60):
        status = self.child.wait(timeout)
        self.child = None
        return status

    def stop(self, how=signal.SIGTERM, timeout=40):
        """Signals the first process, and returns its exit status and the seconds it took."""
        began = time.monotonic()
        os.kill(self.pid(), how)
        try:
            return self.wait(timeout), time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"{self.name} did not stop:\n{self.log()[-3000:]}") from None

    def end(self):
        """The end of its first process is that of all, and of bubblewrap."""
        if self.child is not None and self.child.poll() is None:
            os.kill(self.pid(), signal.SIGKILL)
            self.child.wait()
        self.child = None


class Compose:
    """A compose file's services, run in the order of what they depend on.

    `stand_ins` has, by service name, a function that starts what takes the place of a service whose
    image cannot be had here, and returns something with healthy() and end()."""

    def __init__(self, path, images, directory, stand_ins):
        self.path = Path(path)
        self.images = images
        self.dir = Path(directory)
        self.stand_ins = stand_ins
        self.content = yaml.safe_load(substitute(self.path.read_text()))
        self.services = self.content["services"]
        self.started = {}

    def volume(self, name, user):
        path = self.dir / "volumes" / name
        if not path.exists():
            path.mkdir(parents=True)
            os.chown(path, *user)
        return path

    def env_file(self, service):
        """Beside the compose file: here, in the directory of the run."""
        if "env_file" not in service:
            return {}
        lines = (self.dir / service["env_file"]).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def container(self, name):
        service = self.services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        image = self.images[service["image"]]
        binds = []
        for volume in service.get("volumes", []):
            source, path, *mode = volume.split(":")
            binds.append((self.volume(source, image.user), path, mode != ["ro"]))
        for secret in service.get("secrets", []):
            file = self.dir / self.content["secrets"][secret]["file"]
            binds.append((file, f"/run/secrets/{secret}", False))
        tmpfs = [one.split(":")[0] for one in service.get("tmpfs", [])]
        environment = {**self.env_file(service), **service.get("environment", {})}
        container = Container(image, self.dir, name, service.get("command"), environment, binds,
                              tmpfs)
        container.hosts.write_text("127.0.0.1 localhost " + " ".join(self.services) + "\n")
        return container

    def start(self, name):
        """Starts a service as soon as what it depends on is as it must be."""
        if name in self.started:
            return
        for other, how in (self.services[name].get("depends_on") or {}).items():
            self.start(other)
            if how["condition"] == "service_healthy":
                self.wait_healthy(other)
            else:
                assert how["condition"] == "service_completed_successfully"
                self.wait_completed(other)
        begin = self.stand_ins.get(name)
        self.started[name] = begin(self.services[name]) if begin else self.container(name).start()

    def up(self):
        for name in self.services:
            self.start(name)

    def wait_healthy(self, name, seconds=120):
        one = self.started[name]
        deadline = time.monotonic() + seconds
        while not one.healthy():
            assert not getattr(one, "child", None) or one.child.poll() is None, one.log()[-3000:]
            assert time.monotonic() < deadline, f"{name} is not healthy:\n{one.log()[-3000:]}"
            time.sleep(0.1)

    def wait_completed(self, name):
        one = self.started[name]
        if one.child is not None:
            status = one.wait()
            assert status == 0, f"{name} ended with {status}:\n{one.log()[-3000:]}"

    def down(self):
        for one in reversed(self.started.values()):
            one.end()


def substitute(text):
    """${NAME:-default}, the only form that our files use, with the defaults."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def storage(root):
    """The buildah command for the store of ./run image."""
    return [shutil.which("buildah") or "buildah", "--root", str(root / "storage"), "--runroot",
            str(root / "run"), "--storage-driver", "vfs"]
