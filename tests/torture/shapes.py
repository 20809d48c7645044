# SPDX-License-Identifier: Apache-2.0
"""Kinds of videos for localcloud --replay, and what spotlist must make of each.

A shape is made from a seed alone, so the same seed gives the same provider answers. What is
expected is computed here from the answers, without a line of spotlist's.
"""

import json
from pathlib import Path

ALL = ("celebrities", "labels", "transcript")

CATALOGUE = [  # name, parents, categories
    ("Person", [], ["Person Description"]),
    ("Car", ["Vehicle", "Transportation"], ["Vehicles and Automotive"]),
    ("Dog", ["Pet", "Animal"], ["Animals and Pets"]),
    ("Façade", ["Building"], ["Buildings and Architecture"]),
    ("Tree", ["Plant"], ["Plants and Flowers"]),
    ("Guitar", ["Musical Instrument"], ["Hobbies and Interests"]),
    ("\"Quoted\" \\ Sign", [], ["Symbols and Flags"]),
    ("City", ["Urban", "Metropolis"], []),
]
PEOPLE = ["Ada Lovelace", "Léonie d'Aunet", "Жанна Агузарова", "李清照", "Bo \"Tie\" Smith",
          "Ann\\Back", "Ida, Comma", "O'Neil"]
WORDS = ("and the spotting list says who is where when what was said again while nothing naïve "
         "is ever lost or doubled").split()


class Shape:
    """One kind of video: its manifest and the answers that replay gives."""

    def __init__(self, name, rng, *, frames=4, cast=0, labels=0, words=0, audio=True,
                 delays=(0, 0, 0), fail=None):
        self.name = name
        self.audio = audio
        self.fail = fail or {}
        self.frames = frames
        self.manifest = {
            "duration_ms": frames * 1000, "frames": frames, "width": 640, "height": 360,
            "frame_rate": 25.0, "codec": "AVC", "audio": audio,
            "transcode_ms": delays[0], "labels_ms": delays[1], "transcript_ms": delays[2]}
        if self.fail:
            self.manifest["fail"] = self.fail
        self.faces = make_faces(rng, frames, cast)
        self.labels = make_labels(rng, frames, labels)
        self.transcript = make_transcript(rng, frames, words) if audio else None

    def write(self, parent):
        directory = Path(parent) / self.name
        directory.mkdir(parents=True)
        (directory / "manifest.json").write_text(json.dumps(self.manifest))
        write_lines(directory / "celebrities.jsonl",
                    [{"frame": frame, "CelebrityFaces": faces}
                     for frame, faces in sorted(self.faces.items())])
        write_lines(directory / "labels.jsonl", self.labels)
        if self.transcript is not None:
            (directory / "transcript.json").write_text(
                json.dumps(self.transcript, ensure_ascii=False))

    def source(self):
        """The object that stands for the video."""
        return f"localcloud replay {self.name}\n".encode() + b"\0" * 2000

    # --- what is true -----------------------------------------------------------------------

    def outcomes(self, analyses):
        """State and reason of each analysis."""
        if "transcode" in self.fail:
            return {name: ("skipped", "transcode_failed") for name in analyses}
        found = {name: ("complete", None) for name in analyses}
        if "transcript" in found and not self.audio:
            found["transcript"] = ("skipped", "no_audio")
        for name in set(found) & set(self.fail):
            if found[name][0] == "complete":
                found[name] = ("failed", "job_failed")
        return found

    def state(self, analyses):
        """The video's final state and its error's code."""
        if "transcode" in self.fail:
            return "failed", "transcode_failed"
        states = [state for state, _ in self.outcomes(analyses).values()]
        if "failed" not in states:
            return "complete", None
        return ("partial", None) if "complete" in states else ("failed", "all_analyses_failed")

    def transcodes(self):
        """The marks of the MediaConvert jobs, after the video's id: one for each audio try."""
        return ["", "-silent"] if "audio track" in self.fail.get("transcode", "").lower() else [""]

    def words(self):
        """(from_ms, to_ms, confidence, text) of every word, in order."""
        return [(milliseconds(item["start_time"]), milliseconds(item["end_time"]),
                 float(item["alternatives"][0]["confidence"]), item["alternatives"][0]["content"])
                for item in self.transcript["results"]["items"] if item["type"] == "pronunciation"]

    def text(self):
        return self.transcript["results"]["transcripts"][0]["transcript"]


