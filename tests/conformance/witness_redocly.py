# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml before Redocly's linter, with its rules for published documents; what redocly.yaml
turns off says why."""

import json
import os
import subprocess

import pytest

from witnesses import ROOT, WITNESSES


@pytest.mark.witness("Redocly CLI")
def test_redocly_has_nothing_to_say(tmp_path):
    done = subprocess.run(
        ["/usr/bin/node", WITNESSES / "node/node_modules/@redocly/cli/bin/cli.js", "lint",
         ROOT / "openapi.yaml", "--config", ROOT / "tests/conformance/redocly.yaml",
         "--format", "json", "--max-problems", "1000"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
    assert done.stdout, done.stderr
    problems = [f"{one['ruleId']} {one['location'][0].get('pointer')}: {one['message']}"
                for one in json.loads(done.stdout)["problems"]]
    assert not problems, "\n".join(problems)
    assert done.returncode == 0, done.stderr
