# SPDX-License-Identifier: Apache-2.0
"""Exports before the libraries of their formats: OpenTimelineIO, its reader of CMX 3600, webvtt-py."""

import json
import re
import subprocess

import pytest

import harness
import test_exports as exports
from witnesses import PYTHON, ROOT

READERS = ROOT / "tests/conformance/export_readers.py"
RATES = {"23.976": 24000 / 1001, "24": 24, "25": 25, "29.97": 30000 / 1001, "30": 30, "50": 50,
         "59.94": 60000 / 1001, "60": 60}


@pytest.fixture(scope="module")
def svc(tmp_path_factory, localcloud):
    cluster = harness.Postgres()
    spotlist = harness.Spotlist(tmp_path_factory.mktemp("svc"), cluster.create_database(),
                                localcloud)
    yield spotlist
    spotlist.stop()
    cluster.stop()


@pytest.fixture(scope="module")
def seen(svc):
    """(video, its appearances by time)"""
    video = exports.make_video(svc, title="Launch | day", duration_ms=7_200_000)
    for kind in ("labels", "celebrities"):
        exports.add_analysis(svc, video, kind)
    stored = [("celebrity", "Zoë Kravitz", 1000, 4000), ("label", "Car", 1000, 2000),
              ("label", "Traffic Light", 60_000, 61_000), ("celebrity", "周杰倫", 600_000, 660_000),
              ("label", "Dog", 3_599_999, 3_600_040), ("celebrity", "Last", 7_199_000, 7_200_000)]
    for number, (kind, name, from_ms, to_ms) in enumerate(stored):
        svc.database.query(
            "INSERT INTO spotlist_data.appearances (video_id, kind, ordinal, name, from_ms, to_ms, "
            "confidence) VALUES (%s, %s, %s, %s, %s, %s, 90)", video, kind, number + 1, name,
            from_ms, to_ms)
    return video, sorted(stored, key=lambda row: (row[2], row[0]))


def read(kind, body, tmp_path, *arguments):
    path = tmp_path / f"export.{kind}"
    path.write_bytes(body)
    done = subprocess.run([PYTHON, READERS, kind, path, *map(str, arguments)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def frame(ms, rate):
    return int(ms * rate / 1000 + 0.5)


@pytest.mark.witness("OpenTimelineIO")
@pytest.mark.parametrize("name", RATES)
def test_opentimelineio_finds_the_markers(svc, seen, tmp_path, name):
    video, stored = seen
    rate = RATES[name]
    found = read("otio", exports.export(svc, video, "markers.otio", frame_rate=name).body, tmp_path)
    assert found["clips"] == 1 and found["same"]
    assert found["media"].endswith("/mp4/x/video.mp4")
    assert found["frames"] == frame(7_200_000, rate)
    assert found["start"] == [3600 * round(rate), rate] or "." in name
    assert found["markers"] == [
        [name, "CYAN" if kind == "celebrity" else "GREEN", frame(from_ms, rate), rate,
         max(frame(to_ms, rate) - frame(from_ms, rate), 1)]
        for kind, name, from_ms, to_ms in stored]


@pytest.mark.witness("OpenTimelineIO")
@pytest.mark.parametrize("layout", ["markers", "clip"])
@pytest.mark.parametrize("name, drop", [
    *((name, "false") for name in RATES), ("29.97", "true"), ("59.94", "true")])
def test_its_reader_of_cmx_3600_finds_the_markers(svc, seen, tmp_path, name, layout, drop):
    video, stored = seen
    rate = RATES[name]
    body = exports.export(svc, video, "markers.edl", frame_rate=name, layout=layout,
                          drop_frame=drop, start="00:00:00:00").body
    found = read("edl", body, tmp_path, rate)
    assert found["clips"] == (1 if layout == "clip" else len(stored))
    if layout == "markers":
        # Two begin together: the second has the next frame.
        starts = [frame(from_ms, rate) for _, _, from_ms, _ in stored]
        assert found["sources"] == [starts[0], starts[0] + 1, *starts[2:]]
    if drop == "true":
        return  # its pattern for locators does not know ";"
    assert [(name, color, start) for name, color, start, *_ in found["markers"]] == [
        (name, "CYAN" if kind == "celebrity" else "GREEN", frame(from_ms, rate))
        for kind, name, from_ms, _ in stored]


@pytest.mark.witness("webvtt-py")
@pytest.mark.parametrize("language", exports.SCRIPTS)
def test_webvtt_py_reads_the_captions(svc, tmp_path, language):
    sentences = exports.speech(language, 2)
    video = exports.make_video(svc)
    exports.speak(svc, video, sentences, language)
    for kind in ("vtt", "srt"):
        body = exports.export(svc, video, f"transcript.{kind}", speakers="none").body
        ours = exports.cues_of(body.decode())
        theirs = read(kind, body, tmp_path)
        assert [(exports.ms(re.split("[:.]", start)), exports.ms(re.split("[:.]", end)))
                for start, end, *_ in theirs] == [(a, b) for a, b, _ in ours]
        if language != "odd":  # it leaves escapes as they are, and takes tags out
            assert exports.squeezed("".join(text for _, _, text, _ in theirs)) == \
                exports.whole_text(sentences), kind
