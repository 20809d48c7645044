#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ./run image [--localcloud] [--test]: builds docker/Dockerfile. With a Docker engine by docker; where
# none answers by buildah, on a debian:bookworm-slim that debootstrap makes, as root. --localcloud
# also builds the image of localcloud; --test builds by buildah in any case, and runs what came of it
# (tests/image), also as root.
# Everything that is downloaded or made lies in .image/.
set -euo pipefail
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

keep=$PWD/.image
base=docker.io/library/debian:bookworm-slim
mirror=http://deb.debian.org/debian

test=false
targets=(spotlist)
while [ $# -gt 0 ]; do
	case $1 in
	--test) test=true ;;
	--localcloud) targets+=(localcloud) ;;
	*) die "image: there is no option $1; see ./run help" ;;
	esac
	shift
done

# image_name TARGET
image_name() {
	case $1 in
	spotlist) echo localhost/spotlist:latest ;;
	localcloud) echo localhost/spotlist-localcloud:latest ;;
	esac
}

revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)

engine_answers() {
	command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1
}

# A store of our own: nothing of the machine's containers is touched.
in_store() {
	as_root buildah --root "$keep/storage" --runroot "$keep/run" --storage-driver vfs "$@"
}

# What the published image of that name is: a minimal Debian with updates and security, without
# documentation and translations.
make_tree() {
	local tree=$keep/tree
	as_root rm -rf --one-file-system "$tree"
	mkdir -p "$keep/debs"
	as_root debootstrap --variant=minbase --cache-dir="$keep/debs" bookworm "$tree" "$mirror" >&2
	as_root tee "$tree/etc/apt/sources.list" >/dev/null <<-END
		deb $mirror bookworm main
		deb $mirror bookworm-updates main
		deb ${mirror}-security bookworm-security main
	END
	as_root tee "$tree/etc/dpkg/dpkg.cfg.d/docker" >/dev/null <<-'END'
		path-exclude /usr/share/doc/*
		path-include /usr/share/doc/*/copyright
		path-exclude /usr/share/groff/*
		path-exclude /usr/share/info/*
		path-exclude /usr/share/locale/*
		path-exclude /usr/share/man/*
	END
	as_root find "$tree/usr/share/doc" -type f ! -name copyright -delete
	as_root rm -rf --one-file-system "$tree"/usr/share/{groff,info,locale,man} \
		"$tree"/var/lib/apt/lists "$tree"/var/log/{apt,dpkg.log,bootstrap.log}
	as_root mkdir -p "$tree"/usr/share/{info,locale,man} "$tree/var/lib/apt/lists/partial"
	as_root find "$tree/var/cache" -type f -delete
}

make_base() {
	local container
	if in_store inspect --type image "$base" >/dev/null 2>&1; then
		return 0
	fi
	say "making $base with debootstrap"
	make_tree
	container=$(in_store from scratch)
	in_store add -q "$container" "$keep/tree" / >/dev/null
	in_store config --cmd /bin/bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
	in_store commit -q --format docker --rm "$container" "$base" >&2
	as_root rm -rf --one-file-system "$keep/tree"
}

# A machine for the units: tests/image/test_units.py boots a copy of it.
make_boot() {
	[ ! -d "$keep/boot" ] || return 0
	say "making a Debian that boots"
	mkdir -p "$keep/debs"
	as_root rm -rf --one-file-system "$keep/making"
	as_root debootstrap --variant=minbase --cache-dir="$keep/debs" \
		--include=systemd,systemd-sysv,dbus,libnss-systemd,postgresql,libmicrohttpd12,libcurl4,libjansson4,libpq5,libssl3 \
		bookworm "$keep/making" "$mirror" >&2
	as_root mv "$keep/making" "$keep/boot"
}

# build_by_buildah TARGET: the packages that it downloads are kept for the next time.
build_by_buildah() {
	mkdir -p "$keep/apt/partial"
	# --format docker: OCI's has no health check.
	in_store bud --pull-never --layers --isolation chroot --format docker \
		--volume "$keep/apt:/var/cache/apt/archives" --build-arg "REVISION=$revision" \
		--file docker/Dockerfile --target "$1" --tag "$(image_name "$1")" . >&2
}

mkdir -p "$keep"
if ! $test && engine_answers; then
	say "building by docker"
	for target in "${targets[@]}"; do
		docker build --file docker/Dockerfile --build-arg "REVISION=$revision" \
			--target "$target" --tag "$(image_name "$target")" .
	done
	docker images 'localhost/spotlist*' >&2
	exit 0
fi

need image
say "building by buildah"
make_base
for target in "${targets[@]}"; do
	build_by_buildah "$target"
done
in_store images >&2

# The tests listen on the ports that docker/compose.yaml names, so they get a network of their own.
if $test; then
	# shellcheck source=scripts/build.sh
	. scripts/build.sh
	need build demo test
	build_plain
	make_boot
	say "running what was built"
	as_root env SPOTLIST_BUILD="$PWD/build" SPOTLIST_LOCALCLOUD="$PWD/build/localcloud/localcloud" \
		unshare --net -- sh -c 'ip link set lo up && exec "$@"' sh \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider --basetemp="$keep/test" \
		tests/image
fi
