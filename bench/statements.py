# SPDX-License-Identifier: Apache-2.0
"""Which statements spotlist runs for a request, as PostgreSQL logs them; and the same statements
for others to run: a script of pgbench, or a connection that is timed."""

import contextlib
import re
import time

import psycopg2

import generate

# A line of ours in the server's log: whose it is, and the message. Others belong to the one before.
PREFIX = "#%a#"
ENTRY = re.compile(r"^#([^#]*)#(\w+):  (.*)$")
EXECUTED = re.compile(r"duration: [\d.]+ ms  execute (\w+): ")
COMMANDED = re.compile(r"duration: [\d.]+ ms  statement: (.*)")
PARAMETER = re.compile(r"\$\d+ = ('(?:[^']|'')*'|NULL)")
# As spotlist's connections have it.
OPTIONS = "-c timezone=UTC -c datestyle=ISO -c jit=off"


def entries(text):
    """(application, level, message) of the log, messages of several lines joined."""
    found = []
    for line in text.splitlines():
        match = ENTRY.match(line)
        if match:
            found.append(list(match.groups()))
        elif found and line.startswith("\t"):
            found[-1][2] += "\n" + line[1:]
    return found


class Recorder:
    """Statements of the HTTP threads, while they run."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.offset = 0

    def set(self, **settings):
        for name, value in settings.items():
            self.cluster.query(f"ALTER SYSTEM SET {name} = {value}")
        self.cluster.query("SELECT pg_reload_conf()")
        time.sleep(0.3)  # until every backend has read it: nothing tells

    def __enter__(self):
        self.set(log_line_prefix=f"'{PREFIX}'", log_min_duration_statement="0")
        self.offset = self.cluster.log.stat().st_size
        return self

    def __exit__(self, *_):
        self.set(log_min_duration_statement="-1")

    def take(self):
        """[(statement's name, its SQL literals) or (None, the command)] since the last call."""
        with open(self.cluster.log, "rb") as log:
            log.seek(self.offset)
            data = log.read()
        self.offset += len(data)
        found = []
        of_executed = False
        for application, level, message in entries(data.decode(errors="replace")):
            if application != "spotlist http":
                continue
            executed, commanded = EXECUTED.match(message), COMMANDED.match(message)
            if executed:
                found.append((executed.group(1), []))
            elif commanded:
                found.append((None, commanded.group(1)))
            elif of_executed and level == "DETAIL" and message.startswith("parameters: "):
                found[-1] = (found[-1][0], PARAMETER.findall(message))
            of_executed = bool(executed)  # binding and parsing are told as well
        return found


def with_literals(name, literals):
    """The statement's text with its parameters in their places."""
    text = generate.product_statement(name)
    return re.sub(r"\$(\d+)", lambda match: literals[int(match[1]) - 1], text)


def pgbench_script(recorded, changes):
    """`changes`: {regular expression: what stands for it}, in the SQL."""
    lines = ["\\set n :n + 1"]
    for name, what in recorded:
        # What looks like a variable of pgbench's, in a literal, is none.
        literals = [re.sub(r":(?=[A-Za-z_])", ": ", one) for one in what] if name else []
        text = with_literals(name, literals) if name else what
        text = re.sub(r"--[^\n]*", "", text)
        for pattern, value in changes.items():
            text = re.sub(pattern, value, text)
        lines.append(text.rstrip().rstrip(";") + ";")
    return "\n".join(lines) + "\n"


class Connection:
    """One connection that runs recorded statements prepared, as spotlist does."""

    def __init__(self, cluster, database):
        self.connection = psycopg2.connect(cluster.conninfo(database) + f" options='{OPTIONS}'")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.prepared = set()

    def run(self, recorded):
        """Seconds from the first statement to the last row."""
        seconds = 0.0
        for name, what in recorded:
            if name and name not in self.prepared:
                self.cursor.execute(f"PREPARE {name} AS {generate.product_statement(name)}")
                self.prepared.add(name)
            text = what if name is None else f"EXECUTE {name}"
            if name and what:
                text += f" ({', '.join(what)})"
            begin = time.perf_counter()
            self.cursor.execute(text)
            seconds += time.perf_counter() - begin
        return seconds

    def close(self):
        with contextlib.suppress(psycopg2.Error):
            self.connection.close()
