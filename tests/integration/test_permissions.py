# SPDX-License-Identifier: Apache-2.0
"""What spotlist may do in AWS is said in five places: the code that calls, the template's role, the
policy document in docs, what doctor checks, and the operator's policy. They must be the same."""

import json
import re
import subprocess
import sys

import botocore.session

from harness import BUILD, ROOT, program

sys.path.append(str(ROOT / "service/setup"))
import embed_template  # noqa: E402

SERVICES = {"s3": "s3", "dynamodb": "dynamodb", "sns": "sns", "sts": "sts", "iam": "iam",
            "sqs": "sqs", "events": "events", "mediaconvert": "mediaconvert",
            "rekognition": "rekognition", "transcribe": "transcribe"}
# IAM's actions bear the operation's name; here are those that do not, or that need more than one.
ACTIONS = {
    ("s3", "HeadObject"): {"s3:GetObject"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    ("s3", "DeleteObjects"): {"s3:DeleteObject"},
    ("s3", "GetPublicAccessBlock"): {"s3:GetBucketPublicAccessBlock"},
    ("s3", "PutPublicAccessBlock"): {"s3:PutBucketPublicAccessBlock"},
    ("s3", "GetBucketEncryption"): {"s3:GetEncryptionConfiguration"},
    ("s3", "PutBucketEncryption"): {"s3:PutEncryptionConfiguration"},
    ("s3", "GetBucketLifecycleConfiguration"): {"s3:GetLifecycleConfiguration"},
    ("s3", "PutBucketLifecycleConfiguration"): {"s3:PutLifecycleConfiguration"},
    ("s3", "GetBucketCors"): {"s3:GetBucketCORS"},
    ("s3", "PutBucketCors"): {"s3:PutBucketCORS"},
    ("s3", "GetBucketNotificationConfiguration"): {"s3:GetBucketNotification"},
    ("s3", "PutBucketNotificationConfiguration"): {"s3:PutBucketNotification"},
    # They act for their caller: on objects, or by a role that they are given.
    ("mediaconvert", "CreateJob"): {"mediaconvert:CreateJob", "iam:PassRole"},
    ("rekognition", "RecognizeCelebrities"): {"rekognition:RecognizeCelebrities", "s3:GetObject"},
    ("rekognition", "StartLabelDetection"): {"rekognition:StartLabelDetection", "s3:GetObject",
                                             "iam:PassRole"},
    ("transcribe", "StartTranscriptionJob"): {"transcribe:StartTranscriptionJob", "s3:GetObject",
                                              "s3:PutObject"},
    ("sts", "GetCallerIdentity"): set(),  # everybody may
}


class Definition:
    """A function or table of aws/*.c: the names in it, and the operations."""

    def __init__(self, service, operations, text):
        self.names = set(re.findall(r"\b[a-z]\w+\b", re.sub(r'"(\\.|[^"\\])*"', "", text)))
        found = set(re.findall(r'"([A-Z]\w+)"', text)) & operations
        # Unsigned requests need no permission.
        self.operations = set() if ".unsigned_ = true" in text else {(service, o) for o in found}


def definitions():
    """{name: Definition} of all that makes requests; static names bear their file's."""
    session = botocore.session.get_session()
    every = {}
    for path in sorted((ROOT / "aws").glob("*.c")):
        service = SERVICES.get(path.stem.partition("_")[0])
        if service is None:
            continue
        operations = set(session.get_service_model(service).operation_names)
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        local = {}
        for piece in re.split(r"^\};?$", text, flags=re.MULTILINE):
            head = re.search(r"^(?:static )?(?:const )?(?:struct|enum|bool|void|char|json_t|size_t|int)"
                             r"[^;={]*?(?:\b(\w+)\([^;]*\{|\b(\w+)(?:\[\w*\])? = \{|\{)", piece,
                             re.MULTILINE)
            named = re.search(r"\}?\s*(\w+)\[\w*\] = \{", piece)
            name = (head and (head[1] or head[2])) or (named and named[1])
            if name:
                local[name] = Definition(service, operations, piece)
            elif set(re.findall(r'"([A-Z]\w+)"', piece)) & operations:
                raise AssertionError(f"{path.name}: operations outside of any definition: {piece}")
        for name, definition in local.items():
            definition.names = {inner if inner.startswith("sl_") or inner not in local
                                else f"{path.stem}.{inner}" for inner in definition.names}
            every[name if name.startswith("sl_") else f"{path.stem}.{name}"] = definition
    return every


def actions_of(sources):
    """The IAM actions that programs need which mention these functions of aws/."""
    every = definitions()
    mentioned = set()
    for path in sources:
        mentioned |= set(re.findall(r"\bsl_\w+\b", path.read_text()))
    reached, open_ = set(), mentioned & set(every)
    while open_:
        name = open_.pop()
        reached.add(name)
        open_ |= (every[name].names & set(every)) - reached
    operations = set().union(*(every[name].operations for name in reached))
    actions = set().union(*(ACTIONS.get((service, operation), {f"{service}:{operation}"})
                            for service, operation in operations))
    # A presigned URL is a request of somebody else's with our rights.
    return actions | ({"s3:PutObject"} if "sl_s3_presign" in mentioned else set())


def source(*directories):
    return [path for directory in directories for path in (ROOT / directory).rglob("*.[ch]")
            if "setup" not in path.parts or directory == "service/setup"]


def statements(value):
    """All policy statements in a value of the template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for item in value.values():
            yield from statements(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements(item)


def actions(listed):
    every = [one["Action"] for one in listed]
    assert all(one["Effect"] == "Allow" for one in listed)
    return {action for one in every for action in ([one] if isinstance(one, str) else one)}


def role_actions():
    template = embed_template.read(ROOT / "docs/cloudformation.yaml")[1]
    return actions(list(statements(template["Resources"]["SpotlistRole"]["Properties"]["Policies"])))


def document(name):
    return json.loads((ROOT / "docs" / name).read_text())["Statement"]


def test_the_roles_actions_are_exactly_what_the_code_calls():
    assert role_actions() == actions_of(source("service", "handlers"))


def test_the_document_is_the_roles_policy():
    assert actions(document("policy-spotlist.json")) == role_actions()


def test_doctor_checks_each_of_them():
    done = subprocess.run([program(BUILD, "spotlist"), "doctor", "--actions"], check=True,
                          capture_output=True, text=True)
    assert {line.split()[0] for line in done.stdout.splitlines()} == role_actions()


def test_the_operators_policy_is_what_provision_and_doctor_call_beyond():
    needed = actions_of(source("service/setup")) - role_actions()
    assert actions(document("policy-provision.json")) == needed


def test_a_dry_run_needs_the_reading_half_of_it():
    reading = {one for statement in document("policy-provision.json")
               if statement["Sid"].startswith("Read") for one in statement["Action"]}
    assert {one for one in actions(document("policy-provision.json"))
            if re.match(r"\w+:(Get|List|Describe|Simulate)", one)} == reading


def test_no_action_is_a_wildcard():
    for name in ("policy-spotlist.json", "policy-provision.json"):
        assert not [one for one in actions(document(name)) if "*" in one]
