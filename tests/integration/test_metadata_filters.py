# SPDX-License-Identifier: Apache-2.0
"""GET /videos/{id}/metadata with filters: every answer is what an evaluation in Python leaves of
the whole document, in one page or in many."""

import copy
import json
import random
import urllib.parse

import pytest

import replay
from harness import exchange

FRAMES = 40
DURATION_MS = FRAMES * 1000
INCLUDES = ["video", "outputs", "analyses", "celebrities", "celebrities.names",
            "celebrities.appearances", "celebrities.detections", "labels", "labels.names",
            "labels.appearances", "labels.detections", "labels.instances", "transcript",
            "transcript.text", "transcript.segments", "transcript.words"]
HEAD = ["id", "state", "title", "tags", "source", "created_at", "completed_at", "duration_ms"]


def timecode(ms):
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


# --- an evaluation of its own ------------------------------------------------------------------

class Filter:
    """What the parameters mean, said of one element at a time."""

    def __init__(self, include=(), min_confidence=0, from_ms=None, to_ms=None, at_ms=None,
                 names=()):
        self.least, self.at_ms, self.names = min_confidence, at_ms, [fold(one) for one in names]
        self.from_ms, self.to_ms = from_ms or 0, 10**15 if to_ms is None else to_ms
        self.whole = from_ms in (None, 0) and to_ms is None and at_ms is None
        if at_ms is not None:
            self.from_ms, self.to_ms = at_ms, at_ms + 1
        include = set(include)
        if not include:
            include = {"celebrities", "labels"} if names else {"all"}
        if "all" in include:
            include |= {"video", "outputs", "analyses", "celebrities", "labels", "transcript"}
        self.include = include

    def wants(self, kind, *parts):
        return kind in self.include or any(f"{kind}.{part}" in self.include for part in parts)

    def spans(self, one):
        """A from and to that overlaps; what has no length is where it begins."""
        inside = one["to_ms"] > self.from_ms or one["from_ms"] >= self.from_ms
        return one["from_ms"] < self.to_ms and inside

    def sure(self, one):
        return one["confidence"] >= self.least

    def detections(self, one):
        """Those of the period; of a moment, the last before it."""
        found = [each for each in one["detections"] if each["time_ms"] < self.to_ms]
        begin = self.from_ms
        if self.at_ms is not None:
            begin = max((each["time_ms"] for each in found), default=0)
        return [each for each in found if each["time_ms"] >= begin and self.sure(each)]

    def named(self, kind, people):
        kept = []
        for one in copy.deepcopy(people):
            appearances = [each for each in one["appearances"]
                           if self.spans(each) and self.sure(each)]
            if not appearances or not self.sure(one):
                continue
            if self.names and fold(one["name"]) not in self.names:
                continue
            detections = self.detections(one)
            del one["appearances"], one["detections"]
            if self.wants(kind, "appearances"):
                one["appearances"] = appearances
            if self.wants(kind, "detections", "instances"):
                one["detections"] = detections
            for each in detections if kind == "labels" else ():
                if self.wants(kind, "instances"):
                    each["instances"] = [place for place in each["instances"] if self.sure(place)]
                else:
                    del each["instances"]
            kept.append(one)
        return kept

    def transcript(self, whole):
        kept = {"language": whole["language"]}
        if self.wants("transcript", "text") and self.whole:
            kept["text"] = whole["text"]
        if self.wants("transcript", "segments"):
            kept["segments"] = [each for each in whole["segments"] if self.spans(each)]
        if self.wants("transcript", "words"):
            kept["words"] = [each for each in whole["words"] if self.spans(each)
                             and each["confidence"] >= self.least / 100]
        return kept

    def apply(self, document):
        kept = {name: document[name] for name in HEAD if name in document}
        kept |= {name: document[name] for name in ("video", "outputs", "analyses")
                 if name in self.include}
        for kind in ("celebrities", "labels"):
            if self.wants(kind, "names", "appearances", "detections", "instances"):
                kept[kind] = self.named(kind, document[kind])
        if self.wants("transcript", "text", "segments", "words") and "transcript" in document:
            kept["transcript"] = self.transcript(document["transcript"])
        return kept


