#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run lint [--no-tidy]: the house rules that a machine can check. clang-tidy takes minutes.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh

need build lint

failed=0
check() {
	local name=$1
	shift
	if "$@"; then
		say "ok: $name"
	else
		say "FAILED: $name"
		failed=1
	fi
}

mapfile -t sources < <(find aws bench handlers localcloud service tests \
	\( -name '*.c' -o -name '*.h' -o -name '*.cc' \) -not -path '*/corpus/*' | sort)

# Each prints what it objects to and fails when there is anything.
formatted() {
	local unformatted
	unformatted=$(clang-format-14 --dry-run "${sources[@]}" 2>&1 | grep -oE '^[^: ]+:' | sort -u)
	[ -z "$unformatted" ] || { echo "clang-format-14 -i ${unformatted//:/}" && return 1; }
}

# Nothing matched is what we want.
nothing() {
	! grep -nE "$@"
}

banned_functions() {
	nothing '(^|[^A-Za-z0-9_.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|system|popen|alloca|rand|srand|tmpnam|mktemp) ?\(' \
		"${sources[@]}"
}

includes_downwards() {
	nothing '#[[:space:]]*include[[:space:]]+"\.\./' "${sources[@]}"
}

# Includes are flat, so within one program a name must mean one file.
unique_headers() {
	local twice
	twice=$(for program in localcloud '(aws|handlers|service/(http|outbound|pipeline|store))'; do
		printf '%s\n' "${sources[@]}" | grep -E "^(service/base|$program)/.*\.h$" |
			sed 's|.*/||' | sort | uniq -d
	done)
	[ -z "$twice" ] || { echo "headers of the same name: $twice" && return 1; }
}

licensed() {
	local missing
	missing=$(grep -L 'SPDX-License-Identifier: Apache-2.0' "${sources[@]}" run scripts/* \
		openapi.yaml) || true
	[ -z "$missing" ] || { echo "no SPDX line: $missing" && return 1; }
}

openapi_valid() {
	if [ ! -x build/venv/bin/openapi-spec-validator ]; then
		/usr/bin/python3 -m venv build/venv >&2
		build/venv/bin/pip install -q -r scripts/lint-requirements.txt >&2
	fi
	build/venv/bin/openapi-spec-validator openapi.yaml
}

shell_scripts() {
	mapfile -t scripts < <(find scripts tests -name '*.sh')
	shellcheck -x -S warning run .ci/run "${scripts[@]}"
}

tidy() {
	local units
	build_plain
	mapfile -t units < <(printf '%s\n' "${sources[@]}" | grep -E '^(aws|handlers|service)/.*\.c$')
	printf '%s\n' "${units[@]}" |
		timeout 1200 xargs -P "$(nproc)" -n 4 clang-tidy-14 -quiet -p build 2>/dev/null
}

check "format (clang-format 14)" formatted
check "banned functions" banned_functions
check "no include points upwards" includes_downwards
check "header names are unique" unique_headers
check "licence lines" licensed
check "openapi.yaml (openapi-spec-validator)" openapi_valid
check "shell scripts (shellcheck)" shell_scripts
[ "${1:-}" = --no-tidy ] || check "clang-tidy 14" tidy
exit $failed
