# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the conformance tests (./run conformance): one per witness, and the counts."""

import pytest

import witnesses


def _running(factory, tmp_path_factory):
    witness = factory(tmp_path_factory.mktemp(factory.name))
    yield witness
    witness.stop()


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    yield from _running(witnesses.Moto, tmp_path_factory)


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory):
    yield from _running(witnesses.DynamodbLocal, tmp_path_factory)


@pytest.fixture(scope="session")
def dynalite(tmp_path_factory):
    yield from _running(witnesses.Dynalite, tmp_path_factory)


@pytest.fixture(scope="session")
def strict_s3(tmp_path_factory):
    yield from _running(witnesses.StrictS3, tmp_path_factory)


@pytest.fixture(scope="module")
def localcloud(tmp_path_factory):
    """localcloud, by the same attributes as the others; and by those of harness.Cloud."""
    cloud = witnesses.harness.Cloud(tmp_path_factory.mktemp("localcloud") / "data")
    yield cloud
    cloud.stop()
