# SPDX-License-Identifier: Apache-2.0
"""Tokens: who may do what, from when to when, and that nobody else hears of them."""

import json
import re
import socket
import urllib.parse

import pytest

from harness import wait_until
from outages import Server, is_ready
from tokens import PATTERN, ask, bearer, checksum, create, forged

SCOPES = ("read", "submit", "admin")


@pytest.fixture(scope="module")
def settings():
    # Nothing is asked for again by itself within a test, but by news of it.
    return {"SPOTLIST_AUTH": "tokens", "SPOTLIST_TOKEN_RATE": "0",
            "SPOTLIST_AUTH_RECHECK_MS": "60000"}


@pytest.fixture(scope="module")
def tokens(svc):
    """scope -> token, called by its scope."""
    return {scope: create(svc, scope, "--name", scope) for scope in SCOPES}


def needed(operation):
    """The scope that openapi.yaml says an operation needs; None: it takes no token."""
    return operation["security"][0]["token"][0] if operation["security"] else None


def target_of(template):
    return re.sub(r"\{[^}]+\}", "x", template)


# --- who may ------------------------------------------------------------------------------------


def test_every_operation_says_what_it_needs_and_how_it_refuses(contract):
    for method, template, operation in contract.operations:
        where = f"{method} {template}"
        assert "security" in operation, f"{where}: its scope, as in handlers/routes.c, or []"
        if needed(operation) is None:
            assert "401" not in operation["responses"], where
        else:
            assert needed(operation) in SCOPES, where
            assert {"400", "401", "403", "429", "503"} <= set(operation["responses"]), where


def test_scopes_are_what_the_document_says(svc, contract, tokens):
    for method, template, operation in contract.operations:
        if operation.get("servers") or template in ("/sns",) or "8081" in str(
                contract.document["paths"][template].get("servers", "")):
            continue
        target, need = target_of(template), needed(operation)
        without = svc.request(method, target)
        if need is None:
            assert without.status == 200, template
            continue
        assert (without.status, without.json["code"]) == (401, "token_missing"), template
        assert without.headers["WWW-Authenticate"] == 'Bearer realm="spotlist"'
        for scope, token in tokens.items():
            reply = ask(svc, token, target, method)
            enough = SCOPES.index(scope) >= SCOPES.index(need)
            if enough:
                assert reply.status not in (401, 403, 429), (template, scope, reply)
            else:
                assert (reply.status, reply.json["code"]) == (403, "insufficient_scope")
                assert reply.headers["WWW-Authenticate"] == (
                    f'Bearer realm="spotlist", error="insufficient_scope", scope="{need}"')


def test_what_needs_no_token_ignores_one(svc):
    assert svc.get("/openapi.json", headers=bearer(forged())).status == 200
    assert svc.post("/sns", {}, headers={**bearer(forged()), "Content-Type": "text/plain"}
                    ).json["code"].startswith("sns_")
    assert svc.admin_get("/readyz").status == 200


def test_head_needs_what_get_does(svc, tokens):
    assert svc.request("HEAD", "/videos").status == 401
    assert ask(svc, tokens["read"], method="HEAD").status == 200


@pytest.mark.parametrize("value, status, code", [
    ("Basic dXNlcjpwYXNz", 401, "token_missing"),
    ("", 401, "token_missing"),
    ("Bearer", 400, "bad_authorization"),
    ("Bearer a b", 400, "bad_authorization"),
    ('Bearer "x"', 400, "bad_authorization"),
    ("Bearer x", 401, "token_refused"),
    ("Bearer spotlist_", 401, "token_refused"),
    ("Bearer spotlist_" + "0" * 49, 401, "token_refused"),
    ("Bearer " + "x" * 8000, 401, "token_refused"),
])
def test_what_is_no_token_is_refused(svc, value, status, code):
    reply = svc.get("/videos", headers={"Authorization": value})
    assert (reply.status, reply.json["code"]) == (status, code)
    error = {"bad_authorization": ', error="invalid_request"', "token_missing": "",
             "token_refused": ', error="invalid_token", error_description="there is no such token"'}
    assert reply.headers["WWW-Authenticate"] == f'Bearer realm="spotlist"{error[code]}'


def test_the_scheme_may_be_written_in_any_case(svc, tokens):
    assert svc.get("/videos", headers={"Authorization": f"bEARER  {tokens['read']}"}).status == 200


