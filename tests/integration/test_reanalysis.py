# SPDX-License-Identifier: Apache-2.0
"""Analyses of a settled video run again: the latest counts, earlier ones stay readable."""

import json
import uuid

import pytest

import replay
from harness import BUCKET, TABLE, wait_until

SETTINGS = {"SPOTLIST_LEASE_MS": "2000", "SPOTLIST_POLL_INTERVAL_MS": "400"}


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


def again(svc, video_id, analyses, headers=None, **options):
    return svc.post(f"/videos/{video_id}/analyses", {"analyses": analyses, **options},
                    headers={"Content-Type": "application/json", **(headers or {})})


def runs(svc, video_id, name=None):
    reply = svc.get(f"/videos/{video_id}/analyses")
    assert reply.status == 200, reply
    return [run for run in reply.json["analyses"] if name in (None, run["analysis"])]


def run(svc, video_id, name, attempt):
    reply = svc.get(f"/videos/{video_id}/analyses/{name}/{attempt}")
    assert reply.status == 200, reply
    return reply.json


def items(cloud, video_id):
    pages = cloud.client("dynamodb").get_paginator("scan")
    return {item["fileName"]["S"]: item for page in pages.paginate(TableName=TABLE)
            for item in page["Items"] if video_id in item["fileName"]["S"]}


@pytest.fixture(scope="module")
def settled(svc, cloud, replays):
    """settled(name, **options): a video of its own, settled."""
    made = {"speech": replay.write(replays, "speech", frames=3, words=30),
            "no_audio": replay.write(replays, "no_audio", frames=30, celebrities=1, audio=False),
            "not_a_video": replay.write(replays, "broken", fail={"transcode": "no video"})}

    def make(name="speech", state="complete", **options):
        video = svc.submit(made[name].upload(cloud, BUCKET, f"again/{name}.mp4"), **options)
        return svc.wait_state(video["id"], state)
    return make


def test_an_analysis_that_was_not_asked_for_at_first(svc, settled, cloud):
    video = settled("no_audio", analyses=["celebrities"])
    reply = again(svc, video["id"], ["labels"])
    assert reply.status == 202 and reply.json["state"] == "analyzing", reply
    assert "completed_at" not in reply.json
    assert reply.json["options"]["analyses"] == ["celebrities", "labels"]
    final = svc.wait_state(video["id"], "complete")
    assert {name: one["state"] for name, one in final["analyses"].items()} == {
        "celebrities": "complete", "labels": "complete"}
    assert final["completed_at"] > video["completed_at"]
    document = svc.metadata(video["id"])
    assert set(document["analyses"]) == {"celebrities", "labels"}
    assert [(one["analysis"], one["attempt"], one["latest"]) for one in runs(svc, video["id"])] == [
        ("celebrities", 1, True), ("labels", 1, True)]
    record = json.loads(items(cloud, video["id"])[f"videos/{video['id']}"]["record"]["S"])
    assert {one["kind"] for one in record["analyses"]} == {"celebrities", "labels"}


def test_with_other_options_the_latest_counts_and_the_first_stays_readable(svc, cloud, replays):
    """Both what the first run found and what it left in DynamoDB are split; the second is short."""
    source = replay.write(replays, "changing", frames=20, labels=300, audio=False).upload(
        cloud, BUCKET, "again/changing.mp4")
    video = svc.submit(source, analyses=["labels"], labels={"min_confidence": 95})
    svc.wait_state(video["id"], "complete")
    first = svc.metadata(video["id"])["labels"]
    before = run(svc, video["id"], "labels", 1)
    assert before["result"] == first and before["latest"]
    mp4 = f"mp4/{video['id']}/video.mp4"
    assert f"{mp4}#objects#00002" in items(cloud, video["id"])
    replay.write(replays, "changing", frames=20, labels=2, audio=False)
    assert again(svc, video["id"], ["labels"], labels={"min_confidence": 50}).status == 202
    final = svc.wait_state(video["id"], "complete")
    assert final["options"]["labels"] == {"min_confidence": 50}
    second = svc.metadata(video["id"])["labels"]
    assert sum(len(label["detections"]) for label in second) == 40
    old, new = run(svc, video["id"], "labels", 1), run(svc, video["id"], "labels", 2)
    assert (old["result"], old["latest"], old["options"]) == (first, False, {"min_confidence": 95})
    assert (new["result"], new["latest"], new["options"]) == (second, True, {"min_confidence": 50})
    # DynamoDB: the plain key has the latest run, the version's key the first.
    stored = items(cloud, video["id"])
    assert [name for name in stored if name.startswith("mp4/")] == [mp4]
    assert len(json.loads(stored[mp4]["objects"]["S"])) == 40
    key = f"videos/{video['id']}#version#labels#1"
    version = stored[key]
    parts = [stored[f"{key}#result#{n:05d}"]["result"]["S"]
             for n in range(int(version["resultParts"]["N"]))]
    assert len(parts) > 1 and json.loads("".join(parts)) == first
    assert json.loads(version["options"]["S"]) == {"min_confidence": 95}
    assert (version["state"]["S"], version["attempt"]["N"]) == ("complete", "1")
    # And nothing of it stays when the video goes.
    assert svc.request("DELETE", f"/videos/{video['id']}").status == 202
    wait_until(lambda: svc.get(f"/videos/{video['id']}").status == 404)
    assert items(cloud, video["id"]) == {}


