# SPDX-License-Identifier: Apache-2.0
"""Certificates and signed SNS messages, made with python3-cryptography: independent of aws/ and of
localcloud."""

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token",
                                 "TopicArn", "Type"],
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]
NOW = datetime.datetime(2026, 11, 22, 18, 40)
DAY = datetime.timedelta(days=1)


def rsa_key(bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class Issuer:
    """A root, or with `by` an intermediate."""

    def __init__(self, common_name, by=None, key=None):
        self.key = key or rsa_key()
        self.certificate = issue(common_name, self.key, by or self, ca=True, subject=common_name)


def issue(common_name, key, by, ca=False, start=NOW - 30 * DAY, end=NOW + 30 * DAY, subject=None,
          sans=None, usage=ExtendedKeyUsageOID.SERVER_AUTH, digest=hashes.SHA256()):
    issuer = name(subject) if subject and not hasattr(by, "certificate") else \
        by.certificate.subject
    builder = x509.CertificateBuilder(
        issuer, name(common_name), key.public_key(), x509.random_serial_number(), start, end)
    builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if sans is not None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(san) for san in sans]), critical=False)
    if not ca and usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(by.key, digest)


def pem(*certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def canonical(message):
    return "".join(f"{key}\n{message[key]}\n" for key in SIGNED[message["Type"]]
                   if message.get(key) is not None).encode()


def sign(message, key, version=None):
    """The message with its Signature, by `version` or what it says itself."""
    digest = hashes.SHA1() if (version or message["SignatureVersion"]) == "1" else hashes.SHA256()
    signature = key.sign(canonical(message), padding.PKCS1v15(), digest)
    return {**message, "Signature": base64.b64encode(signature).decode()}
