# SPDX-License-Identifier: Apache-2.0
"""`spotlist provision`: makes, takes over and repairs; changes nothing that is right or not its own.
tests/conformance/witness_provision.py runs the same against moto."""

import json
import re
import subprocess

import pytest

from harness import BUILD, ROOT, plain_environment, program

BUCKET = "provisioned"
TABLE = "rekognition-thumbs"
ROLES = ("vod-MediaConvertRole", "RekognitionRole", "spotlist")
LINE = re.compile(r"(ok|create|change|FAIL|skip) +((?:bucket|topic|queue) policy|\w+)(?: (\S+?(?: → \S+?)?))?"
                  r"(?:: (?:(.+?) from .*|.*))?$")


@pytest.fixture
def account(make_cloud):
    """An account that nobody has used."""
    return make_cloud()


class Ran:
    """What one run of it said and how it ended."""

    def __init__(self, done, blind):
        self.status = done.returncode
        self.settings = dict(line.split("=", 1) for line in done.stdout.splitlines())
        self.text = done.stderr
        self.lines = [LINE.match(line) for line in done.stderr.splitlines()]
        self.lines = [line for line in self.lines if line and line[4] not in blind]

    def of(self, word):
        """"kind: property" of changes, "kind name" of other lines that begin with the word."""
        return [f"{line[2]}: {line[4]}" if line[4] else f"{line[2]} {line[3]}"
                for line in self.lines if line[1] == word]

    @property
    def done(self):
        return self.of("create") + self.of("change")


