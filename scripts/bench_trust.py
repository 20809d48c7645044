#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench_trust.py TRUST: what trusting SNS and being trusted by AWS cost, on one core, beside their
yardsticks in the same run: SNS messages verified a second beside `openssl speed rsa2048`; a typical
request signed, beside botocore and beside the bare hashes and HMACs of it. Ratios only; it judges
nothing."""

import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "integration"))

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import sns_pki

ROUNDS = 3
SECONDS = 2
TOPIC = "arn:aws:sns:eu-west-1:123456789012:spotlist-events"
EVENT = {"version": "0", "id": "5f9a0f3e-7a3b-4a0e-9b0d-0d5f0f3c1a2b",
         "detail-type": "MediaConvert Job State Change", "source": "aws.mediaconvert",
         "account": "123456789012", "time": "2026-11-22T18:40:00Z", "region": "eu-west-1",
         "resources": ["arn:aws:mediaconvert:eu-west-1:123456789012:jobs/1500000000000-abcdef"],
         "detail": {"timestamp": 1795000000123, "accountId": "123456789012",
                    "queue": "arn:aws:mediaconvert:eu-west-1:123456789012:queues/Default",
                    "jobId": "1500000000000-abcdef", "status": "COMPLETE",
                    "userMetadata": {"VideoId": "01920000-0000-7000-8000-000000000000"},
                    "outputGroupDetails": [{"type": "FILE_GROUP", "outputDetails": [
                        {"outputFilePaths": ["s3://bucket/mp4/0192/video.mp4"],
                         "durationInMs": 63000,
                         "videoDetails": {"widthInPx": 1280, "heightInPx": 720}}]}]}}


def one_core():
    """This process and what it starts stay on one core."""
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def rsa_verifies():
    """As `openssl speed` counts them, a second."""
    out = run("openssl", "speed", "-mr", "-seconds", str(SECONDS), "rsa2048")
    # "+F2:<index>:<bits>:<signs a second>:<verifies a second>"
    return float(next(line for line in out.splitlines() if line.startswith("+F2:")).split(":")[4])


def make_message(directory):
    """(message file, certificate file, roots file, milliseconds of its time)"""
    root = sns_pki.Issuer("Bench Root")
    key = sns_pki.rsa_key()
    leaf = sns_pki.issue("sns.amazonaws.com", key, root)
    message = sns_pki.sign({
        "Type": "Notification", "MessageId": "37210acf-236b-59e5-bbb8-52f4f85cd7b3",
        "TopicArn": TOPIC, "Message": json.dumps(EVENT, separators=(",", ":")),
        "Timestamp": "2026-11-22T18:40:00.000Z", "SignatureVersion": "2",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" +
        "0123456789abcdef" * 2 + ".pem",
        "UnsubscribeURL": f"https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&"
        f"SubscriptionArn={TOPIC}:186ceb0f-9602-4358-8773-168ff19a84e2"}, key)
    files = [directory / name for name in ("message.json", "leaf.pem", "roots.pem")]
    files[0].write_text(json.dumps(message, indent=2))
    files[1].write_bytes(sns_pki.pem(leaf))
    files[2].write_bytes(sns_pki.pem(root.certificate))
    at = sns_pki.NOW.replace(tzinfo=datetime.timezone.utc).timestamp()
    return [*map(str, files), str(int(at * 1000))]


def bench_sns(trust, directory):
    arguments = make_message(directory)
    alone, whole = [], []
    for _ in range(ROUNDS):  # the yardstick before and after, since machines change pace
        before = rsa_verifies()
        got = json.loads(run(trust, "sns", *arguments, str(SECONDS)))
        yardstick = (before + rsa_verifies()) / 2
        alone.append(got["verified"] / yardstick)
        whole.append(got["parsed_and_verified"] / yardstick)
        print(f"SNS: {got['parsed_and_verified']:.0f} messages of {got['bytes']} bytes parsed and "
              f"verified a second, {got['verified']:.0f} verified; openssl speed rsa2048: "
              f"{yardstick:.0f} verifies/s")
    print(f"SNS messages per RSA verification, median: {statistics.median(whole):.2f} with "
          f"parsing, {statistics.median(alone):.2f} without")


def botocore_us(body):
    """Microseconds in which botocore's signer adds its headers."""
    signer = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                         "FwoGZXIvYXdzEJr//////////wEaDExampleExampleExample"),
        "dynamodb", "eu-west-1")
    headers = {"Content-Type": "application/x-amz-json-1.0",
               "X-Amz-Target": "DynamoDB_20120810.PutItem"}
    requests = [botocore.awsrequest.AWSRequest(
        "POST", "https://dynamodb.eu-west-1.amazonaws.com/", headers=headers, data=body)
        for _ in range(2000)]
    for request in requests:
        request.context["client_config"] = types.SimpleNamespace(s3=None)
    start = time.process_time()
    for request in requests:
        signer.add_auth(request)
    return (time.process_time() - start) / len(requests) * 1e6


def bench_signing(trust, directory):
    body = json.dumps({"TableName": "rekognition-thumbs", "Item": {
        "fileName": {"S": "mp4/0192/video.mp4"}, "objects": {"S": "x" * 1100}}}).encode()
    (directory / "body.json").write_bytes(body)
    against_bare, against_botocore = [], []
    for _ in range(ROUNDS):
        got = json.loads(run(trust, "sign", str(directory / "body.json"), str(SECONDS)))
        python = botocore_us(body)
        against_bare.append(got["sign_us"] / got["bare_us"])
        against_botocore.append(got["sign_us"] / python)
        print(f"signing a PutItem of {len(body)} bytes: {got['sign_us']:.1f} µs; its bare hashes "
              f"and HMACs {got['bare_us']:.1f} µs; botocore {python:.1f} µs")
    print(f"signing, median: {statistics.median(against_bare):.2f} of the bare hashes and HMACs, "
          f"{statistics.median(against_botocore):.3f} of botocore")


def main():
    one_core()
    with tempfile.TemporaryDirectory() as directory:
        bench_sns(sys.argv[1], Path(directory))
        bench_signing(sys.argv[1], Path(directory))


if __name__ == "__main__":
    main()
