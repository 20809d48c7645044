# SPDX-License-Identifier: Apache-2.0
"""Requests a second of a token, over all processes. Time is what the database says of the bucket:
tests move it there."""

import time

import pytest

from harness import Spotlist, wait_until
from tokens import ask, create, forged

NEVER = "0.0001"  # one request, and the next in three hours


@pytest.fixture(scope="module")
def settings():
    return {"SPOTLIST_AUTH": "tokens", "SPOTLIST_TOKEN_RATE": "1",
            "SPOTLIST_AUTH_RECHECK_MS": "60000"}


@pytest.fixture(scope="module")
def other(svc, tmp_path_factory, pg, cloud, settings):
    """Another process on the same database."""
    other = Spotlist(tmp_path_factory.mktemp("other"), pg, cloud, settings=settings,
                     subscribe=False)
    yield other
    other.stop()


def limited(reply):
    if reply.status != 429:
        return False
    assert reply.json["code"] == "rate_limited"
    assert int(reply.headers["Retry-After"]) >= 1
    return True


def pass_time(svc, token, seconds):
    """The bucket of this token was taken from so much longer ago."""
    svc.database.query(
        "UPDATE spotlist_data.token_rates SET taken_at = taken_at - make_interval(secs => %s) "
        "WHERE token_id = (SELECT id FROM spotlist_data.tokens WHERE hash = sha256(%s))",
        seconds, token.encode())


def test_more_than_the_rate_is_answered_429_and_when_to_come_again(svc):
    token = create(svc, "read", "--rate", NEVER)
    assert ask(svc, token).status == 200
    reply = ask(svc, token)
    assert limited(reply)
    assert 9000 < int(reply.headers["Retry-After"]) <= 10000
    assert reply.json["detail"] == "this token may make 0.0001 requests a second"
    assert reply.headers["X-Request-Id"] == reply.json["request_id"]
    assert ask(svc, token, method="HEAD").status == 429


def test_what_is_refused_is_one_tokens_business(svc):
    one, two = create(svc, "read", "--rate", NEVER), create(svc, "read", "--rate", NEVER)
    assert ask(svc, one).status == 200
    assert limited(ask(svc, one))
    assert ask(svc, two).status == 200
    assert ask(svc, create(svc, "read", "--rate", "0")).status == 200


def test_processes_share_one_bucket(svc, other):
    token = create(svc, "read", "--rate", NEVER)
    assert ask(svc, token).status == 200
    assert limited(ask(other, token))
    assert limited(ask(svc, token))


def test_the_bucket_fills_as_time_passes(svc, other):
    token = create(svc, "read", "--rate", NEVER)
    assert ask(svc, token).status == 200
    assert limited(ask(svc, token))
    pass_time(svc, token, 5000)
    assert limited(ask(other, token))  # half of one
    pass_time(svc, token, 5001)
    wait_until(lambda: ask(other, token).status == 200)
    assert limited(ask(svc, token))
    # However long nobody came, there is one second's worth, or one request.
    pass_time(svc, token, 1_000_000)
    wait_until(lambda: ask(svc, token).status == 200)
    assert limited(ask(svc, token)) and limited(ask(other, token))


def test_no_more_than_the_rate_passes_over_both(svc, other):
    rate = 40
    token = create(svc, "read", "--rate", str(rate))
    begin = time.monotonic()
    statuses = [ask(one, token).status for _ in range(200) for one in (svc, other)]
    seconds = time.monotonic() - begin
    assert set(statuses) <= {200, 429}
    passed = statuses.count(200)
    assert rate - 2 * rate / 10 <= passed <= rate + rate * seconds


def test_a_change_of_the_rate_is_heard_of(svc):
    token = create(svc, "read", "--rate", NEVER)
    assert ask(svc, token).status == 200
    assert limited(ask(svc, token))
    svc.database.query("UPDATE spotlist_data.tokens SET rate = 0 WHERE hash = sha256(%s)",
                       token.encode())
    wait_until(lambda: ask(svc, token).status == 200)
    assert all(ask(svc, token).status == 200 for _ in range(20))


def test_a_token_without_a_rate_has_the_settings(svc):
    token = create(svc, "read")
    assert ask(svc, token).status == 200
    reply = wait_until(lambda: limited(r := ask(svc, token)) and r)
    assert reply.json["detail"] == "this token may make 1 request a second"


def test_what_was_refused_does_not_count(svc):
    token = create(svc, "read", "--rate", NEVER)
    for _ in range(5):
        assert ask(svc, token, "/videos/x", "DELETE").status == 403
        assert ask(svc, forged()).status == 401
    assert ask(svc, token).status == 200


def test_a_request_costs_no_statement(svc):
    """The bucket is asked for ten times a second at the full rate, and seldom for who comes seldom."""
    token = create(svc, "read", "--rate", "100000")
    # Not by pg_stat_user_tables, which each connection adds to when it comes to it.
    svc.database.query("""
        CREATE TABLE public.asked (at timestamptz DEFAULT clock_timestamp());
        CREATE FUNCTION public.note_asked() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO public.asked DEFAULT VALUES; RETURN NULL; END';
        CREATE TRIGGER note_asked AFTER INSERT OR UPDATE ON spotlist_data.token_rates
            FOR EACH ROW EXECUTE FUNCTION public.note_asked()""")
    begin = time.monotonic()
    for _ in range(500):
        assert ask(svc, token).status == 200
    seconds = time.monotonic() - begin
    # 1 + 2 + 4 + … + 256: nine times, and again one by one after each second without any.
    counted = svc.database.query("SELECT count(*) FROM public.asked")[0][0]
    assert 1 <= counted <= 9 + 2 * seconds
