#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run bench: speed and memory, on the sample video. A benchmark, not a test: it judges nothing.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh
# shellcheck source=scripts/sample.sh
. scripts/sample.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh

dir=
finish() {
	local status=$?
	trap '' INT TERM
	stack_down
	[ -z "$dir" ] || rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need build demo bench test
build_in build -Dbench=true
# What trust costs, before anything else runs here.
scripts/bench_trust.py build/bench/trust
make_sample
dir=$(mktemp -d /var/tmp/spotlist-bench.XXXXXX)
chmod 711 "$dir"
stack_up "$dir" "$sample_gallery"
spotlist=${stack_pids[-1]%% *} # the last one started
BENCH_DIR=$dir scripts/bench.py "$stack_url" "$spotlist" "$sample_video" build/bench/trivial

# Claiming from long queues, and three hours of video: tests that print their figures.
SPOTLIST_BUILD=build SPOTLIST_THREE_HOURS=1 /usr/bin/python3 -m pytest -q -s -p no:cacheprovider \
	tests/integration/test_claiming.py tests/integration/test_three_hours.py
