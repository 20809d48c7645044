# SPDX-License-Identifier: Apache-2.0
"""The official SigV4 vectors, in the layout of aws-c-auth: ./run conformance --sigv4 DIR."""

import re
import subprocess
from pathlib import Path

import pytest

import capture

pytestmark = pytest.mark.witness("SigV4 vectors")


def test_every_vector_passes_at_every_stage(sigv4_directory):
    directory = Path(sigv4_directory)
    if (directory / "v4").is_dir():  # beside v4a, which is another algorithm
        directory = directory / "v4"
    done = subprocess.run([capture.BUILD / "tests/sigv4_suite", directory],
                          capture_output=True, text=True, check=False)
    passed, failed = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE).groups()
    assert (done.returncode, int(failed)) == (0, 0), done.stdout[-6000:]
    assert int(passed) > 0
