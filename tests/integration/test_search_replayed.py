# SPDX-License-Identifier: Apache-2.0
"""GET /search over transcripts that went the whole way: replays in five languages, hostile text."""

import json
import random
import urllib.parse

import pytest

import replay
from harness import BUCKET

SPEECH = {
    "en-US": ["The climate is changing faster than we thought.", "Nobody knows the universe.",
              "A <b>bold</b> answer & a question."],
    "de-DE": ["Die Häuser am Fluss wurden verkauft.", "Über den Wolken ist die Freiheit grenzenlos."],
    "ko-KR": ["안녕하세요, 오늘은 기후 변화에 대해 이야기합니다.", "서울특별시에서 방송합니다."],
    "ja-JP": ["東京大学の研究者が新しい発見をしました。", "気候変動はコンピューターで計算します。"],
    "zh-CN": ["北京大学的学生在图书馆学习。", "气候变化影响全世界。"],
}


def write_transcript(path, sentences):
    """A word each 400 ms; where there are no spaces, a character."""
    items, segments, at = [], [], 0
    for number, sentence in enumerate(sentences):
        words = sentence.split(" ") if " " in sentence else list(sentence)
        first = at
        numbers = []
        for word in words:
            spoken = word.rstrip(".,。")
            if spoken:
                numbers.append(len(items))
                items.append({"id": len(items), "type": "pronunciation",
                              "alternatives": [{"confidence": "0.98", "content": spoken}],
                              "start_time": replay.seconds(at), "end_time": replay.seconds(at + 300)})
                at += 400
            if spoken != word:
                numbers.append(len(items))
                items.append({"id": len(items), "type": "punctuation",
                              "alternatives": [{"confidence": "0.0", "content": word[len(spoken):]}]})
        segments.append({"id": number, "transcript": sentence, "items": numbers,
                         "start_time": replay.seconds(first), "end_time": replay.seconds(at - 100)})
    path.write_text(json.dumps({
        "jobName": "n", "accountId": "000000000000", "status": "COMPLETED",
        "results": {"transcripts": [{"transcript": " ".join(sentences)}], "items": items,
                    "audio_segments": segments}}, ensure_ascii=False), encoding="utf-8")


@pytest.fixture(scope="module")
def videos(svc, cloud, pg, replays):
    """Ids by language. localcloud calls every replay English; the database knows better."""
    found = {}
    for language, sentences in SPEECH.items():
        made = replay.write(replays, language, frames=30, celebrities=0, labels=0, words=1)
        write_transcript(made.path / "transcript.json", sentences)
        uri = made.upload(cloud, BUCKET, f"in/{language}.mp4")
        found[language] = svc.submit(uri, title=language, analyses=["transcript"],
                                     tags=["speech", language])["id"]
    for language, video in found.items():
        svc.wait_state(video, "complete")
        pg.query("UPDATE spotlist_data.transcripts SET language = %s WHERE video_id = %s",
                 language, video)
        # Transcribe's language decides also whether words are parted by spaces.
        pg.query("UPDATE spotlist_data.transcript_segments SET text = CASE WHEN %s THEN "
                 "replace(text, ' ', '') ELSE text END WHERE video_id = %s",
                 language in ("ja-JP", "zh-CN"), video)
    return found


def get(svc, **parameters):
    return svc.get("/search?" + urllib.parse.urlencode(parameters, doseq=True))


def ask(svc, **parameters):
    reply = get(svc, **parameters)
    assert reply.status == 200, reply
    return reply.json


def languages(svc, q, **parameters):
    return sorted(video["title"] for video in ask(svc, q=q, **parameters)["videos"])


