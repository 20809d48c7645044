# SPDX-License-Identifier: Apache-2.0
"""GET /search: languages, phrases, names, "within", ranks, pages, and what is refused."""

import itertools
import json
import random
import urllib.parse

import pytest

VIDEO = """
INSERT INTO spotlist_data.videos (id, state, source, bucket, key, title, tags, options,
    frame_interval_ms, duration_ms, created_at, completed_at)
VALUES (%s, 'complete', 's3://bucket/key', 'bucket', 'key', %s, %s, '{}', 1000, %s, %s, now())"""
SPEECH = {
    "en-US": ["The quick foxes weren't running home.", "Lazy dogs sleep in the sun.",
              "A fox sleeps too, a lazy one."],
    "de-DE": ["Die Füchse liefen durch die alten Häuser.", "Der Fuchs ist müde."],
    "ko-KR": ["우리는 내일 서울에서 만나요.", "안녕하세요 여러분"],
    "ja-JP": ["昨日は東京タワーに行きました。", "猫がとても好きです。"],
    "zh-CN": ["我们去北京看长城。", "天气很好"],
    "th-TH": ["ผมชอบกรุงเทพมหานคร"],
    "tlh": ["tlhIngan maH"],
}


def identifier(number):
    return f"019b0000-0000-7000-8000-{number:012}"


def add_video(database, number, title="Video", tags=(), duration_ms=60000, day=1):
    video = identifier(number)
    database.query(VIDEO, video, title, list(tags), duration_ms, f"2026-10-{day:02}T12:00:00Z")
    return video


def add_speech(database, video, language, segments):
    """[(from_ms, to_ms, text)]; words share their sentence's time evenly."""
    database.query("INSERT INTO spotlist_data.transcripts VALUES (%s, %s, %s)", video, language,
                   " ".join(text for *_, text in segments))
    number = itertools.count()
    for ordinal, (begin, end, text) in enumerate(segments):
        database.query("INSERT INTO spotlist_data.transcript_segments (video_id, ordinal, from_ms, "
                       "to_ms, text) VALUES (%s, %s, %s, %s, %s)", video, ordinal, begin, end, text)
        words = text.split()
        step = (end - begin) // len(words)
        for i, word in enumerate(words):
            database.query("INSERT INTO spotlist_data.transcript_words VALUES (%s,%s,%s,%s,0.9,%s)",
                           video, next(number), begin + i * step, begin + (i + 1) * step,
                           word.strip(".,"))


def add_names(database, video, kind, appearances):
    """[(name, from_ms, to_ms)]"""
    for ordinal, (name, begin, end) in enumerate(sorted(appearances), 1):
        database.query("INSERT INTO spotlist_data.appearances VALUES (%s,%s,%s,%s,NULL,%s,%s,90)",
                       video, kind, ordinal, name, begin, end)
    for ordinal, name in enumerate(sorted({name for name, *_ in appearances}), 1):
        times = [(b, e) for n, b, e in appearances if n == name]
        database.query(
            "INSERT INTO spotlist_data.video_names VALUES (%s,%s,%s,%s,NULL,90,%s,%s,%s)", video,
            kind, ordinal, name, len(times), sum(e - b for b, e in times), min(times)[0])


def ask(svc, status=200, **parameters):
    target = "/search?" + urllib.parse.urlencode(parameters, doseq=True)
    reply = svc.get(target)
    assert reply.status == status, f"{target}: {reply}"
    return reply.json


def ids(answer):
    return {video["id"] for video in answer["videos"]}


def matches(hit):
    return "|".join(piece["text"] for piece in hit["snippet"] if piece.get("match"))


@pytest.fixture(scope="module")
def spoken(svc):
    """A video for each language; the id by its code."""
    videos = {}
    for number, (language, texts) in enumerate(SPEECH.items(), 1):
        videos[language] = add_video(svc.database, number, language, ["spoken"], 1000 * number,
                                     number)
        add_speech(svc.database, videos[language], language,
                   [(5000 * i, 5000 * i + 4000, text) for i, text in enumerate(texts)])
    return videos


