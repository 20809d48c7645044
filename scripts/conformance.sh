#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run conformance [--sigv4 DIR] [--events DIR] [PYTEST ARGUMENT…]: our clients against other
# people's AWS, and other people's clients against localcloud. The witnesses come from package
# registries, at the versions and digests of tests/conformance/pins/, into .witnesses/; a second
# run finds them there.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh

pins=$PWD/tests/conformance/pins
witnesses=$PWD/.witnesses
arguments=()
whole=(--all-witnesses) # unless a selection is asked for
where=(tests/conformance)
while [ $# -gt 0 ]; do
	case $1 in
	--sigv4 | --events)
		directory=$(cd "${RUN_CALLER_DIR:-.}" && realpath -e "${2:-}" 2>/dev/null) ||
			die "$1 needs a directory that exists"
		arguments+=("$1=$directory")
		shift
		;;
	*)
		arguments+=("$1")
		whole=()
		[ ! -e "${1%%::*}" ] || where=()
		;;
	esac
	shift
done

# fetch URL SHA256 FILE: a download that is what it was when it was pinned, or none.
fetch() {
	curl -fsSL --retry 3 --retry-delay 2 -o "$3.part" "$1"
	echo "$2  $3.part" | sha256sum --check --quiet - || die "$1 is not what was pinned"
	mv "$3.part" "$3"
}

# part NAME FUNCTION PIN…: calls the function in an empty .witnesses/NAME unless that was made
# from the same pins and by the same script before.
part() {
	local dir=$witnesses/$1 made=$2 pin began=$SECONDS
	shift 2
	pin=$(declare -f "$made" | cat - "${@/#/$pins/}" | sha256sum | cut -d ' ' -f 1)
	[ "$(cat "$dir/.made-of" 2>/dev/null)" != "$pin" ] || return 0
	say "installing ${dir##*/} into .witnesses/"
	rm -rf "$dir"
	mkdir -p "$dir"
	(cd "$dir" && $made) >&2
	echo "$pin" >"$dir/.made-of"
	say "installed ${dir##*/} in $((SECONDS - began)) s"
}

install_python() {
	/usr/bin/python3 -m venv .
	bin/pip install -q --disable-pip-version-check --no-deps --require-hashes \
		--only-binary :all: -r "$pins/python.txt"
}

# DynamoDB Local needs no compiler, so Maven, which wants a JDK, is spared: its jars are listed.
install_java() {
	local sum path
	while read -r sum path; do
		[ "${sum:0:1}" = '#' ] ||
			echo "fetch https://repo1.maven.org/maven2/$path $sum ${path##*/}"
	done <"$pins/jars.sha256" >.fetches
	export -f fetch die say
	xargs -P 8 -I {} bash -c 'set -euo pipefail; {}' <.fetches
	# The name by which sqlite4java looks for its library.
	ln -s libsqlite4java-linux-amd64-*.so libsqlite4java-linux-amd64.so
}

# Debian's npm is 300 packages; npm's own tarball is one file.
install_node() {
	fetch https://registry.npmjs.org/npm/-/npm-10.9.4.tgz "$(cat "$pins/npm.sha256")" npm.tgz
	tar -xzf npm.tgz
	cp "$pins/package.json" "$pins/package-lock.json" .
	/usr/bin/node package/bin/npm-cli.js ci --ignore-scripts --no-audit --no-fund --loglevel=error
	rm -rf package npm.tgz
}

# A Go toolchain is a module like others; Debian's is too old for versitygw. Only what was built
# is kept.
install_go() {
	local zip=v0.0.1-go1.25.0.linux-amd64.zip
	fetch https://proxy.golang.org/golang.org/toolchain/@v/$zip \
		"$(cat "$pins/toolchain.sha256")" go.zip
	/usr/bin/python3 -m zipfile -e go.zip .
	mv golang.org/toolchain@* toolchain
	chmod -R +x toolchain/bin toolchain/pkg/tool # a module keeps no modes
	cp "$pins/go.mod" "$pins/go.sum" .
	env -u GOPRIVATE -u GONOSUMDB GOROOT="$PWD/toolchain" GOTOOLCHAIN=local GOPATH="$PWD/path" \
		GOCACHE="$PWD/cache" GOFLAGS='-mod=readonly -modcacherw -trimpath' CGO_ENABLED=0 \
		GOPROXY=https://proxy.golang.org GOENV=off \
		toolchain/bin/go build -ldflags='-s -w' -o versitygw \
		github.com/versity/versitygw/cmd/versitygw
	rm -rf go.zip golang.org toolchain path cache
}

[ "$(uname -m)" = x86_64 ] || die "the witnesses are pinned for x86_64 only"
need build demo sample test conformance
# The one part that computes instead of waiting for the network, beside the others.
part go install_go go.mod go.sum toolchain.sha256 &
compiling=$!
trap wait EXIT # whatever fails, nothing is left running
part python install_python python.txt
part java install_java jars.sha256
part node install_node package.json package-lock.json npm.sha256
build_in build -Dwerror="$werror" -Dtests=true
wait $compiling || die "versitygw could not be built"

reports=build/test-reports
mkdir -p $reports
data=$(mktemp -d /var/tmp/spotlist-conformance.XXXXXX)
if ! SPOTLIST_BUILD=build /usr/bin/python3 -m pytest -q -n 2 --dist loadfile -p no:cacheprovider \
	-o python_files='witness_*.py' --basetemp="$data" --junitxml=$reports/conformance.xml \
	"${where[@]}" "${whole[@]}" "${arguments[@]}"; then
	die "FAILED; the witnesses' data and logs are in $data"
fi
rm -rf "$data"