def fold(name):
    return name.casefold().translate(str.maketrans("öøë", "ooe"))


def merge(pages):
    """The pages' arrays joined, names by name and id."""
    whole = copy.deepcopy(pages[0])
    whole.pop("next_cursor", None)
    for page in pages[1:]:
        assert all(page[name] == whole[name] for name in HEAD if name in whole)
        for kind in ("celebrities", "labels"):
            by_name = {(one["name"], one.get("id")): one for one in whole.get(kind, ())}
            for one in page.get(kind, ()):
                known = by_name.get((one["name"], one.get("id")))
                if known is None:
                    whole[kind].append(one)
                    continue
                for part in ("appearances", "detections"):
                    known.setdefault(part, []).extend(one.get(part, ()))
                    if not known[part] and part not in one:
                        del known[part]
        for part in ("segments", "words"):
            if part in page.get("transcript", {}):
                whole["transcript"][part] += page["transcript"][part]
    return whole


def count(page):
    """Elements of a page, but its names: those of pages before are told again."""
    found = 0
    for kind in ("celebrities", "labels"):
        for one in page.get(kind, ()):
            found += len(one.get("appearances", ()))
            found += sum(1 + len(each.get("instances", ())) for each in one.get("detections", ()))
    transcript = page.get("transcript", {})
    return found + sum(len(transcript.get(part, ())) for part in ("segments", "words"))


# --- asking ------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def settings():
    return {"SPOTLIST_RATE_RECOGNIZE_CELEBRITIES": "1000",
            "SPOTLIST_RATE_GET_LABEL_DETECTION": "1000"}


@pytest.fixture(scope="module")
def video(svc, cloud, replays):
    """(id, the whole document) of a video in which everything moves about."""
    made = replay.write(replays, "filters", frames=FRAMES, celebrities=3, labels=7, instances=3,
                        words=240)
    one = svc.submit(made.upload(cloud, svc.bucket, "in/filters.mp4"), title="Filters", tags=["a"])
    svc.wait_state(one["id"], "complete")
    return one["id"], svc.metadata(one["id"])


def target(video, parameters):
    return f"/videos/{video[0]}/metadata?" + urllib.parse.urlencode(parameters)


def ask(svc, video, *parameters, **more):
    reply = svc.get(target(video, [*parameters, *more.items()]))
    assert reply.status == 200, reply
    return reply.json


def ask_all(svc, video, parameters):
    """Every page."""
    pages = [ask(svc, video, *parameters)]
    while "next_cursor" in pages[-1]:
        assert len(pages) < 5000
        pages.append(ask(svc, video, *parameters, cursor=pages[-1]["next_cursor"]))
    return pages


def parameters_of(include=(), min_confidence=0, from_ms=None, to_ms=None, at_ms=None, names=()):
    found = [("include", ",".join(include))] if include else []
    found += [("min_confidence", min_confidence)] if min_confidence else []
    found += [(name, f"{ms}ms") for name, ms in (("from", from_ms), ("to", to_ms), ("at", at_ms))
              if ms is not None]
    return found + [("name", name) for name in names]


def compare(svc, video, limit=None, **wanted):
    parameters = parameters_of(**wanted) + [("limit", limit or 10000)]
    pages = ask_all(svc, video, parameters)
    if limit:
        assert all(count(page) <= max(limit, 4) for page in pages)
    assert merge(pages) == Filter(**wanted).apply(video[1]), parameters
    return pages


# --- what is kept ------------------------------------------------------------------------------

def test_the_whole_document_in_pages_is_the_whole_document(svc, video):
    pages = compare(svc, video, include=["all"])
    assert len(pages) == 1 and pages[0].get("next_cursor") is None
    whole = {name: value for name, value in video[1].items()}
    assert pages[0] == whole
    for limit in (29, 100, 1000):
        assert len(compare(svc, video, limit=limit, include=["all"])) > 1


@pytest.mark.parametrize("part", INCLUDES)
def test_a_part_has_what_is_its_own(svc, video, part):
    compare(svc, video, include=[part])


