# SPDX-License-Identifier: Apache-2.0
"""`spotlist doctor` in an account that `spotlist provision` has set up, and that somebody has
changed since. tests/conformance/witness_doctor.py runs the same against moto."""

import json
import subprocess

import pytest

from harness import BUILD, plain_environment, program
from test_provision import BUCKET, TABLE, account, provision, queue_url, topic  # noqa: F401

ENDPOINT = "https://spotlist.example.com/sns"


@pytest.fixture
def set_up(account):  # noqa: F811
    """The settings that provision printed."""
    ran = provision(account)
    assert ran.status == 0, ran.text
    return ran.settings


def doctor(account, settings, **environment):  # noqa: F811
    """{check: [(status, found and remedy), …]}"""
    done = subprocess.run(
        [program(BUILD, "spotlist"), "doctor", "--json"],
        env={**plain_environment(), **account.environment(), **settings,
             "SPOTLIST_DATABASE_URL": "host=/nonexistent", "AWS_MAX_ATTEMPTS": "1", **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=25, check=False)
    found = {}
    for line in done.stdout.splitlines():
        one = json.loads(line)
        found.setdefault(one["check"], []).append(
            (one["status"], f"{one['found']}. {one.get('remedy', '')}"))
    return found


def told(found, check, status, *words):
    lines = [text for one, text in found[check] if one == status]
    assert any(all(word in text for word in words) for text in lines), found[check]


def test_what_provision_made_is_as_it_should_be(account, set_up):  # noqa: F811
    found = doctor(account, set_up)
    blind = getattr(account, "blind", ())
    for check in ("settings", "aws settings", "endpoints", "clock", "credentials", "account",
                  "bucket", "bucket set-up", "table", "event rules",
                  *(() if "SignatureVersion" in blind else ("topics",))):
        assert [status for status, _ in found[check]] == ["ok"], found[check]
    for check in ("rekognition", *(() if blind else ("mediaconvert",))):  # moto has no ListJobs
        assert not {status for status, _ in found[check]} & {"fail"}, found[check]
    told(found, "subscriptions", "warn", "no subscription", "spotlist provision --endpoint")


def test_rules_that_are_off_gone_or_lead_elsewhere(account, set_up):  # noqa: F811
    events = account.client("events")
    events.disable_rule(Name="spotlist-mediaconvert")
    told(doctor(account, set_up), "event rules", "warn", "spotlist-mediaconvert is DISABLED",
         "spotlist provision")
    events.enable_rule(Name="spotlist-mediaconvert")
    events.remove_targets(Rule="spotlist-transcribe", Ids=["sns"])
    told(doctor(account, set_up), "event rules", "warn", "spotlist-transcribe sends to no topic")
    events.delete_rule(Name="spotlist-transcribe")
    told(doctor(account, set_up), "event rules", "warn", "no rule spotlist-transcribe")


def test_a_topic_that_lets_nobody_publish(account, set_up):  # noqa: F811
    arn = topic(account, "spotlist-events")
    account.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Sid": "other", "Effect": "Allow", "Action": "sns:Publish", "Resource": arn,
                "Principal": {"Service": "budgets.amazonaws.com"}}]}))
    found = doctor(account, set_up)
    told(found, "topics", "warn", arn, "neither EventBridge nor S3")
    told(found, "event rules", "fail", arn, "does not let EventBridge publish")


def test_a_bucket_that_lost_its_set_up(account, set_up):  # noqa: F811
    s3 = account.client("s3")
    s3.delete_bucket_cors(Bucket=BUCKET)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True})
    found = doctor(account, set_up)
    told(found, "bucket set-up", "warn", "no CORS rule", "spotlist provision")
    told(found, "bucket set-up", "warn", "no lifecycle rule")
    told(found, "bucket set-up", "warn", "no topic is told of uploads")
    told(found, "bucket set-up", "warn", "BlockPublicPolicy")


def test_notifications_to_a_topic_of_somebody_elses(account, set_up):  # noqa: F811
    found = doctor(account, set_up, SPOTLIST_SNS_TOPIC_ARNS=topic(account, "spotlist-events"))
    told(found, "bucket set-up", "warn", "spotlist-uploads", "SPOTLIST_SNS_TOPIC_ARNS")


