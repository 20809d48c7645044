# SPDX-License-Identifier: Apache-2.0
"""`spotlist doctor`, and what `serve` says, on networks, accounts and settings that are not as they
should be: a line that names cause and remedy, in time, and never a secret."""

import json
import re
import subprocess
import time

import pytest

import bad_networks
from harness import BUILD, ROOT, plain_environment, program, topic_arn, wait_until
from test_bad_days_clock import clock  # noqa: F401  a fixture: sets spotlist's clock off
from test_doctor_account import as_role, change_role

SECRET = "planted-5ecret-"
LIMIT_S = 20


@pytest.fixture(scope="module")
def gate(tmp_path_factory, cloud):
    gate = bad_networks.Gate(tmp_path_factory.mktemp("gate"), cloud.port)
    yield gate
    gate.stop()


@pytest.fixture(scope="module")
def hole():
    hole = bad_networks.Hole()
    yield hole
    hole.stop()


@pytest.fixture(scope="module")
def portal():
    portal = bad_networks.Portal()
    yield portal
    portal.stop()


@pytest.fixture(scope="module")
def settings(gate, cloud):
    """spotlist reaches AWS through the gate, but SNS, whose certificates are where it is. Steps of
    a process that is gone are taken over soon."""
    bundle = gate.good.with_name("bundle.pem")
    bundle.write_bytes(gate.good.read_bytes() + cloud.ca.read_bytes())
    return {"AWS_ENDPOINT_URL": gate.url, "AWS_ENDPOINT_URL_SNS": cloud.url,
            "AWS_CA_BUNDLE": str(bundle),
            "AWS_MAX_ATTEMPTS": "1", "SPOTLIST_LEASE_MS": "1000", "SPOTLIST_SHUTDOWN_S": "1",
            "SPOTLIST_PREFLIGHT_TIMEOUT_MS": "1000", "SPOTLIST_LOG_LEVEL": "info"}


@pytest.fixture(autouse=True)
def fair_weather_again(gate, cloud):
    yield
    gate.mode = "through"
    cloud.clear_faults()


class Findings:
    """What the doctor found, by check."""

    def __init__(self, done, seconds):
        self.status = done.returncode
        self.text = done.stdout + done.stderr
        self.lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert seconds < LIMIT_S, f"{seconds:.1f} s:\n{self.text}"
        assert SECRET not in self.text
        assert "Sanitizer" not in done.stderr, done.stderr
        failed = [line for line in self.lines if line["status"] == "fail"]
        assert self.status == (1 if failed else 0), self.text
        for line in self.lines:
            assert line["check"] and line["found"], line
            if line["status"] in ("fail", "warn"):
                assert re.search("docs/|`spotlist|[Ss]et |Correct|Name|Add|Run|Give|[Ss]ee |Allow",
                                 line.get("remedy") or line["found"]), line

    def of(self, check):
        return [line for line in self.lines if line["check"] == check]

    def only(self, check, status, *words):
        """The one line of a check that has this status."""
        [line] = [line for line in self.of(check) if line["status"] == status] or [None]
        assert line, f"{check} {status}: {self.text}"
        whole = f"{line['found']}. {line.get('remedy', '')}"
        for word in words:
            assert word in whole, (word, whole)
        return line

    def failed(self):
        return {line["check"] for line in self.lines if line["status"] == "fail"}


def doctor(svc, **environment):
    begin = time.monotonic()
    done = svc.command("doctor", "--json", check=False, environment=environment)
    return Findings(done, time.monotonic() - begin)


# --- well ---------------------------------------------------------------------------------------

def test_all_is_well_where_provision_was(svc, cloud):
    svc.command("provision", "--bucket", svc.bucket, "--endpoint", f"{svc.url}/sns")
    found = doctor(svc)
    odd = [line for line in found.lines if line["status"] != "ok"]
    assert [line["check"] for line in odd] == ["server"], odd
    assert "IAM's simulation" in found.of("permissions")[0]["found"]
    sqs = cloud.client("sqs")
    queue = sqs.get_queue_url(QueueName="spotlist-dead-letters")["QueueUrl"]
    for _ in range(2):
        sqs.send_message(QueueUrl=queue, MessageBody="{}")
    doctor(svc).only("dead letters", "warn", "2 notifications did not reach /sns", "purge-queue")
    sqs.purge_queue(QueueUrl=queue)


