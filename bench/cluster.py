# SPDX-License-Identifier: Apache-2.0
"""The private PostgreSQL of ./run bench: kept between runs, on a Unix socket, with nothing about
durability turned off while it is measured."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import zlib
from pathlib import Path

import psycopg2

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"),
                  key=lambda path: int(path.parent.name))

# While data is made, which can be made again.
MAKING = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
          "wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "off",
          "max_wal_size": "8GB", "checkpoint_timeout": "30min", "maintenance_work_mem": "512MB"}


def memory_mb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)


def shared_buffers():
    """A quarter of the memory, as PostgreSQL's manual has it, within bounds."""
    return f"{max(128, min(memory_mb() // 4, 4096))}MB"


class Cluster:
    def __init__(self, directory):
        self.dir = Path(directory)
        self.socket = Path(tempfile.mkdtemp(prefix="spotlist-bench-", dir="/tmp"))
        self.prefix = []
        self.running = False
        self.dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # initdb and postgres refuse to run as root
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
            owner = pwd.getpwnam("postgres")
            os.chown(self.socket, owner.pw_uid, owner.pw_gid)
            if subprocess.run([*self.prefix, "test", "-x", self.dir], cwd="/").returncode:
                name = f"spotlist-bench-{zlib.crc32(bytes(self.dir)):08x}"  # below /root, say
                self.dir = Path("/var/lib") / name
                self.dir.mkdir(exist_ok=True)
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
        self.data = self.dir / "data"
        self.log = self.dir / "log"
        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self.run("initdb", "-D", self.data, "-U", "spotlist", "-A", "trust", "-E", "UTF8",
                     "--locale=C.UTF-8")

    def run(self, name, *arguments):
        done = subprocess.run([*self.prefix, str(BINARIES[-1] / name), *map(str, arguments)],
                              cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            log = self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
            raise RuntimeError(f"{name}: {done.stderr}\n{log}")

    def start(self, settings=None):
        """Starts it, or again when it runs: with the server's defaults but for `settings`."""
        self.stop()
        values = {"listen_addresses": "''", "unix_socket_directories": self.socket,
                  "max_connections": "200", "shared_buffers": shared_buffers(), **(settings or {})}
        options = " ".join(f"-c {name}={value}" for name, value in values.items())
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-o", options, "-w", "-t", "600",
                 "start")
        self.running = True

    def stop(self):
        if self.running:
            self.run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "600", "stop")
            self.running = False

    def close(self):
        self.stop()
        shutil.rmtree(self.socket, ignore_errors=True)

    def conninfo(self, database="postgres"):
        return f"host={self.socket} user=spotlist dbname={database}"

    def connect(self, database="postgres"):
        """A connection without transactions."""
        connection = psycopg2.connect(self.conninfo(database))
        connection.autocommit = True
        return connection

    def query(self, sql, *parameters, database="postgres"):
        with contextlib.closing(self.connect(database)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def has(self, database):
        return bool(self.query("SELECT 1 FROM pg_database WHERE datname = %s", database))