def test_a_moment_tells_who_and_what_is_there_and_what_is_said(svc, video):
    for at_ms in (0, 1, 999, 1000, 12_500, 31_100, DURATION_MS - 1, DURATION_MS,
                  DURATION_MS + 5000):
        compare(svc, video, at_ms=at_ms)
    found = ask(svc, video, at="12.5")
    assert found["celebrities"] and found["labels"] and found["transcript"]["segments"]
    for one in found["celebrities"] + found["labels"]:
        (span,) = one["appearances"]
        assert span["from_ms"] <= 12_500 < span["to_ms"]
        assert {each["time_ms"] for each in one["detections"]} == {12_000}
    assert ask(svc, video, at=DURATION_MS / 1000 + 5)["celebrities"] == []


def test_times_may_be_written_in_every_way(svc, video):
    ways = [["12.5", "20"], ["12500ms", "20000ms"], ["00:00:12.500", "00:00:20"],
            ["0:12.5", "0:20"], ["00:12.500", "20.000"]]
    answers = [ask(svc, video, ("from", begin), ("to", end)) for begin, end in ways]
    assert all(one == answers[0] for one in answers)
    for one in answers[0]["celebrities"]:
        for span in one["appearances"]:
            assert span["from"] == timecode(span["from_ms"])
            assert span["to"] == timecode(span["to_ms"])
        assert all(each["time"] == timecode(each["time_ms"]) for each in one["detections"])


def test_names_are_found_whatever_their_case_and_accents(svc, video):
    for asked, name in (("bjork", "Björk"), ("BJÖRK", "Björk"),
                        ("soren kierkegaard", "Søren Kierkegaard"),
                        ("zoe kravitz", "Zoë Kravitz"), ("traffic LIGHT", "Traffic Light")):
        found = ask(svc, video, name=asked)
        assert [one["name"] for one in found["celebrities"] + found["labels"]] == [name]
        assert "transcript" not in found and "video" not in found
    both = compare(svc, video, names=["Dog", "Ada Lovelace", "Nobody"])[0]
    assert [one["name"] for one in both["celebrities"] + both["labels"]] == ["Ada Lovelace", "Dog"]
    assert compare(svc, video, names=["%"])[0]["labels"] == []
    assert compare(svc, video, names=["Do_"])[0]["labels"] == []
    assert compare(svc, video, names=["Dog', 'Cat"])[0]["labels"] == []


@pytest.mark.parametrize("seed", range(6))
def test_random_filters_leave_what_they_should(svc, video, seed):
    draw = random.Random(seed)
    names = [one["name"] for one in video[1]["celebrities"] + video[1]["labels"]] + ["Nobody"]
    for _ in range(12):
        wanted = {"include": draw.sample(INCLUDES, draw.choice((0, 1, 2, 4)))}
        if draw.random() < 0.5:
            wanted["min_confidence"] = draw.choice((0.5, 50, 90, 95.25, 99, 99.9, 100))
        if draw.random() < 0.3:
            wanted["names"] = draw.sample(names, draw.randint(1, 4))
        if draw.random() < 0.3:
            wanted["at_ms"] = draw.randint(0, DURATION_MS)
        elif draw.random() < 0.6:
            wanted["from_ms"] = draw.choice((0, 1000, draw.randint(0, DURATION_MS)))
            length_ms = draw.choice((1, 1000, draw.randint(1, DURATION_MS)))
            wanted["to_ms"] = wanted["from_ms"] + length_ms
        compare(svc, video, limit=draw.choice((None, 25, 100, 500)), **wanted)


# --- pages -------------------------------------------------------------------------------------

def test_a_page_has_its_limit_and_the_next_goes_on(svc, video):
    parameters = [("include", "labels.instances"), ("limit", 40)]
    pages = ask_all(svc, video, parameters)
    assert all(0 < count(page) + len(page["labels"]) for page in pages)
    assert max(count(page) for page in pages) <= 40
    # The limit may change on the way, and nothing is lost or told twice.
    mixed, draw, cursor = [], random.Random(5), None
    while not mixed or "next_cursor" in mixed[-1]:
        more = [("cursor", cursor)] if cursor else []
        mixed.append(ask(svc, video, ("include", "labels.instances"),
                         ("limit", draw.randint(1, 90)), *more))
        cursor = mixed[-1].get("next_cursor")
    assert merge(mixed) == merge(pages)


