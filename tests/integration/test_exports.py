# SPDX-License-Identifier: Apache-2.0
"""Exports: captions before ffmpeg, tables before Python's csv, markers by their structure.
tests/conformance/witness_exports.py asks the programs that these formats are made for."""

import csv
import gzip
import io
import itertools
import json
import os
import random
import re
import subprocess

import psycopg2.extras
import pytest

from harness import exchange

SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
NUMBERS = itertools.count(1)
VIDEO = """
INSERT INTO spotlist_data.videos (id, state, source, bucket, key, options, frame_interval_ms,
    duration_ms, frames_prefix, frame_count, mp4_key, width, height, title, frame_rate)
VALUES (%s, 'analyzing', 's3://bucket/key', 'bucket', 'key', '{}', 1000, %s, 'thumbs/x/', 1,
    'mp4/x/video.mp4', 640, 360, %s, %s)"""
ANALYSIS = """
INSERT INTO spotlist_data.analyses (video_id, kind, state, reason, started_at, completed_at)
VALUES (%s, %s, %s, %s, now(), now())"""


def make_video(svc, title="Launch day", frame_rate=25.0, duration_ms=600_000):
    video = f"019b0000-0000-7000-8000-{next(NUMBERS):012}"
    svc.database.query(VIDEO, video, duration_ms, title, frame_rate)
    return video


def add_analysis(svc, video, kind, state="complete", reason=None):
    svc.database.query(ANALYSIS, video, kind, state, reason)


def insert(svc, table, rows):
    connection = psycopg2.connect(svc.database.conninfo)
    with connection, connection.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor, f"INSERT INTO spotlist_data.{table} VALUES %s", rows, page_size=1000)
    connection.close()


def speak(svc, video, sentences, language="en-US"):
    """sentences: (speaker, [(text with punctuation, from_ms, to_ms)])"""
    add_analysis(svc, video, "transcript")
    segments, words = [], []
    for speaker, spoken in sentences:
        segments.append((video, len(segments), spoken[0][1], spoken[-1][2], speaker,
                         " ".join(text for text, _, _ in spoken)))
        for text, from_ms, to_ms in spoken:
            bare = text.rstrip(".,?!。、؟،") or text
            words.append((video, len(words), from_ms, to_ms, 0.9, bare))
    insert(svc, "transcripts (video_id, language, text)",
           [(video, language, " ".join(row[5] for row in segments))])
    insert(svc, "transcript_segments (video_id, ordinal, from_ms, to_ms, speaker, text)", segments)
    insert(svc, "transcript_words (video_id, ordinal, from_ms, to_ms, confidence, text)", words)


# --- speech of many kinds ------------------------------------------------------------------------

SCRIPTS = {
    "en-US": "the quick brown fox jumps over a lazy dog however nevertheless we're going".split(),
    "ko-KR": "안녕하세요 저는 오늘 학교에 갔습니다 그리고 친구를 만났어요 대한민국".split(),
    "ja-JP": "今日 は とても 良い 天気 です ので 散歩 に 行き ましょう カメラ".split(),
    "zh-CN": "我们 今天 去 北京 看 电影 然后 吃饭 非常 高兴".split(),
    "ar-SA": "مرحبا بكم في هذا البرنامج اليوم سنتحدث عن السينما والموسيقى".split(),
    "he-IL": "שלום לכולם היום נדבר על קולנוע".split(),
    "hi-IN": "नमस्ते आज हम सिनेमा के बारे में बात करेंगे क्षत्रिय".split(),
    "th-TH": "สวัสดี วันนี้ เรา จะ พูด ถึง ภาพยนตร์".split(),
    "emoji": ["👨‍👩‍👧‍👦", "🇨🇭", "👍🏽", "❤️", "e\u0301te\u0301", "wow", "🏳️‍🌈"],
    "odd": ["<i>", "a&b", "-->", "x-->y", "&lt;", "\"q\"", "{\\an8}", "1", "supercalifragilistic" * 4,
            "線" * 60, "한" * 30, "👨‍👩‍👧‍👦" * 25],
}
STOPS = {"ja-JP": "。", "zh-CN": "。", "ar-SA": "؟"}
COMMAS = {"ja-JP": "、", "zh-CN": "、", "ar-SA": "،"}


