# SPDX-License-Identifier: Apache-2.0
"""A Debian with systemd, booted by systemd-nspawn without a network, in which spotlist is installed."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup/unified") if Path("/sys/fs/cgroup/unified").exists() \
    else Path("/sys/fs/cgroup")


class CannotBoot(Exception):
    pass


class Machine:
    def __init__(self, tree, log):
        self.tree = tree
        self.log_path = log
        # Where no systemd runs, there is nobody to register with; nspawn then divides the cgroup
        # that it is in, and leaves the parts behind.
        self.parts = []
        options = []
        if not Path("/run/systemd/system").exists():
            options = ["--register=no", "--keep-unit"]
            self.parts = [CGROUPS / name for name in ("payload", "supervisor")
                          if not (CGROUPS / name).exists()]
        with open(log, "wb") as output:
            self.child = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--private-network", "--link-journal=no",
                 "--console=pipe", *options, "--directory", str(tree)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def wait_booted(self, seconds=60):
        deadline = time.monotonic() + seconds
        while self.run("systemctl", "is-system-running", check=False).stdout.strip() not in (
                "running", "degraded"):
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise CannotBoot(self.log_path.read_text(errors="replace")[-500:])
            time.sleep(0.2)

    def first(self):
        """The number that its systemd has outside of it, or None."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        found = children.read_text().split() if children.exists() else []
        return found[0] if found else None

    def run(self, *argv, check=True):
        first = self.first()
        if first is None:
            return subprocess.CompletedProcess(argv, 1, "", "it is not up")
        done = subprocess.run(
            ["nsenter", f"--target={first}", "--mount", "--pid", "--net", "--uts", "--ipc",
             "--cgroup", "--root", "--wd", "--", *argv],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"})
        if check:
            assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}{self.journal()}"
        return done

    def show(self, unit, what):
        return self.run("systemctl", "show", "--value", "-p", what, unit).stdout.strip()

    def journal(self):
        return self.run("journalctl", "--no-pager", "-n", "60", "-u", "spotlist*",
                        check=False).stdout

    def write(self, path, text, mode=0o600):
        where = Path(f"{self.tree}{path}")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
        where.chmod(mode)

    def end(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for part in self.parts:
            for directory, _, _ in os.walk(part, topdown=False):
                os.rmdir(directory)
        shutil.rmtree(self.tree, ignore_errors=True)