@pytest.mark.parametrize("characters", [0, 1, 4 << 20, (4 << 20) + 1, 9_000_000])
def test_a_result_of_any_size_is_sent_in_pieces(svc, settled, pg, characters):
    """By the character and not by the byte: none is cut."""
    video = settled("no_audio", analyses=["celebrities"])
    text = json.dumps("é한🎬 "[:characters] + "é한🎬x" * (characters // 4), ensure_ascii=False)
    pg.query("INSERT INTO spotlist_data.analysis_versions "
             "(video_id, kind, attempt, state, options, result) "
             "VALUES (%s, 'labels', 1, 'complete', '{}', %s)", video["id"], text)
    reply = svc.get(f"/videos/{video['id']}/analyses/labels/1", validate=False)
    assert reply.status == 200
    assert json.dumps(reply.json["result"], ensure_ascii=False) == text


def test_a_transcript_that_failed_is_run_again(svc, settled, cloud):
    """Transcribe cannot read what lies where the audio was; then it can."""
    video = settled("speech", analyses=["transcript"])
    key = svc.metadata(video["id"])["outputs"]["audio"]
    s3 = cloud.client("s3")
    audio = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"this is no audio")
    assert again(svc, video["id"], ["transcript"]).status == 202
    failed = svc.wait_state(video["id"], "failed")
    assert failed["analyses"]["transcript"]["reason"] == "job_failed"
    assert failed["error"]["code"] == "all_analyses_failed"
    s3.put_object(Bucket=BUCKET, Key=key, Body=audio)
    asked = again(svc, video["id"], ["transcript"])
    assert asked.status == 202 and "error" not in asked.json
    svc.wait_state(video["id"], "complete")
    assert len(svc.metadata(video["id"])["transcript"]["words"]) == 30
    states = [(one["attempt"], one["state"]) for one in runs(svc, video["id"], "transcript")]
    assert states == [(1, "complete"), (2, "failed"), (3, "complete")]
    assert run(svc, video["id"], "transcript", 2)["message"]
    assert "result" not in run(svc, video["id"], "transcript", 2)
    assert run(svc, video["id"], "transcript", 1)["result"]["words"]
    # One transcript in DynamoDB, whatever the number of runs.
    texts = [name for name, item in items(cloud, video["id"]).items() if "transcript" in item]
    assert texts == [f"transcripts/{video['id']}/3.json"]


def test_stale_items_of_an_earlier_run_go(svc, settled, cloud):
    """What a run before left, split parts and frames, does not mix with what this one finds."""
    video = settled("no_audio", analyses=["celebrities", "labels"])
    outputs = svc.metadata(video["id"])["outputs"]
    table = cloud.resource("dynamodb").Table(TABLE)
    stale = [f"{outputs['mp4']}#objects#{n:05d}" for n in range(60)]
    stale += [f"{outputs['frames']['prefix']}frame.0000003.jpg"]  # which shows nobody
    with table.batch_writer() as batch:
        for name in stale:
            batch.put_item(Item={"fileName": name, "videoId": video["id"], "objects": "[]",
                                 "celebrities": ["Nobody"]})
    assert again(svc, video["id"], ["celebrities", "labels"]).status == 202
    svc.wait_state(video["id"], "complete")
    assert not set(stale) & set(items(cloud, video["id"]))
    assert "Nobody" not in str(items(cloud, video["id"]))


def test_a_record_that_became_shorter_leaves_no_parts(svc, settled, cloud):
    video = settled("no_audio", analyses=["celebrities"])
    table = cloud.resource("dynamodb").Table(TABLE)
    stale = [f"videos/{video['id']}#record#{n:05d}" for n in range(3)]
    for name in stale:
        table.put_item(Item={"fileName": name, "videoId": video["id"], "record": "x"})
    again(svc, video["id"], ["celebrities"])
    svc.wait_state(video["id"], "complete")
    assert not set(stale) & set(items(cloud, video["id"]))


@pytest.mark.parametrize("analysis, output", [("labels", "mp4"), ("transcript", "audio"),
                                              ("celebrities", "frames")])
def test_files_that_are_gone_are_told(svc, settled, cloud, analysis, output):
    video = settled("speech", analyses=["celebrities"])
    where = svc.metadata(video["id"])["outputs"][output]
    prefix = where["prefix"] if output == "frames" else where
    s3 = cloud.client("s3")
    for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    assert again(svc, video["id"], [analysis]).status == 202
    final = svc.wait_state(video["id"], "partial", "failed")
    assert final["analyses"][analysis]["reason"] == "output_missing"
    assert prefix in final["analyses"][analysis]["message"]
    if analysis == "celebrities":
        assert run(svc, video["id"], "celebrities", 1)["result"][0]["detections"]


def test_a_skipped_transcript_is_skipped_again(svc, settled):
    video = settled("no_audio", analyses=["celebrities", "transcript"])
    assert video["analyses"]["transcript"]["state"] == "skipped"
    again(svc, video["id"], ["transcript"])
    final = svc.wait_state(video["id"], "complete")
    assert final["analyses"]["transcript"]["reason"] == "no_audio"
    assert [one["state"] for one in runs(svc, video["id"], "transcript")] == ["skipped"] * 2


def test_a_video_that_is_being_worked_on_is_busy(svc):
    video = svc.submit("upload", filename="later.mp4")
    reply = again(svc, video["id"], ["labels"])
    assert (reply.status, reply.json["code"]) == (409, "video_busy")
    svc.post(f"/videos/{video['id']}/cancel")
    svc.wait_state(video["id"], "canceled")
    reply = again(svc, video["id"], ["labels"])
    assert (reply.status, reply.json["code"]) == (409, "no_outputs")


def test_a_video_that_could_not_be_converted_has_nothing_to_analyse(svc, settled):
    video = settled("not_a_video", "failed")
    reply = again(svc, video["id"], ["labels"])
    assert (reply.status, reply.json["code"]) == (409, "no_outputs")


def test_what_was_cancelled_can_be_asked_for_again(svc, settled):
    video = settled("speech", analyses=["transcript"])
    again(svc, video["id"], ["transcript", "celebrities"])
    assert svc.post(f"/videos/{video['id']}/cancel").status == 202
    svc.wait_state(video["id"], "canceled")
    first = run(svc, video["id"], "transcript", 1)
    assert first["state"] == "complete" and first["result"]["words"]
    again(svc, video["id"], ["transcript", "celebrities"])
    final = svc.wait_state(video["id"], "complete")
    assert {one["state"] for one in final["analyses"].values()} == {"complete"}
    assert svc.metadata(video["id"])["transcript"] == first["result"]


def test_a_cancelled_run_still_leaves_the_version_before_it(svc, settled, cloud):
    video = settled("speech", analyses=["transcript"])
    words = svc.metadata(video["id"])["transcript"]["words"]
    again(svc, video["id"], ["transcript"])
    svc.post(f"/videos/{video['id']}/cancel")
    svc.wait_state(video["id"], "canceled")
    if runs(svc, video["id"], "transcript")[-1]["state"] == "canceled":
        stored = items(cloud, video["id"])
        version = stored[f"videos/{video['id']}#version#transcript#1"]
        assert json.loads(version["result"]["S"])["words"] == words
        assert not any(name.startswith("transcripts/") for name in stored)


def test_the_same_key_asks_once(svc, settled):
    video = settled("no_audio", analyses=["celebrities"])
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert again(svc, video["id"], ["celebrities"], headers=key).status == 202
    svc.wait_state(video["id"], "complete")
    second = again(svc, video["id"], ["celebrities"], headers=key)
    assert second.status == 202 and second.json["state"] == "complete"
    assert len(runs(svc, video["id"], "celebrities")) == 2
    other = again(svc, video["id"], ["labels"], headers=key)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("body, code, pointer", [
    ({}, "missing_field", "/analyses"), ({"analyses": []}, "out_of_range", "/analyses"),
    ({"analyses": ["faces"]}, "bad_value", "/analyses/0"),
    ({"analyses": ["labels"], "frames": {"interval_ms": 500}}, "unknown_field", "/frames"),
    ({"analyses": ["labels"], "transcript": {"language": "en-US"}}, "bad_value", "/transcript"),
    ({"analyses": ["labels"], "labels": {"min_confidence": 101}}, "out_of_range",
     "/labels/min_confidence"),
    ({"analyses": ["transcript"], "transcript": {"language": "english"}}, "bad_value",
     "/transcript/language")])
def test_malformed_requests_are_told_where(svc, body, code, pointer):
    video = svc.submit("upload", filename="never.mp4")["id"]
    reply = svc.post(f"/videos/{video}/analyses", body)
    assert (reply.status, reply.json["code"], reply.json.get("pointer")) == (422, code, pointer)


@pytest.mark.parametrize("path, code", [
    ("/videos/{}/analyses/labels/1", "analysis_not_found"),
    ("/videos/{}/analyses/celebrities/2", "analysis_not_found"),
    ("/videos/{}/analyses/celebrities/0", "analysis_not_found"),
    ("/videos/{}/analyses/celebrities/one", "analysis_not_found"),
    ("/videos/{}/analyses/celebrities/99999999999", "analysis_not_found"),
    ("/videos/{}/analyses/everything/1", "analysis_not_found"),
    ("/videos/00000000-0000-7000-8000-000000000000/analyses", "video_not_found"),
    ("/videos/00000000-0000-7000-8000-000000000000/analyses/labels/1", "video_not_found"),
    ("/videos/no-id/analyses", "video_not_found"),
    ("/videos/no-id/analyses/labels/1", "video_not_found")])
def test_what_is_not_there_is_not_found(svc, path, code):
    video = svc.submit("upload", filename="never.mp4", analyses=["celebrities"])["id"]
    reply = svc.get(path.format(video))
    assert (reply.status, reply.json["code"]) == (404, code), reply
