# SPDX-License-Identifier: Apache-2.0
"""localcloud driven by the AWS CLI (Debian's, version 2) through the workshop, a command a step.

Its answers pass a proxy that holds them against the models (examiner.py). The tests of this file
build on each other, in their order, as the workshop's chapters do.
"""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import pytest

import examiner
from harness import Cloud, plain_environment, wait_until
from media import AAC, H264, Media, ffmpeg
from receiver import Receiver, check_signature

BUCKET = "smith-immersionday"
TABLE = "rekognition-thumbs"
ROLE = "arn:aws:iam::000000000000:role/"

pytestmark = pytest.mark.witness("AWS CLI", "localcloud")


class Cli:
    """The command, at a localcloud, with nothing configured but the environment."""

    def __init__(self, cloud, directory):
        self.cloud = cloud
        self.dir = directory
        self.examiner = examiner.Examiner(cloud.url)

    def start(self, *arguments, stdin=None):
        done = subprocess.run(
            ["/usr/bin/aws", "--endpoint-url", self.examiner.url, *map(str, arguments)],
            env={**plain_environment(), "HOME": str(self.dir), "AWS_ACCESS_KEY_ID": "test",
                 "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
                 "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8"},
            input=stdin, capture_output=True, cwd=self.dir, timeout=120)
        assert not self.examiner.problems, self.examiner.problems
        return done

    def text(self, *arguments, stdin=None):
        done = self.start(*arguments, stdin=stdin)
        assert done.returncode == 0, f"aws {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.decode()

    def __call__(self, *arguments, **options):
        """What a command that ends well prints as JSON; parameters that are no text become JSON."""
        written = self.text(*(argument if isinstance(argument, (str, os.PathLike))
                              else json.dumps(argument) for argument in arguments), **options)
        return json.loads(written) if written.strip() else None

    def refusal(self, *arguments):
        """The code with which AWS refuses a command."""
        done = self.start(*arguments)
        told = re.search(rb"An error occurred \((\w+)\)", done.stderr)
        assert done.returncode in (1, 254) and told, f"aws {arguments}: {done}"
        return told[1].decode()

    def sent(self, operation):
        """How many requests for an operation there have been."""
        return sum(request[4] == operation for request in self.examiner.requests)


@pytest.fixture(scope="module")
def media():
    return Media()