def test_tokens(svc):
    off = doctor(svc).of("access")[0]
    assert off["status"] == "ok" and "SPOTLIST_AUTH=off" in off["found"]
    doctor(svc, SPOTLIST_LISTEN="0.0.0.0:8080").only("access", "fail", "everybody may call", "tokens")
    doctor(svc, SPOTLIST_AUTH="tokens").only("access", "warn", "there is no token", "token create")
    svc.command("token", "create", "--scope", "read", "--name", "soon", "--expires", "5d")
    assert doctor(svc, SPOTLIST_AUTH="tokens").of("access")[0]["found"] == "1 token is good"
    svc.database.query("UPDATE spotlist_data.tokens SET last_used_at = now()")
    doctor(svc, SPOTLIST_AUTH="tokens").only("access", "warn", "the token soon is in use", "another")


def test_the_server_of_this_machine(svc, hole):
    assert doctor(svc, SPOTLIST_ADMIN_LISTEN=svc.admin.partition("//")[2]).of("server")[0][
        "status"] == "ok"
    assert doctor(svc, SPOTLIST_ADMIN_LISTEN=hole.refusing.partition("//")[2]).of("server")[0][
        "status"] == "skip"
    doctor(svc, SPOTLIST_ADMIN_LISTEN="nobody:8081").only(
        "server", "fail", "SPOTLIST_ADMIN_LISTEN")


# --- settings -----------------------------------------------------------------------------------

def test_every_wrong_setting_is_told_at_once(svc):
    found = doctor(svc, SPOTLIST_WORKERS="many", SPOTLIST_LEASE_MS="1", SPOTLIST_BUKCET="x",
                   SPOTLIST_REKOGNITION_ROLE_ARN="arn:aws:iam::1:user/x",
                   SPOTLIST_SNS_TOPIC_ARNS="spotlist-events", SPOTLIST_TABLE="",
                   SPOTLIST_LOG_LEVEL="loud")
    told = " ".join(line["found"] for line in found.of("settings") if line["status"] == "fail")
    for name in ("SPOTLIST_WORKERS", "SPOTLIST_LEASE_MS", "SPOTLIST_BUKCET", "SPOTLIST_LOG_LEVEL",
                 "SPOTLIST_REKOGNITION_ROLE_ARN", "SPOTLIST_SNS_TOPIC_ARNS"):
        assert name in told, (name, told)
    assert found.of("table")[0]["status"] == "ok"  # what is left is looked at all the same


def test_without_any_setting_it_still_answers():
    done = subprocess.run([program(BUILD, "spotlist"), "doctor"], env=plain_environment(),
                          capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert all(re.match(r"(ok  |warn|FAIL|skip)  [a-z -]+: .*[.?]$", line) for line in lines), lines
    assert any("AWS_REGION" in line and line.startswith("FAIL  aws settings") for line in lines)
    assert any("SPOTLIST_BUCKET is not set" in line for line in lines)


@pytest.mark.parametrize("environment, check, words", [
    ({"SPOTLIST_DATABASE_URL": "postgresql://someone@127.0.0.1:1/x"}, "database",
     ["refused", "docs/operations.md"]),
    ({"SPOTLIST_DATABASE_URL": f"postgresql://u:{SECRET}pg@127.0.0.1:1/x?sslmode=always"},
     "database", ["SPOTLIST_DATABASE_URL"]),
    ({"SPOTLIST_DATABASE_URL": f"host=127.0.0.1 port=1 password='{SECRET}pg' sslmode"},
     "database", ["SPOTLIST_DATABASE_URL"]),
    ({"SPOTLIST_WEBHOOK_SECRET": f"{SECRET}hook"}, "webhooks", ["SPOTLIST_WEBHOOK_SECRET"]),
    ({"AWS_CA_BUNDLE": "/nonexistent/ca.pem"}, "aws settings", ["AWS_CA_BUNDLE"]),
    ({"AWS_ENDPOINT_URL_S3": f"http://user:{SECRET}url@127.0.0.1"}, "aws settings", ["s3"]),
    ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "aws settings", ["AWS_REGION"]),
])
def test_a_setting_that_leads_nowhere(svc, environment, check, words):
    doctor(svc, **environment).only(check, "fail", *words)


