#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run demo [--gallery DIR] [--keep] [FILE]
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
# shellcheck source=scripts/build.sh
. scripts/build.sh
# shellcheck source=scripts/sample.sh
. scripts/sample.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh

gallery=
keep=false
file=
while [ $# -gt 0 ]; do
	case $1 in
	--gallery)
		[ $# -ge 2 ] || die "--gallery needs a directory"
		gallery=$2
		shift
		;;
	--keep) keep=true ;;
	--)
		file=${2:-}
		break
		;;
	-*) die "demo: there is no option $1; see ./run help" ;;
	*)
		[ -z "$file" ] || die "demo: one file, please"
		file=$1
		;;
	esac
	shift
done

# caller_path PATH: names of the command line are relative to where ./run was called.
caller_path() {
	case $1 in
	/*) echo "$1" ;;
	*) echo "$RUN_CALLER_DIR/$1" ;;
	esac
}
if [ -n "$file" ]; then
	file=$(caller_path "$file")
	[ -f "$file" ] || die "there is no file $file"
	[ -r "$file" ] || die "$file cannot be read"
fi
if [ -n "$gallery" ]; then
	gallery=$(caller_path "$gallery")
	[ -d "$gallery" ] || die "there is no directory $gallery"
fi

# Before anything is started, so that nothing is left behind.
dir=
finish() {
	local status=$?
	trap '' INT TERM
	stack_down
	if [ -n "$dir" ]; then
		if $keep; then
			say "kept: $dir"
		else
			rm -rf "$dir"
		fi
	fi
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need build demo
build_plain
dir=$(mktemp -d /var/tmp/spotlist-demo.XXXXXX)
chmod 711 "$dir" # PostgreSQL's user passes through
if [ -z "$file" ]; then
	make_sample
	file=$sample_video
	add_sample_gallery "$dir/gallery"
fi

stack_up "$dir" "$gallery"
if scripts/submit.py "$stack_url" "$file" >"$dir/metadata.json"; then
	cat "$dir/metadata.json"
	say "complete. To look around (SQL, S3, DynamoDB, more videos): ./run local"
else
	status=$?
	cat "$dir/metadata.json"
	stack_logs "$dir"
	exit $status
fi