def speech(language, seed, count=300):
    draw = random.Random(f"{language}/{seed}")
    sentences, at, speaker = [], draw.randint(0, 3000), "spk_0"
    words = 0
    while words < count:
        if draw.random() < 0.3:
            speaker = draw.choice(["spk_0", "spk_1", "Zoë <K> & Co", None])
        spoken = []
        length = draw.randint(1, 25)
        for number in range(length):
            text = draw.choice(SCRIPTS[language])
            if number == length - 1:
                text += draw.choice([STOPS.get(language, "."), "?", ""])
            elif draw.random() < 0.15:
                text += COMMAS.get(language, ",")
            lasts = draw.choice([0, 40, 200, 350, 600])
            spoken.append((text, at, at + lasts))
            at += lasts + draw.choice([0, 0, 30, 100, 500])
        sentences.append((speaker, spoken))
        words += length
        at += draw.choice([0, 0, 100, 800, 5000])
    return sentences


def whole_text(sentences):
    return squeezed("".join(text for _, spoken in sentences for text, _, _ in spoken))


def squeezed(text):
    return re.sub(r"\s+", "", text)


# --- readers -------------------------------------------------------------------------------------

TIME = r"(\d\d+):(\d\d):(\d\d)[.,](\d\d\d)"


def ms(groups):
    hours, minutes, seconds, rest = map(int, groups)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def cues_of(text):
    """[(from_ms, to_ms, [line])] of WebVTT or SubRip, as the specifications have blocks."""
    found = []
    for block in text.strip("\n").split("\n\n"):
        lines = block.split("\n")
        if lines[0] == "WEBVTT":
            continue
        if re.fullmatch(r"\d+", lines[0]):
            assert int(lines[0]) == len(found) + 1
            lines = lines[1:]
        times = re.fullmatch(f"{TIME} --> {TIME}", lines[0])
        assert times, block
        assert len(lines) > 1 and all(lines), block
        found.append((ms(times.groups()[:4]), ms(times.groups()[4:]), lines[1:]))
    return found


def unescaped(line):
    line = re.sub(r"<v [^<>]*>", "", line)
    assert "<" not in line and ">" not in line
    return line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def columns(line):
    """By unicodedata, cluster by cluster, independently of the C code."""
    import unicodedata  # pylint: disable=import-outside-toplevel
    total = 0
    for cluster in clusters(line):
        first = cluster[0]
        if unicodedata.category(first) in ("Cf", "Cc"):
            continue
        wide = (unicodedata.east_asian_width(first) in "WF" or "\ufe0f" in cluster
                or 0x1F1E6 <= ord(first) <= 0x1F1FF)
        total += 2 if wide else 1
    return total


def clusters(text):
    import unicodedata  # pylint: disable=import-outside-toplevel
    found = []
    for c in text:
        extends = unicodedata.category(c) in ("Mn", "Me", "Mc") or c in "\u200d\u200c" \
            or 0x1F3FB <= ord(c) <= 0x1F3FF
        flag = 0x1F1E6 <= ord(c) <= 0x1F1FF
        if found and (extends or found[-1].endswith("\u200d")
                      or (flag and len(found[-1]) == 1 and 0x1F1E6 <= ord(found[-1]) <= 0x1F1FF)):
            found[-1] += c
        else:
            found.append(c)
    return found


def by_ffmpeg(text, kind, tmp_path):
    """The cues that ffmpeg reads, written by it as WebVTT."""
    path = tmp_path / f"captions.{kind}"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(["/usr/bin/ffmpeg", "-v", "error", "-i", path, "-f", "webvtt", "-"],
                          capture_output=True, check=True)
    assert not done.stderr, done.stderr
    return re.findall(r"^((?:\d\d:)?\d\d:\d\d\.\d\d\d) --> ((?:\d\d:)?\d\d:\d\d\.\d\d\d)",
                      done.stdout.decode(), re.MULTILINE)


