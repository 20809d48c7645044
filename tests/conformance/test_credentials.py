# SPDX-License-Identifier: Apache-2.0
"""Where keys come from, held against botocore: the same environment, files and servers for both,
and the same keys, expiry and requests must come of it. Then what is refused, and when keys are
renewed; and `spotlist config --explain`."""

import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import time
import urllib.parse
from datetime import timezone
from unittest import mock

import botocore.loaders
import botocore.session
import pytest

from capture import BUILD, Answer, Capture

EXPIRES = "2030-01-02T03:04:05Z"
EXPIRES_MS = 1893553445000
MINUTE = 60_000
SECRET = "wJalrXUtnFEMI/hunter2/bPxRfiCYEXAMPLEKEY"
LOADER = botocore.loaders.create_loader()  # one for all: reading STS's model takes a while
DEFAULT_SESSION = re.compile(r"^(botocore-session-\d+|spotlist)$")


def keys_json(name, **extra):
    return {"AccessKeyId": "ASIA" + name, "SecretAccessKey": SECRET + name, "Expiration": EXPIRES,
            **extra}


def form_of(request):
    return dict(urllib.parse.parse_qsl(request.body.decode()))


def signer_of(request):
    found = re.search(r"Credential=([^/]+)/", request.header("authorization") or "")
    return found.group(1) if found else None


