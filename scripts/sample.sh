# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The sample video and its gallery of named faces, made from Debian packages and kept in the build
# directory: make_sample; add_sample_gallery. Sets sample_video and sample_gallery.

sample_video=build/sample/sample.mp4
sample_gallery=build/sample/gallery

make_sample() {
	local script=localcloud/sample/make_sample.py
	if [ ! -f $sample_video ] || [ $script -nt $sample_video ]; then
		need demo sample
		say "making the sample video"
		rm -rf build/sample
		mkdir -p $sample_gallery
		/usr/bin/python3 $script build/sample/making.mp4 $sample_gallery >&2
		mv build/sample/making.mp4 $sample_video
	fi
}

# add_sample_gallery DIR: makes DIR a gallery of the sample's faces and of those in $gallery, which
# may be "", and sets gallery to it.
add_sample_gallery() {
	rm -rf "$1"
	cp -r "$sample_gallery" "$1"
	[ -z "$gallery" ] || cp -r "$gallery/." "$1/"
	gallery=$1
}