def test_the_schema_must_be_there(svc, pg_cluster):
    empty = pg_cluster.create_database()
    found = doctor(svc, SPOTLIST_DATABASE_URL=empty.conninfo)
    found.only("database", "fail", "spotlist migrate")
    empty.drop()


def test_rights_in_the_database(svc):
    svc.database.query("CREATE ROLE stranger LOGIN")
    try:
        svc.database.query("GRANT USAGE ON SCHEMA spotlist_data TO stranger")
        svc.database.query("GRANT SELECT ON ALL TABLES IN SCHEMA spotlist_data TO stranger")
        url = svc.database.conninfo.replace("user=spotlist", "user=stranger")
        doctor(svc, SPOTLIST_DATABASE_URL=url).only(
            "database", "fail", "role stranger may not read and write", "steps", "GRANT")
    finally:
        svc.database.query("DROP OWNED BY stranger")
        svc.database.query("DROP ROLE stranger")


# --- networks -----------------------------------------------------------------------------------

def test_a_portal_answers_with_its_page(svc, gate):
    gate.mode = "page"
    found = doctor(svc)
    found.only("endpoints", "fail", "HTML page", "Hotel Wi-Fi: sign in", "captive portal",
               "HTTPS_PROXY")
    assert found.failed() == {"endpoints"}


def test_a_proxy_answers_with_its_page(svc, cloud, portal):
    with_password = portal.url.replace("//", f"//user:{SECRET}proxy@")
    found = doctor(svc, AWS_ENDPOINT_URL=cloud.url, http_proxy=with_password)
    found.only("endpoints", "fail", f"through the proxy {portal.url.partition('//')[2]}",
               "HTML page")
    # It answers CONNECT with the page, too.
    found = doctor(svc, https_proxy=with_password)
    found.only("endpoints", "fail", f"through the proxy {portal.url.partition('//')[2]}")
    assert "fail" not in {line["status"] for line in
                          doctor(svc, https_proxy=with_password, NO_PROXY="127.0.0.1")
                          .of("endpoints")}


def test_a_captive_certificate_is_named(svc, gate):
    gate.mode = "captive"
    doctor(svc).only("endpoints", "fail", "CN = portal.example", "Captive Corp", "AWS_CA_BUNDLE",
                     "captive portal")


@pytest.mark.parametrize("where, words", [
    ("silent", ["did not answer"]),
    ("silent_tls", ["TLS handshake"]),
    ("dropping", ["nothing answers there", "firewall"]),
    ("refusing", ["Couldn't connect", "firewall"]),
])
def test_an_endpoint_that_cannot_be_reached(svc, hole, where, words):
    found = doctor(svc, AWS_ENDPOINT_URL=getattr(hole, where))
    found.only("endpoints", "fail", *words)
    assert found.failed() == {"endpoints"}


def test_keys_and_a_database_that_hang(svc, hole):
    port = hole.silent.rpartition(":")[2]
    found = doctor(svc, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="",
                   AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{hole.silent}/keys",
                   AWS_CONTAINER_AUTHORIZATION_TOKEN=f"{SECRET}container",
                   SPOTLIST_DATABASE_URL=f"host=127.0.0.1 port={port} password={SECRET}pg")
    found.only("database", "fail", "timeout", "docs/operations.md")
    found.only("credentials", "fail", "docs/aws.md")
    assert found.failed() == {"database", "credentials"}


def test_a_name_that_is_none(svc):
    doctor(svc, AWS_ENDPOINT_URL="https://nowhere.invalid").only(
        "endpoints", "fail", "Could not resolve host", "AWS_REGION", "DNS")


def test_one_service_that_is_away_leaves_the_others(svc, hole):
    found = doctor(svc, AWS_ENDPOINT_URL_DYNAMODB=hole.refusing)
    found.only("endpoints", "fail", "dynamodb")
    found.only("table", "skip", "dynamodb cannot be reached")
    assert found.of("bucket")[0]["status"] == "ok"


# --- accounts -----------------------------------------------------------------------------------

def test_wrong_keys(svc):
    doctor(svc, AWS_SECRET_ACCESS_KEY=f"{SECRET}key").only(
        "credentials", "fail", "secret access key does not belong")
    doctor(svc, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE").only(
        "credentials", "fail", "…MPLE", "no such access key")
    doctor(svc, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="").only("credentials", "fail")


