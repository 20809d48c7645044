#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py URL PID FILE TRIVIAL: what spotlist itself costs, against a running ./run local set-up.

1. The pipeline's own share of a video's time: the video through spotlist, and the same real work
   (the same MediaConvert job, the same frames, labels and transcription) by bare calls that wait
   for nothing else, by turns.
2. Memory of `spotlist serve`, after the start and after everything below.
3. GET /videos/{id}/metadata under wrk beside TRIVIAL, which sends the same bytes from memory.
"""

import concurrent.futures
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
ROUNDS = 3


def client(service):
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"],
                        region_name=os.environ["AWS_REGION"],
                        config=botocore.config.Config(max_pool_connections=32,
                                                      s3={"addressing_style": "path"}))


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
    begin = time.monotonic()
    video = call("POST", f"{url}/videos", {"source": source})["id"]

    def settled():
        now = call("GET", f"{url}/videos/{video}")
        return now if now["state"] in ("complete", "partial", "failed") else None
    final = until(settled)
    if final["state"] != "complete":
        sys.exit(f"bench: {json.dumps(final)}")
    return time.monotonic() - begin, video


def by_bare_calls(video, run):
    """The work that spotlist had done for `video`, again, under other names."""
    begin = time.monotonic()
    mediaconvert, s3 = client("mediaconvert"), client("s3")
    jobs = mediaconvert.list_jobs(MaxResults=20)["Jobs"]
    [job] = [one for one in jobs if video in json.dumps(one.get("UserMetadata", {}))]
    settings = json.loads(json.dumps(job["Settings"]).replace(video, run))
    job_id = mediaconvert.create_job(Role=job["Role"], Settings=settings)["Job"]["Id"]
    until(lambda: mediaconvert.get_job(Id=job_id)["Job"]["Status"] == "COMPLETE")

    def keys(prefix):
        return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
    rekognition, transcribe = client("rekognition"), client("transcribe")
    [mp4], [audio] = keys(f"mp4/{run}/"), keys(f"audio/{run}/")
    labels = rekognition.start_label_detection(
        Video={"S3Object": {"Bucket": BUCKET, "Name": mp4}}, MinConfidence=85)["JobId"]
    transcribe.start_transcription_job(
        TranscriptionJobName=run, LanguageCode="en-US",
        Media={"MediaFileUri": f"s3://{BUCKET}/{audio}"}, OutputBucketName=BUCKET,
        OutputKey=f"bench/{run}.json")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: rekognition.recognize_celebrities(
            Image={"S3Object": {"Bucket": BUCKET, "Name": key}}), keys(f"thumbs/{run}/")))
    until(lambda: rekognition.get_label_detection(JobId=labels)["JobStatus"] == "SUCCEEDED")
    until(lambda: transcribe.get_transcription_job(TranscriptionJobName=run)
          ["TranscriptionJob"]["TranscriptionJobStatus"] == "COMPLETED")
    return time.monotonic() - begin


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024


def requests_per_second(url):
    """64 connections for 5 s, the better of two."""
    best = 0.0
    for _ in range(2):
        out = subprocess.run(["wrk", "-t", "2", "-c", "64", "-d", "5s", url], check=True,
                             capture_output=True, text=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            sys.exit(f"bench: {out}")
        best = max(best, float(re.search(r"Requests/sec:\s+([0-9.]+)", out).group(1)))
    return best


def main():
    url, pid, path, trivial = sys.argv[1:]
    print(f"spotlist at rest after its start: {resident_mb(pid):.1f} MB resident")
    with open(path, "rb") as body:
        client("s3").put_object(Bucket=BUCKET, Key="bench/source.mp4", Body=body)
    ours, bare = [], []
    for number in range(ROUNDS):
        seconds, video = through_spotlist(url, f"s3://{BUCKET}/bench/source.mp4")
        ours.append(seconds)
        bare.append(by_bare_calls(video, f"bench-{video}"))
        print(f"round {number + 1}: through spotlist {ours[-1]:.2f} s, "
              f"the work alone {bare[-1]:.2f} s")
    with_us, without = statistics.median(ours), statistics.median(bare)
    print(f"the pipeline's own share: {with_us - without:.2f} s of {with_us:.2f} s, "
          f"{(with_us - without) / with_us:.1%} (medians)")

    target = f"{url}/videos/{video}/metadata"
    with urllib.request.urlopen(target) as reply:
        document = reply.read()
    copy = os.path.join(os.environ["BENCH_DIR"], "metadata.json")
    with open(copy, "wb") as out:
        out.write(document)
    with subprocess.Popen([trivial, copy, "16"], stdout=subprocess.PIPE, text=True) as yardstick:
        port = yardstick.stdout.readline().split()[1]
        plain = requests_per_second(f"http://127.0.0.1:{port}/")
        yardstick.terminate()
    served = requests_per_second(target)
    print(f"metadata document: {len(document)} bytes; spotlist {served:.0f} requests/s, "
          f"trivial libmicrohttpd {plain:.0f} requests/s: {served / plain:.1%}")
    print(f"spotlist after all that: {resident_mb(pid):.1f} MB resident")


if __name__ == "__main__":
    main()
