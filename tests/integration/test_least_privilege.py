# SPDX-License-Identifier: Apache-2.0
"""Videos with the temporary keys of the role that the template makes, on a localcloud that judges each
request by the role's policy: what the role allows is enough, and less is not."""

import copy
import json
import subprocess
import urllib.error
import urllib.request

import pytest

import replay
from harness import BUCKET, BUILD, Spotlist, plain_environment, program, wait_until

ROLE = {"RoleName": "spotlist", "PolicyName": "spotlist"}
REFUSED = "not authorized to perform"


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
    assert REFUSED not in svc.log()


def deleted(svc, video_id):
    reply = svc.request("DELETE", f"/videos/{video_id}")
    assert reply.status == 202, reply
    wait_until(lambda: svc.get(f"/videos/{video_id}").status == 404)


def uploaded(svc, content):
    """A video whose source is put by its presigned URL."""
    video = svc.submit("upload", filename="a.mp4")
    sent = urllib.request.Request(video["upload"]["url"], content, method="PUT",
                                  headers=video["upload"]["headers"])
    with urllib.request.urlopen(sent) as reply:
        assert reply.status == 200
    return video


def test_an_upload_is_rebuilt_and_deleted(svc, cloud, replays):
    video = uploaded(svc, replay.write(replays, "uploaded", frames=3, words=30).content)
    svc.wait_state(video["id"], "complete", timeout=40)
    svc.command("rebuild", "--check")
    deleted(svc, video["id"])
    left = cloud.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    assert not [one["Key"] for one in left if video["id"] in one["Key"]]
    assert REFUSED not in svc.log()


@pytest.fixture(scope="module")
def slow(cloud, replays):
    """Sources whose jobs run until they are cancelled."""
    return {kind: replay.write(replays, f"slow-{kind}", frames=2, words=10,
                               **{f"{kind}_ms": 120000}).upload(cloud, BUCKET, f"in/{kind}.mp4")
            for kind in ("transcode", "transcript")}


def cancelled(svc, slow, kind):
    """A video whose job of that kind runs, and its cancellation asked for."""
    video = svc.submit(slow[kind])["id"]
    started = "transcode_started" if kind == "transcode" else "started"
    wait_until(lambda: any(one["event"] == started
                           and (kind == "transcode" or one["analysis"] == kind)
                           for one in svc.video(video)["timeline"]))
    assert svc.post(f"/videos/{video}/cancel").status == 202
    return video


@pytest.mark.parametrize("kind", ["transcode", "transcript"])
def test_a_running_job_is_cancelled(svc, slow, kind):
    svc.wait_state(cancelled(svc, slow, kind), "canceled", timeout=40)
    assert REFUSED not in svc.log()


# What meets the lack of each action first.
TRIGGERS = {
    **dict.fromkeys(("s3:GetObject", "mediaconvert:CreateJob",
                     "iam:PassRole PassMediaConvertRole", "iam:PassRole PassRekognitionRole",
                     "rekognition:RecognizeCelebrities", "rekognition:StartLabelDetection",
                     "rekognition:GetLabelDetection", "transcribe:StartTranscriptionJob",
                     "transcribe:GetTranscriptionJob", "dynamodb:PutItem",
                     "dynamodb:BatchWriteItem"), "submit"),
    "s3:PutObject": "upload",
    "mediaconvert:GetJob": "wait", "mediaconvert:CancelJob": "transcode",
    "transcribe:DeleteTranscriptionJob": "transcript",
    "s3:DeleteObject": "delete", "s3:ListBucket": "delete", "dynamodb:GetItem": "rebuild",
    "dynamodb:BatchGetItem": "rebuild", "dynamodb:Scan": "rebuild",
    # Asked for before a job is created again, after a crash in between.
    "mediaconvert:ListJobs": None,
}


def without(policy, name):
    """The policy without one action, of the statement that is named or of all."""
    action, _, sid = name.partition(" ")
    narrowed = copy.deepcopy(policy)
    for statement in narrowed["Statement"]:
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        if action in actions and sid in ("", statement["Sid"]):
            # A statement needs an action; this one is nobody's.
            statement["Action"] = [one for one in actions if one != action] or ["none:None"]
    assert narrowed != policy
    return narrowed


@pytest.fixture(scope="module")
def policy(svc, cloud):
    return cloud.client("iam").get_role_policy(**ROLE)["PolicyDocument"]


def test_every_action_has_its_trial(policy):
    named = set()
    for statement in policy["Statement"]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            named.add(f"{action} {statement['Sid']}" if action == "iam:PassRole" else action)
    assert named == set(TRIGGERS)


def meet(svc, slow, trigger, source):
    """Does what needs the action; what is said of it beside the log."""
    if trigger == "rebuild":
        return svc.command("rebuild", "--check", check=False).stderr
    if trigger == "upload":
        with pytest.raises(urllib.error.HTTPError) as error:
            uploaded(svc, b"")
        return error.value.read().decode()
    if trigger in slow:
        cancelled(svc, slow, trigger)
    elif trigger == "wait":
        svc.submit(slow["transcode"])
    elif trigger == "delete":
        svc.request("DELETE", f"/videos/{source}")
    else:
        return str(svc.post("/videos", {"source": source}))
    return ""


@pytest.mark.parametrize("name", [name for name, trigger in TRIGGERS.items() if trigger])
def test_each_action_is_needed(svc, cloud, policy, replays, slow, name):
    trigger = TRIGGERS[name]
    made = replay.write(replays, "needed", frames=2, words=10)
    source = made.upload(cloud, BUCKET, "in/needed.mp4")
    if trigger in ("delete", "rebuild"):
        video = svc.submit(source)["id"]
        svc.wait_state(video, "complete", timeout=40)
        source = video
    iam = cloud.client("iam")
    offset = len(svc.log())
    iam.put_role_policy(**ROLE, PolicyDocument=json.dumps(without(policy, name)))
    try:
        printed = meet(svc, slow, trigger, source)
        # Of keys of a DeleteObjects S3 says no more than "Access Denied".
        words = ("Access Denied", "operation=DeleteObjects") if name == "s3:DeleteObject" else (
            REFUSED, name.split(" ")[0])
        wait_until(lambda: any(all(word in line for word in words)
                               for line in (printed + svc.log(offset)).splitlines()))
    finally:
        iam.put_role_policy(**ROLE, PolicyDocument=json.dumps(policy))


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
