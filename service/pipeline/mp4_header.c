/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the boxes of a piece of an MP4 file. Any thread. */

#include "mp4_header.h"

#include <stdbool.h>
#include <string.h>

#include "timecode.h"

#define MAX_BOXES 64 /* at the top of a piece, and inside of moov */

struct cursor {
	const unsigned char *bytes;
	size_t len;
};

static uint64_t number(const unsigned char *bytes, int count)
{
	uint64_t value = 0;
	for (int i = 0; i < count; i++) {
		value = value << 8 | bytes[i];
	}
	return value;
}

struct box {
	char type[5];
	uint64_t size;       /* with its header; 0: to the end of the file */
	struct cursor inner; /* as much of its content as the piece has */
};

static bool read_box(struct cursor at, struct box *ret)
{
	if (at.len < 8) {
		return false;
	}
	size_t header = 8;
	ret->size = number(at.bytes, 4);
	memcpy(ret->type, at.bytes + 4, 4);
	ret->type[4] = '\0';
	if (ret->size == 1) {
		if (at.len < 16) {
			return false;
		}
		header = 16;
		ret->size = number(at.bytes + 8, 8);
	}
	if ((ret->size != 0 && ret->size < header) || ret->size > INT64_MAX / 2) {
		return false;
	}
	size_t there = ret->size == 0 || ret->size > at.len ? at.len : (size_t)ret->size;
	ret->inner = (struct cursor){at.bytes + header, there - header};
	return true;
}

/* Versions 0 and 1 differ in the width of times. */
static int64_t movie_duration_ms(struct cursor mvhd)
{
	bool wide = mvhd.len > 0 && mvhd.bytes[0] == 1;
	size_t scale_at = wide ? 20 : 12;
	int width = wide ? 8 : 4;
	if (mvhd.len < scale_at + 4 + (size_t)width) {
		return 0;
	}
	uint64_t scale = number(mvhd.bytes + scale_at, 4);
	uint64_t duration = number(mvhd.bytes + scale_at + 4, width);
	bool unknown = duration == (wide ? UINT64_MAX : UINT32_MAX);
	if (scale == 0 || unknown || duration / scale > SL_TIMECODE_MAX_MS / 1000) {
		return 0;
	}
	return (int64_t)(duration / scale * 1000 + duration % scale * 1000 / scale);
}

/* 16.16 fixed point, the last eight bytes of tkhd. */
static void read_track(struct cursor trak, struct sl_mp4_header *ret)
{
	struct box box;
	for (int i = 0; i < MAX_BOXES && read_box(trak, &box); i++) {
		size_t at = box.inner.len > 0 && box.inner.bytes[0] == 1 ? 88 : 76;
		if (strcmp(box.type, "tkhd") == 0 && box.inner.len >= at + 8) {
			int64_t width = (int64_t)number(box.inner.bytes + at, 4) >> 16;
			int64_t height = (int64_t)number(box.inner.bytes + at + 4, 4) >> 16;
			if (width > 0 && height > 0) {
				ret->width = width;
				ret->height = height;
			}
			return;
		}
		if (box.size == 0 || box.size > trak.len) {
			return;
		}
		trak = (struct cursor){trak.bytes + box.size, trak.len - (size_t)box.size};
	}
}

static void read_movie(struct cursor moov, struct sl_mp4_header *ret)
{
	struct box box;
	for (int i = 0; i < MAX_BOXES && read_box(moov, &box); i++) {
		if (strcmp(box.type, "mvhd") == 0) {
			ret->duration_ms = movie_duration_ms(box.inner);
		} else if (strcmp(box.type, "trak") == 0 && ret->width == 0) {
			read_track(box.inner, ret);
		}
		if (box.size == 0 || box.size > moov.len) {
			return;
		}
		moov = (struct cursor){moov.bytes + box.size, moov.len - (size_t)box.size};
	}
}

static bool is_box_of_a_movie(const char *type)
{
	static const char *const known[] = {"ftyp", "moov", "mdat", "free", "skip", "wide", "pnot",
		"uuid", "moof", "styp", "sidx"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i], type) == 0) {
			return true;
		}
	}
	return false;
}

enum sl_mp4_search sl_mp4_header_find(const void *piece, size_t len, int64_t offset,
	struct sl_mp4_header *ret, int64_t *ret_offset)
{
	struct cursor at = {piece, len};
	struct box box;
	for (int i = 0; i < MAX_BOXES && read_box(at, &box); i++) {
		if (!is_box_of_a_movie(box.type)) {
			return SL_MP4_NONE;
		}
		if (strcmp(box.type, "moov") == 0) {
			struct sl_mp4_header found = {0};
			read_movie(box.inner, &found);
			*ret = found;
			return found.duration_ms > 0 ? SL_MP4_FOUND : SL_MP4_NONE;
		}
		if (box.size == 0) {
			return SL_MP4_NONE; /* it is the last one */
		}
		if (box.size >= at.len) {
			*ret_offset = offset + (int64_t)(at.bytes - (const unsigned char *)piece) +
				(int64_t)box.size;
			return *ret_offset > offset ? SL_MP4_MORE : SL_MP4_NONE;
		}
		at = (struct cursor){at.bytes + box.size, at.len - (size_t)box.size};
	}
	/* A box's header was cut by the piece's end: the next one begins there. */
	size_t done = (size_t)(at.bytes - (const unsigned char *)piece);
	*ret_offset = offset + (int64_t)done;
	return done > 0 && at.len < 16 ? SL_MP4_MORE : SL_MP4_NONE;
}