@pytest.fixture(scope="module")
def aws(media, tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data", gallery=media.gallery)
    cli = Cli(cloud, tmp_path_factory.mktemp("home"))
    yield cli
    cli.examiner.close()
    cloud.stop()


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def state():
    """What a later test needs of an earlier one."""
    return {}


def test_who_am_i(aws):
    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"
    assert aws.text("sts", "get-caller-identity", "--query", "Account", "--output",
                    "text").strip() == "000000000000"


# --- S3 ------------------------------------------------------------------------------------------

def test_the_bucket(aws):
    assert aws.text("s3", "mb", f"s3://{BUCKET}") == f"make_bucket: {BUCKET}\n"
    assert BUCKET in aws.text("s3", "ls")
    assert aws("s3api", "list-buckets", "--query", "Buckets[].Name") == [BUCKET]
    assert aws("s3api", "get-bucket-location", "--bucket", BUCKET) == {"LocationConstraint": None}
    for folder in ("thumbs/", "mp4/"):
        aws("s3api", "put-object", "--bucket", BUCKET, "--key", folder)
    assert re.findall(r"PRE (\S+)", aws.text("s3", "ls", f"s3://{BUCKET}")) == ["mp4/", "thumbs/"]


def test_a_file_of_several_parts(aws):
    """20 MB: three parts of the CLI's 8 MiB, there and back."""
    big = aws.dir / "big.bin"
    big.write_bytes(os.urandom(20_000_003))
    aws.text("s3", "cp", big, f"s3://{BUCKET}/in/big.bin")
    assert aws.sent("UploadPart") == 3 and aws.sent("CompleteMultipartUpload") == 1
    head = aws("s3api", "head-object", "--bucket", BUCKET, "--key", "in/big.bin")
    assert head["ContentLength"] == 20_000_003 and head["ETag"].endswith('-3"')
    aws.text("s3", "cp", f"s3://{BUCKET}/in/big.bin", "back.bin")
    assert aws.sent("GetObject") > 1  # by ranges
    assert (aws.dir / "back.bin").read_bytes() == big.read_bytes()
    aws.text("s3", "cp", f"s3://{BUCKET}/in/big.bin", f"s3://{BUCKET}/in/copy.bin")
    assert aws.sent("UploadPartCopy") == 3
    aws("s3api", "get-object", "--bucket", BUCKET, "--key", "in/copy.bin", "--range",
        "bytes=20000000-", "end.bin")
    assert (aws.dir / "end.bin").read_bytes() == big.read_bytes()[-3:]
    aws.text("s3", "mv", f"s3://{BUCKET}/in/copy.bin", f"s3://{BUCKET}/in/moved.bin")
    listed = aws.text("s3", "ls", f"s3://{BUCKET}/in/", "--recursive", "--summarize")
    assert "in/moved.bin" in listed and "in/copy.bin" not in listed
    assert re.search(r"Total Size: 40000006\b", listed)


def test_a_stream(aws):
    aws.text("s3", "cp", "-", f"s3://{BUCKET}/in/stream", stdin="흐름\n".encode())
    assert aws.text("s3", "cp", f"s3://{BUCKET}/in/stream", "-") == "흐름\n"


def test_a_directory_is_synchronised(aws):
    tree = aws.dir / "tree"
    names = ["a b+c%d.txt", "깊은/곳/한국어.txt", "deep/e=f&g#h.txt", "one.txt"]
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    aws.text("s3", "sync", "tree", f"s3://{BUCKET}/tree")
    puts = aws.sent("PutObject")
    assert aws.text("s3", "sync", "tree", f"s3://{BUCKET}/tree") == ""
    assert aws.sent("PutObject") == puts
    aws.text("s3", "sync", f"s3://{BUCKET}/tree", "again")
    assert {str(path.relative_to(aws.dir / "again")): path.read_text()
            for path in (aws.dir / "again").rglob("*.txt")} == {name: name for name in names}
    (tree / "one.txt").unlink()
    assert "delete: s3" in aws.text("s3", "sync", "tree", f"s3://{BUCKET}/tree", "--delete")
    keys = aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", "tree/", "--page-size",
               "1", "--query", "Contents[].Key")
    assert sorted(keys) == sorted(f"tree/{name}" for name in names[:-1])
    first = aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", "tree/",
                "--max-items", "2")
    assert len(first["Contents"]) == 2 and first["NextToken"]
    aws.text("s3", "rm", f"s3://{BUCKET}/tree", "--recursive")
    assert "KeyCount" not in (aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix",
                                  "tree/", "--query", "Contents") or {})


def test_a_presigned_url(aws):
    aws.text("s3", "cp", "-", f"s3://{BUCKET}/in/pre signed", stdin=b"for all who have the URL")
    url = aws.text("s3", "presign", f"s3://{BUCKET}/in/pre signed", "--expires-in", "60").strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"for all who have the URL"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("pre", "post", 1))
    assert caught.value.code == 403 and b"SignatureDoesNotMatch" in caught.value.read()
    assert not aws.examiner.problems


def test_what_s3_refuses(aws):
    assert aws.refusal("s3api", "get-object", "--bucket", BUCKET, "--key", "none", "x") == \
        "NoSuchKey"
    assert aws.refusal("s3api", "head-object", "--bucket", BUCKET, "--key", "none") == "404"
    assert aws.refusal("s3", "ls", "s3://nobodys-bucket") == "NoSuchBucket"
    assert aws.start("s3", "rb", f"s3://{BUCKET}").returncode == 1
    assert aws.refusal("s3api", "delete-bucket", "--bucket", BUCKET) == "BucketNotEmpty"
    assert aws.refusal("s3api", "get-bucket-cors", "--bucket", BUCKET) == "NoSuchCORSConfiguration"
    aws.text("s3", "mb", "s3://for-a-moment")
    assert aws.text("s3", "rb", "s3://for-a-moment") == "remove_bucket: for-a-moment\n"


# --- table, roles, topics, rules -----------------------------------------------------------------

