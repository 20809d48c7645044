# SPDX-License-Identifier: Apache-2.0
"""A video through everything while DynamoDB is AWS's own DynamoDB Local, and PostgreSQL made again
out of that."""

import pytest

from harness import TABLE, Cloud, Postgres, Spotlist, wait_until
from media import AAC, H264, Media, ffmpeg
from witnesses import good

pytestmark = pytest.mark.witness("localcloud")


@pytest.fixture(scope="module")
def svc(dynamodb_local, tmp_path_factory):
    """spotlist on localcloud, but for its record."""
    media = Media()
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data", gallery=media.gallery)
    cluster = Postgres()
    good(dynamodb_local, "dynamodb.create_table", request={
        "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "fileName", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "fileName", "AttributeType": "S"}]})
    spotlist = Spotlist(tmp_path_factory.mktemp("svc"), cluster.create_database(), cloud,
                        settings={"AWS_ENDPOINT_URL_DYNAMODB": dynamodb_local.url})
    clip = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ffmpeg(clip, "-i", media.demo, "-t", 5, *H264, *AAC)
    spotlist.clip = spotlist.put_object("in/한국어 clip+1.mp4", clip)
    yield spotlist
    spotlist.stop()
    cluster.stop()
    cloud.stop()


@pytest.fixture(scope="module")
def video(svc):
    video = svc.submit(svc.clip, title="„é“ 한", tags=["witness"])
    return svc.wait_state(video["id"], "complete", timeout=300)


def items(witness):
    return witness.session().resource(
        "dynamodb", endpoint_url=witness.url).Table(TABLE).scan()["Items"]


def test_the_results_are_in_dynamodb_local(svc, video, dynamodb_local):
    names = {item["fileName"]: item for item in items(dynamodb_local)}
    assert names[f"videos/{video['id']}"]
    frames = [item for item in names.values() if "celebrities" in item]
    assert frames and frames[0]["celebrities"][0] == "Eileen Collins"
    assert any("objects" in item for item in names.values())
    assert any("transcript" in item for item in names.values())
    assert items(svc.cloud) == []


def test_the_two_stores_agree(svc, video):
    done = svc.command("rebuild", "--check")
    assert done.stdout == ""


def test_a_lost_database_comes_back_out_of_it(svc, video):
    targets = [f"/videos/{video['id']}", f"/videos/{video['id']}/metadata", "/videos"]
    before = [svc.get(target).body for target in targets]
    svc.database.query("DROP SCHEMA spotlist_data CASCADE")
    svc.database.query("DROP SCHEMA IF EXISTS spotlist CASCADE")
    svc.command("migrate")
    assert svc.get(targets[0]).status == 404
    svc.command("rebuild")
    assert [svc.get(target).body for target in targets] == before
    assert svc.command("rebuild", "--check").stdout == ""


def test_what_is_deleted_is_deleted_there(svc, dynamodb_local):
    other = svc.submit(svc.clip, analyses=["celebrities"])["id"]
    svc.wait_state(other, "complete", timeout=300)
    assert any(other in item["fileName"] for item in items(dynamodb_local))
    assert svc.request("DELETE", f"/videos/{other}").status in (202, 204)
    wait_until(lambda: svc.get(f"/videos/{other}").status == 404, 60, "the end of the video")
    assert not any(other in item["fileName"] for item in items(dynamodb_local))