def test_two_headers_are_one_too_many(svc, tokens):
    both = [("Authorization", f"Bearer {tokens['read']}"), ("authorization", "Bearer other")]
    reply = svc.get("/videos", headers=both)
    assert (reply.status, reply.json["code"]) == (400, "bad_request")


def test_a_guess_of_the_right_form_is_refused_and_known_ones_stay(svc, tokens):
    for _ in range(300):
        reply = ask(svc, forged())
        assert (reply.status, reply.json["code"]) == (401, "token_refused")
    assert ask(svc, tokens["read"]).status == 200


def test_a_request_id_is_in_refusals_and_in_the_log_with_the_name(svc, tokens):
    for token, status, logged in ((forged(), 401, ""), (tokens["read"], 403, "token=read ")):
        with svc.logs(rf"request_id=mine-{status} .*{logged}status={status}"):
            reply = ask(svc, token, "/videos/x", "DELETE", {"X-Request-Id": f"mine-{status}"})
            assert reply.headers["X-Request-Id"] == reply.json["request_id"] == f"mine-{status}"


# --- where a token belongs ----------------------------------------------------------------------


@pytest.mark.parametrize("query", ["access_token={}", "limit=1&access_token={}", "tag={}", "{}",
                                   "access_token=anything", "limit=1&x=a{}b"])
@pytest.mark.parametrize("header", [True, False])
def test_a_token_in_the_address_is_refused(svc, tokens, query, header):
    target = "/videos?" + query.format(tokens["read"])
    for path in (target, target.replace("/videos", "/docs")):
        reply = svc.get(path, headers=bearer(tokens["read"]) if header else {}, validate=False)
        assert (reply.status, reply.json["code"]) == (400, "bad_authorization")
        assert "revoke it" in reply.json["detail"]
        assert not re.search(PATTERN, str(reply.headers) + reply.body.decode())


def test_words_that_look_like_it_are_not(svc, tokens):
    assert ask(svc, tokens["read"], "/videos?tag=spotlist_rocks").status == 200


def raw(svc, head, body=b""):
    """What is answered to the head alone, and whether the connection is closed then."""
    with socket.create_connection(urllib.parse.urlsplit(svc.url).netloc.split(":")) as connection:
        connection.settimeout(30)
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            if b"\r\n\r\n" in answer and b"Connection: close" not in answer:
                break
        return answer.decode()


@pytest.mark.parametrize("length", ["Content-Length: 65000\nExpect: 100-continue",
                                    "Content-Length: 65537", "Transfer-Encoding: chunked"])
def test_the_body_of_a_stranger_is_not_read(svc, length):
    answer = raw(svc, f"POST /videos HTTP/1.1\nHost: x\nContent-Type: application/json\n{length}\n\n")
    assert answer.startswith("HTTP/1.1 401 "), answer
    assert "token_missing" in answer and "100 Continue" not in answer


def test_a_strangers_query_is_not_looked_at(svc):
    assert svc.get("/videos?limit=no&%ff").status == 401


# --- from when to when --------------------------------------------------------------------------


def test_a_token_is_good_at_once_and_not_after_it_was_revoked(svc, make_svc, cloud, pg, settings):
    other = make_svc(cloud, database=pg, settings=settings, subscribe=False)
    token = create(svc, "read", "--name", "short-lived")
    for one in (svc, other):
        assert ask(one, token).status == 200
    assert svc.command("token", "revoke", "--name", "short-lived").stdout.startswith("revoked ")
    for one in (svc, other):
        reply = wait_until(lambda: (r := ask(one, token)).status == 401 and r)
        assert reply.json["detail"] == "the token was revoked"
        assert reply.headers["WWW-Authenticate"].endswith('error_description="the token was revoked"')
    # The name is free again, for another token.
    assert ask(svc, create(svc, "read", "--name", "short-lived")).status == 200


def test_a_refused_token_that_comes_into_being_is_heard_of(svc):
    token = forged()
    assert ask(svc, token).status == 401
    create(svc, "read", "--name", "to-be-changed")
    svc.database.query("UPDATE spotlist_data.tokens SET hash = sha256(%s) "
                       "WHERE name = 'to-be-changed'", token.encode())
    wait_until(lambda: ask(svc, token).status == 200)
    svc.database.query("UPDATE spotlist_data.tokens SET scope = 'admin' "
                       "WHERE name = 'to-be-changed'")
    wait_until(lambda: ask(svc, token, "/videos/x", "DELETE").status == 404)
    svc.database.query("DELETE FROM spotlist_data.tokens WHERE name = 'to-be-changed'")
    wait_until(lambda: ask(svc, token).status == 401)


