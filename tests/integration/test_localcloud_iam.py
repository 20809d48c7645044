# SPDX-License-Identifier: Apache-2.0
"""localcloud's IAM and STS, with boto3 as the independent client: roles, temporary keys, and that
every service refuses what a role may not do."""

import base64
import json

import boto3
import pytest
from botocore.exceptions import ClientError

from harness import client_config, wait_until

ACCOUNT = "000000000000"
TRUST = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "sts:AssumeRole"}]}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions, resources="*", **more):
    return {**allow(actions, resources, **more), "Effect": "Deny"}


def code_of(error):
    return error.value.response["Error"]["Code"]


@pytest.fixture
def role(cloud):
    """Makes role "worker" with the given statements; gives a function that makes its clients."""
    iam = cloud.client("iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))

    def make(*statements, **options):
        if statements:
            iam.put_role_policy(RoleName="worker", PolicyName="own",
                                PolicyDocument=policy(*statements))
        keys = cloud.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/worker", RoleSessionName="me",
            **options)["Credentials"]
        return clients(cloud, keys)
    yield make
    for name in iam.list_role_policies(RoleName="worker")["PolicyNames"]:
        iam.delete_role_policy(RoleName="worker", PolicyName=name)
    iam.delete_role(RoleName="worker")


def clients(cloud, keys):
    def client(service, **other):
        given = {"aws_access_key_id": keys["AccessKeyId"],
                 "aws_secret_access_key": keys["SecretAccessKey"],
                 "aws_session_token": keys["SessionToken"], **other}
        return boto3.client(service, endpoint_url=cloud.url, region_name=cloud.region,
                            config=client_config(), **given)
    return client


@pytest.fixture
def bucket(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="judged")
    s3.put_object(Bucket="judged", Key="in/a", Body=b"a")
    yield "judged"
    for item in s3.list_objects_v2(Bucket="judged").get("Contents", []):
        s3.delete_object(Bucket="judged", Key=item["Key"])
    s3.delete_bucket(Bucket="judged")


# --- roles and policies ---------------------------------------------------------------------------

def test_what_is_there_twice_missing_or_in_use(cloud, role):
    iam = cloud.client("iam")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="nobody")
    role(allow("s3:*"))
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName="worker")
    assert iam.get_role(RoleName="worker")["Role"]["AssumeRolePolicyDocument"] == TRUST


@pytest.mark.parametrize("document", [
    "{", "[]", "{}", '{"Statement": []}', policy({"Effect": "Allow", "Action": "s3:*"}),
    policy(allow("GetObject")), policy(allow("s3:*", "judged")),
    policy(allow("s3:*", Principal="*")), policy({**allow("s3:*"), "Effect": "Maybe"}),
    policy(allow("s3:*", Condition={"StringAlike": {"a": "b"}})),
    policy(allow("s3:*", Extra=1)), policy({**allow("s3:*"), "NotAction": "s3:*"})])
def test_a_malformed_document_is_refused(cloud, role, document):
    assert role
    with pytest.raises(ClientError) as error:
        cloud.client("iam").put_role_policy(
            RoleName="worker", PolicyName="bad", PolicyDocument=document)
    assert code_of(error) == "MalformedPolicyDocument"


