# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Which Debian packages what needs, listed once, and need(), which installs the missing ones.

# shellcheck disable=SC2034 # used by name in need()
{
	packages_build=(
		gcc g++ libc6-dev meson ninja-build pkg-config python3 python3-yaml
		libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libpq-dev libssl-dev zlib1g-dev
		libsqlite3-dev libopencv-dev libopencv-contrib-dev libpocketsphinx-dev
	)
	# What localcloud runs and reads, and a database.
	packages_demo=(
		ffmpeg opencv-data pocketsphinx-en-us postgresql
	)
	# Pictures, footage and a voice for the sample video. opencv-doc is a 96 MB download, so
	# nothing but the sample and the tests may ask for it.
	packages_sample=(opencv-doc python3-skimage python3-pil espeak-ng)
	packages_test=(
		libcmocka-dev python3-boto3 python3-pytest python3-pytest-xdist python3-psycopg2 python3-jsonschema
		python3-yaml python3-prometheus-client python3-cryptography pocketsphinx-testdata faketime
	)
	packages_lint=(clang-format-14 clang-tidy-14 shellcheck python3-yaml python3-venv libcmocka-dev)
	packages_fuzz=(clang libclang-rt-dev libcmocka-dev)
	packages_bench=(wrk python3-boto3 python3-venv openssl)
	# What runs the witnesses of ./run conformance, and one that Debian has.
	packages_conformance=(openjdk-17-jre-headless nodejs python3-venv curl ca-certificates awscli
		chromium)
	# Where no Docker engine answers; bubblewrap runs the images, nspawn boots a systemd.
	packages_image=(
		buildah debootstrap bubblewrap iproute2 libcap2-bin systemd systemd-container
	)
}

say() {
	echo "run: $*" >&2
}

die() {
	say "$*"
	exit 1
}

# As root, whoever we are.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need PURPOSE…: installs what is missing of these package sets.
need() {
	local missing=() purpose name
	for purpose in "$@"; do
		local -n names="packages_$purpose"
		for name in "${names[@]}"; do
			installed "$name" || missing+=("$name")
		done
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "please install (no apt-get here): ${missing[*]}"
	say "installing ${missing[*]}"
	keep_postgresql_idle
	as_root apt-get update -q >&2
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		"${missing[@]}" >&2
}

# Installing postgresql makes and starts a cluster for the machine. We want the programs only; a
# PostgreSQL that is there already is left as it is.
keep_postgresql_idle() {
	local conf=/etc/postgresql-common/createcluster.d/spotlist.conf
	if ! installed postgresql-common; then
		as_root mkdir -p "${conf%/*}"
		echo "create_main_cluster = false # PostgreSQL came with spotlist's ./run" |
			as_root tee $conf >/dev/null
	fi
}
