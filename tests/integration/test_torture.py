# SPDX-License-Identifier: Apache-2.0
"""./run torture in short: everything fails for some seconds, and nothing is lost."""

import sys

import pytest

from harness import ROOT

sys.path.insert(0, str(ROOT / "tests/torture"))

from torture import Torture  # noqa: E402


@pytest.mark.parametrize("seed", [3])
def test_nothing_is_lost(tmp_path, seed):
    torture = Torture(tmp_path, seed, videos=40, seconds=12, short=True)
    torture.run()
    print(torture.summary())
    assert not torture.problems, "\n".join(torture.problems)