def sts(request):
    """Keys that tell which role they are of, and who asked for it."""
    form = form_of(request)
    told = "|".join([form["Action"], form["RoleArn"], str(signer_of(request)),
                     form.get("ExternalId", ""), form.get("WebIdentityToken", "")])
    name = hashlib.sha256(told.encode()).hexdigest()[:16].upper()
    action = form["Action"]
    fields = {"AccessKeyId": "ASIA" + name, "SecretAccessKey": SECRET + name,
              "SessionToken": f"token{name}==", "Expiration": EXPIRES}
    keys = "".join(f"<{field}>{value}</{field}>" for field, value in fields.items())
    return Answer(200, f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <{action}Result><AssumedRoleUser><Arn>a</Arn><AssumedRoleId>i</AssumedRoleId>
      </AssumedRoleUser><Credentials>{keys}</Credentials>
      </{action}Result></{action}Response>""".encode(), {"Content-Type": "text/xml"})


def world(request):
    """STS, a container's agent and the machine's metadata service, told apart by their paths."""
    if request.target == "/sts/":
        return sts(request)
    if request.target == "/container":
        return Answer(200, json.dumps(keys_json("CONTAINER", Token="ctoken")).encode())
    if request.target == "/latest/api/token" and request.method == "PUT":
        return Answer(200, b"imds-token")
    if request.target == "/latest/meta-data/iam/security-credentials/":
        return Answer(200, b"the-role")
    if request.target == "/latest/meta-data/iam/security-credentials/the-role":
        keys = keys_json("MACHINE", Token="mtoken", Code="Success")
        return Answer(200, json.dumps(keys).encode())
    if request.target == "/latest/meta-data/placement/region":
        return Answer(200, b"ap-southeast-7")
    return Answer(404)


@contextlib.contextmanager
def serving(script):
    capture = Capture(script)
    try:
        yield capture
    finally:
        capture.stop()


class Ours:
    """credentials_driver, running."""

    def __init__(self, **extra):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.process = subprocess.Popen([BUILD / "tests" / "credentials_driver"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE,
                                        env={**kept, "HOME": "/nonexistent", **extra})

    def ask(self, env=None, **more):
        self.process.stdin.write(json.dumps({"env": env or {}, **more}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        _, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return err


@pytest.fixture
def ours():
    driver = Ours()
    yield driver
    driver.stop()


@pytest.fixture
def cloud():
    with serving(world) as capture:
        yield capture


class Place:
    """Files, and an environment that points at them and at the servers."""

    def __init__(self, directory, cloud):
        self.directory, self.cloud = directory, cloud
        self.env = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
                    "AWS_ENDPOINT_URL_STS": cloud.url + "/sts",
                    "AWS_CONFIG_FILE": self.write("config", ""),
                    "AWS_SHARED_CREDENTIALS_FILE": self.write("credentials", "")}

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def config(self, text):
        self.write("config", text)

    def credentials(self, text):
        self.write("credentials", text)

    def machine(self):
        self.env.pop("AWS_EC2_METADATA_DISABLED", None)
        self.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = self.cloud.url

    def container(self):
        self.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.cloud.url + "/container"
        self.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Bearer abc"

    def process(self, name="PROCESS"):
        keys = keys_json(name, Version=1, SessionToken="ptoken")
        path = self.write("process.json", json.dumps(keys))
        return f"credential_process = /bin/cat '{path}'\n"

    def web(self):
        return self.write("web.token", "eyJ.web.token")


@pytest.fixture
def place(tmp_path, cloud):
    return Place(tmp_path, cloud)


def requests_of(cloud):
    """What was asked, without what each SDK chooses freely."""
    told = []
    for request in cloud.requests:
        form = form_of(request) if request.method == "POST" else {}
        if DEFAULT_SESSION.match(form.get("RoleSessionName", "")):
            form["RoleSessionName"] = "free"
        told.append((request.method, request.target, sorted(form.items()), signer_of(request),
                     request.header("x-aws-ec2-metadata-token"),
                     request.header("x-aws-ec2-metadata-token-ttl-seconds"),
                     request.header("authorization") if request.target == "/container" else None))
    cloud.requests.clear()
    return told


def botocores(place):
    """The same as ours.ask(), of botocore. This one knows no AWS_ENDPOINT_URL_STS yet."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    with mock.patch.dict(os.environ, {**kept, "HOME": "/nonexistent", **place.env}, clear=True):
        session = botocore.session.Session()
        session.register_component("data_loader", LOADER)
        create = session.create_client

        def with_endpoint(service, *args, **kwargs):
            return create(service, *args, endpoint_url=place.env["AWS_ENDPOINT_URL_STS"] + "/",
                          **kwargs)
        session.create_client = with_endpoint
        try:
            credentials = session.get_credentials()
            if credentials is None:
                return {"err": "none"}
            frozen = credentials.get_frozen_credentials()
        except Exception as error:  # whatever it is: refused
            return {"err": type(error).__name__}
        expiry = getattr(credentials, "_expiry_time", None)
        return {"err": "ok", "id": frozen.access_key, "secret": frozen.secret_key,
                "token": frozen.token or None,
                "expires_ms": int(expiry.astimezone(timezone.utc).timestamp() * 1000)
                if expiry else 0}


def compare(ours, place):
    place.cloud.requests.clear()
    theirs = botocores(place)
    asked = requests_of(place.cloud)
    got = ours.ask(place.env)
    ours_asked = requests_of(place.cloud)
    if theirs["err"] != "ok":
        assert got["err"] != "ok", (place.env, place.directory, theirs, got)
        return got
    assert {**got, "source": None} == {**theirs, "source": None}, (place.env, theirs, got)
    assert ours_asked == asked
    return got


BASE = f"[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = {SECRET}\n"


def environment_keys(place):
    place.env |= {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": SECRET,
                  "AWS_SESSION_TOKEN": "etoken"}


def shared_file(place):
    place.credentials(BASE.replace("base", "default") + "aws_session_token = stoken\n")


def config_file(place):
    place.config(BASE.replace("base", "default"))


def process(place):
    place.config("[default]\n" + place.process())


def role(place):
    place.credentials(BASE)
    place.config("[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n"
                 "external_id = ext-1\nrole_session_name = me@home\nduration_seconds = 3600\n")


def role_of_a_role(place):
    place.credentials(BASE)
    place.config("[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = middle\n"
                 "[profile middle]\nrole_arn = arn:aws:iam::1:role/m\nsource_profile = base\n")


def role_of_itself(place):
    place.credentials(BASE)
    place.config("[profile base]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n")
    place.env["AWS_PROFILE"] = "base"


def role_by_process(place):
    place.config("[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = p\n[profile p]\n"
                 + place.process())


def role_by_container(place):
    place.container()
    place.config("[default]\nrole_arn = arn:aws:iam::1:role/x\ncredential_source = EcsContainer\n")


def role_by_machine(place):
    place.machine()
    place.config("[default]\nrole_arn = arn:aws:iam::1:role/x\n"
                 "credential_source = Ec2InstanceMetadata\n")


def role_by_web_identity(place):
    place.config("[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = w\n[profile w]\n"
                 f"role_arn = arn:aws:iam::1:role/w\nweb_identity_token_file = {place.web()}\n")


def web_identity(place):
    place.env |= {"AWS_WEB_IDENTITY_TOKEN_FILE": place.web(), "AWS_ROLE_SESSION_NAME": "pod",
                  "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}


def web_identity_of_profile(place):
    place.config(f"[default]\nrole_arn = arn:aws:iam::1:role/w\n"
                 f"web_identity_token_file = {place.web()}\n")


def container(place):
    place.container()


def machine(place):
    place.machine()


@pytest.mark.parametrize("source", [
    environment_keys, shared_file, config_file, process, role, role_of_a_role, role_of_itself,
    role_by_process, role_by_container, role_by_machine, role_by_web_identity, web_identity,
    web_identity_of_profile, container, machine])
def test_each_source_gives_what_botocore_takes(ours, place, source):
    source(place)
    assert compare(ours, place)["err"] == "ok"


def test_whatever_is_configured_the_order_is_botocores(ours, place):
    """Random combinations of everything at once, by a fixed seed."""
    dice = random.Random(20261123)
    start = dict(place.env)
    seen = set()
    for _ in range(int(os.environ.get("SPOTLIST_CREDENTIAL_ROUNDS", "250"))):
        place.env = dict(start)

        def by_chance(likely=0.3):
            return dice.random() < likely
        name = dice.choice(["default", "default", "dev"])
        if name != "default" or by_chance():
            place.env["AWS_PROFILE"] = name
        config = "[default]\n" if name == "default" else "[profile dev]\n"
        if by_chance():
            config += f"role_arn = arn:aws:iam::1:role/{dice.choice('ab')}\n"
            if by_chance(0.6):
                config += f"source_profile = {dice.choice(['base', 'loop', 'gone', name])}\n"
            else:
                source = dice.choice(["Environment", "EcsContainer", "Ec2InstanceMetadata", "Moon"])
                config += f"credential_source = {source}\n"
        if by_chance(0.15):
            config += f"web_identity_token_file = {place.web()}\n"
        if by_chance():
            config += place.process()
        if by_chance():
            config += f"aws_access_key_id = AKIACONFIG\naws_secret_access_key = {SECRET}\n"
        place.config(config + "[profile loop]\nrole_arn = arn:aws:iam::1:role/loop\n"
                     f"source_profile = {dice.choice([name, 'base'])}\n")
        shared = f"[{name}]\naws_access_key_id = AKIASHARED\naws_secret_access_key = {SECRET}\n"
        place.credentials(BASE + (shared if by_chance() else ""))
        if by_chance(0.2):
            environment_keys(place)
        if by_chance(0.2):
            place.env |= {"AWS_WEB_IDENTITY_TOKEN_FILE": place.web()}
            if by_chance(0.8):
                place.env |= {"AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}
        if by_chance():
            place.container()
        if by_chance():
            place.machine()
        got = compare(ours, place)
        seen.add(got.get("id", got["err"]))
    assert len(seen) > 10, seen


# --- what is refused ------------------------------------------------------------------------------

PROFILE = "[default]\n"
ROLE = PROFILE + "role_arn = arn:aws:iam::1:role/x\n"


@pytest.mark.parametrize("config, says", [
    (ROLE + "source_profile = a\n[profile a]\nrole_arn = r\nsource_profile = default\n",
     "leads back"),
    (ROLE + "source_profile = gone\n", '"gone" is in neither'),
    (ROLE, "needs either"),
    (ROLE + "source_profile = base\ncredential_source = Environment\n", "needs either"),
    (ROLE + "source_profile = base\nmfa_serial = arn:m\n", "mfa_serial"),
    (ROLE + "source_profile = base\nduration_seconds = 60\n", "900 to 43200"),
    (ROLE + "source_profile = base\nrole_session_name = a b\n", "2 to 64"),
    (ROLE + "credential_source = Environment\n", "has no credentials"),
    (PROFILE + "sso_account_id = 1\nsso_role_name = r\n", "aws configure export-credentials"),
    (PROFILE + "login_session = arn\n", "aws configure export-credentials"),
    (PROFILE + "credential_process = /bin/echo 'open\n", "has no end"),
    (PROFILE + "credential_process = /no/such/program\n", "No such file"),
    (PROFILE + "credential_process = /bin/false\n", "exit status 1"),
    (PROFILE + "credential_process = /bin/echo hello\n", "no JSON object"),
    (PROFILE + "credential_process = /bin/echo '{}'\n", "Version"),
    (PROFILE + "credential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"a\"}'\n",
     "without SecretAccessKey"),
    (PROFILE + "credential_process = /usr/bin/yes\n", "more than 65536 bytes"),
    (PROFILE + "credential_process = /bin/sh -c 'echo no luck " + SECRET + " >&2; exit 3'\n",
     "it says: no luck ***"),
    (PROFILE + "credential_process = /bin/sh -c 'kill -9 $$'\n", "signal 9"),
    (PROFILE + "web_identity_token_file = /no/such/token\nrole_arn = r\n", "cannot read"),
    (PROFILE + "web_identity_token_file = /dev/null\nrole_arn = r\n", "is empty"),
    (PROFILE + "web_identity_token_file = /dev/null\n", "needs a role"),
])
def test_what_cannot_work_is_told_without_secrets(ours, place, config, says):
    place.credentials(BASE)
    place.config(config)
    got = ours.ask(place.env)
    assert got["err"] == "aws_credentials"
    assert says in got["detail"]
    assert "hunter2" not in got["detail"]


def test_a_process_that_leaves_something_running_is_not_waited_for(ours, place):
    keys = place.write("keys.json", json.dumps(keys_json("X", Version=1)))
    child = place.directory / "child"
    script = place.write("script", f"sleep 300 &\necho $! > '{child}'\ncat '{keys}'\n")
    place.config(PROFILE + f"credential_process = /bin/sh '{script}'\n")
    started = time.monotonic()
    assert ours.ask(place.env)["id"] == "ASIAX"
    assert time.monotonic() - started < 60
    stat = pathlib.Path(f"/proc/{child.read_text().strip()}/stat")
    until = time.monotonic() + 30
    while stat.exists() and stat.read_text().split()[2] != "Z":  # nobody may wait for it here
        assert time.monotonic() < until


BIG = json.dumps(keys_json("BIG", Token="t" * 70_000)).encode()


@pytest.mark.parametrize("answer, says", [
    (Answer(200, b"<html>proxy</html>"), "no JSON object"),
    (Answer(200, b"\xff\xfe"), "no JSON object"),
    (Answer(200, b"[]"), "no JSON object"),
    (Answer(200, b'{"Code": "AccessDenied", "Message": "not yours"}'), "AccessDenied: not yours"),
    (Answer(200, json.dumps({"AccessKeyId": "a", "SecretAccessKey": SECRET}).encode()),
     "without Token"),
    (Answer(200, json.dumps(keys_json("X", Token="a\r\nb")).encode()), "keys hold"),
    (Answer(200, json.dumps({**keys_json("X", Token="t"), "Expiration": "soon"}).encode()),
     "time of expiration"),
    (Answer(200, json.dumps({**keys_json("X", Token="t"), "Expiration": "2001-01-01T00:00:00Z"})
            .encode()), "have expired"),
    (Answer(200, BIG), "larger than"),
    (Answer(403, b"no"), "authorization token"),
    (Answer(302, b"", {"Location": "http://example.com/"}), "status 302"),
    (Answer(500), "status 500"),
    (Answer(cut=True), "container's credentials"),
])
def test_a_containers_agent_may_say_anything(ours, tmp_path, answer, says):
    with serving(lambda request: answer) as capture:
        place = Place(tmp_path, capture)
        place.container()
        got = ours.ask(place.env)
        assert got["err"] in ("aws_credentials", "aws_unavailable")
        assert says in got["detail"]
        assert "hunter2" not in got["detail"]
        again = answer.status >= 500 or answer.cut or answer.body is BIG
        assert len(capture.requests) == (3 if again else 1)


@pytest.mark.parametrize("uri, says", [
    ("http://example.com/x", "not allowed with http"),
    ("http://169.254.170.3/x", "not allowed with http"),
    ("http://127.0.0.1.example.com/x", "not allowed with http"),
    ("http://me@example.com/x", "not allowed with http"),
    ("file:///etc/passwd", "no http or https URL"),
    ("not a url", "no http or https URL"),
])
def test_a_containers_uri_stays_on_the_machine(ours, place, uri, says):
    place.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = uri
    assert says in ours.ask(place.env)["detail"]


def test_a_containers_token_is_read_again_and_may_not_hold_line_breaks(ours, place):
    place.container()
    place.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = place.write("token", "from-file")
    assert ours.ask(place.env)["err"] == "ok"
    place.write("token", "renewed")
    assert ours.ask(None, again=True, now_ms=EXPIRES_MS - 5 * MINUTE)["err"] == "ok"
    assert [r.header("authorization") for r in place.cloud.requests] == ["from-file", "renewed"]
    place.write("token", "a\r\nX-Evil: b")
    assert "line break" in ours.ask(place.env)["detail"]


def imds_but(**changed):
    def script(request):
        for path, answer in changed.items():
            if request.target.endswith({"token": "api/token", "roles": "security-credentials/",
                                        "keys": "the-role"}[path]):
                return answer
        return world(request)
    return script


@pytest.mark.parametrize("changed, env, err, says", [
    ({"token": Answer(404)}, {}, "ok", None),  # version 1
    ({"token": Answer(404)}, {"AWS_EC2_METADATA_V1_DISABLED": "true"}, "aws_unavailable",
     "V1_DISABLED"),
    ({"token": Answer(400)}, {}, "aws_unavailable", "no token"),
    ({"roles": Answer(404)}, {}, "aws_credentials", "There are no AWS credentials"),
    ({"roles": Answer(200, b"<html>")}, {}, "aws_unavailable", "no role's name"),
    ({"roles": Answer(200, b"../../x")}, {}, "aws_unavailable", "no role's name"),
    ({"keys": Answer(200, b'{"Code": "AssumeRoleUnauthorizedAccess", "Message": "m"}')}, {},
     "aws_credentials", "AssumeRoleUnauthorizedAccess: m"),
    ({"keys": Answer(200, b"garbage")}, {}, "aws_credentials", "no JSON"),
    ({}, {"AWS_EC2_METADATA_DISABLED": "TRUE"}, "aws_credentials", "There are no AWS credentials"),
    ({}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"}, "config", "IPv4 or IPv6"),
    ({}, {"http_proxy": "http://127.0.0.1:1"}, "ok", None),  # is passed by
])
def test_the_machines_metadata_service_may_say_anything(ours, tmp_path, changed, env, err, says):
    with serving(imds_but(**changed)) as capture:
        place = Place(tmp_path, capture)
        place.machine()
        place.env |= env
        got = ours.ask(place.env)
        assert got["err"] == err
        assert says is None or says in got["detail"]


def test_the_region_comes_from_the_machine_when_nothing_else_tells(ours, place):
    del place.env["AWS_DEFAULT_REGION"]
    assert "No AWS region is set" in ours.ask(place.env, region=True)["detail"]
    place.machine()
    assert ours.ask(place.env, region=True)["region"] == "ap-southeast-7"
    place.config("[default]\nregion = eu-north-1\n")
    assert ours.ask(place.env, region=True)["region"] == "eu-north-1"


def test_what_sts_refuses_is_a_matter_of_credentials(ours, tmp_path):
    denied = Answer(403, b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                         b"<Message>not authorized</Message></Error></ErrorResponse>")
    with serving(lambda request: denied) as capture:
        place = Place(tmp_path, capture)
        role(place)
        got = ours.ask(place.env)
        assert got["err"] == "aws_credentials"
        assert "arn:aws:iam::1:role/x" in got["detail"] and "AccessDenied" in got["detail"]


# --- when keys are renewed ------------------------------------------------------------------------

def test_a_machines_keys_outlive_an_outage(ours, tmp_path):
    down = []
    with serving(lambda request: Answer(503) if down else world(request)) as capture:
        place = Place(tmp_path, capture)
        place.machine()
        assert ours.ask(place.env, now_ms=EXPIRES_MS - 60 * MINUTE)["err"] == "ok"
        down.append(True)
        got = ours.ask(None, again=True, now_ms=EXPIRES_MS + MINUTE)
        assert got["err"] == "ok" and got["expires_ms"] > EXPIRES_MS + 10 * MINUTE
        asked = len(capture.requests)
        assert ours.ask(None, again=True, now_ms=EXPIRES_MS + MINUTE + 1000)["err"] == "ok"
        assert len(capture.requests) == asked  # not before a pause


def test_a_containers_keys_serve_until_they_expire(tmp_path):
    down = []
    ours = Ours()
    with serving(lambda request: Answer(503) if down else world(request)) as capture:
        place = Place(tmp_path, capture)
        place.container()
        assert ours.ask(place.env, now_ms=EXPIRES_MS - 60 * MINUTE)["err"] == "ok"
        assert ours.ask(None, again=True, now_ms=EXPIRES_MS - 16 * MINUTE)["err"] == "ok"
        assert len(capture.requests) == 1
        down.append(True)
        for minutes, asked in ((14, 4), (13.5, 4), (9, 7), (8.5, 7), (1, 10)):
            now_ms = int(EXPIRES_MS - minutes * MINUTE)
            assert ours.ask(None, again=True, now_ms=now_ms)["id"] == "ASIACONTAINER"
            assert len(capture.requests) == asked
        assert ours.ask(None, again=True, now_ms=EXPIRES_MS)["err"] == "aws_unavailable"
    log = ours.stop()
    assert log.count("not renewed") == 4 and "hunter2" not in log


# --- config --explain -----------------------------------------------------------------------------

def explain(env):
    process = subprocess.run([BUILD / "service" / "spotlist", "config", "--explain", "--json"],
                             env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **env},
                             text=True, capture_output=True, timeout=60, check=False)
    rows = {row["setting"]: row for row in map(json.loads, process.stdout.splitlines())}
    return process.returncode, rows, process.stdout + process.stderr


GOOD = {"SPOTLIST_DATABASE_URL": "postgresql://me:hunter2@db/x", "SPOTLIST_BUCKET": "b",
        "SPOTLIST_MEDIACONVERT_ROLE_ARN": "arn:aws:iam::123456789012:role/m"}


def test_explain_tells_where_everything_comes_from(place):
    place.container()
    place.config("[default]\nmax_attempts = 5\nservices = mine\n[services mine]\ns3 =\n"
                 "  endpoint_url = https://s3.example.com\n")
    env = {**GOOD, **place.env, "HTTPS_PROXY": "http://me:hunter2@proxy:3128"}
    status, rows, text = explain(env)
    assert status == 0, text
    assert rows["AWS_REGION"]["from"] == "environment, AWS_DEFAULT_REGION"
    assert rows["AWS_ENDPOINT_URL_S3"]["value"] == "https://s3.example.com"
    assert "services mine, s3, endpoint_url" in rows["AWS_ENDPOINT_URL_S3"]["from"]
    assert "profile default, max_attempts" in rows["AWS_MAX_ATTEMPTS"]["from"]
    assert rows["AWS credentials"]["from"] == "the container's role"
    assert "...INER" in rows["AWS credentials"]["value"]
    assert "2030-01-02" in rows["AWS credentials"]["value"]
    assert rows["HTTPS_PROXY"]["value"] == "http://***@proxy:3128"
    assert "hunter2" not in text and "ctoken" not in text


def test_explain_goes_on_after_what_is_wrong(place):
    place.config("[default]\nmax_attempts = many\nuse_fips_endpoint = perhaps\n")
    env = {**place.env, "AWS_RETRY_MODE": "never", "AWS_CA_BUNDLE": "/no/such/file",
           "SPOTLIST_WORKERS": "0", "AWS_STS_REGIONAL_ENDPOINTS": "everywhere"}
    status, rows, _ = explain(env)
    assert status == 1
    wrong = {name for name, row in rows.items() if row["problem"]}
    assert wrong >= {"AWS_MAX_ATTEMPTS", "AWS_USE_FIPS_ENDPOINT", "AWS_RETRY_MODE", "AWS_CA_BUNDLE",
                     "SPOTLIST_WORKERS", "SPOTLIST_BUCKET", "AWS_STS_REGIONAL_ENDPOINTS",
                     "AWS credentials"}
    assert rows["AWS_REGION"]["problem"] is None
    place.config("[default\n")
    status, rows, _ = explain({**GOOD, **place.env})
    assert status == 1 and "line 1" in rows["AWS_PROFILE"]["problem"]
