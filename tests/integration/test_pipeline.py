# SPDX-License-Identifier: Apache-2.0
"""Real footage through everything: HTTP, MediaConvert, Rekognition, Transcribe, DynamoDB, and back."""

import json

import pytest

from harness import BUCKET, TABLE, Cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, sample):
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data", gallery=sample.gallery)
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def demo(svc, sample):
    """The sample video, complete: (video, metadata)."""
    uri = svc.put_object("footage/sample.mp4", sample.demo)
    video = svc.submit(uri, title="The sample", tags=["demo", "test"])
    final = svc.wait_state(video["id"], "complete", timeout=300)
    return final, svc.metadata(video["id"])


@pytest.fixture(scope="module")
def items(demo, cloud):
    """All items of the table, by fileName: whoever reads it with boto3."""
    table = cloud.resource("dynamodb").Table(TABLE)
    found, page = {}, table.scan()
    while True:
        found.update({item["fileName"]: item for item in page["Items"]})
        if "LastEvaluatedKey" not in page:
            return found
        page = table.scan(ExclusiveStartKey=page["LastEvaluatedKey"])


def in_order(spans):
    return all(one["from_ms"] <= one["to_ms"] for one in spans) and \
        all(one["to_ms"] <= two["from_ms"] for one, two in zip(spans, spans[1:]))


def test_the_video_tells_its_story(demo):
    video, _ = demo
    assert {name: one["state"] for name, one in video["analyses"].items()} == {
        "celebrities": "complete", "labels": "complete", "transcript": "complete"}
    assert video["created_at"] <= video["completed_at"] <= video["updated_at"]
    times = [entry["at"] for entry in video["timeline"]]
    assert times == sorted(times) and len(times) >= 9
    assert {entry.get("analysis") for entry in video["timeline"]} == {
        None, "celebrities", "labels", "transcript"}


def test_the_metadata_repeats_the_submission(demo):
    video, document = demo
    for name in ("id", "state", "title", "tags", "source", "created_at", "completed_at",
                 "duration_ms"):
        assert document[name] == video[name], name
    assert (document["title"], document["tags"]) == ("The sample", ["demo", "test"])
    assert 15_000 <= document["duration_ms"] <= 30_000
    assert document["video"]["width"] > 0 and document["video"]["frame_rate"] > 0


def test_the_named_person_is_found_where_she_is(demo):
    _, document = demo
    collins = [one for one in document["celebrities"] if "Collins" in one["name"]]
    assert len(collins) == 1, [one["name"] for one in document["celebrities"]]
    detections = collins[0]["detections"]
    times = [one["time_ms"] for one in detections]
    interval = document["outputs"]["frames"]["interval_ms"]
    assert times == sorted(times) and all(time % interval == 0 for time in times)
    assert in_order(collins[0]["appearances"])
    for one in detections:
        box = one["box"]
        assert 0 < box["width"] < 1 and 0 < box["height"] < 1
        assert any(span["from_ms"] <= one["time_ms"] <= span["to_ms"]
                   for span in collins[0]["appearances"])
    assert collins[0]["confidence"] == max(one["confidence"] for one in detections)


def test_people_in_the_street_are_persons_with_boxes(demo):
    _, document = demo
    person = next(one for one in document["labels"] if one["name"] == "Person")
    assert in_order(person["appearances"])
    boxes = [instance["box"] for one in person["detections"] for instance in one["instances"]]
    assert len(boxes) >= 3
    assert all(one["confidence"] >= 85 for one in person["detections"])
    assert all(0 <= one["time_ms"] <= document["duration_ms"] for one in person["detections"])


def test_the_narration_is_read_back_word_by_word(demo):
    _, document = demo
    transcript = document["transcript"]
    assert transcript["language"] == "en-US"
    words = transcript["words"]
    assert len(words) >= 5
    starts = [word["from_ms"] for word in words]
    assert starts == sorted(starts) and words[-1]["to_ms"] <= document["duration_ms"] + 500
    spoken = " ".join(word["text"] for word in words).lower()
    assert spoken.split()[0] in transcript["text"].lower()
    assert transcript["segments"] and in_order(transcript["segments"])


def test_the_outputs_are_in_the_bucket(demo, cloud):
    video, document = demo
    outputs, s3 = document["outputs"], cloud.client("s3")
    assert outputs["mp4"].startswith(f"mp4/{video['id']}/")
    for key in (outputs["mp4"], outputs["audio"]):
        assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 1000
    frames = [entry["Key"] for page in s3.get_paginator("list_objects_v2").paginate(
                  Bucket=BUCKET, Prefix=outputs["frames"]["prefix"])
              for entry in page["Contents"]]
    assert len(frames) == outputs["frames"]["count"]
    expected = document["duration_ms"] / outputs["frames"]["interval_ms"]
    assert abs(len(frames) - expected) <= 1


