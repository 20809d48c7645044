# SPDX-License-Identifier: Apache-2.0
"""Tokens as a client and an operator have them."""

import secrets
import zlib

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PATTERN = r"spotlist_[0-9A-Za-z]{49}"


def checksum(text):
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return digits


def forged():
    """A token that nobody made, of the documented form."""
    body = "spotlist_" + "".join(secrets.choice(DIGITS) for _ in range(43))
    return body + checksum(body)


def create(svc, scope, *arguments):
    return svc.command("token", "create", "--scope", scope, *arguments).stdout.strip()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def ask(svc, token, target="/videos", method="GET", headers=None, **options):
    return svc.request(method, target, headers={**bearer(token), **(headers or {})}, **options)