@pytest.mark.parametrize("q, language, marked", [
    ("run", "en-US", ["running"]),
    ("fox", "en-US", ["foxes", "fox"]),
    ('"quick fox"', "en-US", ["quick|foxes"]),
    ('"fox quick"', None, []),
    ("qui*", "en-US", ["quick"]),
    ("lazy -dog", "en-US", ["lazy"]),
    ("fuchs", "de-DE", ["Fuchs"]),
    ("haus", "de-DE", ["Häuser"]),
    ("서울", "ko-KR", ["서울"]),
    ("만나 서울", "ko-KR", ["서울|만나"]),
    ("東京", "ja-JP", ["東京"]),
    ("京タワー", "ja-JP", ["京タワー"]),
    ("タワー東京", None, []),
    ("猫", "ja-JP", ["猫"]),
    ("ﾀﾜｰ", "ja-JP", None),
    ("长城 北京", "zh-CN", ["北京|长城"]),
    ("气", "zh-CN", ["气"]),
    ("กรุงเทพ", "th-TH", ["กรุงเทพ"]),
    ("tlhingan", "tlh", ["tlhIngan"]),
    ("the", None, []),
    ("zebra", None, []),
    ("zebra or 猫", "ja-JP", ["猫"]),
    ("\"!!\" ((( <-> :* 猫", "ja-JP", ["猫"]),
    ("'猫' & | !", "ja-JP", ["猫"]),
])
def test_speech_in_its_language(svc, spoken, q, language, marked):
    answer = ask(svc, q=q, tag="spoken", hits=10)
    assert ids(answer) == ({spoken[language]} if language else set()), answer
    assert answer["total"] == len(answer["videos"])
    for video in answer["videos"]:
        if marked is not None:
            assert [matches(hit) for hit in video["hits"]] == marked
        for hit in video["hits"]:
            text = "".join(piece["text"] for piece in hit["snippet"])
            assert text == SPEECH[language][hit["from_ms"] // 5000]


def test_the_words_have_their_own_times(svc, spoken):
    [video] = ask(svc, q="lazy", tag="spoken")["videos"]
    assert [(w["text"], w["from_ms"], w["from"]) for hit in video["hits"] for w in hit["words"]] == [
        ("Lazy", 5000, "00:00:05.000"), ("lazy", 12855, "00:00:12.855")]


def test_a_sentence_is_what_matches(svc, spoken):
    assert ids(ask(svc, q="quick sun", tag="spoken")) == set()
    assert ids(ask(svc, q="quick or sun", tag="spoken")) == {spoken["en-US"]}


def test_markup_in_speech_stays_text(svc):
    video = add_video(svc.database, 50)
    text = "Say <b>cheese</b> & \"smile\"\u0002\u0003"
    add_speech(svc.database, video, "en-US", [(0, 1000, text)])
    [hit] = ask(svc, q="cheese")["videos"][0]["hits"]
    assert "".join(piece["text"] for piece in hit["snippet"]) == text[:-2]
    assert matches(hit) == "cheese"


def test_videos_by_what_they_are(svc, spoken):
    order = list(spoken.values())
    assert ids(ask(svc, tag="spoken", min_duration="2000ms",
                   max_duration="4")) == set(order[1:4])
    assert ids(ask(svc, tag="spoken", created_from="2026-10-03",
                   created_before="2026-10-05T00:00:00Z")) == set(order[2:4])
    assert ids(ask(svc, tag=["spoken", "other"])) == set()
    assert ids(ask(svc, tag="spoken", state="failed")) == set()
    newest = ask(svc, tag="spoken", sort="newest")["videos"]
    assert [video["id"] for video in newest] == sorted(order, reverse=True)


def test_names_forgive_case_and_accents(svc):
    video = add_video(svc.database, 60)
    add_names(svc.database, video, "celebrity", [("Zoë Kravitz", 1000, 3000)])
    add_names(svc.database, video, "label", [("Coat", 0, 9000)])
    [found] = ask(svc, celebrity="zoe kravitz", label="COAT")["videos"]
    assert found["id"] == video
    assert [(hit["kind"], hit["name"]) for hit in found["hits"]] == [
        ("label", "Coat"), ("celebrity", "Zoë Kravitz")]
    assert ids(ask(svc, celebrity=["zoe kravitz", "Nobody"])) == set()


def test_pages_are_whole_and_facets_count(svc, spoken):
    everything = ask(svc, tag="spoken", limit=100)
    assert everything["facets"]["videos"] == len(spoken)
    assert everything["facets"]["tags"] == [{"name": "spoken", "videos": len(spoken)}]
    assert everything["facets"]["states"] == [{"name": "complete", "videos": len(spoken)}]
    for parameters in ({"tag": "spoken"}, {"q": "fox or 猫 or fuchs or 서울", "tag": "spoken"}):
        whole = [v["id"] for v in ask(svc, **parameters, limit=100)["videos"]]
        paged, cursor = [], {}
        while True:
            page = ask(svc, **parameters, limit=2, **cursor)
            paged += [video["id"] for video in page["videos"]]
            assert ("facets" in page) == (not cursor)
            if "next_cursor" not in page:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert paged == whole and len(whole) > 2


def test_the_better_comes_first(svc):
    little, much = add_video(svc.database, 71), add_video(svc.database, 70)
    add_speech(svc.database, little, "en-US", [(0, 1000, "Marmalade, among many other things that "
                                                "one may have for breakfast.")])
    add_speech(svc.database, much, "en-US", [(1000 * i, 1000 * i + 900, "Marmalade, marmalade!")
                                             for i in range(5)])
    found = ask(svc, q="marmalade", hits=2)["videos"]
    assert [video["id"] for video in found] == [much, little]
    assert [video["hit_count"] for video in found] == [5, 1]
    assert [len(video["hits"]) for video in found] == [2, 1]


@pytest.fixture(params=["one language", "many languages"])
def languages(svc, spoken, request):
    """A question is read as each language that there is."""
    others = svc.database.query("SELECT config FROM spotlist_data.speech_configs "
                                "WHERE config <> 'english'")
    assert len(others) > 1
    if request.param == "one language":
        svc.database.query("DELETE FROM spotlist_data.speech_configs WHERE config <> 'english'")
    yield request.param
    for config in others:
        svc.database.query("INSERT INTO spotlist_data.speech_configs VALUES (%s) "
                           "ON CONFLICT DO NOTHING", *config)


def test_a_sentence_that_says_it_twice_is_better(svc, languages):
    texts = ["Kumquats, kumquats!", "Kumquats, please!"]
    number = itertools.count(500 + 10 * len(languages))
    twice, once = [add_video(svc.database, next(number), tags=[languages]) for _ in texts]
    for video, text in zip((twice, once), texts):
        add_speech(svc.database, video, "en-US", [(0, 1000, text)])
    found = ask(svc, q="kumquat", tag=languages)["videos"]
    assert [video["id"] for video in found] == [twice, once]
    assert found[0]["rank"] > found[1]["rank"] > 0.01


@pytest.mark.parametrize("parameters, pointer", [
    ({"q": ""}, "?q"), ({"q": "-fox"}, "?q"), ({"q": '" "'}, "?q"), ({"q": "x" * 501}, "?q"),
    ({"q": "a " * 40}, "?q"), ({"within": 5}, "?within"), ({"within": 5, "q": "fox"}, "?within"),
    ({"within": "nan", "q": "fox", "label": "Cat"}, "?within"),
    ({"within": -1, "q": "fox", "label": "Cat"}, "?within"),
    ({"label": ["a"] * 5, "celebrity": ["b"] * 4}, "?label"), ({"state": "happy"}, "?state"),
    ({"created_from": "2026-10-05", "created_before": "2026-10-05"}, "?created_before"),
    ({"created_from": "yesterday"}, "?created_from"), ({"min_duration": "5", "max_duration": "4"},
                                                       "?max_duration"),
    ({"min_duration": "-1"}, "?min_duration"), ({"limit": 0}, "?limit"), ({"limit": 101}, "?limit"),
    ({"hits": 101}, "?hits"), ({"sort": "best"}, "?sort"), ({"facets": "maybe"}, "?facets"),
    ({"cursor": "AAAA"}, "?cursor"), ({"colour": "red"}, "?colour"),
])
def test_what_is_refused(svc, parameters, pointer):
    problem = ask(svc, 400, **parameters)
    assert (problem["code"], problem["pointer"]) == ("bad_parameter", pointer)


def test_a_cursor_belongs_to_its_search(svc, spoken):
    cursor = ask(svc, tag="spoken", limit=1)["next_cursor"]
    assert ask(svc, tag="spoken", limit=3, cursor=cursor)["videos"]
    for changed in (cursor[:-1], "B" + cursor[1:], cursor + "A"):
        assert ask(svc, 400, tag="spoken", cursor=changed)["pointer"] == "?cursor"
    assert ask(svc, 400, tag="other", cursor=cursor)["pointer"] == "?cursor"


# --- against another reading of the rules -------------------------------------------------------

WORDS = ["alpha", "bravo", "charlie", "delta"]
CELEBRITIES = ["Ada", "Björk"]
LABELS = ["Tree", "Car"]


@pytest.fixture(scope="module")
def world(svc):
    """Random videos: {id: {criterion: [(from_ms, to_ms)]}}."""
    chance = random.Random(5)
    videos = {}
    for number in range(1000, 1030):
        video = add_video(svc.database, number, tags=["world"])
        occurrences = {}
        segments = []
        for begin in sorted(chance.sample(range(0, 60000, 100), chance.randint(0, 8))):
            said = chance.sample(WORDS, chance.randint(1, 2))
            segments.append((begin, begin + chance.randint(100, 3000), " ".join(said)))
            for word in said:
                occurrences.setdefault(("q", word), []).append(segments[-1][:2])
        if segments:
            add_speech(svc.database, video, "en-US", segments)
        for kind, names in (("celebrity", CELEBRITIES), ("label", LABELS)):
            seen = []
            for _ in range(chance.randint(0, 5)):
                begin = chance.randrange(0, 60000, 500)
                seen.append((chance.choice(names), begin, begin + chance.choice([500, 2000, 9000])))
            add_names(svc.database, video, kind, seen)
            for name, begin, end in seen:
                occurrences.setdefault((kind, name), []).append((begin, end))
        videos[video] = occurrences
    return videos


def touched(lists, within):
    """By criterion, the occurrences in some choice of one each that a stretch of `within` touches."""
    good = [set() for _ in lists]
    for choice in itertools.product(*lists):
        if max(begin for begin, _ in choice) - min(end for _, end in choice) <= within:
            for members, one in zip(good, choice):
                members.add(one)
    return good


def test_random_searches_agree_with_another_reading(svc, world):
    chance = random.Random(6)
    everything = [("q", w) for w in WORDS] + [("celebrity", n) for n in CELEBRITIES] \
        + [("label", n) for n in LABELS]
    found_some = 0
    for _ in range(60):
        wanted = chance.sample(everything, chance.randint(1, 3))
        if sum(kind == "q" for kind, _ in wanted) > 1:
            continue
        parameters = {}
        for kind, name in wanted:
            parameters.setdefault(kind, []).append(name)
        within = chance.choice([None, 0, 1, 5, 20]) if len(wanted) > 1 else None
        if within is not None:
            parameters["within"] = within
        expected = {}
        for video, occurrences in world.items():
            lists = [occurrences.get(one, []) for one in wanted]
            if not all(lists):
                continue
            if within is not None:
                lists = touched(lists, within * 1000)
                if not all(lists):
                    continue
            hits = {(kind, begin, end) for (kind, _), times in zip(wanted, lists)
                    for begin, end in times}
            expected[video] = sorted((begin, end, "speech" if kind == "q" else kind)
                                     for kind, begin, end in hits)
        answer = ask(svc, tag="world", limit=100, hits=100, facets="false", **parameters)
        assert ids(answer) == set(expected), parameters
        for video in answer["videos"]:
            got = sorted({(h["from_ms"], h["to_ms"], h["kind"]) for h in video["hits"]})
            assert got == sorted(set(expected[video["id"]])), json.dumps([parameters, video])
        found_some += bool(expected)
    assert found_some > 20
