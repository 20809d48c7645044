#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ratios.py --videos N [--prepare] [--only MEASURE] DIRECTORY VENV: spotlist beside its yardsticks,
over a database of N videos, as one table of ratios. Each ratio is of figures of this run, taken in
turns; nothing is judged but the aims. With --prepare only the database is made, or found made."""

import argparse
import contextlib
import itertools
import json
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import generate  # first: it knows where the modules of the tests are
import harness
import load
import messages
import searches
import statements
from cluster import Cluster

ROUNDS = 3
SECONDS = 3
SEARCH_SECONDS = 40
HTTP_THREADS = 16  # so many statements at once: as many clients has pgbench
# Nobody looks after what is submitted while that is timed.
SETTINGS = {"SPOTLIST_LOG_LEVEL": "info", "SPOTLIST_POLL_INTERVAL_MS": "3600000",
            "SPOTLIST_SNS_MAX_AGE_S": "604800", "SPOTLIST_HTTP_THREADS": str(HTTP_THREADS)}
TAG = "bench-post"
FORGET = f"""DELETE FROM spotlist_data.videos WHERE tags @> '{{{TAG}}}';
             DELETE FROM spotlist_data.inbox"""


MEASURES = ["readiness", "connections", "metadata", "search", "submissions", "callbacks"]


class Table:
    """Rows: what, ours, the yardstick, their ratio, the aim, whether it is met."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, yardstick, ratio, aim, met):
        self.rows.append((what, ours, yardstick, ratio, aim, "met" if met else "NOT MET"))
        print(f"bench: {'; '.join(filter(None, self.rows[-1]))}", file=sys.stderr, flush=True)

    def rate(self, what, ours, yardstick, name, least):
        """Two rates: how many a second."""
        self.add(what, f"{ours:,.0f}/s", f"{name} {yardstick:,.0f}/s", f"{ours / yardstick:.2f}",
                 f">= {least:g}", ours >= least * yardstick)

    def show(self):
        head = ("what", "spotlist", "yardstick", "ratio", "aim", "")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(6)]
        for row in [head, tuple("-" * width for width in widths), *self.rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def alternate(rounds, *asks):
    """The median of each, asked in turns: a machine's pace changes."""
    figures = [[ask() for ask in asks] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*figures)]