@pytest.mark.parametrize("q, found", [
    ("climate", ["en-US"]), ("changes", ["en-US"]), ("CLIMATE think", []),
    ("climate -universe", ["en-US"]), ("climate -changed", []), ("climate OR fluss", ["de-DE", "en-US"]),
    ('"climate is changing"', ["en-US"]), ('"changing climate"', []), ("univ*", ["en-US"]),
    ('"the clim"*', ["en-US"]), ("Haus", ["de-DE"]), ("wolke", ["de-DE"]), ("über wolken", ["de-DE"]),
    ("기후", ["ko-KR"]), ("변화", ["ko-KR"]), ('"기후 변화"', ["ko-KR"]), ("서울", ["ko-KR"]),
    ("특별시", ["ko-KR"]), ("안", ["ko-KR"]), ("東京", ["ja-JP"]), ("研究者", ["ja-JP"]),
    ("コンピューター", ["ja-JP"]), ("大学", ["ja-JP", "zh-CN"]), ("北京大学", ["zh-CN"]),
    ("京学", []), ("大学 学生", ["zh-CN"]), ("气候变化", ["zh-CN"]), ("图*", ["zh-CN"]),
    ("universe\u3000knows", ["en-US"]), ("xylophone", []), ("the", []), ("the of and", [])])
def test_speech_is_found(svc, videos, q, found):
    assert languages(svc, q) == found


def test_a_hit_says_when_and_marks_what_without_losing_a_letter(svc, videos):
    for q, language, marked in [("climate", "en-US", ["climate"]), ("haus", "de-DE", ["Häuser"]),
                                ("研究者", "ja-JP", ["研究者"]), ("기후", "ko-KR", ["기후"])]:
        [video] = ask(svc, q=q)["videos"]
        assert video["id"] == videos[language]
        [hit] = [hit for hit in video["hits"] if hit["kind"] == "speech"]
        assert "".join(piece["text"] for piece in hit["snippet"]) == SPEECH[language][0]
        assert [piece["text"] for piece in hit["snippet"] if piece.get("match")] == marked
        segment = svc.metadata(video["id"])["transcript"]["segments"][0]
        assert (hit["from_ms"], hit["to_ms"]) == (segment["from_ms"], segment["to_ms"])
        assert hit["words"] and all(hit["from_ms"] <= word["from_ms"] <= word["to_ms"] <= hit["to_ms"]
                                    for word in hit["words"])


def test_markup_in_speech_comes_back_as_it_is(svc, videos):
    [video] = ask(svc, q="answer")["videos"]
    assert "".join(piece["text"] for piece in video["hits"][0]["snippet"]) == SPEECH["en-US"][2]


def test_what_is_not_speech_is_combined_with_and(svc, videos):
    assert languages(svc, "大学", tag="zh-CN") == ["zh-CN"]
    assert languages(svc, "大学", tag=["speech", "zh-CN"]) == ["zh-CN"]
    assert languages(svc, "大学", state="failed") == []
    assert languages(svc, "大学", min_duration="60") == []
    assert languages(svc, "大学", created_from="2020-01-01", max_duration="60") == ["ja-JP", "zh-CN"]
    facets = ask(svc, q="大学")["facets"]
    assert {one["name"]: one["videos"] for one in facets["tags"]} == {"speech": 2, "ja-JP": 1, "zh-CN": 1}


def test_nothing_that_is_typed_is_an_error_of_ours(svc, videos):
    draw = random.Random(7)
    letters = ["'", '"', "\\", ":", "*", "&", "|", "!", "(", ")", "<->", "<2>", "-", " ", " OR ", "a", "climate",
               "東京", "대", "%", "$1", "\t", "ﬁ", "\u0301", "\U0001f600", "=english", "'':*", "<b>", "\u200b", "\x02"]
    for _ in range(250):
        q = "".join(draw.choice(letters) for _ in range(draw.randint(1, 12)))
        reply = get(svc, q=q)
        assert reply.status in (200, 400), (q, reply)
    for raw in ["q=%FF%FE", "q=%zz", "q=%00", "q=a%00b"]:
        assert svc.get(f"/search?{raw}", validate=False).status == 400
    assert svc.get("/search?q=" + "x" * 10240, validate=False).status in (400, 414, 431)