def test_the_table(aws):
    made = aws("dynamodb", "create-table", "--table-name", TABLE, "--key-schema",
               "AttributeName=fileName,KeyType=HASH", "--attribute-definitions",
               "AttributeName=fileName,AttributeType=S", "--provisioned-throughput",
               "ReadCapacityUnits=5,WriteCapacityUnits=5")
    assert made["TableDescription"]["TableName"] == TABLE
    aws.text("dynamodb", "wait", "table-exists", "--table-name", TABLE)
    assert aws("dynamodb", "list-tables")["TableNames"] == [TABLE]
    assert aws.refusal("dynamodb", "describe-table", "--table-name", "nobodys") == \
        "ResourceNotFoundException"


def test_items(aws):
    key = {"fileName": {"S": "thumbs/한.jpg"}}
    item = {**key, "celebrities": {"L": [{"S": "Eileen Collins"}]}, "n": {"N": "1"}}
    aws("dynamodb", "put-item", "--table-name", TABLE, "--item", item)
    assert aws("dynamodb", "get-item", "--table-name", TABLE, "--key", key)["Item"] == item
    values = {":k": {"S": "thumbs/한.jpg"}}
    assert aws("dynamodb", "query", "--table-name", TABLE, "--key-condition-expression",
               "fileName = :k", "--expression-attribute-values", values)["Items"] == [item]
    changed = aws("dynamodb", "update-item", "--table-name", TABLE, "--key", key,
                  "--update-expression", "ADD n :one", "--expression-attribute-values",
                  {":one": {"N": "1"}}, "--return-values", "UPDATED_NEW")
    assert changed["Attributes"] == {"n": {"N": "2"}}
    more = [{"PutRequest": {"Item": {"fileName": {"S": str(number)}}}} for number in range(5)]
    answer = aws("dynamodb", "batch-write-item", "--request-items", {TABLE: more})
    assert answer["UnprocessedItems"] == {}
    scanned = aws("dynamodb", "scan", "--table-name", TABLE, "--page-size", "2")
    assert scanned["Count"] == 6
    assert aws.refusal("dynamodb", "put-item", "--table-name", TABLE, "--item", json.dumps(item),
                       "--condition-expression", "attribute_not_exists(fileName)") == \
        "ConditionalCheckFailedException"
    aws("dynamodb", "batch-write-item", "--request-items", {TABLE: [
        {"DeleteRequest": {"Key": one["PutRequest"]["Item"]}} for one in more]})
    aws("dynamodb", "delete-item", "--table-name", TABLE, "--key", key)
    assert aws("dynamodb", "scan", "--table-name", TABLE)["Items"] == []


