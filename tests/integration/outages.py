# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of one's own that a test may stop, freeze and start again."""

import os
import signal
from pathlib import Path

from harness import Postgres, wait_until


class Server(Postgres):
    def __init__(self):
        super().__init__()
        # For pg_ctl without -o; and what was committed must outlive an immediate stop.
        with open(self.dir / "data/postgresql.conf", "a", encoding="ascii") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.dir}'\n"
                       "fsync = off\nmax_connections = 200\n")
        self.frozen = []
        self.running = True
        self.halt()
        self.go()

    def halt(self, mode="fast"):
        self.run("pg_ctl", "-D", self.dir / "data", "-m", mode, "-w", "stop")
        self.running = False

    def go(self):
        self.run("pg_ctl", "-D", self.dir / "data", "-l", self.dir / "log", "-w", "start")
        self.running = True

    def processes(self):
        postmaster = int((self.dir / "data/postmaster.pid").read_text().split()[0])
        children = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, _, rest = stat.read_text().partition(" (")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(rest.rpartition(") ")[2].split()[1]) == postmaster:
                children.append(int(pid))
        return [postmaster, *children]

    def freeze(self):
        """It hangs: connections are taken by the kernel, and nobody answers."""
        self.frozen = self.processes()
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.frozen = []

    def stop(self):
        self.thaw()
        if not self.running:
            self.go()
        super().stop()


def is_ready(svc):
    return svc.admin_get("/readyz").status == 200


def wait_ready(svc, timeout=30):
    wait_until(lambda: is_ready(svc), timeout, lambda: f"ready:\n{svc.log()[-4000:]}")