def test_roles_that_are_gone_or_trust_others(account, set_up):  # noqa: F811
    iam = account.client("iam")
    iam.update_assume_role_policy(RoleName="RekognitionRole", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"}}]}))
    iam.delete_role_policy(RoleName="vod-MediaConvertRole", PolicyName="spotlist")
    iam.delete_role(RoleName="vod-MediaConvertRole")
    found = doctor(account, set_up)
    told(found, "rekognition", "fail", "does not trust rekognition.amazonaws.com",
         "spotlist provision")
    told(found, "mediaconvert", "fail", "SPOTLIST_MEDIACONVERT_ROLE_ARN", "there is no role")


def test_roles_that_may_not_do_their_work(account, set_up):  # noqa: F811
    if getattr(account, "blind", ()):
        pytest.skip("moto simulates no policies")
    iam = account.client("iam")
    for role in ("vod-MediaConvertRole", "RekognitionRole"):
        iam.put_role_policy(RoleName=role, PolicyName="spotlist", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))
    found = doctor(account, set_up)
    told(found, "mediaconvert", "fail", "may not s3:PutObject on", "/thumbs/", "implicitDeny")
    told(found, "rekognition", "fail", "may not sns:Publish on", "AmazonRekognition")


def test_recovery_that_is_off(account, set_up):  # noqa: F811
    account.client("dynamodb").update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})
    told(doctor(account, set_up), "table", "warn", "point-in-time recovery", "spotlist provision")


def test_topics_and_queue_that_are_gone(account, set_up):  # noqa: F811
    account.client("sns").delete_topic(TopicArn=topic(account, "spotlist-uploads"))
    found = doctor(account, set_up)
    told(found, "topics", "fail", "spotlist-uploads", "spotlist provision")


# --- as spotlist's own role ----------------------------------------------------------------------

def as_role(account):  # noqa: F811
    number = account.client("sts").get_caller_identity()["Account"]
    keys = account.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{number}:role/spotlist", RoleSessionName="doctor")["Credentials"]
    return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"]}


def change_role(account, without=(), also=()):  # noqa: F811
    """Takes actions out of spotlist's policy, and adds some."""
    iam = account.client("iam")
    policy = iam.get_role_policy(RoleName="spotlist", PolicyName="spotlist")["PolicyDocument"]
    kept = []
    for statement in policy["Statement"]:
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        statement["Action"] = [action for action in actions if action not in without]
        kept += [statement] if statement["Action"] else []
    if also:
        kept.append({"Effect": "Allow", "Action": list(also), "Resource": "*"})
    iam.put_role_policy(RoleName="spotlist", PolicyName="spotlist",
                        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": kept}))


MISSING = ("s3:DeleteObject", "mediaconvert:GetJob", "rekognition:StartLabelDetection",
           "transcribe:DeleteTranscriptionJob", "dynamodb:PutItem")


@pytest.fixture
def enforced(account):  # noqa: F811
    if getattr(account, "blind", ()):
        pytest.skip("moto keeps no policies")


def test_the_role_itself_sees_what_it_needs(account, set_up, enforced):  # noqa: F811
    found = doctor(account, set_up, **as_role(account))
    failed = {check for check, lines in found.items() for status, _ in lines if status == "fail"}
    assert failed == {"database"}, found
    told(found, "credentials", "ok", "assumed-role/spotlist/doctor", "temporary")
    told(found, "table", "ok", "with our key")
    told(found, "permissions", "ok", "were tried and are allowed")
    told(found, "permissions", "skip", "mediaconvert:CreateJob", "iam:SimulatePrincipalPolicy")
    for check in ("bucket set-up", "topics", "event rules", "rekognition"):
        told(found, check, "skip", "may not", "operator's credentials")
    left = account.client("s3").list_objects_v2(Bucket=BUCKET)
    assert left["KeyCount"] == 0, left  # what it put is gone again
    assert account.client("dynamodb").scan(TableName=TABLE)["Count"] == 0


def test_permissions_that_are_missing_are_found_by_trying(account, set_up, enforced):  # noqa: F811
    change_role(account, without=MISSING)
    found = doctor(account, set_up, **as_role(account))
    for action in MISSING:
        told(found, "permissions", "fail", f"{action} is denied", "spotlist provision")
    assert len([one for one, _ in found["permissions"] if one == "fail"]) == len(MISSING)


def test_permissions_that_are_missing_are_found_by_simulation(account, set_up, enforced):  # noqa: F811
    missing = ("iam:PassRole", "mediaconvert:CreateJob", "transcribe:StartTranscriptionJob",
               *MISSING)
    change_role(account, without=missing, also=("iam:SimulatePrincipalPolicy", "iam:GetRole"))
    found = doctor(account, set_up, **as_role(account))
    for action in missing:
        told(found, "permissions", "fail", f"may not {action} on", "implicitDeny")