def export(svc, video, file, **query):
    reply = svc.get(f"/videos/{video}/{file}" + ("?" if query else "") + "&".join(
        f"{key}={value}" for key, value in query.items()))
    assert reply.status == 200, reply
    return reply


# --- captions ------------------------------------------------------------------------------------

OPTIONS = [
    {},
    {"line_length": 32, "max_lines": 1, "reading_speed": 15, "min_duration": "833ms",
     "max_duration": "5", "min_gap": "84ms"},
    {"line_length": 10, "speakers": "dashes"},
    {"line_length": 60, "speakers": "none", "min_duration": "0", "min_gap": "0"},
    {"line_length": 20, "speakers": "names", "max_duration": "00:00:03"},
]


@pytest.fixture(scope="module")
def spoken(svc):
    """{language: (video, what is said)}"""
    made = {}
    for language in SCRIPTS:
        sentences = speech(language, 1)
        made[language] = make_video(svc, title=language), sentences
        speak(svc, made[language][0], sentences, language)
    return made


def check_cues(cues, sentences, options):
    limit, lines = options.get("line_length", 42), options.get("max_lines", 2)
    shortest = {"0": 1, "833ms": 833}.get(options.get("min_duration"), 1000)
    longest = {"5": 5000, "00:00:03": 3000}.get(options.get("max_duration"), 7000)
    gap = {"0": 0, "84ms": 84}.get(options.get("min_gap"), 80)
    first = min(spoken[0][1] for _, spoken in sentences)
    before = -gap
    for from_ms, to_ms, text in cues:
        assert from_ms >= max(before + gap, first)
        assert shortest <= to_ms - from_ms <= longest
        assert len(text) <= lines
        assert all(columns(line) <= limit for line in text), text
        before = to_ms


def without_prefixes(lines, sentences, options, kind):
    names = [speaker for speaker in {speaker for speaker, _ in sentences} if speaker]
    if kind == "vtt" and options.get("speakers", "names") == "names":
        return lines
    ways = options.get("speakers", "dashes" if kind == "srt" else "names")
    first = lines[0]
    if ways == "dashes":
        first = first.removeprefix("- ")
    if ways == "names":
        for name in names:
            pattern = re.escape(name)
            first = re.sub(f"^\u2068?({pattern}|[^:]*…)\u2069?: ", "", first)
    return [first, *lines[1:]]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("language", SCRIPTS)
def test_every_word_is_in_the_captions_once_and_limits_are_kept(svc, spoken, language, options):
    video, sentences = spoken[language]
    vtt = cues_of(export(svc, video, "transcript.vtt", **options).body.decode())
    vtt = [(a, b, [unescaped(line) for line in lines]) for a, b, lines in vtt]
    srt = cues_of(export(svc, video, "transcript.srt", **options).body.decode())
    said = whole_text(sentences)
    for kind, cues in (("vtt", vtt), ("srt", srt)):
        check_cues(cues, sentences, options)
        text = squeezed("".join(
            line for _, _, lines in cues
            for line in without_prefixes(lines, sentences, options, kind)))
        assert text == (said if kind == "vtt" else said.replace("-->", "→")), kind
        # Nothing that a reader sees as one character is cut.
        ends = {0}
        for cluster in clusters(text):
            ends.add(max(ends) + len(cluster))
        at = 0
        for _, _, lines in cues:
            for line in without_prefixes(lines, sentences, options, kind):
                at += len(squeezed(line))
                assert at in ends, (kind, line)


