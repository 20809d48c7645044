#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run torture [--seed N] [--videos N] [--seconds N] [--keep]: hundreds of short videos while
# processes are killed, PostgreSQL and localcloud restart, and AWS fails in every way; then each is
# held against what it must have become. Exit status 1 when anything was lost.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh

need build demo test
build_plain
SPOTLIST_BUILD=${SPOTLIST_BUILD:-build} exec /usr/bin/python3 tests/torture/torture.py "$@"