def test_without_a_limit_a_page_is_bounded(svc, video):
    page = ask(svc, video, include="labels")
    assert 990 < count(page) + len(page["labels"]) <= 1000 and "next_cursor" in page


def test_a_cursor_belongs_to_its_request(svc, video):
    cursor = ask(svc, video, include="labels", limit=10)["next_cursor"]
    assert ask(svc, video, cursor=cursor, limit=20, include="labels")
    for wrong in ([("include", "labels.names")], [], [("include", "labels"), ("at", "1")],
                  [("include", "labels"), ("min_confidence", "1")]):
        refused(svc, video, [*wrong, ("cursor", cursor)], "?cursor")
    other = svc.get("/videos/019a0000-0000-7000-8000-000000000009/metadata?include=labels"
                    f"&cursor={cursor}")
    assert other.status == 404


def test_a_cursor_that_was_tampered_with_is_refused(svc, video):
    cursor = ask(svc, video, include="labels", limit=10)["next_cursor"]
    draw = random.Random(1)
    for _ in range(60):
        at = draw.randrange(len(cursor))
        changed = cursor[:at] + draw.choice("ABCxyz019-_") + cursor[at + 1:]
        if changed != cursor:
            refused(svc, video, [("include", "labels"), ("cursor", changed)], "?cursor")
    for wrong in (cursor[:-1], cursor + "A", cursor + "=", cursor.lower(), "", "x", "../../x",
                  "0" * 4096, "' OR 1=1 --", "\U0001f3ac"):
        refused(svc, video, [("include", "labels"), ("cursor", wrong)], "?cursor")


def test_a_cursor_ends_with_the_analyses_it_was_made_for(svc, cloud, replays):
    made = replay.write(replays, "again", frames=8, celebrities=1, labels=2, words=8)
    one = svc.submit(made.upload(cloud, svc.bucket, "in/again.mp4"))
    svc.wait_state(one["id"], "complete")
    page = ask(svc, (one["id"],), include="labels", limit=3)
    assert svc.post(f"/videos/{one['id']}/analyses", {"analyses": ["labels"]}).status == 202
    svc.wait_state(one["id"], "complete")
    refused(svc, (one["id"],), [("include", "labels"), ("limit", 3),
                                ("cursor", page["next_cursor"])], "?cursor")


# --- links -------------------------------------------------------------------------------------

def test_links_lead_to_the_bytes(svc, video):
    plain = ask(svc, video, include="celebrities", at="12.5")
    assert "links" not in plain and "frame_url" not in json.dumps(plain)
    found = ask(svc, video, include="celebrities,links", at="12.5")
    document = video[1]
    for name, key in (("mp4", document["outputs"]["mp4"]), ("audio", document["outputs"]["audio"])):
        assert key in urllib.parse.unquote(found["links"][name])
        assert download(found["links"][name])
    assert json.loads(download(found["links"]["transcript"]))["results"]
    frame = found["links"]["frame"]
    assert (frame["time_ms"], frame["time"]) == (12_000, "00:00:12.000")
    picture = download(frame["url"])
    for one in found["celebrities"]:
        for each in one["detections"]:
            assert each["frame"] == frame["key"]
            assert download(each["frame_url"]) == picture
    assert found["links"]["expires_at"] > document["completed_at"]
    again = ask(svc, video, include="celebrities,links", at="12.5")
    if again["links"]["expires_at"] != found["links"]["expires_at"]:  # the five minutes are over
        found, again = again, ask(svc, video, include="celebrities,links", at="12.5")
    assert again == found
    # Pages may end between detections: the links are on each of them.
    pages = ask_all(svc, video, [("include", "celebrities.detections,links"), ("limit", 50)])
    assert len(pages) > 1 and all(set(page["links"]) > {"mp4", "expires_at"} for page in pages)


def download(url):
    parts = urllib.parse.urlsplit(url)
    reply = exchange(f"{parts.scheme}://{parts.netloc}", "GET", f"{parts.path}?{parts.query}")
    assert reply.status == 200, reply
    return reply.body


