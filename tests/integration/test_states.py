# SPDX-License-Identifier: Apache-2.0
"""The state tables in the code, the constraints in the database and openapi.yaml agree."""

import re

import pytest

ENUMS = {"video": "VideoState", "analysis": "AnalysisState"}
TABLES = {"video": "videos", "analysis": "analyses"}


@pytest.fixture(scope="module")
def diagrams(svc):
    """title -> set of states, as `spotlist fsm --mermaid` draws them."""
    out = svc.command("fsm", "--mermaid").stdout
    return {title: {state for edge in re.findall(r"^ +(\w+) --> (\w+):", body, re.M) for state in edge}
            for title, body in re.findall(r"title: (\w+)\n---\n(.*?)(?=\n---\n|\Z)", out, re.S)}


@pytest.mark.parametrize("title", ["video", "analysis"])
def test_the_database_allows_the_states_of_the_table(diagrams, svc, pg, title):
    [(definition,)] = pg.query(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conname = %s",
        f"{TABLES[title]}_state_check")
    assert set(re.findall(r"'(\w+)'", definition)) == diagrams[title]


@pytest.mark.parametrize("title", ["video", "analysis"])
def test_the_contract_names_the_states_of_the_table(diagrams, contract, title):
    schema = contract.document["components"]["schemas"][ENUMS[title]]
    assert set(schema["enum"]) == diagrams[title]
