# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the conformance tests (./run conformance): one per witness, and the counts."""

import collections

import pytest

import witnesses


def pytest_addoption(parser):
    parser.addoption("--sigv4", metavar="DIR", help="SigV4 vectors in aws-c-auth's layout")
    parser.addoption("--events", metavar="DIR", help="recorded events of AWS")
    parser.addoption("--all-witnesses", action="store_true",
                     help="fail when a witness has not been heard, and tell the counts")


def pytest_configure(config):
    config.addinivalue_line("markers", "witness(name): who is asked, where no fixture tells")


# --- whose test it is ----------------------------------------------------------------------------

def _witnesses_of(item):
    named = {name for mark in item.iter_markers("witness") for name in mark.args}
    if hasattr(item, "callspec"):
        named |= {value for value in item.callspec.params.values() if isinstance(value, str)}
        named |= set(item.callspec.id.split("-"))
    named |= {name for name, option in witnesses.GIVEN.items()
              if option[2:] + "_directory" in item.fixturenames}
    return [name for name in witnesses.NAMES if name in named or name in item.fixturenames]


def pytest_collection_modifyitems(items):
    # The last files, the workshop's, take longest: first, so that two workers end together.
    if all(item.path.name.startswith("witness_") for item in items):
        items.sort(key=lambda item: item.path.name, reverse=True)
    for item in items:
        if item.path.name.startswith("witness_"):
            item.user_properties += [("witness", name) for name in _witnesses_of(item)]


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--all-witnesses"):
        _tell(terminalreporter, _counts(terminalreporter.stats, config))


def _counts(stats, config):
    """{witness: {outcome: tests}}; an error at setup or at the end counts as failed."""
    found = {name: collections.Counter() for name in witnesses.NAMES
             if name not in witnesses.GIVEN or config.getoption(witnesses.GIVEN[name])}
    for outcome, column in (("passed", "passed"), ("failed", "failed"), ("error", "failed"),
                            ("skipped", "skipped")):
        for report in stats.get(outcome, []):
            for kind, name in getattr(report, "user_properties", []):
                if kind == "witness" and name in found:
                    found[name][column] += 1
    return found


def _tell(reporter, counts):
    reporter.section("witnesses")
    reporter.line(f"{'witness':<16}{'version':<20}{'passed':>8}{'failed':>8}{'skipped':>8}")
    for name, outcomes in counts.items():
        numbers = "".join(f"{outcomes[column]:>8}" for column in ("passed", "failed", "skipped"))
        reporter.line(f"{name:<16}{witnesses.NAMES[name]():<20}{numbers}")
    silent = [name for name, outcomes in counts.items() if not outcomes["passed"]]
    if silent:
        reporter.line(f"no test of theirs has passed: {', '.join(silent)}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter and session.config.getoption("--all-witnesses") and \
            not all(outcomes["passed"]
                    for outcomes in _counts(reporter.stats, session.config).values()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


# --- the witnesses -------------------------------------------------------------------------------


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


@pytest.fixture(scope="session")
def sigv4_directory(request):
    return _directory(request, "--sigv4")


@pytest.fixture(scope="session")
def events_directory(request):
    return _directory(request, "--events")


def _directory(request, option):
    directory = request.config.getoption(option)
    if not directory:
        pytest.skip(f"./run conformance {option} DIR was not asked for")
    return directory