def test_the_roles(aws):
    for name, service, policy, action in [
            ("vod-MediaConvertRole", "mediaconvert", "AmazonS3FullAccess", "s3:*"),
            ("RekognitionRole", "rekognition", "AmazonRekognitionServiceRole", "sns:Publish")]:
        trust = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole"}]}
        made = aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document",
                   trust)
        assert made["Role"]["Arn"] == ROLE + name
        arn = aws("iam", "create-policy", "--policy-name", policy, "--policy-document", {
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": action, "Resource": "*"}]})["Policy"]["Arn"]
        aws("iam", "attach-role-policy", "--role-name", name, "--policy-arn", arn)
        assert aws("iam", "get-role", "--role-name", name)["Role"]["AssumeRolePolicyDocument"] == \
            trust
    assert aws("iam", "list-attached-role-policies", "--role-name", "RekognitionRole")[
        "AttachedPolicies"][0]["PolicyName"] == "AmazonRekognitionServiceRole"
    assert aws.refusal("iam", "get-role", "--role-name", "nobody") == "NoSuchEntity"


def test_a_queue(aws):
    url = aws("sqs", "create-queue", "--queue-name", "dead-letters")["QueueUrl"]
    assert aws("sqs", "get-queue-url", "--queue-name", "dead-letters")["QueueUrl"] == url
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "one")
    [message] = aws("sqs", "receive-message", "--queue-url", url)["Messages"]
    assert message["Body"] == "one"
    aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    found = aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")
    assert found["Attributes"]["QueueArn"].endswith(":dead-letters")
    aws("sqs", "delete-queue", "--queue-url", url)


def signed(aws, receiver, kind):
    message = receiver.next(60).json
    assert message["Type"] == kind, message
    check_signature(message, aws.cloud.ca)
    return message


def test_topics_and_subscriptions(aws, receiver, state):
    for name in ("AmazonRekognitionVideo-Notification", "events"):
        arn = state[name] = aws("sns", "create-topic", "--name", name)["TopicArn"]
        aws("sns", "set-topic-attributes", "--topic-arn", arn, "--attribute-name",
            "SignatureVersion", "--attribute-value", "2")
        aws("sns", "subscribe", "--topic-arn", arn, "--protocol", "http",
            "--notification-endpoint", receiver.url)
        token = signed(aws, receiver, "SubscriptionConfirmation")["Token"]
        aws("sns", "confirm-subscription", "--topic-arn", arn, "--token", token)
        [there] = aws("sns", "list-subscriptions-by-topic", "--topic-arn", arn)["Subscriptions"]
        assert there["Endpoint"] == receiver.url
    aws("sns", "publish", "--topic-arn", state["events"], "--subject", "S", "--message", "한 줄")
    message = signed(aws, receiver, "Notification")
    assert (message["Subject"], message["Message"]) == ("S", "한 줄")
    assert aws.refusal("sns", "get-topic-attributes", "--topic-arn", state["events"] + "x") == \
        "NotFound"


def test_rules(aws, state):
    for name in ("mediaconvert", "transcribe"):
        aws("events", "put-rule", "--name", name, "--event-pattern", {"source": [f"aws.{name}"]})
        put = aws("events", "put-targets", "--rule", name, "--targets",
                  f"Id=1,Arn={state['events']}")
        assert put["FailedEntryCount"] == 0
    assert [rule["Name"] for rule in aws("events", "list-rules")["Rules"]] == \
        ["mediaconvert", "transcribe"]
    assert aws("events", "describe-rule", "--name", "transcribe")["State"] == "ENABLED"


# --- the jobs ------------------------------------------------------------------------------------

def test_the_transcoding(aws, media, receiver, state):
    ffmpeg(aws.dir / "clip.mp4", "-i", media.demo, "-t", 4, *H264, *AAC)
    aws.text("s3", "cp", "clip.mp4", f"s3://{BUCKET}/in/clip.mp4")
    frames = {"NameModifier": "$dt$", "ContainerSettings": {"Container": "RAW"},
              "VideoDescription": {"CodecSettings": {
                  "Codec": "FRAME_CAPTURE", "FrameCaptureSettings": {
                      "FramerateNumerator": 1, "FramerateDenominator": 1}}}}
    mp4 = {"NameModifier": "$dt$", "ContainerSettings": {"Container": "MP4"},
           "VideoDescription": {"CodecSettings": {"Codec": "H_264", "H264Settings": {
               "RateControlMode": "CBR", "Bitrate": 6000000}}},
           "AudioDescriptions": [{"CodecSettings": {"Codec": "AAC", "AacSettings": {
               "Bitrate": 96000, "SampleRate": 48000, "CodingMode": "CODING_MODE_2_0"}}}]}
    job = {"Role": ROLE + "vod-MediaConvertRole", "Settings": {
        "Inputs": [{"FileInput": f"s3://{BUCKET}/in/clip.mp4", "AudioSelectors": {
            "Audio Selector 1": {"DefaultSelection": "DEFAULT"}}}],
        "OutputGroups": [
            {"Outputs": [output], "OutputGroupSettings": {
                "Type": "FILE_GROUP_SETTINGS",
                "FileGroupSettings": {"Destination": f"s3://{BUCKET}/{folder}/"}}}
            for folder, output in [("thumbs", frames), ("mp4", mp4)]]}}
    (aws.dir / "job.json").write_text(json.dumps(job))
    made = aws("mediaconvert", "create-job", "--cli-input-json", "file://job.json")["Job"]
    while True:
        event = json.loads(signed(aws, receiver, "Notification")["Message"])
        assert event["detail"]["jobId"] == made["Id"] and event["detail"]["status"] != "ERROR"
        if event["detail"]["status"] == "COMPLETE":
            break
    assert aws("mediaconvert", "get-job", "--id", made["Id"])["Job"]["Status"] == "COMPLETE"
    assert aws("mediaconvert", "list-jobs", "--query", "Jobs[].Id") == [made["Id"]]
    paths = [path for group in event["detail"]["outputGroupDetails"]
             for output in group["outputDetails"] for path in output["outputFilePaths"]]
    state["frame"], state["mp4"] = [path.partition(f"{BUCKET}/")[2] for path in paths]
    assert re.search(r"\.0000003\.jpg$", state["frame"])
    assert aws.refusal("mediaconvert", "get-job", "--id", "1234567890123-abcdef") == \
        "NotFoundException"


def test_the_recognition(aws, receiver, state):
    names = set()
    for number in range(4):
        frame = {"S3Object": {"Bucket": BUCKET,
                              "Name": state["frame"].replace("0000003", f"000000{number}")}}
        found = aws("rekognition", "recognize-celebrities", "--image", frame)
        names |= {celebrity["Name"] for celebrity in found["CelebrityFaces"]}
    assert names == {"Eileen Collins"}
    job = aws("rekognition", "start-label-detection", "--min-confidence", "85", "--video",
              {"S3Object": {"Bucket": BUCKET, "Name": state["mp4"]}}, "--notification-channel",
              f"SNSTopicArn={state['AmazonRekognitionVideo-Notification']},"
              f"RoleArn={ROLE}RekognitionRole")["JobId"]
    event = json.loads(signed(aws, receiver, "Notification")["Message"])
    assert (event["JobId"], event["Status"], event["API"]) == (job, "SUCCEEDED",
                                                               "StartLabelDetection")
    whole = aws("rekognition", "get-label-detection", "--job-id", job)
    assert whole["JobStatus"] == "SUCCEEDED" and whole["Labels"]
    more, paged = [], []
    while True:
        page = aws("rekognition", "get-label-detection", "--job-id", job, "--max-results", "10",
                   *more)
        paged += page["Labels"]
        if "NextToken" not in page:
            break
        more = ["--next-token", page["NextToken"]]
    assert paged == whole["Labels"]
    aws("dynamodb", "put-item", "--table-name", TABLE, "--item", {
        "fileName": {"S": state["mp4"]}, "objects": {"S": json.dumps(whole["Labels"])}})
    stored = aws("dynamodb", "get-item", "--table-name", TABLE, "--key",
                 {"fileName": {"S": state["mp4"]}}, "--query", "Item.objects.S")
    assert json.loads(stored) == whole["Labels"]
    assert aws.refusal("rekognition", "get-label-detection", "--job-id", "0" * 64) == \
        "ResourceNotFoundException"


def test_the_transcript(aws, receiver, state):
    aws("transcribe", "start-transcription-job", "--transcription-job-name", "TranscribeJob",
        "--media", f"MediaFileUri=https://s3.us-east-1.amazonaws.com/{BUCKET}/{state['mp4']}",
        "--media-format", "mp4", "--language-code", "en-US", "--output-bucket-name", BUCKET)
    event = json.loads(signed(aws, receiver, "Notification")["Message"])
    assert event["detail"] == {"TranscriptionJobName": "TranscribeJob",
                               "TranscriptionJobStatus": "COMPLETED"}
    job = aws("transcribe", "get-transcription-job", "--transcription-job-name", "TranscribeJob")
    assert job["TranscriptionJob"]["TranscriptionJobStatus"] == "COMPLETED"
    transcript = json.loads(aws.text("s3", "cp", f"s3://{BUCKET}/TranscribeJob.json", "-"))
    assert "astronaut" in transcript["results"]["transcripts"][0]["transcript"]
    assert aws.refusal("transcribe", "get-transcription-job", "--transcription-job-name", "x") == \
        "BadRequestException"


def test_everything_is_removed(aws, state):
    aws("transcribe", "delete-transcription-job", "--transcription-job-name", "TranscribeJob")
    aws("events", "remove-targets", "--rule", "transcribe", "--ids", "1")
    aws("events", "delete-rule", "--name", "transcribe")
    [arn] = aws("sns", "list-subscriptions-by-topic", "--topic-arn", state["events"], "--query",
                "Subscriptions[].SubscriptionArn")
    aws("sns", "unsubscribe", "--subscription-arn", arn)
    aws("sns", "delete-topic", "--topic-arn", state["events"])
    aws("dynamodb", "delete-table", "--table-name", TABLE)
    aws.text("dynamodb", "wait", "table-not-exists", "--table-name", TABLE)
    aws.text("s3", "rb", f"s3://{BUCKET}", "--force")
    wait_until(lambda: BUCKET not in aws.text("s3", "ls"))


def test_every_answer_was_examined(aws):
    unknown = [request[:2] for request in aws.examiner.requests if request[4] is None]
    assert not unknown and len(aws.examiner.checked) >= 60, aws.examiner.checked
