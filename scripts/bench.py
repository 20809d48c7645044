#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py URL PID FILE: what spotlist itself costs, against a running set-up (bench.sh).

1. The pipeline's own share of a video's time: every moment between its acceptance and its end in
   which no ffmpeg, detector or recogniser was at work for it. That is the time until MediaConvert
   has the job, from MediaConvert's end to the start of the last analysis, and from the end of the
   last analysis at the provider to "complete"; SNS deliveries included. Jobs' ends are those that
   the providers' own messages tell.
2. Memory of `spotlist serve`, after its start and after that.
"""

import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request

import boto3
import botocore.config

BUCKET = "spotlist-demo"
ROUNDS = 5


def client(service):
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"],
                        region_name=os.environ["AWS_REGION"],
                        config=botocore.config.Config(s3={"addressing_style": "path"}))


def call(method, url, value=None):
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def until(ask):
    while True:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.01)


def through_spotlist(url, source):
    """The settled video."""
    video = call("POST", f"{url}/videos", {"source": source})["id"]
    while True:
        now = call("GET", f"{url}/videos/{video}")
        if now["state"] == "complete":
            return now
        if now["state"] in ("partial", "failed"):
            sys.exit(f"bench: {json.dumps(now)}")
        time.sleep(0.1)


def seconds(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").timestamp()


def job_ends(video):
    """When MediaConvert's job ended, and the last job of an analysis, as their messages say."""
    rows = subprocess.run(
        ["psql", "-qAt", os.environ["SPOTLIST_DATABASE_URL"], "-c",
         f"SELECT message FROM spotlist_data.inbox WHERE message LIKE '%{video['id']}%'"],
        check=True, capture_output=True, text=True).stdout.splitlines()
    transcoded = analysed = None
    for message in map(json.loads, rows):
        detail = message.get("detail", {})
        if detail.get("status") == "COMPLETE":
            transcoded = detail["timestamp"] / 1000
        elif message.get("API") == "StartLabelDetection":
            analysed = message["Timestamp"] / 1000
    epoch = datetime.datetime(1970, 1, 1).timestamp()  # seconds() knows no time zone either
    others = [seconds(video["analyses"][name]["completed_at"])
              for name in ("celebrities", "transcript")]
    if max(others) > analysed + epoch:
        sys.exit("bench: labels were not the last analysis to end; use a longer video")
    return transcoded + epoch, analysed + epoch


def own_share(video):
    """(own seconds, all seconds)"""
    transcoded, analysed = job_ends(video)
    begin, end = seconds(video["created_at"]), seconds(video["completed_at"])
    accepted = next(seconds(entry["at"]) for entry in video["timeline"]
                    if entry["event"] == "transcode_started")
    started = max(seconds(one["started_at"]) for one in video["analyses"].values())
    return (accepted - begin) + (started - transcoded) + (end - analysed), end - begin


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024


def main():
    url, pid, path = sys.argv[1:]
    print(f"spotlist at rest after its start: {resident_mb(pid):.1f} MB resident")
    with open(path, "rb") as body:
        client("s3").put_object(Bucket=BUCKET, Key="bench/source.mp4", Body=body)
    shares = []
    for _ in range(ROUNDS):
        video = through_spotlist(url, f"s3://{BUCKET}/bench/source.mp4")
        own, whole = own_share(video)
        shares.append(own / whole)
        print(f"the pipeline's own share: {own:.3f} s of {whole:.2f} s, {own / whole:.2%}")
    print(f"median {statistics.median(shares):.2%}")

    print(f"spotlist after all that: {resident_mb(pid):.1f} MB resident")


if __name__ == "__main__":
    main()
