# SPDX-License-Identifier: Apache-2.0
"""Documents that were stored in a format of before: nobody gets them, and they are made again."""

import pytest

import replay
from harness import wait_until


@pytest.fixture(scope="module")
def videos(svc, cloud, replays):
    """Whole documents by video."""
    made = replay.write(replays, "formats", frames=6, celebrities=1, labels=2, words=12)
    uris = [made.upload(cloud, svc.bucket, f"in/formats-{n}.mp4") for n in range(3)]
    ids = [svc.submit(uri)["id"] for uri in uris]
    for one in ids:
        svc.wait_state(one, "complete")
    return {one: svc.metadata(one) for one in ids}


def make_old(svc):
    """All documents as an earlier spotlist might have left them."""
    svc.database.query("UPDATE spotlist_data.document_parts SET body = '{\"labels\":[\"old\"]}'")
    svc.database.query("UPDATE spotlist_data.documents SET format = 1, size_bytes = 18")


def formats(svc):
    return {one for one, in svc.database.query("SELECT format FROM spotlist_data.documents")}


def test_an_old_document_is_not_answered_but_kept(svc, videos):
    make_old(svc)
    for one, whole in videos.items():
        wait_until(lambda one=one, whole=whole: svc.metadata(one) == whole)
    if formats(svc) == {1}:  # unless the minute was over
        run = svc.get(f"/videos/{next(iter(videos))}/analyses/labels/1", validate=False).json
        assert run["result"] == ["old"], "versions are made of it"


def test_the_mirror_is_not_blamed_for_it(svc, videos):
    make_old(svc)
    done = svc.command("rebuild", "--check", *(word for one in videos for word in ("--video", one)))
    assert done.returncode == 0 and "documents" not in done.stdout, done.stdout


def test_they_are_made_again(svc, videos):
    svc.stop()
    make_old(svc)
    svc.database.query("INSERT INTO spotlist_data.document_parts "
                       "SELECT video_id, gen_random_uuid(), 0, 'left' FROM spotlist_data.documents")
    with svc.logs('msg="documents made again" .*documents=3'):
        svc.start()
    assert formats(svc) == {svc.database.query("SELECT spotlist_data.document_format()")[0][0]}
    assert svc.database.query("SELECT count(*) FROM spotlist_data.document_parts") == [(3,)]
    for one, whole in videos.items():
        assert svc.metadata(one) == whole
