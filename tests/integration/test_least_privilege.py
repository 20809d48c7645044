# SPDX-License-Identifier: Apache-2.0
"""A video, analysed and analysed again, with the temporary keys of the role that the template makes, on a
localcloud that judges each request by the role's policy."""

import subprocess

import pytest

import replay
from harness import BUCKET, BUILD, Spotlist, plain_environment, program


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud):
    made = subprocess.run([program(BUILD, "spotlist"), "provision", "--bucket", BUCKET],
                          env={**plain_environment(), **cloud.environment()}, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    keys = cloud.client("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/spotlist", RoleSessionName="test")["Credentials"]
    spotlist = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings={
        **dict(line.split("=", 1) for line in made.stdout.splitlines()),
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "SPOTLIST_POLL_INTERVAL_MS": "400"})
    yield spotlist
    spotlist.stop()


def test_a_video_and_its_analyses_once_more(svc, cloud, replays):
    made = replay.write(replays, "least", frames=3, words=30)
    video = svc.submit(made.upload(cloud, BUCKET, "uploads/least.mp4"))
    final = svc.wait_state(video["id"], "complete", timeout=40)
    assert {name: one["state"] for name, one in final["analyses"].items()} == {
        "celebrities": "complete", "labels": "complete", "transcript": "complete"}
    again = svc.post(f"/videos/{video['id']}/analyses", {"analyses": ["labels", "transcript"]},
                     headers={"Content-Type": "application/json"})
    assert again.status == 202, again
    svc.wait_state(video["id"], "complete", timeout=40)
    assert "not authorized to perform" not in svc.log()


@pytest.mark.parametrize("service, action", [
    ("s3", lambda s3: s3.put_object(Bucket=BUCKET, Key="thumbs/x", Body=b"")),
    ("s3", lambda s3: s3.delete_bucket(Bucket=BUCKET)),
    ("sns", lambda sns: sns.list_topics()),
    ("iam", lambda iam: iam.list_roles())])
def test_what_the_role_does_not_need_is_refused(svc, service, action):
    import boto3  # pylint: disable=import-outside-toplevel
    given = svc.environment
    client = boto3.client(service, endpoint_url=svc.cloud.url, region_name=svc.cloud.region,
                          aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
                          aws_session_token=given["AWS_SESSION_TOKEN"])
    with pytest.raises(client.exceptions.ClientError) as error:
        action(client)
    assert error.value.response["Error"]["Code"] in ("AccessDenied", "AuthorizationError")
