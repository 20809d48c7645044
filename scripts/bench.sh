#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run bench [--size small|full] [--videos N] [--prepare] [--ratios]: speed and memory. A benchmark, not
# a test: it judges nothing. The database and the yardstick's Python are kept in .bench/.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh
# shellcheck source=scripts/sample.sh
. scripts/sample.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh

videos=200
ratios=()
only_ratios=
while [ $# -gt 0 ]; do
	case $1 in
	--size)
		case ${2:-} in
		small) videos=200 ;;
		full) videos=10000 ;;
		*) die "--size is small or full" ;;
		esac
		shift
		;;
	--videos)
		[[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || die "--videos needs a number"
		videos=$2
		shift
		;;
	--prepare)
		ratios=(--prepare)
		only_ratios=yes
		;;
	--ratios) only_ratios=yes ;;
	*) die "./run bench knows no '$1'; see ./run help" ;;
	esac
	shift
done

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

# The yardstick's packages, by version and digest.
venv=.bench/venv
pins=bench/yardstick/requirements.txt
if ! cmp -s $pins $venv/.made-of; then
	say "installing the yardstick into $venv"
	rm -rf $venv
	/usr/bin/python3 -m venv $venv
	$venv/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes \
		--only-binary :all: -r $pins >&2
	cp $pins $venv/.made-of
fi

if [ -z "$only_ratios" ]; then
	# What trust costs, before anything else runs here.
	scripts/bench_trust.py build/bench/trust
	make_sample
	dir=$(mktemp -d /var/tmp/spotlist-bench.XXXXXX)
	chmod 711 "$dir"
	stack_up "$dir" "$sample_gallery"
	spotlist=${stack_pids[-1]%% *} # the last one started
	scripts/bench.py "$stack_url" "$spotlist" "$sample_video"
	stack_down

	# Claiming from long queues, and three hours of video: tests that print their figures.
	SPOTLIST_BUILD=build SPOTLIST_THREE_HOURS=1 /usr/bin/python3 -m pytest -q -s -p no:cacheprovider \
		tests/integration/test_claiming.py tests/integration/test_three_hours.py
fi

SPOTLIST_BUILD=build bench/ratios.py --videos "$videos" "${ratios[@]}" .bench/postgresql $venv