def test_a_token_expires(svc):
    soon, late = (create(svc, "read", "--expires", when) for when in ("2s", "1h"))
    wait_until(lambda: ask(svc, soon).status == 401)
    assert ask(svc, soon).json["detail"] == "the token has expired"
    assert ask(svc, late).status == 200
    past = create(svc, "read", "--expires", "2020-01-01T00:00:00Z")
    assert ask(svc, past).json["detail"] == "the token has expired"
    # What was known already, by the database's clock.
    svc.database.query("UPDATE spotlist_data.tokens SET expires_at = now() - interval '1 s' "
                       "WHERE hash = sha256(%s)", late.encode())
    wait_until(lambda: ask(svc, late).status == 401)


def test_a_revocation_that_nobody_told_of_is_noticed(make_svc, cloud, settings):
    svc = make_svc(cloud, settings={**settings, "SPOTLIST_AUTH_RECHECK_MS": "500"}, subscribe=False)
    token = create(svc, "read")
    assert ask(svc, token).status == 200
    svc.database.query("ALTER TABLE spotlist_data.tokens DISABLE TRIGGER token_changed")
    svc.database.query("UPDATE spotlist_data.tokens SET revoked_at = now()")
    wait_until(lambda: ask(svc, token).status == 401)


def test_last_used_is_kept_to_the_minute(svc):
    token = create(svc, "read", "--name", "used")
    name = "SELECT last_used_at FROM spotlist_data.tokens WHERE name = 'used'"
    assert svc.database.query(name) == [(None,)]
    ask(svc, token)
    first = svc.database.query(name)
    assert first != [(None,)]
    for set_back, moves in (("10 s", False), ("2 min", True)):
        svc.database.query("UPDATE spotlist_data.tokens SET last_used_at = now() - interval %s, "
                           "rate = 0 WHERE name = 'used'", set_back)  # news, too: ask again
        before = svc.database.query(name)
        if moves:
            wait_until(lambda: ask(svc, token).status == 200 and svc.database.query(name) > before)
        else:
            assert ask(svc, token).status == 200 and svc.database.query(name) == before


# --- PostgreSQL is away -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.stop()


def known(svc, token):
    """Is it let in? Without a body there is nothing to be asked from the database."""
    reply = ask(svc, token, method="POST")
    return {400: True, 503: False}[reply.status]


def test_known_tokens_outlive_the_database_for_a_while(make_svc, cloud, server, settings):
    database = server.create_database()
    svc = make_svc(cloud, database=database, subscribe=False, settings={
        **settings, "SPOTLIST_AUTH_RECHECK_MS": "0", "SPOTLIST_TOKEN_RATE": "100000"})
    token, unused = create(svc, "submit"), create(svc, "submit")
    assert known(svc, token)
    server.halt("immediate")
    try:
        wait_until(lambda: not is_ready(svc))
        for _ in range(5):
            assert known(svc, token)
        for unknown in (unused, forged()):
            reply = ask(svc, unknown, method="POST")
            assert (reply.status, reply.json["code"]) == (503, "database_unavailable")
            assert int(reply.headers["Retry-After"]) > 0
        assert ask(svc, "spotlist_" + "x" * 49).status == 401  # that much is sure
    finally:
        server.go()
    wait_until(lambda: known(svc, unused))
    svc.stop()


def test_but_not_for_ever(make_svc, cloud, server, settings):
    database = server.create_database()
    svc = make_svc(cloud, database=database, subscribe=False, settings={
        **settings, "SPOTLIST_AUTH_RECHECK_MS": "0", "SPOTLIST_AUTH_GRACE_S": "2"})
    token = create(svc, "submit")
    assert known(svc, token)
    server.halt("immediate")
    try:
        wait_until(lambda: not known(svc, token))
    finally:
        server.go()
    wait_until(lambda: known(svc, token))
    svc.stop()


# --- the command --------------------------------------------------------------------------------