def provision(account, *arguments, bucket=BUCKET, environment=None):
    done = subprocess.run(
        [program(BUILD, "spotlist"), "provision", *(["--bucket", bucket] if bucket else []),
         *arguments], env={**plain_environment(), **account.environment(), **(environment or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    # A stand-in that does not tell what was set cannot be asked for it.
    return Ran(done, getattr(account, "blind", ()))


def arn(account, service, name):
    number = account.client("sts").get_caller_identity()["Account"]
    return f"arn:aws:{service}:{account.region}:{number}:{name}"


def topic(account, name):
    return arn(account, "sns", name)


def queue_url(account):
    return account.client("sqs").get_queue_url(QueueName="spotlist-dead-letters")["QueueUrl"]


def statements(policy):
    return json.loads(policy)["Statement"]


# --- making --------------------------------------------------------------------------------------

def test_a_dry_run_changes_nothing_and_tells_what_would_be_made(account):
    ran = provision(account, "--dry-run", "--endpoint", "https://spotlist.example.com/sns")
    assert ran.status == 0, ran.text
    assert len(ran.of("create")) == 1 + 1 + 3 + 1 + 2 + 3 + 3 and ran.of("ok") == []
    assert "nothing was changed" in ran.text
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []
    assert account.client("sns").list_topics()["Topics"] == []
    assert account.client("events").list_rules()["Rules"] == []
    iam = account.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="spotlist")


def test_twice_is_harmless_and_the_settings_are_complete(account):
    first = provision(account)
    assert first.status == 0, first.text
    assert len(first.of("create")) == 11
    second = provision(account)
    assert (second.status, second.done) == (0, []), second.text
    assert len(second.of("ok")) == 15 - (3 if getattr(account, "blind", ()) else 0)
    assert first.settings == second.settings
    roles = {name: account.client("iam").get_role(RoleName=name)["Role"]["Arn"] for name in ROLES}
    assert first.settings == {
        "SPOTLIST_BUCKET": BUCKET, "SPOTLIST_TABLE": TABLE,
        "SPOTLIST_MEDIACONVERT_QUEUE": "Default",
        "SPOTLIST_MEDIACONVERT_ROLE_ARN": roles["vod-MediaConvertRole"],
        "SPOTLIST_REKOGNITION_ROLE_ARN": roles["RekognitionRole"],
        "SPOTLIST_REKOGNITION_TOPIC_ARN": topic(account, "AmazonRekognitionVideo-Notification"),
        "SPOTLIST_SNS_TOPIC_ARNS": ",".join(topic(account, name) for name in (
            "AmazonRekognitionVideo-Notification", "spotlist-events", "spotlist-uploads"))}
    assert roles["spotlist"] in second.text


def test_the_role_has_the_documents_policy(account):
    assert provision(account, bucket="my-spotlist").status == 0
    policy = account.client("iam").get_role_policy(RoleName="spotlist", PolicyName="spotlist")
    number = account.client("sts").get_caller_identity()["Account"]
    document = (ROOT / "docs/policy-spotlist.json").read_text()
    document = document.replace("123456789012", number).replace("us-east-1", account.region)
    assert policy["PolicyDocument"] == json.loads(document)


def test_parameters_decide(account):
    ran = provision(
        account, "--table", "other-table", "--parameter", "UploadDays=30",
        "--parameter", "UploadOrigins=https://a.example, https://b.example",
        "--parameter", "SourceBuckets=arn:aws:s3:::one,arn:aws:s3:::two",
        "--parameter", "RunsOn=oidc", "--parameter", "OidcIssuer=oidc.example.com/id/1")
    assert ran.status == 0, ran.text
    assert ran.settings["SPOTLIST_TABLE"] == "other-table"
    s3, iam = account.client("s3"), account.client("iam")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [(r["ID"], r.get("Expiration")) for r in rules] == [
        ("spotlist-unfinished-uploads", None), ("spotlist-uploads", {"Days": 30})]
    [cors] = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert cors["AllowedOrigins"] == ["https://a.example", "https://b.example"]
    policy = iam.get_role_policy(RoleName="spotlist", PolicyName="spotlist")["PolicyDocument"]
    sources = {s["Sid"]: s["Resource"] for s in policy["Statement"] if "Sources" in s["Sid"]}
    assert sources == {"ReadSources": ["arn:aws:s3:::one/*", "arn:aws:s3:::two/*"],
                       "ListSources": ["arn:aws:s3:::one", "arn:aws:s3:::two"]}
    [trust] = iam.get_role(RoleName="spotlist")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"]["Federated"].endswith(":oidc-provider/oidc.example.com/id/1")
    assert trust["Condition"]["StringEquals"]["oidc.example.com/id/1:aud"] == "sts.amazonaws.com"
    # and back: what is no longer wanted goes
    back = provision(account, "--table", "other-table")
    assert set(back.done) == {
        "bucket: LifecycleConfiguration", "bucket: CorsConfiguration", "role: trust",
        'role: policy "spotlist"'} and back.status == 0, back.text
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [r["ID"] for r in rules] == ["spotlist-unfinished-uploads"]


def test_what_an_older_spotlist_made_is_taken_over(account):
    """As scripts/provision.py did before there was `spotlist provision`."""
    s3, sns, events = account.client("s3"), account.client("sns"), account.client("events")
    s3.create_bucket(Bucket=BUCKET)
    account.client("dynamodb").create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "fileName", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "fileName", "KeyType": "HASH"}])
    for name in ("AmazonRekognitionVideo-Notification", "spotlist-events", "spotlist-uploads"):
        made = sns.create_topic(Name=name)["TopicArn"]
        sns.set_topic_attributes(TopicArn=made, AttributeName="Policy", AttributeValue=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Sid": "publish", "Effect": "Allow", "Action": "sns:Publish", "Resource": made,
                "Principal": {"Service": "s3.amazonaws.com"}}]}))
    events.put_rule(Name="spotlist-mediaconvert", State="ENABLED", EventPattern=json.dumps(
        {"source": ["aws.mediaconvert"], "detail-type": ["MediaConvert Job State Change"]}))
    events.put_targets(Rule="spotlist-mediaconvert", Targets=[
        {"Id": "sns", "Arn": topic(account, "spotlist-events")}])
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={
        "TopicConfigurations": [{
            "Id": "spotlist-uploads", "TopicArn": topic(account, "spotlist-uploads"),
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}}}]})
    ran = provision(account)
    assert ran.status == 0, ran.text
    assert set(ran.of("create")) == {f"role {name}" for name in ROLES} | {
        "queue spotlist-dead-letters", "rule spotlist-transcribe"}
    assert "bucket: NotificationConfiguration" not in ran.done
    [statement] = statements(sns.get_topic_attributes(
        TopicArn=topic(account, "spotlist-events"))["Attributes"]["Policy"])
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert provision(account).done == []