def test_managed_policies_have_versions_and_are_attached(cloud, role):
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName="m", PolicyDocument=policy(allow("sns:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("sns:ListTopics")),
                              SetAsDefault=True)
    iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    client = role()
    client("sns").list_topics()
    with pytest.raises(ClientError) as error:
        client("sns").create_topic(Name="x")
    assert code_of(error) == "AuthorizationError"
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_role_policy(RoleName="worker", PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)


# --- the rules: action, resource, statements, context -> decision ---------------------------------

KEY = "arn:aws:s3:::judged/in/a"
CASES = [
    ("s3:GetObject", KEY, [], {}, "implicitDeny"),
    ("s3:GetObject", KEY, [allow("s3:GetObject", KEY)], {}, "allowed"),
    ("s3:getobject", KEY, [allow("S3:Get*", KEY)], {}, "allowed"),
    ("s3:GetObject", KEY, [allow("s3:?etObject", "arn:aws:s3:::judged/*")], {}, "allowed"),
    ("s3:GetObject", KEY, [allow("s3:GetObject", "arn:aws:s3:::judged/IN/*")], {}, "implicitDeny"),
    ("s3:GetObject", KEY, [allow("s3:GetObject", "arn:aws:s3:::judged")], {}, "implicitDeny"),
    ("s3:GetObject", KEY, [allow("*"), deny("s3:Get*")], {}, "explicitDeny"),
    ("s3:GetObject", KEY, [deny("s3:Get*"), allow("*")], {}, "explicitDeny"),
    ("s3:GetObject", KEY, [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], {}, "allowed"),
    ("iam:GetRole", "*", [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], {},
     "implicitDeny"),
    ("s3:GetObject", KEY, [{"Effect": "Allow", "Action": "s3:*", "NotResource": KEY}], {},
     "implicitDeny"),
    ("s3:GetObject", KEY, [allow("s3:*", "arn:aws:s3:::${aws:username}/*")],
     {"aws:username": "judged"}, "allowed"),
    ("s3:GetObject", KEY, [allow("s3:*", "arn:aws:s3:::${aws:username}/*")], {}, "implicitDeny"),
    ("s3:GetObject", KEY, [allow("s3:*", "arn:aws:s3:::${aws:username}/*")],
     {"aws:username": "*"}, "implicitDeny"),
    *[("iam:PassRole", "*", [allow("iam:PassRole", Condition=condition)], context, decision)
      for condition, context, decision in [
          ({"StringEquals": {"iam:PassedToService": "a"}}, {"iam:passedtoservice": "a"}, "allowed"),
          ({"StringEquals": {"key:a": "a"}}, {}, "implicitDeny"),
          ({"StringEqualsIfExists": {"key:a": "a"}}, {}, "allowed"),
          ({"StringEquals": {"key:a": ["b", "a"]}}, {"key:a": "a"}, "allowed"),
          ({"StringEquals": {"key:a": "A"}}, {"key:a": "a"}, "implicitDeny"),
          ({"StringEqualsIgnoreCase": {"key:a": "A"}}, {"key:a": "a"}, "allowed"),
          ({"StringEquals": {"key:a": "*"}}, {"key:a": "a"}, "implicitDeny"),
          ({"StringLike": {"key:a": "x*z"}}, {"key:a": "xyz"}, "allowed"),
          ({"StringNotEquals": {"key:a": ["a", "b"]}}, {"key:a": "b"}, "implicitDeny"),
          ({"StringNotEquals": {"key:a": "a"}}, {}, "allowed"),
          ({"StringNotLike": {"key:a": "a*"}}, {"key:a": "ba"}, "allowed"),
          ({"ArnLike": {"key:a": "arn:aws:sns:*:1:t*"}}, {"key:a": "arn:aws:sns:x:1:topic"}, "allowed"),
          ({"ArnEquals": {"key:a": "arn:aws:*:1:t"}}, {"key:a": "arn:aws:sns:x:1:t"}, "implicitDeny"),
          ({"Bool": {"key:a": "false"}}, {"key:a": "false"}, "allowed"),
          ({"Null": {"key:a": "true"}}, {}, "allowed"),
          ({"Null": {"key:a": "false"}}, {}, "implicitDeny"),
          ({"NumericLessThan": {"key:a": "10"}}, {"key:a": "9"}, "allowed"),
          ({"NumericLessThanEquals": {"key:a": "10"}}, {"key:a": "x"}, "implicitDeny"),
          ({"DateGreaterThan": {"key:a": "2026-01-01T00:00:00Z"}}, {"key:a": "2026-06-01T00:00:00Z"},
           "allowed"),
          ({"IpAddress": {"key:a": "10.0.0.0/8"}}, {"key:a": "10.2.3.4"}, "allowed"),
          ({"NotIpAddress": {"key:a": "10.0.0.0/8"}}, {"key:a": "10.2.3.4"}, "implicitDeny"),
          ({"ForAllValues:StringEquals": {"key:a": ["a", "b"]}}, {"key:a": ["a", "b"]}, "allowed"),
          ({"ForAllValues:StringEquals": {"key:a": ["a"]}}, {"key:a": ["a", "b"]}, "implicitDeny"),
          ({"ForAllValues:StringEquals": {"key:a": ["a"]}}, {}, "allowed"),
          ({"ForAnyValue:StringEquals": {"key:a": ["b"]}}, {"key:a": ["a", "b"]}, "allowed"),
          ({"ForAnyValue:StringEquals": {"key:a": ["a"]}}, {}, "implicitDeny"),
          ({"StringEquals": {"key:a": "a", "key:b": "b"}}, {"key:a": "a", "key:b": "c"}, "implicitDeny"),
      ]],
]


@pytest.mark.parametrize("action, resource, statements, context, decision", CASES)
def test_the_published_rules(cloud, role, action, resource, statements, context, decision):
    assert role
    iam = cloud.client("iam")
    if statements:
        iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=policy(*statements))
    entries = [{"ContextKeyName": key, "ContextKeyType": "string",
                "ContextKeyValues": value if isinstance(value, list) else [value]}
               for key, value in context.items()]
    [result] = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/worker", ActionNames=[action],
        ResourceArns=[resource], ContextEntries=entries)["EvaluationResults"]
    assert result["EvalDecision"] == decision