def test_a_token_has_the_documented_form_and_only_its_hash_is_stored(svc):
    done = svc.command("token", "create", "--scope", "read", "--name", "a@b/c:d+e-f.g_h",
                       "--expires", "90d", "--rate", "0.5")
    token = done.stdout.strip()
    assert re.fullmatch(PATTERN, token) and checksum(token[:-6]) == token[-6:]
    assert done.stdout == token + "\n" and not re.search(PATTERN, done.stderr)
    assert "name a@b/c:d+e-f.g_h, scope read, expires 2" in done.stderr
    dump = str(svc.database.query("SELECT * FROM spotlist_data.tokens"))
    assert not re.search(PATTERN, dump)
    assert svc.database.query("SELECT scope, rate, expires_at - created_at > interval '89 days' "
                              "FROM spotlist_data.tokens WHERE hash = sha256(%s)",
                              token.encode()) == [("read", 0.5, True)]


def test_the_list_tells_all_but_the_tokens(svc, tokens):
    shown = svc.command("token", "list").stdout
    assert not re.search(PATTERN, shown)
    assert re.search(r"^[0-9a-f-]{36} valid +admin +default 20\S+ - +\S+ +admin$", shown, re.M)
    rows = [json.loads(line) for line in svc.command("token", "list", "--json").stdout.splitlines()]
    assert {"id", "name", "scope", "state", "rate", "created_at", "expires_at", "last_used_at",
            "revoked_at"} == set(rows[0])
    assert {row["name"]: row["scope"] for row in rows}["submit"] == "submit"
    every = svc.command("token", "list", "--json", "--all").stdout.splitlines()
    assert {json.loads(line)["state"] for line in every} == {"valid", "expired", "revoked"}
    assert {row["state"] for row in rows} == {"valid", "expired"}


@pytest.mark.parametrize("arguments, words", [
    (["create"], "--scope"),
    (["create", "--scope", "write"], "read, submit or admin"),
    (["create", "--scope", "read", "--expires", "soon"], "--expires is"),
    (["create", "--scope", "read", "--expires", "0d"], "--expires is"),
    (["create", "--scope", "read", "--expires", "9999999d"], "--expires is"),
    (["create", "--scope", "read", "--rate", "fast"], "--rate is"),
    (["create", "--scope", "read", "--rate", "-1"], "--rate is"),
    (["create", "--scope", "read", "--rate", "1e9"], "--rate is"),
    (["create", "--scope", "read", "--rate", "nan"], "--rate is"),
    (["create", "--scope", "read", "--name", "two words"], "--name must"),
    (["create", "--scope", "read", "--name", "admin"], "there is a token with this --name"),
    (["revoke"], "--id ID or --name NAME"),
    (["revoke", "--id", "x", "--name", "y"], "--id ID or --name NAME"),
    (["revoke", "--name", "nobody"], "no token"),
])
def test_options_that_are_wrong_are_named(svc, tokens, arguments, words):
    done = svc.command("token", *arguments, check=False)
    assert done.returncode == 78 and words in done.stderr and done.stdout == "", done


def test_a_token_is_no_argument_and_is_not_repeated(svc, tokens):
    for arguments in (["revoke", "--id", tokens["read"]], ["revoke", "--name", tokens["read"]],
                      ["create", "--scope", "read", "--name", tokens["read"]]):
        done = svc.command("token", *arguments, check=False)
        assert done.returncode == 78 and not re.search(PATTERN, done.stdout + done.stderr), done


def test_off_is_for_loopback_only(svc):
    for listen in ("0.0.0.0:0", "[::]:0", "10.0.0.1:0"):
        done = svc.command("serve", check=False, environment={
            "SPOTLIST_AUTH": "off", "SPOTLIST_LISTEN": listen})
        assert done.returncode == 78 and "SPOTLIST_AUTH" in done.stderr, done


def test_off_asks_for_none(make_svc, cloud):
    svc = make_svc(cloud, settings={"SPOTLIST_AUTH": "off"}, subscribe=False)
    assert svc.get("/videos").status == 200
    assert svc.get("/videos", headers=bearer(forged())).status == 200
    assert svc.get("/videos?access_token=x").json["code"] == "bad_authorization"


def test_no_token_is_in_the_log(svc):
    """Last: of all that was sent above."""
    assert "token=read " in svc.log() and "token=admin " in svc.log()
    assert not re.search(PATTERN, svc.log())
