# SPDX-License-Identifier: Apache-2.0
"""What a video costs: estimated before, counted after, summed by month, capped."""

import concurrent.futures
import json
import subprocess
import urllib.parse
from datetime import datetime, timezone
from decimal import Decimal

import pytest

import replay
from harness import ROOT, Spotlist, exchange, wait_until
from test_metrics import scrape

PRICES = json.loads((ROOT / "docs/prices.json").read_text())
FOREVER = 10_000_000
MILLIONTH = Decimal("0.000001")


@pytest.fixture(scope="module")
def footage(replays):
    """Ten seconds in SD with sound: what AWS bills for it is known."""
    return replay.write(replays, "ten", frames=10)


def upload(svc, one, name):
    return one.upload(svc.cloud, svc.bucket, f"in/{name}.mp4")


def dollars(unit, quantity, per):
    price = Decimal(PRICES["regions"]["us-east-1"][unit])
    return (price * quantity / per).quantize(MILLIONTH, rounding="ROUND_HALF_UP")


WHOLE = {("transcode", "mediaconvert_video_sd_30fps"): (10, 60),
         ("transcode", "mediaconvert_frames_sd"): (10, 60),
         ("transcode", "mediaconvert_audio"): (10, 60),
         ("celebrities", "rekognition_image"): (10, 1),
         ("labels", "rekognition_labels"): (10, 60),
         ("transcript", "transcribe"): (15, 60)}  # at least 15 seconds
WHOLE_COST = sum(dollars(unit, *amount) for (_, unit), amount in WHOLE.items())


def usage(svc, **query):
    reply = svc.get("/usage" + "".join(f"?{name}={value}" for name, value in query.items()))
    assert reply.status == 200, reply
    return reply.json


def total(svc):
    return Decimal(usage(svc)["total"])


def dry_run(svc, source, **options):
    reply = svc.post("/videos?dry_run=true", {"source": source, **options})
    assert reply.status == 200, reply
    return reply.json


def submit(svc, source, **options):
    return svc.post("/videos", {"source": source, **options})


def stored(svc):
    return svc.database.query("SELECT count(*) FROM spotlist_data.videos")[0][0]


def reserved(svc):
    return svc.database.query("SELECT coalesce(sum(micros), 0)::bigint "
                              "FROM spotlist_data.reservations")[0][0]


def test_a_video_is_counted_as_aws_bills_it(svc, footage):
    before = total(svc)
    video = svc.wait_state(submit(svc, upload(svc, footage, "whole")).json["id"], "complete")
    cost = video["cost"]
    assert {(item["part"], item["unit"]): item["quantity"] for item in cost["items"]} == \
        {key: quantity for key, (quantity, _) in WHOLE.items()}
    for item in cost["items"]:
        assert Decimal(item["cost"]) == dollars(item["unit"], *WHOLE[item["part"], item["unit"]])
        assert item["attempt"] == 1
        assert item["counted_in"] == ("images" if item["unit"] == "rekognition_image"
                                      else "seconds")
    assert Decimal(cost["total"]) == WHOLE_COST
    assert (cost["region"], cost["prices_date"]) == ("us-east-1", PRICES["date"])
    assert total(svc) - before == WHOLE_COST


def test_the_month_is_the_sum_of_its_videos(svc, footage):
    svc.wait_state(submit(svc, upload(svc, footage, "sum")).json["id"], "complete")
    month = usage(svc)
    assert month["month"] == datetime.now(timezone.utc).strftime("%Y-%m")
    assert sum(Decimal(item["cost"]) for item in month["items"]) == Decimal(month["total"])
    assert month["videos"] >= 1 and month["reserved"] == "0.000000"
    assert "cap" not in month and month["prices"]["region"] == "us-east-1"
    assert usage(svc, month=month["month"]) == month
    assert usage(svc, month="2020-02")["total"] == "0.000000"
    assert "reserved" not in usage(svc, month="2020-02")
    samples, kinds = scrape(svc)
    assert kinds["spotlist_estimated_cost_dollars"] == "gauge"
    assert Decimal(str(samples["spotlist_estimated_cost_dollars",])).quantize(MILLIONTH) == \
        Decimal(month["total"])
    assert samples["spotlist_reserved_cost_dollars",] == 0
    assert ("spotlist_cost_cap_dollars",) not in samples


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "26-01", "2026/01", "x", "",
                                   "2026-01-01", "0000-01", "２０２６-01"])
def test_a_month_that_is_none_is_refused(svc, month):
    reply = svc.get(f"/usage?month={urllib.parse.quote(month)}")
    assert (reply.status, reply.json["code"], reply.json["pointer"]) == \
        (400, "bad_parameter", "?month")