def test_a_workshop_reader_finds_celebrities_objects_and_transcript(demo, items):
    """What the AWS workshop's own code would read: fileName, celebrities, objects, transcript."""
    _, document = demo
    by_frame = {}
    for celebrity in document["celebrities"]:
        for one in celebrity["detections"]:
            by_frame.setdefault(one["frame"], []).append(celebrity["name"])
    stored = {name: item["celebrities"] for name, item in items.items() if "celebrities" in item}
    assert {name: sorted(names) for name, names in stored.items()} == {
        name: sorted(names) for name, names in by_frame.items()}

    objects = json.loads(items[document["outputs"]["mp4"]]["objects"])
    assert {entry["Label"]["Name"] for entry in objects} == {
        label["name"] for label in document["labels"]}
    seen = sorted((entry["Timestamp"], entry["Label"]["Name"],
                   len(entry["Label"].get("Instances", []))) for entry in objects)
    assert seen == sorted((one["time_ms"], label["name"], len(one["instances"]))
                          for label in document["labels"] for one in label["detections"])

    texts = [item["transcript"] for item in items.values() if "transcript" in item]
    assert texts == [document["transcript"]["text"]]


def test_the_record_leads_to_every_item_without_a_scan(demo, items):
    video, document = demo
    record = items[f"videos/{video['id']}"]
    whole = json.dumps(record, default=str)
    assert document["outputs"]["mp4"] in whole
    assert video["id"] in whole
    assert all(item.get("videoId", record["fileName"].removeprefix("videos/")) == video["id"]
               for item in items.values())


def test_the_full_records_of_faces_are_kept(demo, items):
    _, document = demo
    frame = document["celebrities"][0]["detections"][0]
    item = items[frame["frame"]]
    assert int(item["timestampMs"]) == frame["time_ms"]
    face = item["celebrityFaces"]
    face = json.loads(face) if isinstance(face, str) else face
    box = face[0]["Face"]["BoundingBox"]
    assert float(box["Left"]) == pytest.approx(frame["box"]["left"], abs=1e-6)


def test_no_item_is_larger_than_400_kb(items):
    for name, item in items.items():
        assert len(json.dumps(item, default=str).encode()) <= 409_600, name


def test_sql_answers_who_is_on_screen_while_a_word_is_said(demo, pg):
    """The database agrees with the document."""
    video, document = demo
    rows = pg.query("SELECT count(*) FROM spotlist_data.transcript_words WHERE video_id = %s",
                    video["id"])
    assert rows == [(len(document["transcript"]["words"]),)]


def test_speech_is_transcribed(svc, sample):
    video = svc.submit(svc.put_object("speech.mp4", sample.speech), analyses=["transcript"])
    svc.wait_state(video["id"], "complete")
    document = svc.metadata(video["id"])
    text = document["transcript"]["text"].lower()
    assert "go" in text and "ten" in text, text
    assert document["celebrities"] == [] and document["labels"] == []
    assert set(document["analyses"]) == {"transcript"}


def test_empty_footage_yields_no_labels_and_nobody(svc, sample):
    video = svc.submit(svc.put_object("empty.mp4", sample.empty))
    svc.wait_state(video["id"], "complete")
    document = svc.metadata(video["id"])
    assert document["labels"] == [] and document["celebrities"] == []


def test_without_audio_the_transcript_is_skipped_and_the_video_complete(svc, sample):
    video = svc.submit(svc.put_object("silent.mp4", sample.no_audio))
    final = svc.wait_state(video["id"], "complete")
    transcript = final["analyses"]["transcript"]
    assert (transcript["state"], transcript["reason"]) == ("skipped", "no_audio")
    document = svc.metadata(video["id"])
    assert "transcript" not in document and "audio" not in document["outputs"]


@pytest.mark.parametrize("name", ["not_a_video", "truncated", "cut_off", "audio_only"])
def test_what_cannot_be_converted_fails_with_the_provider_s_words(svc, sample, name):
    video = svc.submit(svc.put_object(f"bad/{name}.mp4", getattr(sample, name)))
    final = svc.wait_state(video["id"], "failed")
    error = final["error"]
    assert error["code"] == "transcode_failed", final
    provider = error["provider"]
    assert provider["service"] == "mediaconvert"
    assert provider["code"].isdigit() and provider["message"]
    assert provider["message"] in error["message"]


def test_a_finer_interval_makes_more_frames(svc, sample):
    video = svc.submit(svc.put_object("fine.mp4", sample.no_audio), analyses=["celebrities"],
                       frames={"interval_ms": 250})
    svc.wait_state(video["id"], "complete")
    frames = svc.metadata(video["id"])["outputs"]["frames"]
    assert frames["interval_ms"] == 250
    assert 11 <= frames["count"] <= 13


def test_with_every_callback_dropped_the_video_still_completes(make_svc, cloud, sample):
    """Nobody is subscribed: only asking finds out."""
    svc = make_svc(cloud, subscribe=False, settings={"SPOTLIST_POLL_INTERVAL_MS": "200"})
    video = svc.submit(svc.put_object("quiet.mp4", sample.speech))
    svc.wait_state(video["id"], "complete", timeout=180)
    assert "forward" in svc.metadata(video["id"])["transcript"]["text"].lower()


def test_the_progress_of_work_is_shown(svc, sample):
    video = svc.submit(svc.put_object("progress.mp4", sample.no_audio), analyses=["celebrities"])
    final = svc.wait_state(video["id"], "complete")
    progress = final["analyses"]["celebrities"]["progress"]
    assert progress["done"] == progress["total"] == 3
