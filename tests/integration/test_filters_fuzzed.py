# SPDX-License-Identifier: Apache-2.0
"""Filters can neither run SQL nor read what is not theirs: every query parameter of every GET gets
rubbish of every kind, against a database with canaries in it, while PostgreSQL logs each statement.

The same seed sends the same requests; a failure names the one that it was."""

import json
import random
import re
import urllib.parse

import pytest

import replay
from harness import BUCKET, CONTRACT, wait_until

SEED = 5
REQUESTS = 1500
CANARY = "canary-5d1f7c0e9b"
EXPECTED = {200, 206, 304, 400, 404, 414}

SQL = [
    "'", "''", "\"", ";", "--", "/*", "*/", "\\", "\\'", "$$", "$1", "$99", "::text", "%", "_", "%%",
    "' OR '1'='1", "' OR 1=1 --", "') OR ('1'='1", "1 OR 1=1", "'; DROP TABLE hidden.canary; --",
    "' UNION SELECT secret FROM hidden.canary --", "'||(SELECT secret FROM hidden.canary)||'",
    "1); SELECT pg_sleep(20); --", "(SELECT secret FROM hidden.canary)", "E'\\x27'", "U&'\\0027'",
    "' AND 1=CAST((SELECT secret FROM hidden.canary) AS int) --", "$tag$ OR true $tag$",
    "'; COPY hidden.canary TO PROGRAM 'true'; --", "current_setting('data_directory')",
    "pg_read_file('/etc/passwd')", "xmlparse(document '<a/>')", "{1,2}", "{\"a\":1}", "[1,2)", "(,)",
    "ARRAY[1]", "NULL", "null", "DEFAULT", "true", "spotlist_data.tokens", "::regclass", "@>", "<->",
]
TSQUERY = [
    "&", "|", "!", "!!", "& |", "a &", "| a", "a & & b", "(", ")", "((((", "()", "a:*", ":*", ":*:*",
    "a:ABCD", "'unterminated", "\"unterminated", "\"a b\"", "\"\"", "<->", "a <-> ", "a <99999> b",
    "a <-1> b", "-", "- -", "-a", "-\"a b\"", "or", "OR OR", "a or", "and", "not", "*", "**", "a*", "a:b",
    "\\", "\\\\", "\\:", "a\\", "a AND NOT b", "ab OR -cd", "<b>", "</b>", "<script>alert(1)</script>",
]
FORMAT = ["%s", "%n", "%s%s%s%s%n", "%x%x%x%x", "%999999d", "%1$n", "%.99999f", "{0}", "${jndi:ldap://x}",
          "{{7*7}}", "`id`", "$(id)", "| id", "../../etc/passwd", "..\\..\\x", "file:///etc/passwd",
          "http://127.0.0.1:1/", "\r\nSet-Cookie: a=b", "\nX: y", "\t", " ", "  a  ", ""]
UNICODE = ["é", "e\u0301", "ß", "İ", "ı", "ﬀ", "\u202e", "\u200b", "\ufeff", "\ufffd", "\uffff", "𝕏", "🎬",
           "👨‍👩‍👧", "한국어", "日本語", "中文", "ภาษา", "العربية", "\u0300" * 200, "a\u0000b", "\x01", "\x7f",
           "\x85", "\u2028", "ａ", "１２", "٣", "Ω" * 300, "𒐫" * 50, "ꙮ", "\U0010ffff"]
NUMBERS = ["0", "-0", "+1", "-1", "1", "00", "01", "1.", ".5", "1.5", "1e3", "1e400", "-1e400", "1e-400",
           "NaN", "nan", "-nan", "inf", "-inf", "Infinity", "0x10", "0b1", "1_000", "1,5", "1 ", " 1",
           "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
           "99999999999999999999999999", "1" * 400, "0.1" + "0" * 400, "12:34", "99:99:99", "00:00:12.5",
           "-00:00:01", "1:2:3:4", "12500ms", "12.5s", "-5ms", "1e3ms", "2026-11-22", "2026-13-45",
           "2026-11-22T18:40:00Z", "2026-11-22T18:40:00.000+99:00", "0000-00-00", "9999999-01-01",
           "infinity", "epoch", "now", "today", "allballs"]
CURSORS = ["0", "a", "=", "==", "____", "-", "AAAA", "A" * 400, "eyJhIjoxfQ", "eyJhIjoxfQ==",
           "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
           "019aad3e-7b6c-7d3a-9d0f-0c5f0e3b8a10", "next", "../cursor"]