# --- repairing -----------------------------------------------------------------------------------

def damage(account):
    """Undoes something of every resource by hand; {"kind: property"} of what was done."""
    s3, sns, sqs = account.client("s3"), account.client("sns"), account.client("sqs")
    events, iam = account.client("events"), account.client("iam")
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True})
    s3.delete_bucket_ownership_controls(Bucket=BUCKET)
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.delete_bucket_cors(Bucket=BUCKET)
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic(account, "spotlist-uploads"),
                                 "Events": ["s3:ObjectCreated:*"]}]})  # all of it: a loop
    account.client("dynamodb").update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})
    account.client("dynamodb").update_table(
        TableName=TABLE, BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    for name in ("spotlist-events", "spotlist-uploads"):
        sns.set_topic_attributes(
            TopicArn=topic(account, name), AttributeName="Policy",
            AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [{
                "Sid": "publish", "Effect": "Allow", "Principal": {"AWS": "*"},
                "Action": "sns:Publish", "Resource": topic(account, name)}]}))
    sns.set_topic_attributes(TopicArn=topic(account, "spotlist-events"),
                             AttributeName="SignatureVersion", AttributeValue="1")
    sqs.set_queue_attributes(QueueUrl=queue_url(account),
                             Attributes={"MessageRetentionPeriod": "60", "Policy": ""})
    events.remove_targets(Rule="spotlist-mediaconvert", Ids=["sns"])
    events.disable_rule(Name="spotlist-transcribe")
    events.put_rule(Name="spotlist-mediaconvert", EventPattern=json.dumps({"source": ["x"]}),
                    Description="What becomes of MediaConvert jobs, failures included")
    iam.delete_role_policy(RoleName="RekognitionRole", PolicyName="spotlist")
    iam.put_role_policy(RoleName="spotlist", PolicyName="spotlist", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
    iam.update_assume_role_policy(RoleName="vod-MediaConvertRole", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole"}]}))
    return {"bucket policy: Statement", "bucket: PublicAccessBlockConfiguration",
            "bucket: OwnershipControls", "bucket: BucketEncryption",
            "bucket: LifecycleConfiguration", "bucket: CorsConfiguration",
            "bucket: NotificationConfiguration", "table: PointInTimeRecoveryEnabled",
            "table: BillingMode", "topic policy: Statement", "topic: SignatureVersion",
            "queue: MessageRetentionPeriod", "queue policy: Statement", "rule: Targets",
            "rule: State", "rule: EventPattern", 'role: policy "spotlist"', "role: trust"}


def snapshot(account):
    """What boto3 reads of what damage() touches."""
    s3, iam, sns = account.client("s3"), account.client("iam"), account.client("sns")
    events, sqs = account.client("events"), account.client("sqs")
    taken = [s3.get_bucket_policy(Bucket=BUCKET), s3.get_public_access_block(Bucket=BUCKET),
             s3.get_bucket_ownership_controls(Bucket=BUCKET), s3.get_bucket_cors(Bucket=BUCKET),
             s3.get_bucket_encryption(Bucket=BUCKET),
             s3.get_bucket_lifecycle_configuration(Bucket=BUCKET),
             s3.get_bucket_notification_configuration(Bucket=BUCKET)]
    taken += [sns.get_topic_attributes(TopicArn=topic(account, name))["Attributes"]
              for name in ("spotlist-events", "spotlist-uploads")]
    for name in ("spotlist-mediaconvert", "spotlist-transcribe"):
        taken += [events.describe_rule(Name=name), events.list_targets_by_rule(Rule=name)]
    for name in ROLES:
        taken += [iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
                  iam.get_role_policy(RoleName=name, PolicyName="spotlist")["PolicyDocument"]]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url(account), AttributeNames=["All"])
    taken += [{name: queue["Attributes"][name] for name in ("Policy", "MessageRetentionPeriod")}]
    for one in taken:
        one.pop("ResponseMetadata", None)
        one.pop("NextToken", None)
    return json.loads(json.dumps(taken, default=str))


def test_what_was_changed_by_hand_is_repaired(account):
    assert provision(account).status == 0
    before = snapshot(account)
    damaged = damage(account) - {one for one in ("topic: SignatureVersion",)
                                 if getattr(account, "blind", ())}
    dry = provision(account, "--dry-run")
    assert (dry.status, set(dry.done)) == (0, damaged), dry.text
    assert set(provision(account, "--dry-run").done) == damaged
    ran = provision(account)
    assert (ran.status, set(ran.done)) == (0, damaged), ran.text
    assert snapshot(account) == before
    assert provision(account).done == []


def test_what_others_put_there_stays(account):
    assert provision(account).status == 0
    s3, sns, sqs = account.client("s3"), account.client("sns"), account.client("sqs")
    events, iam = account.client("events"), account.client("iam")
    other = sns.create_topic(Name="other")["TopicArn"]
    theirs = {"Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish",
              "Resource": topic(account, "spotlist-events")}
    sns.set_topic_attributes(TopicArn=topic(account, "spotlist-events"), AttributeName="Policy",
                             AttributeValue=json.dumps({"Version": "2012-10-17",
                                                        "Statement": [theirs]}))
    mine = {"Sid": "mine", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket",
            "Resource": f"arn:aws:s3:::{BUCKET}"}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17",
                                                           "Statement": [mine]}))
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={
        "TopicConfigurations": [{"Id": "other", "TopicArn": other,
                                 "Events": ["s3:ObjectRemoved:*"]}]})
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [
        {"ID": "other", "Filter": {"Prefix": "tmp/"}, "Status": "Enabled",
         "Expiration": {"Days": 1}}]})
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://other.example"]}]})
    sqs.set_queue_attributes(QueueUrl=queue_url(account), Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": "sqs:SendMessage",
            "Resource": arn(account, "sqs", "spotlist-dead-letters")}]})})
    events.put_targets(Rule="spotlist-transcribe", Targets=[{"Id": "other", "Arn": other}])
    iam.put_role_policy(RoleName="spotlist", PolicyName="other", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}))
    ran = provision(account)
    assert ran.status == 0, ran.text
    sids = {"topic": statements(sns.get_topic_attributes(
                TopicArn=topic(account, "spotlist-events"))["Attributes"]["Policy"]),
            "bucket": statements(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]),
            "queue": statements(sqs.get_queue_attributes(
                QueueUrl=queue_url(account), AttributeNames=["Policy"])["Attributes"]["Policy"])}
    assert {name: [one["Sid"] for one in found] for name, found in sids.items()} == {
        "topic": ["theirs", "publish"], "bucket": ["mine", "TlsOnly"],
        "queue": ["theirs", "undelivered", "unpublished"]}
    configured = s3.get_bucket_notification_configuration(Bucket=BUCKET)["TopicConfigurations"]
    assert {one["TopicArn"]: one["Events"] for one in configured} == {
        other: ["s3:ObjectRemoved:*"], topic(account, "spotlist-uploads"): ["s3:ObjectCreated:*"]}
    rules = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["ID"] for rule in rules] == ["other", "spotlist-unfinished-uploads"]
    assert [rule["AllowedOrigins"] for rule in s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]] == [
        ["https://other.example"], ["*"]]
    targets = events.list_targets_by_rule(Rule="spotlist-transcribe")["Targets"]
    assert {target["Id"] for target in targets} == {"other", "sns"}
    assert set(iam.list_role_policies(RoleName="spotlist")["PolicyNames"]) == {"other", "spotlist"}
    assert provision(account).done == []