def test_running_an_analysis_again_costs_again(svc, footage):
    id_ = submit(svc, upload(svc, footage, "again"), analyses=["celebrities", "labels"]) \
        .json["id"]
    first = svc.wait_state(id_, "complete")["cost"]
    before = total(svc)
    assert svc.post(f"/videos/{id_}/analyses", {"analyses": ["labels"]}).status == 202
    second = svc.wait_state(id_, "complete")["cost"]
    more = dollars("rekognition_labels", 10, 60)
    assert Decimal(second["total"]) - Decimal(first["total"]) == more
    assert total(svc) - before == more
    assert [(item["attempt"], item["quantity"]) for item in second["items"]
            if item["part"] == "labels"] == [(1, 10), (2, 10)]


def test_a_deleted_video_still_counts(svc, footage):
    id_ = submit(svc, upload(svc, footage, "gone")).json["id"]
    svc.wait_state(id_, "complete")
    before = usage(svc)
    assert svc.request("DELETE", f"/videos/{id_}").status == 202
    wait_until(lambda: svc.get(f"/videos/{id_}").status == 404)
    assert usage(svc) == before


def test_a_job_that_the_provider_failed_is_not_billed(svc, replays):
    one = replay.write(replays, "broken", frames=10, fail={"labels": "no such codec"})
    id_ = submit(svc, upload(svc, one, "broken")).json["id"]
    video = svc.wait_state(id_, "partial")
    assert {item["part"] for item in video["cost"]["items"]} == \
        {"transcode", "celebrities", "transcript"}


def test_a_video_without_sound_has_no_audio_to_pay_for(svc, replays):
    one = replay.write(replays, "mute", frames=20, audio=False)
    video = svc.wait_state(submit(svc, upload(svc, one, "mute")).json["id"], "complete")
    assert {item["unit"]: item["quantity"] for item in video["cost"]["items"]} == {
        "mediaconvert_video_sd_30fps": 20, "mediaconvert_frames_sd": 20, "rekognition_image": 20,
        "rekognition_labels": 20}


# --- before ---------------------------------------------------------------------------------------

def test_a_dry_run_stores_nothing_and_tells_the_price(svc, footage):
    source = upload(svc, footage, "dry")
    before = stored(svc)
    answer = dry_run(svc, source, duration_ms=3_600_000)
    estimate = answer["estimate"]
    assert estimate["basis"] == "client" and estimate["duration_ms"] == 3_600_000
    assert {item["unit"]: item["quantity"] for item in estimate["items"]} == {
        "mediaconvert_video_hd_30fps": 3600, "mediaconvert_frames_hd": 3600,
        "mediaconvert_audio": 3600, "rekognition_image": 3600, "rekognition_labels": 3600,
        "transcribe": 3600}
    # An hour of HD: 0.90 + 0.90 + 0.18, 3.60, 6.00, 1.44
    assert Decimal(estimate["total"]) == Decimal("13.02")
    assert sum(Decimal(item["cost"]) for item in estimate["items"]) == Decimal(estimate["total"])
    assert estimate["prices"]["date"] == PRICES["date"] and estimate["prices"]["source"]
    assert "cap" not in answer
    assert stored(svc) == before


def test_options_change_the_estimate(svc, footage):
    source = upload(svc, footage, "options")
    few = dry_run(svc, source, duration_ms=60_000, analyses=["celebrities"],
                  frames={"interval_ms": 7000})["estimate"]
    assert {item["unit"]: item["quantity"] for item in few["items"]
            if item["part"] != "transcode"} == {"rekognition_image": 9}


def test_without_a_duration_it_goes_by_size_or_says_what_it_assumes(svc):
    svc.cloud.client("s3").put_object(Bucket=svc.bucket, Key="in/some.bin", Body=b"x" * 625_000)
    estimate = dry_run(svc, f"s3://{svc.bucket}/in/some.bin")["estimate"]
    assert estimate["basis"] == "size" and estimate["duration_ms"] == 1001
    assert any("5000000 bits" in one for one in estimate["assumptions"])
    estimate = dry_run(svc, "upload", filename="later.mp4")["estimate"]
    assert estimate["basis"] == "assumed" and estimate["duration_ms"] == 600_000
    assert any("10 minutes" in one for one in estimate["assumptions"])


@pytest.mark.parametrize("arguments", [[], ["-movflags", "+faststart"]], ids=["end", "front"])
def test_an_mp4_tells_its_length_by_itself(svc, sample, tmp_path, arguments):
    path = tmp_path / "one.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                    "testsrc2=size=1920x1082:rate=10:duration=12.5", "-pix_fmt", "yuv420p",
                    "-c:v", "mpeg4", "-b:v", "2M", *arguments, str(path)], check=True)
    assert path.stat().st_size > 200_000
    source = svc.put_object("in/one.mp4", path)
    estimate = dry_run(svc, source, duration_ms=5)["estimate"]
    assert estimate["basis"] == "header"
    assert estimate["duration_ms"] == 12500
    assert {item["unit"]: item["quantity"] for item in estimate["items"]}[
        "mediaconvert_video_uhd_30fps"] == 13
    assert not any("HD" in one for one in estimate["assumptions"])