def test_without_credentials_there_is_everything_but_links(svc, cloud, video, make_svc):
    poor = make_svc(cloud, svc.database, subscribe=False, settings={
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": "/dev/null"})
    assert ask(poor, video, include="celebrities", at="12.5")["celebrities"]
    reply = poor.get(target(video, {"include": "celebrities,links", "at": "12.5"}))
    assert (reply.status, reply.json["code"]) == (502, "aws_credentials")


# --- validators --------------------------------------------------------------------------------

def test_a_filtered_answer_has_a_strong_etag(svc, video):
    first = svc.get(target(video, {"at": "12.5"}))
    assert svc.get(target(video, {"at": "00:00:12.500"})).headers["ETag"] == first.headers["ETag"]
    assert svc.get(target(video, {"at": "30"})).headers["ETag"] != first.headers["ETag"]
    again = svc.get(target(video, {"at": "12.5"}), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    head = svc.request("HEAD", target(video, {"at": "12.5"}))
    assert (head.status, head.headers["ETag"]) == (200, first.headers["ETag"])


# --- refusals ----------------------------------------------------------------------------------

def refused(svc, video, parameters, pointer):
    reply = svc.get(target(video, parameters))
    assert reply.status == 400, (parameters, reply)
    assert (reply.json["code"], reply.json["pointer"]) == ("bad_parameter", pointer), parameters


@pytest.mark.parametrize("pointer, query", [
    ("?to", "from=20&to=10"), ("?to", "from=20&to=20"), ("?to", "to=0"),
    ("?from", "from=-1"), ("?from", "from=NaN"), ("?from", "from=inf"), ("?from", "from=1e3"),
    ("?from", "from="), ("?from", "from"), ("?from", "from=00:61:00"), ("?from", "from=12,5"),
    ("?to", "to=-0.1"), ("?to", "to=99999999999999999999"), ("?to", "to=315360001"),
    ("?at", "at=nan"), ("?at", "at=5&from=1"), ("?at", "at=5&to=9"), ("?at", "at=5&at=6"),
    ("?include", "include=everything"), ("?include", "include="), ("?include", "include=labels,"),
    ("?include", "include=Labels"), ("?include", "include=labels.words"),
    ("?min_confidence", "min_confidence=101"), ("?min_confidence", "min_confidence=-1"),
    ("?min_confidence", "min_confidence=NaN"), ("?min_confidence", "min_confidence=0x1p3"),
    ("?limit", "limit=0"), ("?limit", "limit=10001"), ("?limit", "limit=1.5"),
    ("?limit", "limit=all"),
    ("?name", "name="), ("?name", "name=" + "x" * 201),
    ("?name", "&".join(f"name={n}" for n in range(17))),
    ("?format", "format=xml"), ("?Include", "Include=labels"), ("?name", "name=%FF"),
    ("?name", "name=a%00b"), ("?cursor", "cursor=" + "A" * 5000),
])
def test_bad_parameters_are_refused_where_they_stand(svc, video, pointer, query):
    reply = svc.get(f"/videos/{video[0]}/metadata?{query}")
    assert reply.status == 400, reply
    assert (reply.json["code"], reply.json["pointer"]) == ("bad_parameter", pointer)


def test_a_long_query_is_refused_and_a_missing_video_not_found(svc, video):
    assert svc.get(f"/videos/{video[0]}/metadata?name=" + "x" * 10_000).status == 414
    for missing in ("019a0000-0000-7000-8000-00000000dead", "x"):
        reply = svc.get(f"/videos/{missing}/metadata?at=1")
        assert (reply.status, reply.json["code"]) == (404, "video_not_found")


def test_sql_writes_timecodes_as_we_do(svc):
    draw = random.Random(3)
    times = [0, 1, 999, 1000, 59_999, 3_600_000, 360_000_001, 315_360_000_000,
             *(draw.randrange(10**draw.randint(1, 11)) for _ in range(500))]
    written = svc.database.query(
        "SELECT spotlist_data.timecode(ms) FROM unnest(%s::bigint[]) AS ms", times)
    assert [one for (one,) in written] == [timecode(ms) for ms in times]