@pytest.mark.parametrize("language", SCRIPTS)
def test_ffmpeg_reads_the_captions(svc, spoken, language, tmp_path):
    video, _ = spoken[language]
    for kind in ("vtt", "srt"):
        text = export(svc, video, f"transcript.{kind}").body.decode()
        ours = [(a, b) for a, b, _ in cues_of(text)]
        theirs = [tuple(ms((["00"] + re.split("[:.]", t))[-4:]) for t in pair)
                  for pair in by_ffmpeg(text, kind, tmp_path)]
        assert theirs == ours, kind


def test_prose_and_json_have_every_word(svc, spoken):
    for language, (video, sentences) in spoken.items():
        prose = export(svc, video, "transcript.txt", speakers="false")
        assert prose.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert squeezed(prose.body.decode()) == whole_text(sentences), language
        document = export(svc, video, "transcript.json").json
        assert document["id"] == video and document["title"] == language
        assert squeezed("".join(s["text"] for s in document["segments"])) == whole_text(sentences)
        assert len(document["words"]) == sum(len(spoken) for _, spoken in sentences)


def test_a_conversation_reads_well(svc):
    video = make_video(svc)
    speak(svc, video, [
        ("spk_0", [("Are", 1000, 1150), ("we", 1150, 1300), ("go", 1300, 1500),
                   ("for", 1500, 1600), ("launch?", 1600, 2200)]),
        ("spk_1", [("Yes,", 3300, 3600), ("all", 3700, 3850), ("stations", 3850, 4300),
                   ("are", 4300, 4400), ("ready,", 4400, 4900), ("and", 5000, 5100),
                   ("the", 5100, 5200), ("weather", 5200, 5500), ("is", 5500, 5600),
                   ("good.", 5600, 6000)])])
    assert export(svc, video, "transcript.vtt").body.decode() == (
        "WEBVTT\n\n"
        "00:00:01.000 --> 00:00:02.200\n<v spk_0>Are we go for launch?\n\n"
        "00:00:03.300 --> 00:00:06.000\n"
        "<v spk_1>Yes, all stations are ready,\nand the weather is good.\n\n")
    assert export(svc, video, "transcript.srt").body.decode() == (
        "1\n00:00:01,000 --> 00:00:02,200\n- Are we go for launch?\n\n"
        "2\n00:00:03,300 --> 00:00:06,050\n"
        "- Yes, all stations are ready,\nand the weather is good.\n\n")
    assert export(svc, video, "transcript.txt", timecodes="true").body.decode() == (
        "[00:00:01.000] spk_0: Are we go for launch?\n\n"
        "[00:00:03.300] spk_1: Yes, all stations are ready, and the weather is good.\n")
    reply = export(svc, video, "transcript.vtt")
    assert reply.headers["Content-Language"] == "en-US"
    assert reply.headers["Content-Disposition"] == \
        "attachment; filename=\"Launch day.vtt\"; filename*=UTF-8''Launch%20day.vtt"


def test_silence_is_an_empty_transcript(svc):
    video = make_video(svc)
    add_analysis(svc, video, "transcript")
    insert(svc, "transcripts (video_id, language, text)", [(video, "en-US", "")])
    assert export(svc, video, "transcript.vtt").body == b"WEBVTT\n\n"
    assert export(svc, video, "transcript.srt").body == b""
    assert export(svc, video, "transcript.txt").body == b""
    assert export(svc, video, "transcript.json").json["words"] == []


# --- tables --------------------------------------------------------------------------------------

NASTY = ["=1+1", "+x", "-y", "@SUM(A1)", "\tz", 'quote"d', "a,b", "line\nbreak", " space ", "Ünïcode",
         "＝x", "'=x"]


