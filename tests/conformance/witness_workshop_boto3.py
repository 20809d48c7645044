# SPDX-License-Identifier: Apache-2.0
"""localcloud gone through by the workshop's own steps, with Debian's boto3 and PyPI's
(workshop.py); then spotlist in the same bucket and table, read by the workshop's reader."""

import json
import subprocess

import pytest

import witnesses
from harness import Cloud, Postgres, Spotlist, plain_environment
from media import AAC, H264, Media, ffmpeg
from operations import CASES

BUCKET = "smith-immersionday"
TABLE = "rekognition-thumbs"
PYTHONS = {"Debian": "/usr/bin/python3", "PyPI": str(witnesses.PYTHON)}

pytestmark = pytest.mark.witness("boto3", "localcloud")


@pytest.fixture(scope="module")
def media():
    return Media()


@pytest.fixture(scope="module")
def clip(media, tmp_path_factory):
    """Five seconds of the sample: a named face, and narration."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ffmpeg(path, "-i", media.demo, "-t", 5, *H264, *AAC)
    return path


@pytest.fixture(scope="module", params=PYTHONS)
def done(request, media, clip, tmp_path_factory):
    """(localcloud, what the workshop reports)"""
    cloud = Cloud(tmp_path_factory.mktemp(request.param) / "data", gallery=media.gallery)
    ended = subprocess.run(
        [PYTHONS[request.param], str(witnesses.ROOT / "tests/conformance/workshop.py"),
         "--endpoint", cloud.url, "--ca", str(cloud.ca), "--video", str(clip), "--bucket", BUCKET],
        env=plain_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=300)
    assert ended.returncode == 0, ended.stderr[-4000:]
    yield cloud, json.loads(ended.stdout)
    cloud.stop()


@pytest.fixture(scope="module")
def spotlist(done, tmp_path_factory):
    """spotlist in the workshop's bucket and table: (spotlist, the finished video)."""
    cloud, report = done
    cluster = Postgres()
    service = Spotlist(tmp_path_factory.mktemp("svc"), cluster.create_database(), cloud,
                       bucket=BUCKET)
    video = service.submit(report["source"])
    yield service, service.wait_state(video["id"], "complete", timeout=180)
    service.stop()
    cluster.stop()


def read(cloud):
    """As a reader written for the workshop does: {fileName: names}, {fileName: labels}."""
    items = cloud.resource("dynamodb").Table(TABLE).scan()["Items"]
    return ({item["fileName"]: item["celebrities"] for item in items if "celebrities" in item},
            {item["fileName"]: json.loads(item["objects"]) for item in items if "objects" in item})


def test_the_workshop_goes_as_written(done):
    _, report = done
    assert report["frames"] == 5
    names = [item["celebrities"] for item in report["items"].values() if "celebrities" in item]
    assert ["Eileen Collins"] in names
    assert {"PROGRESSING", "INPUT_INFORMATION", "STATUS_UPDATE", "COMPLETE"} <= \
        set(report["statuses"])
    assert report["labels"] > 0 and report["pages"] > 1
    assert "astronaut" in report["transcript"]


def test_every_operation_of_spotlist_was_asked_and_its_answer_examined(done):
    _, report = done
    asked = {tuple(key.split()[:2]) for key, count in report["checked"].items()
             if count and key.split()[2][0] == "2"}
    used = {(case.service, case.operation) for case in CASES}
    assert used - asked == set()


def test_the_workshops_reader_reads_what_spotlist_writes(done, spotlist):
    cloud, report = done
    _, video = spotlist
    names, labels = read(cloud)
    mine = f"/{video['id']}/"
    by_spotlist = {key.rpartition(".")[0].rpartition(".")[2]: found
                   for key, found in names.items() if mine in key}
    by_workshop = {key.rpartition(".")[0].rpartition(".")[2]: found
                   for key, found in names.items() if mine not in key}
    assert by_spotlist == by_workshop != {}  # the same names at the same seconds
    [objects] = [found for key, found in labels.items() if mine in key]
    assert {each["Label"]["Name"] for each in objects} == \
        {each["Label"]["Name"] for each in labels[report["mp4"]]}


def test_the_workshops_items_are_as_they_were(done, spotlist):
    cloud, report = done
    table = cloud.resource("dynamodb").Table(TABLE)
    for name, item in report["items"].items():
        assert table.get_item(Key={"fileName": name})["Item"] == item


def test_spotlist_deletes_its_own_and_nothing_of_the_workshops(done, spotlist):
    cloud, report = done
    service, video = spotlist
    assert service.request("DELETE", f"/videos/{video['id']}").status in (202, 204)
    names, labels = {}, {}

    def gone():
        nonlocal names, labels
        names, labels = read(cloud)
        return not any(video["id"] in key for key in [*names, *labels])
    witnesses.harness.wait_until(gone, 60, "the end of spotlist's items")
    assert {*names, *labels} == set(report["items"])
