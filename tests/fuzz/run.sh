#!/bin/sh
# Runs each fuzzer for a bounded time on one core, starting from its committed corpus:
#     tests/fuzz/run.sh SECONDS BUILD_DIR
# BUILD_DIR is set up with clang when it does not exist. New inputs go to BUILD_DIR/corpus, not to
# the tree; a crashing input is left in BUILD_DIR/crashes and ends the run with an error.
set -eu
[ $# -eq 2 ] || { sed -n '2,5p' "$0"; exit 2; }
seconds=$1
source=$(cd "$(dirname "$0")/../.." && pwd)
[ -d "$2" ] || CC=clang CXX=clang++ meson setup "$2" "$source" -Dfuzzers=true \
	-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized
build=$(cd "$2" && pwd)
set -- "$source"/tests/fuzz/fuzz_*.c
targets=
for file; do
	name=$(basename "$file" .c)
	# A fuzzer without a row in meson.build must not be forgotten silently.
	grep -q "'${name#fuzz_}'" "$source/tests/fuzz/meson.build" ||
		{ echo "$name has no row in tests/fuzz/meson.build" >&2; exit 1; }
	targets="$targets $name"
done
# shellcheck disable=SC2046,SC2086 # names without spaces, one word each
ninja -C "$build" $(printf 'tests/fuzz/%s ' $targets)
mkdir -p "$build/crashes"
for name in $targets; do
	corpus=$source/tests/fuzz/corpus/${name#fuzz_}
	mkdir -p "$build/corpus/$name"
	echo "== $name: $seconds s"
	"$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-max_len=8192 -print_final_stats=0 -verbosity=0 \
		-artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" "$corpus"
done
echo "no crash"
