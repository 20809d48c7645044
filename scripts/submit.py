#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""submit.py URL FILE: uploads a video to a running spotlist and follows it to its end.

Progress goes to stderr, the metadata document to stdout. The exit status is 0 only when the video
is complete. Standard library only: it is also an example of a client.
"""

import json
import mimetypes
import os
import sys
import time
import urllib.error
import urllib.request

SETTLED = ("complete", "partial", "failed")
LIVE = sys.stderr.isatty()


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(method, url, value=None):
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        problem = error.read().decode(errors="replace")
        sys.exit(f"{method} {url}: {error.code}: {problem}")


def upload(where, path):
    headers = {**where["headers"], "Content-Length": str(os.path.getsize(path))}
    with open(path, "rb") as body:
        request = urllib.request.Request(where["url"], body, headers, method=where["method"])
        try:
            urllib.request.urlopen(request, timeout=3600).close()
        except urllib.error.HTTPError as error:
            sys.exit(f"upload: {error.code}: {error.read().decode(errors='replace')}")


def clock(milliseconds):
    seconds = milliseconds // 1000
    return f"{seconds // 60}:{seconds % 60:02d}"


def status_line(video):
    parts = []
    for name, analysis in video["analyses"].items():
        progress = analysis.get("progress")
        shown = f" {progress['done']}/{progress['total']}" if progress else ""
        parts.append(f"{name} {analysis['state']}{shown}")
    percent = f" {video['progress']} %" if "progress" in video else ""
    if video["state"] in ("queued", "transcoding"):
        return f"{video['state']}{percent}"
    return f"{video['state']}: " + ", ".join(parts)


def follow(url):
    """Shows each timeline entry once and the state whenever it changes."""
    begin = time.monotonic()
    seen, shown = 0, None
    while True:
        video = call("GET", url)
        for entry in video["timeline"][seen:]:
            about = f" [{entry['analysis']}]" if "analysis" in entry else ""
            say(f"{erase()}{entry['at'][11:23]}{about} {entry['message']}")
        seen = len(video["timeline"])
        if video["state"] in SETTLED:
            return video
        line = status_line(video)
        if LIVE:
            print(f"{erase()}{time.monotonic() - begin:5.0f} s  {line}", end="", file=sys.stderr,
                  flush=True)
        elif line != shown:
            say(f"              {line}")
        shown = line
        time.sleep(0.3)


def erase():
    return "\r\033[K" if LIVE else ""


def spans(item):
    return ", ".join(f"{clock(one['from_ms'])}–{clock(one['to_ms'])}"
                     for one in item["appearances"])


def summarize(video, document):
    for one in document["celebrities"] + document["labels"]:
        say(f"  {one['name']} ({one['confidence']:.0f} %): {spans(one)}")
    if "transcript" in document:
        say(f"  “{document['transcript']['text']}”")
    found = {"celebrities": document["celebrities"], "labels": document["labels"],
             "transcript": document.get("transcript", {}).get("words")}
    for name, analysis in video["analyses"].items():
        if "reason" in analysis:
            say(f"  {name}: {analysis['state']}: {analysis['message']}")
        elif not found[name]:
            say(f"  {name}: nothing found")


def explain(error):
    say(f"the video failed: {error['code']}: {error['message']}")
    for name, value in error.get("provider", {}).items():
        say(f"  {name}: {value}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    base, path = sys.argv[1].rstrip("/"), sys.argv[2]
    name = os.path.basename(path)
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    video = call("POST", f"{base}/videos", {"source": "upload", "filename": name,
                                            "content_type": kind, "title": name})
    say(f"video {video['id']}; uploading {name}")
    upload(video["upload"], path)
    video = follow(base + video["links"]["self"])
    document = call("GET", base + video["links"]["metadata"])
    print(json.dumps(document, ensure_ascii=False, indent=2))
    if "error" in video:
        explain(video["error"])
    else:
        summarize(video, document)
    sys.exit(0 if video["state"] == "complete" else 1)


if __name__ == "__main__":
    main()
