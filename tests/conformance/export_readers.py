# SPDX-License-Identifier: Apache-2.0
"""Reads an export with the library of its format and prints what it found as JSON. Run by the
witnesses' Python: export_readers.py otio|edl|vtt|srt FILE [RATE]"""

import json
import sys

import opentimelineio as otio
import webvtt


def markers(timeline):
    clips = list(timeline.find_clips())
    found = []
    for clip in clips:
        for marker in clip.markers:
            start = marker.marked_range.start_time
            found.append([marker.name, marker.color, start.value, start.rate,
                          marker.marked_range.duration.value])
    start = timeline.global_start_time
    return {"clips": len(clips), "markers": found,
            "start": start and [start.value, start.rate],
            "sources": [clip.source_range.start_time.value for clip in clips]}


def read_otio(path):
    timeline = otio.adapters.read_from_file(path, "otio_json")
    found = markers(timeline)
    clip = next(iter(timeline.find_clips()))
    found["media"] = clip.media_reference.target_url
    found["frames"] = clip.available_range().duration.value
    # What it writes of it, it reads as the same.
    again = otio.adapters.read_from_string(
        otio.adapters.write_to_string(timeline, "otio_json"), "otio_json")
    found["same"] = timeline.is_equivalent_to(again)
    return found


def read_edl(path, rate):
    timeline = otio.adapters.read_from_file(path, "cmx_3600", rate=float(rate))
    return markers(timeline)


def read_captions(path, kind):
    captions = webvtt.read(path) if kind == "vtt" else webvtt.from_srt(path)
    return [[c.start, c.end, c.text, getattr(c, "voice", None)] for c in captions]


def main():
    kind, path, *rest = sys.argv[1:]
    found = {"otio": read_otio, "edl": read_edl}.get(kind)
    print(json.dumps(found(path, *rest) if found else read_captions(path, kind)))


if __name__ == "__main__":
    main()