def test_a_header_that_cannot_be_read_changes_nothing(svc):
    svc.cloud.client("s3").put_object(Bucket=svc.bucket, Key="in/odd.mp4",
                                      Body=b"\0\0\0\x18ftypisom" + b"\xff" * 700_000)
    svc.cloud.faults([{"service": "s3", "operation": "GetObject", "kind": "server_error"}])
    source = f"s3://{svc.bucket}/in/odd.mp4"
    assert dry_run(svc, source)["estimate"]["basis"] == "size"
    svc.cloud.clear_faults()
    assert dry_run(svc, source)["estimate"]["basis"] == "size"


@pytest.mark.parametrize("body, code", [
    ({"source": "s3://spotlist-test/not/there.mp4"}, "source_not_found"),
    ({"source": "http://x/y"}, "unsupported_scheme"),
    ({"source": "upload"}, "missing_field"),
    ({"source": "upload", "filename": "a.mp4", "duration_ms": 0}, "out_of_range"),
    ({"source": "upload", "filename": "a.mp4", "duration_ms": 10**12}, "out_of_range"),
    ({"source": "upload", "filename": "a.mp4", "nonsense": 1}, "unknown_field")])
def test_a_dry_run_refuses_what_a_submission_does(svc, body, code):
    dry = svc.post("/videos?dry_run=true", body)
    real = svc.post("/videos", body)
    assert dry.json["code"] == real.json["code"] == code
    assert dry.status == real.status


def test_dry_run_is_yes_or_no(svc):
    reply = svc.post("/videos?dry_run=perhaps", {"source": "upload", "filename": "a.mp4"})
    assert (reply.status, reply.json["pointer"]) == (400, "?dry_run")
    assert svc.post("/videos?dry_run=false",
                    {"source": "upload", "filename": "a.mp4"}).status == 202


# --- the cap --------------------------------------------------------------------------------------

@pytest.fixture
def capped(make_svc, make_cloud, tmp_path):
    """Videos that are never done converting, and a cap."""
    replays = tmp_path / "replays"
    replays.mkdir()
    cloud = make_cloud(arguments=["--replay", str(replays)])
    one = replay.write(replays, "slow", frames=10, transcode_ms=FOREVER)

    def make(cap, **settings):
        svc = make_svc(cloud, settings={"SPOTLIST_MONTHLY_CAP": cap, **settings})
        svc.source = upload(svc, one, "slow")
        return svc
    make.replays = replays
    return make


def minute(svc):
    """What a minute of a video that is only converted, and looked at for labels, is estimated at."""
    return Decimal(dry_run(svc, svc.source, duration_ms=60_000, analyses=["labels"])
                   ["estimate"]["total"])


def submit_minute(svc, base=None):
    return exchange(base or svc.url, "POST", "/videos", json.dumps({
        "source": svc.source, "duration_ms": 60_000, "analyses": ["labels"]}).encode(),
        {"Content-Type": "application/json"})


def test_the_cap_holds_when_many_submit_at_once_to_two_processes(capped, tmp_path):
    svc = capped("1.00")
    each = minute(svc)
    other = Spotlist(tmp_path / "other", svc.database, svc.cloud,
                     settings={"SPOTLIST_MONTHLY_CAP": "1.00"}, subscribe=False)
    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(
                lambda number: submit_minute(svc, (svc if number % 2 else other).url), range(40)))
    finally:
        other.stop()
    accepted = sum(reply.status == 202 for reply in replies)
    assert accepted == Decimal(1) // each
    assert {reply.status for reply in replies} == {202, 402}
    assert stored(svc) == accepted
    month = usage(svc)
    assert Decimal(month["total"]) + Decimal(month["reserved"]) == each * accepted
    assert Decimal(month["left"]) == 1 - each * accepted
    assert scrape(svc)[0]["spotlist_cost_cap_dollars",] == 1
    assert scrape(svc)[0]["spotlist_cost_cap_refused_total",] >= 1


