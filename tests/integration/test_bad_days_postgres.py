# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL is away, hangs, restarts under load, has another schema, has no room. Nothing that was
accepted is lost, answers come soon, and everything goes on by itself."""

import contextlib
import json
import queue
import signal
import threading
import time

import psycopg2
import pytest

from harness import PATIENCE, Spotlist, topic_arn, wait_until
from outages import Server, is_ready, wait_ready
from receiver import Receiver


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def running_again(server):
    yield
    server.thaw()
    if not server.running:
        server.go()


@pytest.fixture(scope="module")
def pg(server):
    return server.create_database()


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud):
    """Its leases and polls are short, so that what was held in an outage is soon taken over."""
    svc = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings={
        "SPOTLIST_LEASE_MS": "2000", "SPOTLIST_POLL_INTERVAL_MS": "1000",
        "SPOTLIST_DATABASE_URL": f"{pg.conninfo} options='-c lock_timeout=1s'"})
    yield svc
    svc.stop()


@pytest.fixture(scope="module")
def signed(cloud, svc):
    """A real SNS message, as it was delivered."""
    receiver = Receiver()
    sns = cloud.client("sns")
    receiver.subscribe(sns, topic_arn("events"))
    sns.publish(TopicArn=topic_arn("events"),
                Message=json.dumps({"source": "nobody", "detail": {}}))
    body = receiver.next().body
    receiver.close()
    return body


def submit_upload(svc):
    return svc.post("/videos", {"source": "upload", "filename": "one.mp4"})


def send_sns(svc, body):
    return svc.post("/sns", body=body, headers={"Content-Type": "text/plain; charset=UTF-8"})


def refused(reply, code="database_unavailable"):
    """503, and when to come again."""
    assert (reply.status, reply.json["code"]) == (503, code), reply
    assert 1 <= int(reply.headers["Retry-After"]) <= 60
    assert reply.json["detail"]
    return True


def quick(call, seconds=2):
    begin = time.monotonic()
    reply = call()
    assert time.monotonic() - begin < seconds * PATIENCE, reply
    return reply


def test_while_it_is_away_answers_are_503_and_then_all_goes_on(svc, server, signed, sample):
    uri = svc.put_object("footage/outage.mp4", sample.short)
    video = svc.submit(uri, analyses=["labels"])
    server.halt("immediate")
    wait_until(lambda: not is_ready(svc))
    readiness = svc.admin_get("/readyz")
    refused(readiness)
    assert "PostgreSQL" in readiness.json["detail"]
    for _ in range(3):
        refused(quick(lambda: submit_upload(svc)))
        refused(quick(lambda: svc.post("/videos", {"source": uri})))
        refused(quick(lambda: send_sns(svc, signed)))
        refused(quick(lambda: svc.get(f"/videos/{video['id']}")))
        assert quick(lambda: svc.admin_get("/healthz")).status == 200
    server.go()
    wait_ready(svc)
    assert submit_upload(svc).status == 202
    assert send_sns(svc, signed).status == 200
    svc.wait_state(video["id"], "complete")
    assert svc.log().count("the database cannot be used") == 1


def test_serve_comes_up_without_it(svc, server):
    assert svc.stop() == 0
    server.halt()
    svc.start()
    refused(quick(lambda: submit_upload(svc)))
    refused(svc.admin_get("/readyz"))
    assert svc.admin_get("/healthz").status == 200
    server.go()
    wait_ready(svc)
    assert submit_upload(svc).status == 202
    server.halt()
    wait_until(lambda: not is_ready(svc))
    assert svc.stop() == 0  # and ends as it should
    server.go()
    svc.start()


def test_one_that_hangs_does_not_hold_answers_for_ever(svc, server, sample):
    uri = svc.put_object("footage/hang.mp4", sample.short)
    video = svc.submit(uri, analyses=["labels"])
    assert submit_upload(svc).status == 202
    server.freeze()
    replies = queue.Queue()
    askers = [threading.Thread(target=lambda: replies.put(submit_upload(svc))) for _ in range(20)]
    for asker in askers:
        asker.start()

    def answered():
        assert quick(lambda: svc.admin_get("/healthz")).status == 200
        return not any(asker.is_alive() for asker in askers)
    wait_until(answered, 20)
    for _ in askers:
        refused(replies.get())
    refused(svc.admin_get("/readyz"))
    refused(quick(lambda: submit_upload(svc)))
    server.thaw()
    wait_ready(svc)
    assert submit_upload(svc).status == 202
    svc.wait_state(video["id"], "complete")


def test_a_stop_is_not_held_up_by_one_that_hangs(make_svc, cloud, server):
    svc = make_svc(cloud, server.create_database(), subscribe=False,
                   settings={"SPOTLIST_SHUTDOWN_S": "1"})
    server.freeze()
    child = svc.process.child
    child.send_signal(signal.SIGTERM)
    # Within SPOTLIST_SHUTDOWN_S + 10 s: cleanly, or told that it was not.
    status = child.wait(15 * PATIENCE)
    svc.process.child = None
    assert status == 0 or status == 1 and "did not stop in time" in svc.log()


def test_a_second_sigterm_ends_at_once(make_svc, cloud, server):
    svc = make_svc(cloud, server.create_database(), subscribe=False)
    server.freeze()
    with svc.logs("stopping"):
        svc.process.child.send_signal(signal.SIGTERM)
    begin = time.monotonic()

    def ended():
        svc.process.child.send_signal(signal.SIGTERM)
        return svc.process.child.poll() is not None
    wait_until(ended, 5)
    svc.process.child = None
    assert time.monotonic() - begin < 5 * PATIENCE


def test_restarts_under_load_lose_nothing(svc, server):
    accepted, others = [], []
    over = threading.Event()

    def load():
        while not over.is_set():
            reply = submit_upload(svc)
            if reply.status == 202:
                accepted.append(reply.json["id"])
            else:
                others.append((reply.status, reply.json["code"]))
    askers = [threading.Thread(target=load) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        for mode in ("fast", "immediate"):
            before = len(accepted)
            wait_until(lambda: len(accepted) > before + 20)
            server.halt(mode)
            server.go()
        before = len(accepted)
        wait_until(lambda: len(accepted) > before + 20)
    finally:
        over.set()
        for asker in askers:
            asker.join()
    assert set(others) <= {(503, "database_unavailable")}
    stored = {row[0] for row in svc.database.query("SELECT id::text FROM spotlist_data.videos")}
    assert set(accepted) <= stored


def test_a_schema_that_is_not_there_yet_or_newer_is_told(make_svc, cloud, server):
    svc = make_svc(cloud, server.create_database(), subscribe=False)
    svc.stop()
    svc.database.query("INSERT INTO spotlist_data.migrations (number, name, sha256) "
                       "VALUES (99, '0099_future', repeat('0', 64))")
    svc.start()
    refused(svc.admin_get("/readyz"), "schema_outdated")
    assert "newer" in svc.admin_get("/readyz").json["detail"]
    refused(submit_upload(svc), "schema_outdated")
    svc.database.query("DELETE FROM spotlist_data.migrations WHERE number = 99")
    wait_ready(svc)
    assert submit_upload(svc).status == 202

    svc.stop()
    empty = server.create_database()
    svc.environment["SPOTLIST_DATABASE_URL"] = empty.conninfo
    svc.start()
    refused(svc.admin_get("/readyz"), "schema_outdated")
    assert "spotlist migrate" in svc.admin_get("/readyz").json["detail"]
    svc.command("migrate")
    wait_ready(svc)
    assert submit_upload(svc).status == 202


@contextlib.contextmanager
def no_room(database, table):
    """As PostgreSQL answers when its disk is full."""
    database.query(
        "CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file: No space left on device' "
        "USING ERRCODE = '53100'; END $$")
    database.query(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH STATEMENT "
                   "EXECUTE FUNCTION public.no_room()")
    try:
        yield
    finally:
        database.query("DROP FUNCTION public.no_room() CASCADE")


def failures(svc, video):
    rows = svc.database.query("SELECT max(failures) FROM spotlist_data.steps WHERE video_id = %s",
                              video["id"])
    return rows[0][0] or 0


def test_a_full_disk_refuses_new_work_and_keeps_the_old(svc, signed, sample):
    uri = svc.put_object("footage/full.mp4", sample.short)
    with no_room(svc.database, "spotlist_data.videos"):
        refused(submit_upload(svc))
        refused(svc.post("/videos", {"source": uri}))
    with no_room(svc.database, "spotlist_data.inbox"):
        refused(send_sns(svc, signed))
    with no_room(svc.database, "spotlist_data.documents"):
        video = svc.submit(uri, analyses=["labels"])
        wait_until(lambda: failures(svc, video) >= 3, 60)
        assert svc.video(video["id"])["state"] not in ("failed", "partial")
    svc.wait_state(video["id"], "complete")


def test_a_lock_that_somebody_holds_is_waited_for_with_an_end(svc):
    with contextlib.closing(psycopg2.connect(svc.database.conninfo)) as connection:
        connection.cursor().execute("LOCK spotlist_data.videos IN ACCESS EXCLUSIVE MODE")
        refused(quick(lambda: submit_upload(svc), 5))
    assert submit_upload(svc).status == 202
