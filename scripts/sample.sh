# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# make_sample: the sample video and its gallery of named faces, made from Debian packages and kept
# in the build directory. Sets sample_video and sample_gallery.

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