@pytest.fixture(scope="module")
def seen(svc):
    video = make_video(svc, title='a/b: "c"\u202e')
    for kind in ("labels", "celebrities"):
        add_analysis(svc, video, kind)
    insert(svc, "labels (video_id, name, parents, aliases, categories)",
           [(video, name, ["P, Q", "=R"], [], ["C"]) for name in NASTY])
    insert(svc, "label_detections (video_id, ordinal, name, time_ms, confidence)",
           [(video, n, NASTY[n % len(NASTY)], n * 500, 50 + n) for n in range(40)])
    insert(svc, "label_instances (video_id, detection, ordinal, confidence, box_left, box_top, "
                "box_width, box_height)",
           [(video, n, i, 90 + i, -0.01, 0.25, 0.5, 0.75) for n in range(0, 40, 2)
            for i in range(2)])
    insert(svc, "celebrity_detections (video_id, frame_index, ordinal, time_ms, name, celebrity_id, "
                "urls, confidence)",
           [(video, n, 0, n * 1000, ["Zoë Kravitz", "=HYPERLINK(1)"][n // 3 % 2], f"id{n // 3 % 2}",
             ["www.imdb.com/x", "www.wikidata.org/y"], 80 + n) for n in range(12)])
    for kind in ("label", "celebrity"):
        svc.database.query("SELECT spotlist_data.make_appearances(%s, %s)", video, kind)
    return video


def table(reply):
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    text = reply.body.decode()
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def guarded(name):
    return "'" + name if name[0] in "=+-@\t＝" else name


def test_labels_are_a_table(svc, seen):
    rows = table(export(svc, seen, "labels.csv"))
    assert len(rows) == 20 * 2 + 20
    expected = [(n, i) for n in range(40) for i in ([1, 2] if n % 2 == 0 else [None])]
    for row, (n, instance) in zip(rows, expected):
        assert row["name"] == guarded(NASTY[n % len(NASTY)])
        assert int(row["time_ms"]) == n * 500 and float(row["confidence"]) == 50 + n
        assert row["time"] == f"00:00:{n // 2:02}.{n % 2 * 500:03}"
        assert row["instance"] == (str(instance) if instance else "")
        assert row["left"] == ("-0.01" if instance else "")
        assert row["parents"] == "P, Q; =R" and row["categories"] == "C"
    raw = table(export(svc, seen, "labels.csv", raw="true"))
    assert [row["name"] for row in raw] == [NASTY[n % len(NASTY)] for n, _ in expected]


def test_tables_are_filtered(svc, seen):
    rows = table(export(svc, seen, "labels.csv", min_confidence=80))
    assert {float(row["confidence"]) for row in rows} == set(map(float, range(80, 90)))
    rows = table(export(svc, seen, "labels.csv", name="unicode"))
    assert rows and {row["name"] for row in rows} == {"Ünïcode"}
    rows = table(export(svc, seen, "celebrities.csv", name="ZOE%20KRAVITZ"))
    assert len(rows) == 6 and rows[0]["urls"] == "www.imdb.com/x www.wikidata.org/y"
    assert {row["id"] for row in rows} == {"id0"}


def test_appearances_are_a_table(svc, seen):
    for name, kind in (("labels", "label"), ("celebrities", "celebrity")):
        rows = table(export(svc, seen, f"{name}.csv", rows="appearances", raw="true"))
        stored = svc.database.query(
            "SELECT name, from_ms, to_ms, confidence FROM spotlist_data.appearances "
            "WHERE video_id = %s AND kind = %s", seen, kind)
        assert sorted((row["name"], int(row["from_ms"]), int(row["to_ms"]),
                       float(row["confidence"])) for row in rows) == sorted(stored)
        assert all(int(row["duration_ms"]) == int(row["to_ms"]) - int(row["from_ms"])
                   for row in rows)


def test_a_byte_order_mark_is_there_when_asked_for(svc, seen):
    assert export(svc, seen, "labels.csv", bom="true").body.startswith(b"\xef\xbb\xbftime,")


def test_file_names_are_safe(svc, seen):
    header = export(svc, seen, "labels.csv").headers["Content-Disposition"]
    assert header == ("attachment; filename=\"a_b_ _c__.labels.csv\"; "
                      "filename*=UTF-8''a_b_%20_c__.labels.csv")
    title = "映画 \r\nX-Evil: 1 %41 ñ"
    video = make_video(svc, title=title)
    speak(svc, video, [(None, [("Hi.", 0, 100)])])
    header = export(svc, video, "transcript.vtt").headers["Content-Disposition"]
    assert "\r" not in header and "\n" not in header
    assert header.endswith("%E6%98%A0%E7%94%BB%20X-Evil_%201%20%2541%20%C3%B1.vtt")


# --- markers -------------------------------------------------------------------------------------

def test_markers_are_on_the_clip(svc, seen):
    reply = export(svc, seen, "markers.otio")
    document = reply.json
    clip = document["tracks"]["children"][0]["children"][0]
    stored = svc.database.query(
        "SELECT kind, name, from_ms, to_ms FROM spotlist_data.appearances WHERE video_id = %s", seen)
    found = [(m["metadata"]["spotlist"]["kind"], m["name"], m["metadata"]["spotlist"]["from_ms"],
              m["metadata"]["spotlist"]["to_ms"]) for m in clip["markers"]]
    assert sorted(found) == sorted(stored)
    for marker in clip["markers"]:
        frames = marker["marked_range"]
        assert frames["start_time"]["value"] == \
            (marker["metadata"]["spotlist"]["from_ms"] + 20) // 40
        assert frames["start_time"]["rate"] == 25
        assert frames["duration"]["value"] >= 1
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"].endswith("/mp4/x/video.mp4")
    only = export(svc, seen, "markers.otio", kind="celebrity", media="file:///a.mp4").json
    clip = only["tracks"]["children"][0]["children"][0]
    assert {m["color"] for m in clip["markers"]} == {"CYAN"}
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"] == "file:///a.mp4"


def test_an_edit_decision_list_has_every_marker(svc, seen):
    stored = svc.database.query(
        "SELECT count(*) FROM spotlist_data.appearances WHERE video_id = %s", seen)[0][0]
    text = export(svc, seen, "markers.edl").body.decode()
    events = re.findall(r"^(\d{3,})  AX       V     C        (\S+) (\S+) (\S+) (\S+)\r$", text,
                        re.MULTILINE)
    assert len(events) == stored == text.count("* LOC: ") == text.count(" |M:")
    starts = [event[3] for event in events]
    assert starts == sorted(set(starts))
    assert "FCM: NON-DROP FRAME\r\n" in text
    drop = export(svc, seen, "markers.edl", frame_rate="29.97", start="00:59:59;28").body.decode()
    assert "FCM: DROP FRAME\r\n" in drop and "00:59:59;28" in drop
    clip = export(svc, seen, "markers.edl", layout="clip").body.decode()
    assert clip.count("* LOC: ") == stored and clip.count(" V     C ") == 1
    assert "01:00:00:00 01:10:00:00\r\n* FROM CLIP NAME: video.mp4\r\n" in clip


# --- what cannot be answered ---------------------------------------------------------------------

NAMES = ["transcript.json", "transcript.vtt", "transcript.srt", "transcript.txt", "labels.csv",
         "celebrities.csv", "markers.edl", "markers.otio"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_is_told(svc, name):
    def refused(video, status, code):
        reply = svc.get(f"/videos/{video}/{name}")
        assert (reply.status, reply.json["code"]) == (status, code), reply
        return reply
    refused("019b0000-0000-7000-8000-ffffffffffff", 404, "video_not_found")
    refused("nonsense", 404, "video_not_found")
    refused(make_video(svc), 404, "result_missing")
    for state, status, code in (("running", 409, "result_pending"),
                                ("failed", 404, "result_missing")):
        video = make_video(svc)
        for kind in ("labels", "celebrities", "transcript"):
            add_analysis(svc, video, kind, state, None if state == "running" else "job_failed")
        reply = refused(video, status, code)
        if state == "running":
            assert int(reply.headers["Retry-After"]) > 0
        else:
            assert "job_failed" in reply.json["detail"]


def test_a_named_kind_must_be_there(svc):
    video = make_video(svc)
    add_analysis(svc, video, "labels")
    add_analysis(svc, video, "celebrities", "failed", "job_failed")
    assert export(svc, video, "markers.otio").status == 200
    reply = svc.get(f"/videos/{video}/markers.otio?kind=celebrity,label")
    assert (reply.status, reply.json["code"]) == (404, "result_missing")


@pytest.mark.parametrize("target, pointer", [
    ("transcript.vtt?line_length=9", "?line_length"),
    ("transcript.vtt?line_length=101", "?line_length"),
    ("transcript.srt?max_lines=3", "?max_lines"),
    ("transcript.srt?reading_speed=NaN", "?reading_speed"),
    ("transcript.srt?min_duration=-1", "?min_duration"),
    ("transcript.srt?min_duration=8", "?min_duration"),
    ("transcript.vtt?max_duration=0.5", "?max_duration"),
    ("transcript.vtt?min_gap=2", "?min_gap"),
    ("transcript.vtt?speakers=yes", "?speakers"),
    ("transcript.json?speakers=names", "?speakers"),
    ("labels.csv?rows=all", "?rows"),
    ("labels.csv?min_confidence=101", "?min_confidence"),
    ("celebrities.csv?name=", "?name"),
    ("markers.edl?frame_rate=48", "?frame_rate"),
    ("markers.edl?frame_rate=25&drop_frame=true", "?drop_frame"),
    ("markers.edl?start=24:00:00:00", "?start"),
    ("markers.edl?start=01:00:00:25", "?start"),
    ("markers.edl?frame_rate=29.97&start=01:01:00;01", "?start"),
    ("markers.edl?kind=person", "?kind"),
    ("markers.edl?layout=avid", "?layout"),
    ("markers.otio?drop_frame=true", "?drop_frame"),
    ("markers.otio?media=", "?media"),
])
def test_bad_parameters_are_refused(svc, seen, target, pointer):
    video = seen
    if target.startswith("transcript"):
        video = make_video(svc)
        speak(svc, video, [(None, [("Hi.", 0, 100)])])
    reply = svc.get(f"/videos/{video}/{target}")
    assert (reply.status, reply.json["code"]) == (400, "bad_parameter"), reply
    assert reply.json["pointer"] == pointer


# --- size ----------------------------------------------------------------------------------------

def peak_kb(svc):
    with open(f"/proc/{svc.process.child.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))


def test_a_large_table_needs_little_memory(svc):
    video = make_video(svc)
    count = 100_000
    add_analysis(svc, video, "labels")
    svc.database.query("INSERT INTO spotlist_data.labels VALUES (%s, 'Car', '{}', '{}', '{}')",
                       video)
    svc.database.query(
        "INSERT INTO spotlist_data.label_detections (video_id, ordinal, name, time_ms, confidence) "
        "SELECT %s, n, 'Car', n * 500, 90 FROM generate_series(0, %s - 1) n", video, count)
    with open(f"/proc/{svc.process.child.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    before = peak_kb(svc)
    reply = exchange(svc.url, "GET", f"/videos/{video}/labels.csv")
    assert reply.status == 200 and reply.body.count(b"\r\n") == count + 1
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    if not SANITIZED:
        assert peak_kb(svc) - before < 6 * 1024
    again = exchange(svc.url, "GET", f"/videos/{video}/labels.csv",
                     headers={"If-None-Match": reply.headers["ETag"]})
    assert again.status == 304 and again.body == b""
    packed = exchange(svc.url, "GET", f"/videos/{video}/labels.csv",
                      headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == reply.body
    head = exchange(svc.url, "HEAD", f"/videos/{video}/labels.csv")
    assert head.status == 200 and head.body == b""
    assert head.headers["Content-Length"] == str(len(reply.body))


def test_a_document_of_replayed_words_is_the_metadata_documents(svc, spoken):
    video, _ = spoken["en-US"]
    document = export(svc, video, "transcript.json").json
    whole = json.loads(svc.get(f"/videos/{video}/metadata").body)["transcript"]
    assert {key: document[key] for key in whole} == whole
