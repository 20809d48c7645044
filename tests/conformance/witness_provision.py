# SPDX-License-Identifier: Apache-2.0
"""`spotlist provision` against moto: all that tests/integration/test_provision.py asks of it."""

import pytest

import witnesses
from test_provision import *  # noqa: F401,F403 pylint: disable=wildcard-import,unused-wildcard-import

pytestmark = pytest.mark.witness("moto")


@pytest.fixture
def account(tmp_path):
    moto = witnesses.Moto(tmp_path / "moto")
    moto.blind = ("SignatureVersion",)  # kept, and never told
    yield moto
    moto.stop()