LISTS = [",", ",,", "a,", ",a", "labels,labels", "labels,,labels", "all", "*", "celebrities,nothing",
         "labels;transcript", "labels transcript", "LABELS", "a," * 500]
KINDS = [SQL, TSQUERY, FORMAT, UNICODE, NUMBERS, CURSORS, LISTS]


@pytest.fixture(scope="module")
def settings():
    return {"SPOTLIST_POLL_INTERVAL_MS": "400", "SPOTLIST_LOG_LEVEL": "info"}


@pytest.fixture(scope="module")
def pg(pg_cluster):
    """A database with canaries, that logs every statement and every error with its code."""
    database = pg_cluster.create_database()
    database.query(f"ALTER DATABASE {database.name} SET log_statement = 'all'")
    database.query(f"ALTER DATABASE {database.name} SET log_error_verbosity = 'verbose'")
    database.query("CREATE SCHEMA hidden")
    database.query("CREATE TABLE hidden.canary (secret text)")
    database.query("INSERT INTO hidden.canary VALUES (%s)", CANARY)
    yield database
    database.drop()


@pytest.fixture(scope="module")
def videos(svc, replays):
    """Videos with all there is to be filtered; the ids. Tokens and callbacks are not for readers."""
    svc.command("token", "create", "--name", CANARY, "--scope", "admin")
    made = replay.write(replays, "fuzzed", frames=12, celebrities=2, labels=3, words=60)
    ids = [svc.submit(made.upload(svc.cloud, BUCKET, f"fuzz/{number}.mp4"), tags=["news"],
                      title=f"Street {number}")["id"] for number in range(3)]
    for video in ids:
        svc.wait_state(video, "complete")
    return ids


class Log:
    """PostgreSQL's, from now on."""

    def __init__(self, cluster):
        self.path = cluster.dir / "log"
        self.offset = self.path.stat().st_size

    def entries(self):
        """Lines, each with what is indented below it."""
        with open(self.path, encoding="utf-8", errors="replace") as log:
            log.seek(self.offset)
            return re.split(r"\n(?=\d{4}-\d\d-\d\d )", log.read())


@pytest.fixture
def statements(pg_cluster):
    """Whatever a test sends, PostgreSQL was asked nothing but our prepared statements, and objected
    to none of them."""
    log = Log(pg_cluster)
    yield log
    entries = log.entries()
    errors = [entry for entry in entries if re.search(r" (ERROR|FATAL|PANIC):  ", entry)]
    assert not errors, "\n".join(errors[:5])
    for entry in entries:
        asked = re.search(r" LOG:  .*?(statement|execute [^:]+): (.*)", entry, re.DOTALL)
        if asked and asked.group(1) == "statement":
            assert re.fullmatch(r"SELECT 1|(BEGIN|COMMIT|ROLLBACK|SET|LISTEN|UNLISTEN|NOTIFY|DISCARD)\b[^']*",
                                asked.group(2).strip()), entry
        elif asked:
            assert "hidden.canary" not in asked.group(2), entry
            assert "pg_sleep" not in asked.group(2), entry


def operations():
    """(template, [query parameter], operation) of every GET of the API's own address."""
    for method, template, operation in CONTRACT.operations:
        item = CONTRACT.document["paths"][template]
        if method == "GET" and "servers" not in item:
            shared = [CONTRACT.resolve(one) for one in item.get("parameters", [])]
            own = [CONTRACT.resolve(one) for one in operation.get("parameters", [])]
            yield template, [one for one in shared + own if one["in"] == "query"], operation


