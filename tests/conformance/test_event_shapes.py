# SPDX-License-Identifier: Apache-2.0
"""Events that localcloud sends, each of its kinds once at least, have the shapes of AWS's."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import event_shapes  # noqa: E402
import harness  # noqa: E402
from media import Media  # noqa: E402
from receiver import Receiver  # noqa: E402

BUCKET = "shapes"
ROLE = "arn:aws:iam::000000000000:role/role"
CLOUDS = set(event_shapes.SHAPES) - set(event_shapes.NOT_LOCALCLOUDS)


def subscribe(cloud, receiver):
    """One topic for all: EventBridge's rules, Rekognition's channel, S3's notifications."""
    topic = cloud.client("sns").create_topic(Name="shapes")["TopicArn"]
    receiver.subscribe(cloud.client("sns"), topic)
    rules = cloud.client("events")
    rules.put_rule(Name="all", EventPattern='{"source": ["aws.mediaconvert", "aws.transcribe"]}')
    rules.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": topic}])
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": {
            "Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}}]})
    return topic


def transcode(cloud, key, status_every="SECONDS_10"):
    frames = {"NameModifier": "_f", "ContainerSettings": {"Container": "RAW"}, "VideoDescription": {
        "CodecSettings": {"Codec": "FRAME_CAPTURE", "FrameCaptureSettings": {
            "FramerateNumerator": 1, "FramerateDenominator": 1}}}}
    sound = {"CodecSettings": {"Codec": "AAC", "AacSettings": {
        "Bitrate": 96000, "SampleRate": 48000, "CodingMode": "CODING_MODE_2_0"}}}
    audio = {"NameModifier": "_a", "ContainerSettings": {"Container": "MP4"},
             "AudioDescriptions": [sound]}
    groups = [{"Outputs": [output], "OutputGroupSettings": {
        "Type": "FILE_GROUP_SETTINGS",
        "FileGroupSettings": {"Destination": f"s3://{BUCKET}/out/"}}} for output in (frames, audio)]
    return cloud.client("mediaconvert").create_job(
        Role=ROLE, UserMetadata={"key": "value"}, StatusUpdateInterval=status_every,
        Settings={"OutputGroups": groups, "Inputs": [{
            "FileInput": f"s3://{BUCKET}/{key}", "VideoSelector": {},
            "AudioSelectors": {"Audio Selector 1": {"DefaultSelection": "DEFAULT"}}}]})["Job"]["Id"]


def provoke(cloud, topic, media):
    """One cause of every kind of event."""
    s3 = cloud.client("s3")
    for key, path in [("in/short.mp4", media.short), ("in/text.mp4", media.not_a_video)]:
        s3.upload_file(str(path), BUCKET, key)
    transcode(cloud, "in/short.mp4")
    transcode(cloud, "in/none.mp4")
    cloud.client("mediaconvert").cancel_job(Id=transcode(cloud, "in/short.mp4"))
    for key in ("in/short.mp4", "in/text.mp4"):
        cloud.client("rekognition").start_label_detection(
            Video={"S3Object": {"Bucket": BUCKET, "Name": key}}, JobTag="tag",
            NotificationChannel={"SNSTopicArn": topic, "RoleArn": ROLE})
        cloud.client("transcribe").start_transcription_job(
            TranscriptionJobName=key[3:], LanguageCode="en-US", OutputBucketName=BUCKET,
            Media={"MediaFileUri": f"s3://{BUCKET}/{key}"})


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """{kind: events of it} as localcloud sent them."""
    cloud, receiver = harness.Cloud(tmp_path_factory.mktemp("shapes") / "data"), Receiver()
    found = {}
    provoke(cloud, subscribe(cloud, receiver), Media())
    while set(found) != CLOUDS:
        try:
            delivery = receiver.next(60 * harness.PATIENCE)
        except Exception as error:
            raise AssertionError(f"never sent: {CLOUDS - set(found)}") from error
        event = json.loads(delivery.json["Message"])
        found.setdefault(event_shapes.kind_of(event), []).append(event)
    receiver.close()
    cloud.stop()
    return found


@pytest.mark.parametrize("kind", sorted(CLOUDS))
def test_events_of_localcloud_have_the_shape_of_awss(sent, kind):
    for event in sent[kind]:
        assert event_shapes.differences(event, event_shapes.SHAPES[kind]) == []


def test_what_localcloud_never_sends_is_written_down(sent):
    possible = set().union(*(event_shapes.optional_members(event_shapes.SHAPES[kind])
                             for kind in CLOUDS))
    seen = set().union(*(event_shapes.members(event) for events in sent.values()
                         for event in events))
    assert possible - seen == set(event_shapes.NEVER)


def test_shapes_find_what_differs():
    for kind, shape in event_shapes.SHAPES.items():
        event = event_shapes.example(kind)
        assert event_shapes.kind_of(event) == kind
        assert event_shapes.differences(event, shape) == []
        for name in shape:
            if not name.endswith("?"):
                less = {key: value for key, value in event.items() if key != name}
                assert event_shapes.differences(less, shape) == [f".{name}: missing"]
        assert event_shapes.differences({**event, "odd": 1}, shape) == [".odd: not known"]
