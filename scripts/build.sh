#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run build; and build_in(), which the other scripts source.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

# build_in DIR [MESON OPTION…]: configures DIR (again when the options have changed) and builds it.
build_in() {
	local dir=$1 wanted="${*:2}"
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" "${@:2}" >&2
	elif [ "$(cat "$dir/.options" 2>/dev/null)" != "$wanted" ]; then
		meson configure "$dir" "${@:2}" >&2
	fi
	echo "$wanted" >"$dir/.options"
	# Unless something has to be compiled this says one line.
	ninja -C "$dir" >&2
}

# Warnings are errors where CI says so; elsewhere a newer compiler must not stop anyone.
werror=$([ -n "${CI:-}" ] && echo true || echo false)

# The build that people use. The tests are built with it where their library is there, so that
# ./run demo and ./run test do not undo each other's work.
build_plain() {
	need build
	build_in build -Dwerror="$werror" -Dtests="$(installed libcmocka-dev && echo true || echo false)"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	build_plain
	say "built build/service/spotlist and build/localcloud/localcloud"
fi