# --- temporary keys -------------------------------------------------------------------------------

def test_the_caller_is_the_session(role):
    identity = role()("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/me"
    assert identity["UserId"].endswith(":me") and identity["Account"] == ACCOUNT


@pytest.mark.parametrize("trust", [
    {"Principal": {"Service": "ec2.amazonaws.com"}}, {"Principal": {"AWS": "111111111111"}},
    {"Condition": {"StringEquals": {"sts:ExternalId": "x"}}}, {"Effect": "Deny"}])
def test_trust_decides_who_takes_a_role(cloud, role, trust):
    statement = {**TRUST["Statement"][0], **trust}
    cloud.client("iam").update_assume_role_policy(
        RoleName="worker", PolicyDocument=json.dumps({**TRUST, "Statement": [statement]}))
    with pytest.raises(ClientError) as error:
        role()
    assert code_of(error) == "AccessDenied" and "sts:AssumeRole" in str(error.value)


@pytest.mark.parametrize("service, call, wrong, codes", [
    ("s3", lambda c: c.list_buckets(), "token", "InvalidToken"),
    ("s3", lambda c: c.list_buckets(), "key", "InvalidAccessKeyId"),
    ("s3", lambda c: c.list_buckets(), "secret", "SignatureDoesNotMatch"),
    ("sts", lambda c: c.get_caller_identity(), "token", "InvalidClientTokenId"),
    ("sts", lambda c: c.get_caller_identity(), "key", "InvalidClientTokenId"),
    ("sts", lambda c: c.get_caller_identity(), "secret", "SignatureDoesNotMatch"),
    ("dynamodb", lambda c: c.list_tables(), "token", "UnrecognizedClientException"),
    ("dynamodb", lambda c: c.list_tables(), "secret", "InvalidSignatureException")])
def test_wrong_keys(role, service, call, wrong, codes):
    names = {"token": "aws_session_token", "key": "aws_access_key_id",
             "secret": "aws_secret_access_key"}
    with pytest.raises(ClientError) as error:
        call(role(allow("*"))(service, **{names[wrong]: "ASIAWRONGWRONGWRONG"}))
    assert code_of(error) == codes


def test_keys_expire(make_cloud):
    cloud = make_cloud(arguments=["--session-seconds", "1"])
    cloud.client("iam").create_role(RoleName="brief", AssumeRolePolicyDocument=json.dumps(TRUST))
    keys = cloud.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/brief", RoleSessionName="me")["Credentials"]
    client = clients(cloud, keys)

    def codes():
        found = []
        for call in (client("s3").list_buckets, client("sts").get_caller_identity,
                     client("dynamodb").list_tables):
            try:
                call()
                found.append(None)
            except ClientError as error:
                found.append(error.response["Error"]["Code"])
        return found
    wanted = ["ExpiredToken", "ExpiredToken", "ExpiredTokenException"]
    wait_until(lambda: codes() == wanted, what=lambda: str(codes()))


def web_token(**claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.c2ln"


def test_a_web_identity_takes_the_role_that_trusts_it(cloud, role):
    assert role
    cloud.client("iam").update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example/id/A"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"oidc.example/id/A:sub": "subject",
                                           "oidc.example/id/A:aud": "sts.amazonaws.com"}}}]}))
    sts = cloud.client("sts")

    def take(**claims):
        return sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/worker", RoleSessionName="web",
            WebIdentityToken=web_token(**{
                "iss": "https://oidc.example/id/A", "sub": "subject", "aud": ["sts.amazonaws.com"],
                **claims}))
    taken = take()
    assert taken["SubjectFromWebIdentityToken"] == "subject"
    assert clients(cloud, taken["Credentials"])("sts").get_caller_identity()["Arn"].endswith("/web")
    for wrong in ({"sub": "another"}, {"aud": ["other"]}, {"iss": "https://evil.example"}):
        with pytest.raises(ClientError) as error:
            take(**wrong)
        assert code_of(error) == "AccessDenied"


