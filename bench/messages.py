# SPDX-License-Identifier: Apache-2.0
"""Signed SNS messages by the thousand: notifications of Rekognition about the videos there are,
each with a MessageId of its own, signed with localcloud's key as SNS would."""

import concurrent.futures
import datetime
import hashlib
import json
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import harness
import sns_pki


def signing(cloud):
    """(SigningCertURL, private key in PEM)"""
    leaf = x509.load_pem_x509_certificate((cloud.data / "sns-leaf.pem").read_bytes())
    digest = hashlib.sha256(leaf.public_bytes(serialization.Encoding.DER)).hexdigest()[:32]
    return (f"{cloud.url}/SimpleNotificationService-{digest}.pem",
            (cloud.data / "sns-key.pem").read_bytes())


def sign_some(url, key_pem, topic, jobs, at):
    key = serialization.load_pem_private_key(key_pem, None)
    lines = []
    for job, tag in jobs:
        message = {"JobId": job, "Status": "SUCCEEDED", "API": "StartLabelDetection",
                   "JobTag": tag, "Timestamp": 1795000000123,
                   "Video": {"S3ObjectName": f"mp4/{tag}/video.mp4", "S3Bucket": "spotlist-test"}}
        lines.append(json.dumps(sns_pki.sign({
            "Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": topic,
            "Message": json.dumps(message, separators=(",", ":")), "Timestamp": at,
            "SignatureVersion": "2", "SigningCertURL": url,
            "UnsubscribeURL": url.rsplit("/", 1)[0] + "/?Action=Unsubscribe"}, key)))
    return lines


def write(directory, cloud, topic, jobs, files):
    """Files 0, 1, … of the directory with a message for each (job id, video id), a line each."""
    url, key = signing(cloud)
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    directory.mkdir(parents=True, exist_ok=True)
    chunks = [jobs[number::files] for number in range(files)]
    with concurrent.futures.ProcessPoolExecutor(files) as pool:
        for number, lines in enumerate(pool.map(sign_some, *zip(
                *((url, key, topic, chunk, at) for chunk in chunks)))):
            (directory / str(number)).write_text("\n".join(lines) + "\n")
    return sum(map(len, chunks))


TOPIC = harness.topic_arn("rekognition")