def test_a_refusal_tells_why_and_until_when(capped):
    svc = capped("0.01")
    reply = svc.post("/videos", {"source": svc.source})
    assert (reply.status, reply.json["code"]) == (402, "cost_cap")
    for word in ("$0.010000", "$0.000000 is spent", "estimated at $", "SPOTLIST_MONTHLY_CAP"):
        assert word in reply.json["detail"]
    again = datetime.fromisoformat(usage(svc)["starts_again_at"].replace("Z", "+00:00"))
    assert again.day == 1 and (again.hour, again.minute) == (0, 0)
    assert usage(svc)["starts_again_at"] in reply.json["detail"]
    left = (again - datetime.now(timezone.utc)).total_seconds()
    assert abs(int(reply.headers["Retry-After"]) - left) < 60
    assert dry_run(svc, svc.source)["cap"]["would_be_accepted"] is False
    assert stored(svc) == 0 and reserved(svc) == 0


def test_a_key_that_was_refused_may_be_used_later(capped):
    svc = capped("0.01")
    body = json.dumps({"source": svc.source}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    for _ in range(2):
        assert svc.post("/videos", body=body, headers=headers).status == 402
    svc.stop()
    svc.environment["SPOTLIST_MONTHLY_CAP"] = "10"
    svc.start()
    first = svc.post("/videos", body=body, headers=headers)
    held = reserved(svc)
    assert first.status == 202 and held > 0
    assert svc.post("/videos", body=body, headers=headers).json["id"] == first.json["id"]
    assert reserved(svc) == held


def test_cancelling_and_deleting_give_back_what_was_not_used(capped):
    svc = capped("10")
    one, two = (submit_minute(svc).json["id"] for _ in range(2))
    assert reserved(svc) == 2 * minute(svc) * 1_000_000
    svc.post(f"/videos/{one}/cancel", headers={})
    svc.request("DELETE", f"/videos/{two}")
    wait_until(lambda: reserved(svc) == 0)
    assert total(svc) == 0


def test_what_is_counted_takes_the_place_of_what_was_reserved(capped):
    svc = capped("20")
    one = replay.write(capped.replays, "quick", frames=10, labels_ms=FOREVER)
    id_ = submit(svc, upload(svc, one, "quick"), duration_ms=3_600_000).json["id"]
    parts = {"transcode", "celebrities", "transcript", "labels"}

    def counted():
        return {item["part"] for item in svc.video(id_).get("cost", {}).get("items", [])} == parts
    wait_until(counted)
    # An hour was reserved, and it was ten seconds; all of it is counted, and nothing is to come.
    assert total(svc) == WHOLE_COST and reserved(svc) == 0


def test_running_again_is_refused_beyond_the_cap(capped):
    svc = capped("10")
    one = replay.write(capped.replays, "quick", frames=10)
    id_ = submit(svc, upload(svc, one, "quick")).json["id"]
    svc.wait_state(id_, "complete")
    assert reserved(svc) == 0
    svc.stop()
    svc.environment["SPOTLIST_MONTHLY_CAP"] = str(WHOLE_COST)
    svc.start()
    reply = svc.post(f"/videos/{id_}/analyses", {"analyses": ["labels"]})
    assert (reply.status, reply.json["code"]) == (402, "cost_cap")
    assert svc.video(id_)["state"] == "complete"


# --- the price table ------------------------------------------------------------------------------

def test_another_table_and_a_region_that_it_lacks(make_svc, make_cloud, tmp_path):
    table = {**PRICES, "date": "2031-01-31", "default_region": "mars-1", "regions": {
        "mars-1": {name: "1" for name in PRICES["regions"]["us-east-1"]}}}
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(table))
    svc = make_svc(make_cloud(), settings={"SPOTLIST_PRICES": str(path)})
    estimate = dry_run(svc, "upload", filename="a.mp4", duration_ms=60_000,
                       analyses=["transcript"])["estimate"]
    assert estimate["total"] == "4.000000"
    assert estimate["prices"]["region"] == "mars-1"
    assert "us-east-1" in estimate["prices"]["note"]
    assert usage(svc)["prices"]["date"] == "2031-01-31"


@pytest.mark.parametrize("name, value, word", [
    ("SPOTLIST_MONTHLY_CAP", "lots", "no amount of dollars"),
    ("SPOTLIST_MONTHLY_CAP", "-1", "no amount of dollars"),
    ("SPOTLIST_MONTHLY_CAP", "0.0000001", "no amount of dollars"),
    ("SPOTLIST_PRICES", "/nonexistent.json", "cannot be read"),
    ("SPOTLIST_PRICES", "/etc/hostname", "price table")])
def test_settings_that_are_wrong_are_told(svc, name, value, word):
    done = svc.command("serve", check=False, environment={name: value})
    assert done.returncode == 78 and name in done.stderr and word in done.stderr
    told = [json.loads(line) for line in
            svc.command("config", "--explain", "--json", check=False,
                        environment={name: value}).stdout.splitlines()]
    assert [word in one["problem"] for one in told if one.get("setting") == name] == [True]