# --- enforcement ----------------------------------------------------------------------------------

def test_objects(role, bucket):
    s3 = role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*"),
              allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/out/*"))("s3")
    assert s3.get_object(Bucket=bucket, Key="in/a")["Body"].read() == b"a"
    for call in (lambda: s3.put_object(Bucket=bucket, Key="in/a", Body=b""),
                 lambda: s3.list_objects_v2(Bucket=bucket),
                 lambda: s3.get_object(Bucket=bucket, Key="in/missing"),
                 lambda: s3.copy_object(Bucket=bucket, Key="in/b", CopySource=f"{bucket}/in/a"),
                 lambda: s3.create_multipart_upload(Bucket=bucket, Key="in/b")):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "AccessDenied"
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=bucket, Key="in/missing")
    assert code_of(error) == "403"
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/a"}, {"Key": "out/a"}]})
    assert [each["Key"] for each in done["Deleted"]] == ["out/a"]
    assert [each["Code"] for each in done["Errors"]] == ["AccessDenied"]


def test_a_missing_object_is_missing_for_who_may_list(role, bucket):
    s3 = role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"),
              allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))("s3")
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=bucket, Key="in/missing")
    assert code_of(error) == "404"


def test_a_session_policy_only_narrows(role, bucket):
    s3 = role(allow("s3:*"), Policy=policy(allow("s3:ListBucket")))("s3")
    s3.list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="in/a")
    assert code_of(error) == "AccessDenied"


JOB = {"Role": f"arn:aws:iam::{ACCOUNT}:role/vod", "Settings": {}}


@pytest.mark.parametrize("service, call, code, action", [
    ("dynamodb", lambda c: c.get_item(TableName="table", Key={"a": {"S": "b"}}),
     "AccessDeniedException", "dynamodb:GetItem"),
    ("dynamodb", lambda c: c.batch_get_item(RequestItems={"table": {"Keys": [{"a": {"S": "b"}}]}}),
     "AccessDeniedException", "dynamodb:BatchGetItem"),
    ("sqs", lambda c: c.create_queue(QueueName="q"), "AccessDenied", "sqs:CreateQueue"),
    ("events", lambda c: c.describe_rule(Name="r"), "AccessDeniedException", "events:DescribeRule"),
    ("iam", lambda c: c.get_role(RoleName="worker"), "AccessDenied", "iam:GetRole"),
    ("mediaconvert", lambda c: c.create_job(**JOB), "AccessDeniedException",
     "mediaconvert:CreateJob"),
    ("rekognition", lambda c: c.get_label_detection(JobId="x"), "AccessDeniedException",
     "rekognition:GetLabelDetection"),
    ("transcribe", lambda c: c.get_transcription_job(TranscriptionJobName="x"),
     "AccessDeniedException", "transcribe:GetTranscriptionJob")])
def test_every_service_refuses_in_its_own_words(role, service, call, code, action):
    with pytest.raises(ClientError) as error:
        call(role()(service))
    assert code_of(error) == code
    assert f"assumed-role/worker/me is not authorized to perform: {action} on resource: " \
        in str(error.value)


def test_a_role_is_passed_only_with_leave(role):
    with pytest.raises(ClientError) as error:
        role(allow("mediaconvert:*"))("mediaconvert").create_job(**JOB)
    assert "iam:PassRole" in str(error.value)
