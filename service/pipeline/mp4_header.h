/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_MP4_HEADER_H
#define SL_MP4_HEADER_H

/*
 * How long a video is by its own header: `moov` of MP4 and QuickTime files (ISO/IEC 14496-12), read
 * from a few pieces of the file. What it says is an estimate's business only: nothing depends on
 * it being true. Pure functions.
 */

#include "defs.h"

struct sl_mp4_header {
	int64_t duration_ms;   /* 0: not known */
	int64_t width, height; /* of the first track that has a picture; 0: not known */
};

enum sl_mp4_search {
	SL_MP4_FOUND, /* the header is filled */
	SL_MP4_MORE,  /* a piece from `*ret_offset` on is wanted */
	SL_MP4_NONE,  /* it is no such file, or it has no such header */
};

/* As much of the file as one piece should have, and how many are worth asking for. */
#define SL_MP4_PIECE  65536
#define SL_MP4_PIECES 4

/** Looks through a piece that begins at `offset` with a box. */
enum sl_mp4_search sl_mp4_header_find(const void *piece, size_t len, int64_t offset,
	struct sl_mp4_header *ret, int64_t *ret_offset);

#endif
