#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run test [PYTEST ARGUMENT…]: unit, integration and conformance tests on the plain build, and
# again, as far as spotlist is concerned, on a build with the address and undefined-behaviour
# sanitizers. With arguments: only the pytest tests that they select, on the plain build.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh

need build demo sample test

failed=0
reports=build/test-reports
rm -rf $reports
mkdir -p $reports

# lane NAME COMMAND…: one part of the whole; its failure does not keep the others from running.
lane() {
	local name=$1
	shift
	say "$name"
	if ! "$@"; then
		say "$name: FAILED"
		failed=1
	fi
}

unit() {
	meson test -C "$1" --no-rebuild --print-errorlogs --timeout-multiplier 3 >&2
}

# integration BUILD NAME PYTEST ARGUMENT…
integration() {
	SPOTLIST_BUILD=$1 LOCALCLOUD_BUILD=build /usr/bin/python3 -m pytest -q -n 2 --dist loadfile \
		-p no:cacheprovider --junitxml="$reports/$2.xml" "${@:3}"
}

build_in build -Dwerror="$werror" -Dtests=true

if [ $# -gt 0 ]; then
	integration build selected "$@"
	exit
fi

build_in build-asan -Dwerror="$werror" -Dtests=true -Db_sanitize=address,undefined \
	-Db_lundef=false -Dlocalcloud=false

lane "unit tests" unit build
lane "unit tests, ASan and UBSan" unit build-asan
lane "integration tests" integration build plain tests/integration tests/conformance
lane "integration tests, ASan and UBSan" integration build-asan asan \
	tests/integration/test_pipeline.py tests/integration/test_submit_bad_input.py \
	tests/integration/test_sns_endpoint.py tests/integration/test_restart.py \
	tests/integration/test_webhook.py

cp build/meson-logs/testlog.junit.xml $reports/unit.xml
cp build-asan/meson-logs/testlog.junit.xml $reports/unit-asan.xml
scripts/count_tests.py $reports/*.xml || failed=1
exit $failed