def test_a_token_that_has_run_out(svc, cloud):
    cloud.faults([{"service": "sts", "operation": "*", "kind": "expired_token"}])
    doctor(svc, AWS_SESSION_TOKEN=f"{SECRET}token").only(
        "credentials", "fail", "ExpiredToken", "run out", "renew")


def test_the_wrong_region(svc):
    found = doctor(svc, AWS_REGION="eu-west-1")
    found.only("credentials", "fail", "another region", "AWS_REGION")
    found = doctor(svc, SPOTLIST_BUCKET="other-region-bucket")
    found.only("bucket", "fail", "eu-west-1", "AWS_REGION")


def test_the_wrong_account(svc):
    role = "arn:aws:iam::111111111111:role/vod-MediaConvertRole"
    found = doctor(svc, SPOTLIST_MEDIACONVERT_ROLE_ARN=role,
                   SPOTLIST_SNS_TOPIC_ARNS="arn:aws:sns:eu-west-1:000000000000:spotlist-events,"
                                           "arn:aws-cn:sns:us-east-1:000000000000:a,"
                                           f"{topic_arn('rekognition')}")
    told = " ".join(line["found"] for line in found.of("account"))
    assert "111111111111" in told and "iam:PassRole" in told
    assert "region eu-west-1" in told and "partition aws-cn" in told


def test_a_bucket_or_table_that_is_missing(svc):
    doctor(svc, SPOTLIST_BUCKET="nobody-made-this").only(
        "bucket", "fail", "NoSuchBucket", "spotlist provision", "SPOTLIST_BUCKET")
    doctor(svc, SPOTLIST_TABLE="nobody-made-this").only(
        "table", "fail", "nobody-made-this", "spotlist provision", "SPOTLIST_TABLE")


