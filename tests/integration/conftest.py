# SPDX-License-Identifier: Apache-2.0
"""Fixtures. Module-scoped ones are shared by a file's tests (run with --dist loadfile)."""

import pytest

import media
from harness import CONTRACT, Cloud, Postgres, Spotlist


@pytest.fixture(scope="session")
def pg_cluster():
    cluster = Postgres()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def pg(pg_cluster):
    """A fresh database: .conninfo, .query(sql, …)."""
    database = pg_cluster.create_database()
    yield database
    database.drop()


@pytest.fixture(scope="session")
def sample():
    """Media files by name, made once per build directory: see media.py."""
    return media.Media()


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """A directory for replay.write(); localcloud reads what is there when it is asked for."""
    return tmp_path_factory.mktemp("replays")


@pytest.fixture(scope="module")
def settings():
    """Settings of spotlist; a module that wants others defines this fixture itself."""
    return {}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, replays):
    """localcloud: .url, .data, .ca, .client(service), .resource(service), .restart(), .log()."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "data", arguments=["--replay", str(replays)])
    yield cloud
    cloud.stop()


@pytest.fixture(scope="module")
def svc(tmp_path_factory, pg, cloud, settings):
    """spotlist, serving."""
    spotlist = Spotlist(tmp_path_factory.mktemp("svc"), pg, cloud, settings=settings)
    yield spotlist
    spotlist.stop()


@pytest.fixture
def make_cloud(tmp_path):
    """A localcloud of one's own: make_cloud(gallery=…, arguments=[…])."""
    made = []

    def make(**options):
        made.append(Cloud(tmp_path / f"cloud{len(made)}" / "data", **options))
        return made[-1]
    yield make
    for cloud in made:
        cloud.stop()


@pytest.fixture
def make_svc(tmp_path, pg_cluster):
    """A spotlist of one's own: make_svc(cloud, settings={…}, subscribe=False)."""
    made = []

    def make(cloud, database=None, **options):
        database = database or pg_cluster.create_database()
        made.append(Spotlist(tmp_path / f"svc{len(made)}", database, cloud, **options))
        return made[-1]
    yield make
    for spotlist in made:
        spotlist.stop()


@pytest.fixture(scope="session")
def contract():
    return CONTRACT
