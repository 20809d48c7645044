# SPDX-License-Identifier: Apache-2.0
"""Writes directories of provider answers for `localcloud --replay` (docs/localcloud.md).

The same arguments make the same bytes. As a program:

    replay.py DIRECTORY NAME [--frames 10800] [--celebrities 2] [--labels 10] [--instances 10]
              [--words 30000] …
"""

import argparse
import json
import random
from pathlib import Path

NAMES = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Eileen Collins", "Søren Kierkegaard",
         "Björk", "Zoë Kravitz", "Miles Davis", "Nina Simone", "Akira Kurosawa", "Chien-Shiung Wu",
         "Jean d'Alembert"]
# name, parents, category
LABELS = [("Person", [], "Person Description"), ("Face", ["Head", "Person"], "Person Description"),
          ("Car", ["Transportation", "Vehicle"], "Vehicles and Automotive"),
          ("Bicycle", ["Transportation", "Vehicle"], "Vehicles and Automotive"),
          ("Cat", ["Animal", "Mammal", "Pet"], "Animals and Pets"),
          ("Dog", ["Animal", "Mammal", "Pet"], "Animals and Pets"),
          ("Tree", ["Plant"], "Plants and Flowers"), ("Building", ["Architecture"], "Buildings"),
          ("Chair", ["Furniture"], "Home and Indoors"), ("Cup", [], "Kitchen and Dining"),
          ("Boat", ["Transportation", "Vehicle"], "Vehicles and Automotive"),
          ("Bird", ["Animal"], "Animals and Pets"), ("Traffic Light", ["Light"], "Public Safety"),
          ("Coat", ["Clothing"], "Apparel and Accessories"), ("Phone", ["Electronics"], "Technology"),
          ("Sign", ["Symbol"], "Text and Documents")]
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "café", "naïve",
         "déjà", "vu", "don't", "we're", "river", "mountain", "evening", "camera", "story", "night",
         "street", "people", "music", "question", "answer", "light", "window", "winter", "letter"]


def seconds(ms):
    return f"{ms // 1000}.{ms % 1000:03d}"


class Replay:
    """One directory of answers. What it holds is read from its files, so it may be large."""

    def __init__(self, path):
        self.path = Path(path)
        self.name = self.path.name
        self.manifest = json.loads((self.path / "manifest.json").read_text())

    @property
    def content(self):
        """The bytes of an object that stands for this video."""
        return f"localcloud replay {self.name}\n".encode()

    def upload(self, cloud, bucket, key):
        """Puts such an object; returns its URI."""
        cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=self.content)
        return f"s3://{bucket}/{key}"

    def lines(self, file):
        path = self.path / file
        if path.exists():
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line)

    def faces(self):
        """{"frame", "CelebrityFaces"} of every frame that shows someone, in order."""
        return self.lines("celebrities.jsonl")

    def labels(self):
        """The elements of GetLabelDetection's Labels, in order."""
        return self.lines("labels.jsonl")

    def transcript(self):
        """Transcribe's file, or None."""
        path = self.path / "transcript.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def counts(self):
        """What spotlist must end up with."""
        labels = instances = 0
        for element in self.labels():
            labels += 1
            instances += len(element["Label"]["Instances"])
        faces = [len(line["CelebrityFaces"]) for line in self.faces()]
        transcript = self.transcript()
        words = [item for item in transcript["results"]["items"]
                 if item["type"] == "pronunciation"] if transcript else []
        return {"frames": self.manifest["frames"], "frames_with_faces": len(faces),
                "faces": sum(faces), "labels": labels, "instances": instances,
                "words": len(words)}


def box(draw):
    width, height = draw.randint(2, 40) / 100, draw.randint(2, 40) / 100
    left, top = draw.randint(0, 59999) / 100000, draw.randint(0, 59999) / 100000
    return (f'{{"Width":{width:.2f},"Height":{height:.2f},"Left":{left:.5f},"Top":{top:.5f}}}')


def percentage(draw):
    return f"{85 + draw.randint(1, 1499999) / 100000:.5f}"


def face(draw, name):
    number = NAMES.index(name)
    urls = json.dumps([f"www.wikidata.org/wiki/Q{number + 1}", f"www.imdb.com/name/nm{number:07d}"])
    return (f'{{"Urls":{urls},"Name":{json.dumps(name, ensure_ascii=False)},'
            f'"Id":"R{number:06d}","Face":{{"BoundingBox":{box(draw)},'
            f'"Confidence":{percentage(draw)},"Landmarks":[{{"Type":"eyeLeft","X":0.41203,'
            f'"Y":0.30117}}],"Pose":{{"Roll":-1.25,"Yaw":3.5,"Pitch":0.75}},'
            f'"Quality":{{"Brightness":71.5,"Sharpness":88.25}}}},'
            f'"MatchConfidence":{percentage(draw)},"KnownGender":{{"Type":"Female"}}}}')


