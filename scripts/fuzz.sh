#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run fuzz [SECONDS]: every fuzzer, beginning with its corpus, for so long each (default 60).
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

need build fuzz
exec tests/fuzz/run.sh "${1:-60}" build-fuzz