def milliseconds(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 1000 + int((fraction + "000")[:3])


def write_lines(path, values):
    with open(path, "w") as out:
        for value in values:
            out.write(json.dumps(value, ensure_ascii=False) + "\n")


def fraction(rng, low=0.0, high=1.0):
    """As providers write them: many digits, exactly representable or not."""
    return round(rng.uniform(low, high), 10)


def make_box(rng):
    return {"Width": fraction(rng, 0.01, 0.5), "Height": fraction(rng, 0.01, 0.5),
            "Left": fraction(rng, 0, 0.5), "Top": fraction(rng, 0, 0.5)}


def make_faces(rng, frames, cast):
    found = {}
    for frame in range(frames if cast else 0):
        if rng.random() < 0.25:
            continue
        found[frame] = [{
            "Name": PEOPLE[person], "Id": f"id{person:05d}", "Urls": [
                f"www.example.org/{person}", f"www.example.org/\"{person}\\,{{}}"][:person % 3],
            "MatchConfidence": fraction(rng, 90, 100),
            "Face": {"BoundingBox": make_box(rng), "Confidence": fraction(rng, 99, 100),
                     "Pose": {"Roll": fraction(rng, -9, 9), "Yaw": fraction(rng, -9, 9),
                              "Pitch": fraction(rng, -9, 9)}},
        } for person in rng.sample(range(len(PEOPLE)), rng.randint(1, cast))]
    return found


def make_labels(rng, frames, count):
    """Rekognition's order: by time, then by name; a name at most once at a time."""
    found = []
    times = max(1, -(-count // len(CATALOGUE)))
    step = max(1, frames * 1000 // times)
    for at in range(times):
        for name, parents, categories in sorted(CATALOGUE):
            if len(found) == count:
                return found
            found.append({"Timestamp": at * step, "Label": {
                "Name": name, "Confidence": fraction(rng, 90, 100),
                "Instances": [{"BoundingBox": make_box(rng), "Confidence": fraction(rng, 90, 100)}
                              for _ in range(rng.randint(0, 3))],
                "Parents": [{"Name": parent} for parent in parents],
                "Aliases": [{"Name": f"{name} alias"}] if parents else [],
                "Categories": [{"Name": category} for category in categories]}})
    return found


def make_transcript(rng, frames, count):
    items, text, at = [], "", 0
    step = frames * 1000 // max(1, count)
    for number in range(count):
        word = rng.choice(WORDS)
        length = max(1, step - rng.randint(0, step // 2))
        items.append({"id": len(items), "type": "pronunciation", "start_time": seconds(at),
                      "end_time": seconds(at + length), "alternatives": [
                          {"confidence": f"{rng.uniform(0.3, 1):.4f}", "content": word}]})
        text += (" " if text else "") + word
        at += step
        if rng.random() < 0.1 or number == count - 1:
            items.append({"id": len(items), "type": "punctuation", "alternatives": [
                {"confidence": "0.0", "content": "."}]})
            text += "."
    return {"jobName": "replayed", "accountId": "000000000000", "status": "COMPLETED",
            "results": {"language_code": "en-US", "transcripts": [{"transcript": text}],
                        "items": items}}


def seconds(ms):
    return f"{ms // 1000}.{ms % 1000:03d}"


def make_shapes(rng):
    """(shape, weight) of each kind."""
    return [
        (Shape("plain", rng, frames=6, cast=2, labels=30, words=25), 20),
        (Shape("quiet", rng, frames=3), 6),
        (Shape("silent", rng, frames=5, cast=1, labels=12, audio=False), 8),
        (Shape("crowd", rng, frames=60, cast=6, labels=60, words=80), 6),
        (Shape("busy", rng, frames=20, labels=2600, words=10), 4),
        (Shape("wordy", rng, frames=120, words=4000), 1),
        (Shape("slow", rng, frames=4, cast=1, labels=10, words=10, delays=(2500, 3500, 3000)), 8),
        (Shape("broken", rng, fail={"transcode": "Demuxer: [Nothing here can be read]"}), 5),
        (Shape("unheard", rng, fail={
            "transcode": "Audio track [1] not found in input container."}), 2),
        (Shape("blind", rng, cast=1, words=12,
               fail={"labels": "The video could not be looked at."}), 4),
        (Shape("deaf", rng, cast=1, labels=9, words=1,
               fail={"transcript": "The audio could not be heard."}), 4),
        (Shape("hopeless", rng, words=1, delays=(300, 600, 0), fail={
            "labels": "No.", "transcript": "No."}), 2),
    ]
