# SPDX-License-Identifier: Apache-2.0
"""Which pages' scripts may call, as browsers ask for it and judge by it."""

import pytest

from tokens import bearer, create

APP, LOCAL, STRANGER = "https://app.example.com", "http://localhost:3000", "https://evil.example"
ORIGIN, EXPOSED = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"


@pytest.fixture(scope="module")
def settings():
    return {"SPOTLIST_AUTH": "tokens", "SPOTLIST_TOKEN_RATE": "0",
            "SPOTLIST_CORS_ORIGINS": f"{APP},{LOCAL}"}


@pytest.fixture(scope="module")
def token(svc):
    return create(svc, "submit")


def of_cors(reply):
    return {name for name in reply.headers if name.lower().startswith("access-control-")}


def words(reply, name):
    return {word.strip().lower() for value in reply.headers.get_all(name, [])
            for word in value.split(",")}


def preflight(svc, target, method, origin=APP, headers="authorization,content-type"):
    return svc.request("OPTIONS", target, validate=False, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers})


@pytest.mark.parametrize("target, methods", [
    ("/videos", {"get", "head", "post", "options"}),
    ("/videos/x", {"get", "head", "delete", "options"}),
    ("/videos/x/cancel", {"post", "options"}),
])
def test_a_preflight_is_answered_without_a_token(svc, target, methods):
    for origin in (APP, LOCAL):
        reply = preflight(svc, target, "POST", origin)
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers[ORIGIN] == origin
        assert words(reply, "Access-Control-Allow-Methods") == methods == words(reply, "Allow")
        assert words(reply, "Access-Control-Allow-Headers") == {
            "authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id"}
        assert reply.headers["Access-Control-Max-Age"] == "600"
        assert "origin" in words(reply, "Vary")
        assert reply.headers["X-Request-Id"]


def test_a_preflight_of_another_page_learns_nothing(svc):
    for origin in (STRANGER, APP + ".evil.example", APP.upper(), "null", APP + "/", "*", ""):
        reply = preflight(svc, "/videos", "POST", origin)
        assert reply.status == 204 and not of_cors(reply)
        assert "origin" in words(reply, "Vary")


def test_options_that_is_no_preflight_tells_of_methods_only(svc):
    reply = svc.request("OPTIONS", "/videos", validate=False, headers={"Origin": APP})
    assert reply.status == 204 and of_cors(reply) == {ORIGIN, EXPOSED}
    assert svc.request("OPTIONS", "*", validate=False).status == 204
    missing = preflight(svc, "/nothing", "GET")
    assert missing.status == 404 and missing.headers[ORIGIN] == APP


def test_every_reply_may_be_read_by_the_page(svc, token):
    replies = [
        svc.get("/videos", headers={"Origin": APP, **bearer(token)}),
        svc.get("/videos", headers={"Origin": APP}),
        svc.get("/videos?limit=x", headers={"Origin": APP, **bearer(token)}),
        svc.get("/videos/x", headers={"Origin": APP, **bearer(token)}),
        svc.get("/nothing", headers={"Origin": APP}),
        svc.request("PATCH", "/videos", headers={"Origin": APP}),
        svc.request("DELETE", "/videos/x", headers={"Origin": APP, **bearer(token)}),
        svc.request("HEAD", "/videos", headers={"Origin": APP, **bearer(token)}),
        svc.get("/openapi.json", headers={"Origin": APP}),
        svc.post("/videos", {"source": "upload", "filename": "a.mp4"}, headers={
            "Origin": APP, "Content-Type": "application/json", **bearer(token)}),
    ]
    assert [one.status for one in replies] == [200, 401, 400, 404, 404, 405, 403, 200, 200, 202]
    for reply in replies:
        assert reply.headers.get_all(ORIGIN) == [APP]
        assert {"etag", "location", "retry-after", "x-request-id"} <= words(reply, EXPOSED)
        assert "origin" in words(reply, "Vary")
        assert "Access-Control-Allow-Credentials" not in reply.headers


def test_a_304_may_be_read_too(svc):
    etag = svc.get("/openapi.json").headers["ETag"]
    reply = svc.get("/openapi.json", headers={"Origin": LOCAL, "If-None-Match": etag})
    assert reply.status == 304 and reply.headers[ORIGIN] == LOCAL
    assert words(reply, "Vary") == {"accept-encoding", "origin"}


def test_other_pages_and_programs_get_the_reply_without(svc, token):
    for origin in ({}, {"Origin": STRANGER}, {"Origin": "null"}):
        reply = svc.get("/videos", headers={**origin, **bearer(token)})
        assert reply.status == 200 and not of_cors(reply)
        assert "origin" in words(reply, "Vary")  # a cache may give it to nobody else


def test_the_admin_address_is_for_no_page(svc):
    assert not of_cors(svc.admin_get("/healthz", headers={"Origin": APP}))


def test_any_page_without_credentials(make_svc, cloud):
    svc = make_svc(cloud, subscribe=False, settings={
        "SPOTLIST_AUTH": "tokens", "SPOTLIST_CORS_ORIGINS": "*"})
    reply = svc.get("/videos", headers={"Origin": STRANGER})
    assert reply.status == 401 and reply.headers[ORIGIN] == "*"
    assert "origin" not in words(reply, "Vary")
    assert preflight(svc, "/videos", "POST", STRANGER).headers[ORIGIN] == "*"
    assert "Access-Control-Allow-Credentials" not in reply.headers


def test_without_the_setting_no_reply_tells_of_it(make_svc, cloud):
    svc = make_svc(cloud, subscribe=False)
    for reply in (svc.get("/videos", headers={"Origin": APP}), preflight(svc, "/videos", "POST")):
        assert reply.status in (200, 204) and not of_cors(reply)
        assert "origin" not in words(reply, "Vary")


@pytest.mark.parametrize("value", [
    "https://app.example.com/", "app.example.com", "https://App.example.com", "null", "https://",
    "https://app.example.com:443", "http://x:80", "*,https://app.example.com", "https://*.example",
    "https://a b", "://x", "https://user@x", "https://x?y"])
def test_an_origin_that_no_browser_sends_is_refused_at_start(svc, value):
    done = svc.command("serve", check=False, environment={
        "SPOTLIST_LISTEN": "127.0.0.1:0", "SPOTLIST_CORS_ORIGINS": value})
    assert done.returncode == 78 and "SPOTLIST_CORS_ORIGINS" in done.stderr, done