def test_a_table_with_another_key(svc, cloud):
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(TableName="other-key", BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    doctor(svc, SPOTLIST_TABLE="other-key").only("table", "fail", "another key", "SPOTLIST_TABLE")


def test_a_forbidden_bucket(svc):
    found = doctor(svc, SPOTLIST_BUCKET="forbidden-bucket")
    found.only("bucket", "fail", "AccessDenied", "spotlist provision")


def test_a_clock_that_is_off(svc, clock, cloud):  # noqa: F811
    linked = subprocess.run(["ldd", program(BUILD, "spotlist")], capture_output=True, text=True)
    if "asan" in linked.stdout or "tsan" in linked.stdout:
        pytest.skip("a sanitizer must be loaded first, and so must libfaketime")
    for seconds, side in ((3600, "ahead of"), (-3600, "behind")):
        clock(seconds)
        found = doctor(svc, **clock.environment)
        found.only("clock", "fail", f" s {side} that of sts", "NTP")
        found.only("database", "warn", "its clock is", "NTP")
        assert found.of("bucket")[0]["status"] == "ok"  # requests are signed with AWS's time
    clock(0)


# --- notifications ------------------------------------------------------------------------------

def test_subscriptions_that_do_not_reach_us(svc, cloud, hole):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="spotlist-doctor")["TopicArn"]
    only = {"SPOTLIST_SNS_TOPIC_ARNS": f"{topic},{topic_arn('rekognition')}"}

    def of_topic(found):
        return [line for line in found.of("subscriptions") if topic in line["found"]]
    [none] = of_topic(doctor(svc, **only))
    assert none["status"] == "warn" and "no subscription" in none["found"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{hole.refusing}/sns")
    [pending] = of_topic(doctor(svc, **only))
    assert pending["status"] == "fail"
    assert "has not confirmed" in pending["found"] and "serve" in pending["remedy"]
    found = doctor(svc, SPOTLIST_SNS_TOPIC_ARNS=topic + "-gone," + topic_arn("rekognition"))
    found.only("topics", "fail", "spotlist provision", "SPOTLIST_SNS_TOPIC_ARNS")
    sns.delete_topic(TopicArn=topic)


def test_the_sections_that_it_names_are_there():
    for path in (ROOT / "service/setup").glob("check*.c"):
        text = re.sub(r'"\s*\n\s*(?://[^\n]*\n\s*)*"', "", path.read_text(encoding="utf-8"))
        for name, section in re.findall(r"(docs/[a-z]+\.md), ([A-Z][^\";]*)", text):
            headings = [line.lstrip("# ") for line in (ROOT / name).read_text(encoding="utf-8")
                        .splitlines() if line.startswith("#")]
            assert any(heading.startswith(section) for heading in headings), (path.name, section)


# --- serve --------------------------------------------------------------------------------------

def failures(svc, video):
    rows = svc.database.query("SELECT max(failures) FROM spotlist_data.steps WHERE video_id = %s",
                              video["id"])
    return rows[0][0] or 0


@pytest.mark.parametrize("mode, words", [
    ("page", ["HTML page", "Hotel Wi-Fi", "captive portal"]),
    ("captive", ["certificate", "AWS_CA_BUNDLE", "captive portal"]),
    ("closed", ["no answer from 127.0.0.1"]),
])
def test_serve_tells_an_outage_in_few_lines_and_goes_on(svc, gate, sample, mode, words):
    uri = svc.put_object("footage/outage.mp4", sample.short)
    offset = svc.process.log_size()
    videos = [svc.submit(uri, analyses=["labels"]) for _ in range(3)]
    gate.mode = mode
    wait_until(lambda: all(failures(svc, video) >= 2 for video in videos), 30,
               lambda: svc.log(offset)[-3000:])
    begin = time.monotonic()
    refused = svc.post("/videos", {"source": uri})
    assert (refused.status, refused.json["code"]) == (503, "source_unchecked")
    assert words[0] in refused.json["detail"]
    assert time.monotonic() - begin < 5
    told = [line for line in svc.log(offset).splitlines() if 'msg="step failed"' in line]
    # A line for each cause that a service met, not one for each failure.
    assert 1 <= len(told) <= 4, told
    # What the gate cut off when it changed may be told first.
    assert any(all(word in line for word in words) for line in told), told
    assert svc.admin_get("/readyz").status == 200
    gate.mode = "through"
    svc.database.query("UPDATE spotlist_data.steps SET due_at = now() WHERE due_at <> 'infinity'")
    for video in videos:
        svc.wait_state(video["id"], "complete")


def test_serve_does_not_hang_where_aws_does(svc, gate, sample):
    uri = svc.put_object("footage/hang.mp4", sample.short)
    gate.mode = "hang"
    begin = time.monotonic()
    refused = svc.post("/videos", {"source": uri})
    assert (refused.status, refused.json["code"]) == (503, "source_unchecked")
    assert svc.admin_get("/healthz").status == 200
    svc.restart()
    assert time.monotonic() - begin < 10


def test_serve_tells_a_missing_permission_once_and_so_does_the_video(svc, cloud, sample):
    svc.command("provision", "--bucket", svc.bucket)
    change_role(cloud, without=["mediaconvert:CreateJob"])
    uri = svc.put_object("footage/forbidden.mp4", sample.short)
    environment = dict(svc.environment)
    svc.stop()
    svc.environment.update(as_role(cloud))
    offset = svc.process.log_size()
    try:
        svc.start()
        video = svc.wait_state(svc.submit(uri, analyses=["labels"])["id"], "failed")
    finally:
        svc.environment = environment
        svc.restart()
        svc.command("provision", "--bucket", svc.bucket)
    assert video["error"]["code"] == "aws_forbidden"
    assert "mediaconvert:CreateJob" in json.dumps(video["error"])
    [told] = [line for line in svc.log(offset).splitlines() if "err=aws_forbidden" in line]
    assert "is not authorized to perform: mediaconvert:CreateJob" in told


def test_no_secret_is_ever_told(svc, gate):
    """By serve; doctor's are looked for in every test."""
    offset = svc.process.log_size()
    environment = dict(svc.environment)
    svc.stop()
    svc.environment.update({
        "AWS_SECRET_ACCESS_KEY": f"{SECRET}key", "AWS_SESSION_TOKEN": f"{SECRET}token",
        "HTTPS_PROXY": f"http://user:{SECRET}proxy@127.0.0.1:1", "NO_PROXY": "127.0.0.1",
        "SPOTLIST_WEBHOOK_SECRET": "whsec_cGxhbnRlZC01ZWNyZXQtcGxhbnRlZC01ZWNyZXQt"})
    try:
        svc.start()
        assert svc.post("/videos", {"source": "s3://spotlist-test/x.mp4"}).status == 503
        found = doctor(svc)
        found.only("credentials", "fail", "secret access key")
        config = svc.command("config", "--print").stdout
    finally:
        svc.environment = environment
        svc.restart()
    for text in (svc.log(offset), found.text, config):
        assert SECRET not in text and "cGxhbnRlZC01" not in text