# --- what cannot be ------------------------------------------------------------------------------

def test_what_fails_says_why_holds_up_little_and_can_be_gone_on_with(account):
    dynamodb = account.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    ran = provision(account)
    assert (ran.status, ran.settings) == (1, {})
    assert f"FAIL    table {TABLE}: " in ran.text and "choose another name (--table)" in ran.text
    assert "skip    SpotlistRole: it needs Table" in ran.text
    assert len(ran.of("create")) == 11 - 2 and "Run this again" in ran.text
    dynamodb.delete_table(TableName=TABLE)
    again = provision(account)
    assert again.status == 0, again.text
    assert set(again.of("create")) == {f"table {TABLE}", "role spotlist"}
    assert len(again.done) == 2


def test_an_endpoint_that_never_confirms_is_told(account):
    if getattr(account, "blind", ()):
        pytest.skip("moto confirms by itself")
    ran = provision(account, "--endpoint", "http://127.0.0.1:9/sns", "--wait", "1")
    assert ran.status == 1 and ran.settings == {}
    assert len(ran.of("create")) == 14
    assert "not confirmed within 1 s" in ran.text and "SPOTLIST_SNS_TOPIC_ARNS" in ran.text


@pytest.mark.parametrize("arguments, bucket, says", [
    ([], None, "--bucket NAME"),
    ([], "Capital", "BucketName cannot be"),
    (["--parameter", "Colour=red"], "bucket", "no parameter Colour"),
    (["--parameter", "Colour"], "bucket", "NAME=VALUE"),
    (["--parameter", "RunsOn=paper"], "bucket", "ecs-tasks.amazonaws.com"),
    (["--parameter", "UploadDays=soon"], "bucket", "UploadDays"),
    (["--endpoint", "spotlist.example.com"], "bucket", "Endpoint"),
    (["--wait", "0"], "bucket", "--wait 0"),
    (["--bucket", "b1", "--bucket", "b2"], None, "usage"),
])
def test_wrong_options_are_told_before_anything_is_done(account, arguments, bucket, says):
    ran = provision(account, *arguments, bucket=bucket)
    assert (ran.status, ran.done) == (2, []) and says in ran.text, ran.text


