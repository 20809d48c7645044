# SPDX-License-Identifier: Apache-2.0
"""GET /metrics, read by Prometheus' own client library."""

import concurrent.futures
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

import replay
from harness import exchange, wait_until
from outages import Server

PREFIX = "spotlist_"


def scrape(svc):
    """{(sample's name, labels…): value} and {family: type}; the format is checked on the way."""
    reply = svc.admin_get("/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = reply.body.decode()
    assert text.endswith("\n")
    samples, kinds = {}, {}
    for family in text_string_to_metric_families(text):
        assert family.type in ("counter", "gauge", "histogram"), family
        assert family.documentation, family
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name.startswith((PREFIX, "process_")), name
        assert re.fullmatch(r"[a-z_]+", name)
        assert name not in kinds, f"{name} stands there twice"
        kinds[name] = family.type
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples, key
            samples[key] = sample.value
    return samples, kinds


def value(samples, name, **labels):
    return samples.get((name, *sorted(labels.items())), 0)


@pytest.fixture(scope="module")
def video(svc, replays):
    one = replay.write(replays, "metrics", frames=8)
    source = one.upload(svc.cloud, svc.bucket, "in/metrics.mp4")
    return svc.wait_state(svc.submit(source)["id"], "complete")


def test_a_video_is_counted_from_request_to_end(svc, video):
    samples, kinds = scrape(svc)
    assert value(samples, "spotlist_http_requests_total", operation="video_create",
                 status="2xx") == 1
    assert value(samples, "spotlist_http_requests_total", operation="video_get", status="2xx") >= 1
    assert value(samples, "spotlist_videos", state="complete") == 1
    assert value(samples, "spotlist_videos", state="queued") == 0
    assert ("spotlist_videos", ("state", "queued")) in samples
    for kind in ("transcode_start", "transcode_poll", "labels_start", "transcript_poll",
                 "celebrities_frames", "settle"):
        assert value(samples, "spotlist_steps_total", kind=kind, outcome="done") >= 1, kind
    for service, operation in (("s3", "HeadObject"), ("mediaconvert", "CreateJob"),
                               ("rekognition", "RecognizeCelebrities"), ("dynamodb", "PutItem"),
                               ("transcribe", "StartTranscriptionJob")):
        assert value(samples, "spotlist_aws_calls_total", service=service, operation=operation,
                     outcome="ok") >= 1, operation
    assert value(samples, "spotlist_aws_calls_total", service="rekognition",
                 operation="RecognizeCelebrities", outcome="ok") == 8
    assert samples["spotlist_database_up",] == 1
    assert kinds["spotlist_http_request_duration_seconds"] == "histogram"


def test_the_process_tells_of_itself(svc):
    samples, _ = scrape(svc)
    assert 1e6 < samples["process_resident_memory_bytes",] < 1e9
    assert 5 < samples["process_open_fds",] < samples["process_max_fds",]
    assert samples["process_cpu_seconds_total",] > 0
    start = samples["process_start_time_seconds",]
    assert abs(start - svc.process.log_path.stat().st_ctime) < 3600
    assert [dict(key[1:]) for key in samples if key[0] == "spotlist_build_info"] == \
        [{"version": svc.command("version").stdout.split()[1]}]


def test_histograms_add_up(svc, video):
    samples, kinds = scrape(svc)
    checked = 0
    for key, count in samples.items():
        if not key[0].endswith("_count"):
            continue
        name = key[0].removesuffix("_count")
        buckets = sorted((float(dict(other[1:])["le"]), number)
                         for other, number in samples.items()
                         if other[0] == f"{name}_bucket" and
                         set(key[1:]) == {pair for pair in other[1:] if pair[0] != "le"})
        numbers = [number for _, number in buckets]
        assert numbers == sorted(numbers) and numbers[-1] == count, key
        assert buckets[-1][0] == float("inf")
        checked += 1
    assert checked >= 10
    # What is counted twice is counted alike.
    for key, number in samples.items():
        if key[0] == "spotlist_http_requests_total":
            assert samples["spotlist_http_request_duration_seconds_count", *key[1:]] == number


def test_what_a_stranger_sends_makes_no_series(svc):
    before, _ = scrape(svc)
    for number in range(50):
        exchange(svc.url, "GET", f"/nothing/{number}")
        exchange(svc.url, "PATCH", f"/videos/{number}")
        exchange(svc.url, f"M{number}", "/")
    after, _ = scrape(svc)
    new = {key for key in after if key[0] == "spotlist_http_requests_total"} - set(before)
    assert {dict(key[1:])["operation"] for key in new} <= {"none", "metrics"}
    assert value(after, "spotlist_http_requests_total", operation="none", status="4xx") >= 100


def test_open_connections_and_requests_in_flight(svc):
    samples, _ = scrape(svc)
    assert value(samples, "spotlist_http_connections", server="admin") >= 1
    assert value(samples, "spotlist_http_requests_in_flight", server="admin") == 1  # this one
    wait_until(lambda: value(scrape(svc)[0], "spotlist_http_connections", server="api") == 0)
    assert value(scrape(svc)[0], "spotlist_http_requests_in_flight", server="api") == 0


def test_throttling_and_retries_of_aws_are_counted(svc, replays):
    before, _ = scrape(svc)
    svc.cloud.faults([{"service": "transcribe", "operation": "StartTranscriptionJob",
                       "kind": "throttle", "count": 1}])
    one = replay.write(replays, "throttled", frames=2, seed=1)
    source = one.upload(svc.cloud, svc.bucket, "in/throttled.mp4")
    svc.wait_state(svc.submit(source, analyses=["transcript"])["id"], "complete")
    svc.cloud.clear_faults()
    after, _ = scrape(svc)

    def more(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)
    assert more("spotlist_aws_throttles_total", service="transcribe") == 1
    assert more("spotlist_aws_retries_total", service="transcribe") == 1
    assert more("spotlist_aws_calls_total", service="transcribe",
                operation="StartTranscriptionJob", outcome="ok") == 1


def test_many_scrapes_at_once_are_all_answered(svc):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for samples, _ in pool.map(lambda _: scrape(svc), range(64)):
            assert samples["spotlist_database_up",] == 1


def test_queues_are_told_with_the_age_of_their_oldest(make_svc, make_cloud, tmp_path):
    cloud = make_cloud(arguments=["--replay", str(tmp_path)])
    svc = make_svc(cloud, settings={"SPOTLIST_OPEN_TRANSCODES": "1"})
    one = replay.write(tmp_path, "slow", frames=2, transcode_ms=10_000_000)
    for number in range(3):
        svc.submit(one.upload(cloud, svc.bucket, f"in/slow{number}.mp4"))

    def waiting():
        samples, _ = scrape(svc)
        open_, parked = (value(samples, name, gate="transcode")
                         for name in ("spotlist_gate_open", "spotlist_gate_waiting"))
        return samples if (open_, parked) == (1, 2) else None
    samples = wait_until(waiting)
    assert value(samples, "spotlist_gate_places", gate="transcode") == 1
    assert value(samples, "spotlist_gate_oldest_seconds", gate="transcode") > 0
    assert value(samples, "spotlist_gate_waiting", gate="labels") == 0
    assert value(samples, "spotlist_steps", kind="transcode_start", state="parked") == 2


def test_without_the_database_it_tells_what_it_knows(make_svc, make_cloud):
    server = Server()
    try:
        svc = make_svc(make_cloud(), database=server.create_database())
        assert scrape(svc)[0]["spotlist_database_up",] == 1
        server.halt()
        samples = wait_until(
            lambda: next((one for one, _ in [scrape(svc)] if not one["spotlist_database_up",]),
                         None))
        assert ("spotlist_videos", ("state", "queued")) not in samples
        assert samples["process_open_fds",] > 0
        assert svc.admin_get("/healthz").status == 200
        server.go()
        wait_until(lambda: scrape(svc)[0]["spotlist_database_up",] == 1)
        assert svc.stop() == 0
    finally:
        server.stop()