def write_celebrities(path, draw, frames, celebrities):
    """Every fourth frame shows nobody: those are left out, as frames without anyone are."""
    if celebrities <= 0:
        return
    with open(path, "w", encoding="utf-8") as lines:
        for frame in range(frames):
            if frames > 3 and frame % 4 == 3:
                continue
            names = draw.sample(NAMES, min(celebrities, len(NAMES)))
            faces = ",".join(face(draw, name) for name in names)
            lines.write(f'{{"frame":{frame},"CelebrityFaces":[{faces}]}}\n')


def write_labels(path, draw, frames, interval_ms, labels, instances):
    """`labels` elements a frame, each with `instances` instances."""
    if labels <= 0:
        return
    kinds = [(json.dumps(name), json.dumps([{"Name": parent} for parent in parents]),
              json.dumps([{"Name": category}])) for name, parents, category in LABELS]
    # Boxes are drawn from a pool: a million draws would take most of the time.
    pool = [(box(draw), percentage(draw)) for _ in range(997)]
    turn = 0
    with open(path, "w", encoding="utf-8") as lines:
        for frame in range(frames):
            for number in range(labels):
                name, parents, category = kinds[(frame + number) % len(kinds)]
                found = []
                for _ in range(instances):
                    turn = (turn + 31) % len(pool)
                    found.append(f'{{"BoundingBox":{pool[turn][0]},"Confidence":{pool[turn][1]}}}')
                lines.write(
                    f'{{"Timestamp":{frame * interval_ms},"Label":{{"Name":{name},'
                    f'"Confidence":{pool[(turn + number) % len(pool)][1]},'
                    f'"Instances":[{",".join(found)}],"Parents":{parents},"Aliases":[],'
                    f'"Categories":{category}}}}}\n')


def write_transcript(path, draw, name, words, duration_ms):
    """Words spread over the duration, a full stop after every tenth, one segment a sentence."""
    if words <= 0:
        return
    items, segments, text = [], [], []
    step = max(duration_ms // words, 1)
    sentence = None
    for number in range(words):
        content = draw.choice(WORDS)
        start = number * step
        end = start + max(step * 3 // 4, 1)
        if sentence is None:
            sentence = {"id": len(segments), "transcript": "", "start_time": seconds(start),
                        "end_time": "", "items": []}
        sentence["items"].append(len(items))
        sentence["transcript"] += (" " if sentence["transcript"] else "") + content
        items.append({"id": len(items), "type": "pronunciation",
                      "alternatives": [{"confidence": f"{draw.randint(300, 999) / 1000:.3f}",
                                        "content": content}],
                      "start_time": seconds(start), "end_time": seconds(end)})
        if number % 10 == 9 or number == words - 1:
            sentence["items"].append(len(items))
            sentence["transcript"] += "."
            sentence["end_time"] = seconds(end)
            items.append({"id": len(items), "type": "punctuation",
                          "alternatives": [{"confidence": "0.0", "content": "."}]})
            text.append(sentence["transcript"])
            segments.append(sentence)
            sentence = None
    document = {"jobName": name, "accountId": "000000000000", "status": "COMPLETED",
                "results": {"transcripts": [{"transcript": " ".join(text)}], "items": items,
                            "audio_segments": segments}}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def write(directory, name, frames=10, celebrities=1, labels=2, instances=1, words=20, *, seed=0,
          interval_ms=1000, audio=True, transcode_ms=0, labels_ms=0, transcript_ms=0, fail=None):
    """Writes directory/name and returns its Replay.

    `celebrities` per frame that shows someone (three of four do), `labels` elements per frame with
    `instances` each, `words` in all. `fail`: {"transcode"|"labels"|"transcript": message}."""
    path = Path(directory) / name
    path.mkdir(parents=True, exist_ok=True)
    draw = random.Random(f"{seed}/{name}")
    duration_ms = max(frames * interval_ms, 1)
    write_celebrities(path / "celebrities.jsonl", draw, frames, celebrities)
    write_labels(path / "labels.jsonl", draw, frames, interval_ms, labels, instances)
    if audio:
        write_transcript(path / "transcript.json", draw, name, words, duration_ms)
    manifest = {"duration_ms": duration_ms, "frames": frames, "width": 640, "height": 360,
                "frame_rate": 25.0, "codec": "h264", "audio": audio, "transcode_ms": transcode_ms,
                "labels_ms": labels_ms, "transcript_ms": transcript_ms}
    if fail:
        manifest["fail"] = fail
    (path / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return Replay(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("name")
    for option, default in (("frames", 10), ("celebrities", 1), ("labels", 2), ("instances", 1),
                            ("words", 20), ("seed", 0), ("interval-ms", 1000), ("transcode-ms", 0),
                            ("labels-ms", 0), ("transcript-ms", 0)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--no-audio", dest="audio", action="store_false")
    made = write(**vars(parser.parse_args()))
    print(json.dumps(made.counts()))


if __name__ == "__main__":
    main()