def valid(draw, parameter):
    """A value that the document calls valid."""
    values = [CONTRACT.resolve(one)["value"] for one in parameter.get("examples", {}).values()]
    values += [parameter["example"]] if "example" in parameter else []
    schema = CONTRACT.resolve(parameter["schema"])
    values += schema.get("enum", [])
    value = draw.choice(values)
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def rubbish(draw):
    text = draw.choice(draw.choice(KINDS))
    for _ in range(draw.randrange(3)):
        other = draw.choice(draw.choice(KINDS))
        text = draw.choice([text + other, other + text, text + " " + other, text[:len(text) // 2] + other,
                            text * 2, text.upper()])
    return text[:2000]


def path_of(draw, template, videos):
    values = {"id": draw.choice(videos), "kind": draw.choice(["labels", "celebrities", "transcript"]),
              "attempt": "1"}
    if draw.random() < 0.1:
        values[draw.choice(list(values))] = urllib.parse.quote(rubbish(draw) or "x", safe="")
    return re.sub(r"\{(\w+)\}", lambda name: values.get(name.group(1), "x"), template)


def query_of(draw, parameters):
    chosen = draw.sample(parameters, min(len(parameters), draw.choice([1, 1, 1, 2, 3])))
    bad = draw.choice(chosen)
    pairs = [(one["name"], rubbish(draw) if one is bad or draw.random() < 0.2 else valid(draw, one))
             for one in chosen]
    pairs += [(one["name"], valid(draw, one)) for one in parameters
              if one.get("required") and one not in chosen]
    if draw.random() < 0.05:
        pairs.append((draw.choice([pairs[0][0], rubbish(draw), "q' OR 1=1"]), rubbish(draw)))
    return urllib.parse.urlencode(pairs, errors="surrogatepass")


def ask(svc, target):
    """Any answer but these would be ours to explain; each is judged by openapi.yaml too."""
    reply = svc.get(target)
    assert reply.status in EXPECTED, f"{target}: {reply}"
    told = reply.body + str(reply.headers).encode()
    assert CANARY.encode() not in told, f"{target}: {reply}"
    return reply


def test_no_parameter_takes_sql(svc, videos, statements):
    draw = random.Random(SEED)
    filtered = [one for one in operations() if one[1]]
    assert len(filtered) >= 2
    seen = {}
    for number in range(REQUESTS):
        template, parameters, operation = filtered[number % len(filtered)]
        target = path_of(draw, template, videos) + "?" + query_of(draw, parameters)
        reply = ask(svc, target)
        seen.setdefault(operation["operationId"], set()).add(reply.status)
    # Not everything was refused before it came to a statement, and not everything was taken.
    for name, statuses in seen.items():
        assert 400 in statuses, f"{name}: {statuses}"
    assert sum(200 in statuses for statuses in seen.values()) * 2 > len(seen), seen


def test_what_is_not_there_finds_nothing(svc, videos, statements):
    """A value is a value: it makes no condition true."""
    for text in SQL + TSQUERY:
        if text.strip() and len(text.encode()) <= 64:
            found = ask(svc, "/videos?" + urllib.parse.urlencode({"tag": text}))
            assert found.status == 400 or found.json["videos"] == [], text
    everything = svc.get("/videos?tag=news").json["videos"]
    assert {one["id"] for one in everything} == set(videos)


def cursors(svc, videos):
    """(target without a cursor, a cursor that it gave)."""
    found = []
    draw = random.Random(SEED)
    for template, parameters, _ in operations():
        names = {one["name"]: one for one in parameters}
        if not {"cursor", "limit"} <= set(names):
            continue
        path = re.sub(r"\{id\}", videos[0], template)
        pairs = [("limit", "1")] + [(name, valid(draw, one)) for name, one in names.items()
                                    if one.get("required")]
        for more in ([], [("include", "labels")], [("q", "the")]):
            if all(name in names for name, _ in more):
                target = path + "?" + urllib.parse.urlencode(pairs + more)
                reply = svc.get(target)
                cursor = re.search(rb'"next_cursor":"([^"]+)"', reply.body)
                if reply.status == 200 and cursor:
                    found.append((target, cursor.group(1).decode()))
                    break
    return found


def test_cursors_that_were_tampered_with(svc, videos, statements):
    draw = random.Random(SEED)
    known = cursors(svc, videos)
    assert known, "no operation gave a cursor"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.%+/ '\x00é"
    for target, cursor in known:
        assert ask(svc, f"{target}&cursor={urllib.parse.quote(cursor)}").status == 200, target
        others = [other for _, other in known if other != cursor]
        for _ in range(60):
            at = draw.randrange(len(cursor))
            changed = draw.choice([
                cursor[:at] + draw.choice(letters) + cursor[at + 1:], cursor[:at], cursor[at:],
                cursor + draw.choice(letters), cursor[::-1], cursor.swapcase(), cursor * 2,
                cursor[:at] + rubbish(draw) + cursor[at:], *others])
            ask(svc, f"{target}&cursor={urllib.parse.quote(changed)}")


def test_the_canaries_are_alive(svc, videos, pg):
    assert pg.query("SELECT secret FROM hidden.canary") == [(CANARY,)]
    assert wait_until(lambda: svc.get(f"/videos/{videos[0]}").json["state"]) == "complete"
