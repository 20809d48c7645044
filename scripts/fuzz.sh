#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run fuzz [SECONDS]: every fuzzer with its corpus, for so long each (default 60).
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh

seconds=${1:-60}
need build fuzz
export CC=clang-14 CXX=clang++-14
build_in build-fuzz -Dfuzzers=true -Dtests=false -Dlocalcloud=false \
	-Db_sanitize=address,undefined -Db_lundef=false

mapfile -t fuzzers < <(find build-fuzz/tests/fuzz -maxdepth 1 -name 'fuzz_*' -type f -executable)
[ ${#fuzzers[@]} -gt 0 ] || die "there are no fuzzers in build-fuzz/tests/fuzz"
for fuzzer in "${fuzzers[@]}"; do
	name=${fuzzer##*/fuzz_}
	corpus=build-fuzz/corpus/$name
	mkdir -p "$corpus" # what is found goes here; the committed seeds are read only
	say "$name, $seconds s"
	"$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/$name-" "$corpus" "tests/fuzz/corpus/$name" 2>&1 |
		tail -n 12 >&2
done