def test_the_template_is_the_file():
    done = subprocess.run([program(BUILD, "spotlist"), "provision", "--template"],
                          env=plain_environment(), capture_output=True, text=True, check=True)
    assert done.stdout == (ROOT / "docs/cloudformation.yaml").read_text()


def test_secrets_are_not_told(account):
    ran = provision(account, environment={"AWS_SECRET_ACCESS_KEY": "not-the-one-that-it-is"})
    assert ran.status in (0, 1)  # a stand-in may not look at signatures
    assert "not-the-one" not in ran.text + json.dumps(ran.settings)


def test_credentials_that_are_refused_end_it_at_once(account):
    if getattr(account, "blind", ()):
        pytest.skip("moto takes any credentials")
    ran = provision(account, environment={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"})
    assert (ran.status, ran.lines) == (1, []) and "sts GetCallerIdentity" in ran.text, ran.text


def test_a_bucket_elsewhere_or_of_somebody_else_is_not_used(account):
    if getattr(account, "blind", ()):
        pytest.skip("localcloud's names: docs/localcloud.md")
    ran = provision(account, bucket="other-region-bucket")
    assert ran.status == 1 and "FAIL    bucket other-region-bucket: it is in another region" in \
        ran.text, ran.text
    assert "AWS_REGION" in ran.text and "skip    BucketPolicy: it needs Bucket" in ran.text