class Bench:
    def __init__(self, stack, arguments):
        self.stack = stack
        self.videos = arguments.videos
        self.venv = arguments.venv.resolve()
        self.database = generate.database_name(self.videos)
        self.table = Table()
        self.commits = 0.0  # of POST /videos' statements, a second
        self.dir = Path(tempfile.mkdtemp(prefix="spotlist-bench-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.cluster = Cluster(arguments.directory.resolve())
        stack.callback(self.cluster.close)

    def start(self):
        self.query(FORGET)
        self.cloud = harness.Cloud(self.dir / "cloud")
        self.stack.callback(self.cloud.stop)
        self.svc = harness.Spotlist(self.dir / "svc", harness.Database(self.cluster, self.database),
                                    self.cloud, settings={**SETTINGS, **open_access()})
        self.stack.callback(self.svc.stop)

    def query(self, sql, *parameters):
        return self.cluster.query(sql, *parameters, database=self.database)

    def restart(self, **settings):
        self.svc.stop()
        self.svc.environment.update(settings)
        self.svc.start()

    # --- GET /videos/{id}/metadata --------------------------------------------------------------

    def metadata(self):
        short = self.query("SELECT id::text FROM bench.templates WHERE name = 'short'")[0][0]
        long = self.query("SELECT id::text FROM bench.videos WHERE n = %s", self.videos // 2)[0][0]
        with load.fastapi(self.venv, self.cluster, self.database, self.cloud) as yardstick:
            for video in (short, long):
                self.one_document(video, yardstick)
        self.with_token(short)

    def with_token(self, video):
        """The same with the token that a request has to bring unless access is open."""
        token = self.svc.command("token", "create", "--scope", "read", "--rate", "1000000"
                                 ).stdout.split()[0]
        self.restart(SPOTLIST_AUTH="tokens")
        target = f"{self.svc.url}/videos/{video}/metadata"
        header = f"Authorization: Bearer {token}"
        body = load.fetch(target, dict([header.split(": ")]))
        with load.trivial(self.document_file(body), HTTP_THREADS) as trivial:
            ours, plain = alternate(
                ROUNDS, lambda: load.wrk(target, SECONDS, headers=[header]),
                lambda: load.wrk(trivial, SECONDS, headers=[header]))
        self.table.rate(f"GET metadata, {len(body) / 1000:,.0f} kB, with a token", ours, plain,
                        "libmicrohttpd", 0.8)
        self.restart(**open_access())

    def document_file(self, body):
        path = self.dir / "document.json"
        path.write_bytes(body)
        return path

    def one_document(self, video, yardstick):
        target = f"/videos/{video}/metadata"
        body = load.fetch(self.svc.url + target)
        if body != load.fetch(yardstick + target):
            sys.exit(f"bench: the yardstick answers another document for {target}")
        with load.trivial(self.document_file(body), HTTP_THREADS) as trivial:
            ours, plain, python = alternate(
                ROUNDS, lambda: load.wrk(self.svc.url + target, SECONDS),
                lambda: load.wrk(trivial, SECONDS), lambda: load.wrk(yardstick + target, SECONDS))
        what = f"GET metadata, {len(body) / 1000:,.0f} kB"
        self.table.rate(what, ours, plain, "libmicrohttpd", 0.8)
        self.table.rate(what, ours, python, "FastAPI", 20)

    # --- GET /search ----------------------------------------------------------------------------

    def search(self):
        """Each search is asked over HTTP and then, its statements with the same parameters, of
        PostgreSQL on one connection; again and again, all kinds in turns."""
        asked = [f"/search?{urllib.parse.urlencode(one)}" for one in searches.mix(self.query)]
        http = load.Raw(self.svc.url)
        if http.get("/search")[0] == 404:
            print("bench: there is no GET /search", file=sys.stderr)
            return
        direct = statements.Connection(self.cluster, self.database)
        self.stack.callback(http.close)
        self.stack.callback(direct.close)
        recorded = self.record_searches(http, asked)
        asked = list(recorded)
        if not asked:
            return
        ours, own = [], []
        until = time.monotonic() + SEARCH_SECONDS
        for number in itertools.count():
            if number >= 2 * len(asked) and time.monotonic() > until:
                break
            target = asked[number % len(asked)]
            begin = time.perf_counter()
            status, _ = http.get(target)
            taken = time.perf_counter() - begin
            alone = direct.run(recorded[target])
            if number >= len(asked):  # the first of each is planned and read from disk
                ours.append(taken)
                own.append(alone)
        self.show_search(ours, own)

    def record_searches(self, http, asked):
        """{target: the statements that answer it}, of those that are answered."""
        recorded = {}
        with statements.Recorder(self.cluster) as recorder:
            for target in asked:
                status, body = http.get(target)
                found = recorder.take()
                if status == 200:
                    recorded[target] = found
                else:
                    print(f"bench: left out: {target}: {status} {body[:300]!r}", file=sys.stderr)
        return recorded

    def show_search(self, ours, own):
        for name, place in (("p50", 0.5), ("p99", 0.99)):
            mine, theirs = (sorted(each)[int(place * (len(each) - 1))] for each in (ours, own))
            self.table.add(f"GET /search, {name} of {len(ours)}", f"{mine * 1000:.2f} ms",
                           f"PostgreSQL {theirs * 1000:.2f} ms", f"{mine / theirs:.2f}", "<= 2",
                           mine <= 2 * theirs)

    # --- POST /videos ---------------------------------------------------------------------------

    def submissions(self):
        """Uploads: an S3 source would be looked for at localcloud first, which is not measured."""
        value = {"source": "upload", "filename": "evening.mp4", "title": "An evening",
                 "content_type": "video/mp4", "tags": [TAG, "evening"]}
        body = self.dir / "video.json"
        body.write_text(json.dumps(value))
        for _ in range(2 * HTTP_THREADS):  # every connection has it planned
            self.svc.post("/videos", value, validate=False)
        with statements.Recorder(self.cluster) as recorder:
            made = self.svc.submit(**value)
            recorded = recorder.take()
        print(f"bench: POST /videos runs: {', '.join(name or what for name, what in recorded)}",
              file=sys.stderr)
        script = self.dir / "video.sql"
        # Version 7, and another for each, in order.
        script.write_text(statements.pgbench_script(recorded, {
            f"'{made['id']}'": "(lpad(to_hex(:t::bigint), 12, '0') || '7' || "
            "lpad(to_hex(:client_id::bigint), 3, '0') || '8000' || "
            "lpad(to_hex(:n::bigint), 12, '0'))"}))
        ours, commits = alternate(
            ROUNDS,
            lambda: load.wrk(f"{self.svc.url}/videos", SECONDS, script="post_video.lua",
                             connections=64, arguments=["--", body]),
            lambda: load.pgbench(self.cluster, self.database, script, SECONDS, HTTP_THREADS))
        self.table.rate("POST /videos (upload)", ours, commits, "pgbench", 0.7)
        self.commits = commits

    # --- POST /sns ------------------------------------------------------------------------------

    def callbacks(self):
        if not self.commits:
            self.submissions()
        commits = self.commits
        verified = load.rsa_verifies(SECONDS)
        lowest, name = min((commits, "pgbench's POST /videos"), (verified, "RSA verification"))
        count = min(60_000, int(max(commits, 2000) * SECONDS * 2))
        jobs = self.query("SELECT job_id, video_id::text FROM spotlist_data.analyses WHERE "
                          "kind = 'labels' AND job_id IS NOT NULL ORDER BY video_id LIMIT 5000")
        self.svc.restart()

        def once():
            messages.write(self.dir / "sns", self.cloud, messages.TOPIC,
                           (jobs * (count // len(jobs) + 1))[:count], min(2, load.CORES))
            before, begin = self.stored(), time.monotonic()
            load.wrk(f"{self.svc.url}/sns", SECONDS, script="post_sns.lua",
                     arguments=["--", self.dir / "sns"])
            return (self.stored() - before) / (time.monotonic() - begin)
        ours, = alternate(1, once)
        self.table.rate("POST /sns", ours, lowest, name, 0.6)

    def stored(self):
        return self.query("SELECT count(*) FROM spotlist_data.inbox")[0][0]

    # --- at rest --------------------------------------------------------------------------------

    def connections(self, count=1000):
        """Resident while so many connections are open that have each read a document."""
        self.svc.restart()
        video = self.query("SELECT id::text FROM bench.templates WHERE name = 'short'")[0][0]
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                one = load.Raw(self.svc.url)
                stack.callback(one.close)
                one.get(f"/videos/{video}/metadata")
            held = resident_mb(self.svc.process.child.pid)
        self.table.add(f"{count:,} open connections", f"{held:.1f} MB resident", "", "", "< 100 MB",
                       held < 100)

    def readiness(self, rounds=9):
        """From the start of the process to the first 200 of /readyz."""
        self.svc.stop()
        port = load.free_port()
        environment = {**self.svc.environment, "SPOTLIST_LISTEN": "127.0.0.1:0",
                       "SPOTLIST_ADMIN_LISTEN": f"127.0.0.1:{port}"}
        taken = [self.one_start(environment, port) for _ in range(rounds)]
        middle = statistics.median(taken)
        self.table.add("ready after its start", f"{middle * 1000:.0f} ms", "", "", "< 100 ms",
                       middle < 0.1)
        self.svc.start()

    def one_start(self, environment, port):
        command = [harness.program(harness.BUILD, "spotlist"), "serve"]
        begin = time.perf_counter()
        with open(self.dir / "ready.log", "ab") as log, load.ended(subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stderr=log)) as child:
            while not is_ready(port):
                if child.poll() is not None or time.perf_counter() - begin > 60:
                    sys.exit(f"bench: not ready: {(self.dir / 'ready.log').read_text()[-2000:]}")
                time.sleep(0.001)
            return time.perf_counter() - begin


def is_ready(port):
    try:
        one = load.Raw(f"http://127.0.0.1:{port}", ["Connection: close"])
    except OSError:
        return False
    with contextlib.closing(one):
        return one.get("/readyz")[0] == 200


def resident_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def open_access():
    return {"SPOTLIST_AUTH": "off"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--videos", type=int, required=True)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--only", action="append", choices=MEASURES)
    parser.add_argument("directory", type=Path)
    parser.add_argument("venv", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        bench = Bench(stack, arguments)
        generate.make(bench.cluster, arguments.videos, open_access())
        there = generate.facts(bench.cluster, arguments.videos)
        print("database: {videos:,} videos, {instances:,} label instances, {words:,} words; "
              "{bytes:,} bytes on disk; made in {seconds:.0f} s".format(**there))
        if arguments.prepare:
            return
        bench.start()
        for measure in arguments.only or MEASURES:
            getattr(bench, measure)()
        bench.query(FORGET)
        bench.table.show()


if __name__ == "__main__":
    main()
