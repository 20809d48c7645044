# SPDX-License-Identifier: Apache-2.0
"""Claiming a step costs the same however many wait: parked, delayed and due ones mixed."""

import contextlib
import json
import re
import statistics
import time

import psycopg2
import pytest

from harness import ROOT

VIDEO = "019a0000-0000-7000-8000-000000000001"
FILL = """
DELETE FROM spotlist_data.steps;
INSERT INTO spotlist_data.steps (video_id, track, part, kind, due_at, gate, tag, turn, parked)
SELECT '{video}', 'celebrities', n, 'celebrities_frames',
    CASE n % 3 WHEN 0 THEN now() - n * interval '1 ms' WHEN 1 THEN now() + interval '1 h'
        ELSE 'infinity' END,
    'celebrities', 'tag ' || n % 50, n, n % 3 = 2
FROM generate_series(0, {count} - 1) n;
ANALYZE spotlist_data.steps
"""
AGAIN = "UPDATE spotlist_data.steps SET due_at = now(), holder = NULL WHERE id = %s"
ROUNDS = 300


def statement(name):
    """The text that spotlist prepares; ours to prepare as it does."""
    text = (ROOT / "service/store/sql" / f"{name}.sql").read_text(encoding="utf-8")
    return re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def cursor(svc):
    svc.stop()  # the steps are claimed here
    with contextlib.closing(psycopg2.connect(svc.database.conninfo)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO spotlist_data.videos (id, state, source, bucket, key, "
                           "options, frame_interval_ms) VALUES (%s, 'analyzing', 's', 'b', 'k', "
                           "'{}', 1000)", (VIDEO,))
            # The plan that a connection settles on after its first uses.
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute("SET jit = off")
            cursor.execute(f"PREPARE claim AS {statement('step_claim')}")
            yield cursor


def claim(cursor):
    """(milliseconds, id)"""
    begin = time.perf_counter()
    cursor.execute("EXECUTE claim ('bench', 30000)")
    row = cursor.fetchone()
    return (time.perf_counter() - begin) * 1000, row[0]


def plan_of(cursor):
    """(names of the nodes, blocks that were touched)"""
    cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE claim ('bench', 30000)")
    plan = cursor.fetchone()[0][0]["Plan"]
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    names = []
    todo = [plan]
    while todo:
        node = todo.pop()
        names.append((node["Node Type"], node.get("Index Name")))
        todo += node.get("Plans", [])
    return names, blocks


def test_claiming_is_flat_from_10_to_100000_waiting_steps(cursor):
    medians, blocks = {}, {}
    for count in (10, 1_000, 100_000):
        cursor.execute(FILL.format(video=VIDEO, count=count))
        times = []
        for _ in range(ROUNDS):
            ms, taken = claim(cursor)
            times.append(ms)
            cursor.execute(AGAIN, (taken,))
        medians[count] = statistics.median(times[ROUNDS // 3:])  # the first ones warm up
        names, blocks[count] = plan_of(cursor)
        if count == 100_000:
            assert ("Index Scan", "steps_due") in names, names
            assert not any(node == "Seq Scan" or node == "Sort" for node, _ in names), names
    print("\nclaiming one step: " + ", ".join(
        f"{medians[count]:.3f} ms and {blocks[count]} blocks of {count} waiting"
        for count in medians)
        + f"; {medians[100_000] / medians[10]:.2f} times")
    # Blocks are exact where times are not: a few levels of index, whatever the table's size.
    assert blocks[100_000] < blocks[10] + 40, json.dumps(blocks)


def test_asking_for_the_next_one_is_flat_too(cursor):
    cursor.execute("UPDATE spotlist_data.steps SET due_at = now() + interval '1 h' "
                   "WHERE due_at < now()")
    cursor.execute("VACUUM spotlist_data.steps")
    cursor.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement('step_next_due')}")
    plan = cursor.fetchone()[0][0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20, plan
