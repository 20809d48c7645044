/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PRICES_H
#define SL_PRICES_H

/*
 * The price table: what AWS bills for, and what a unit of it costs in each region that the table
 * has. From a JSON file (docs/prices.json is the built-in one). Prices are decimal text there and
 * integers here: nothing is rounded before a whole line is. Read-only once loaded.
 */

#include <stdbool.h>

#include "defs.h"
#include "err.h"

/*  X(symbol, "name", what one price is for: seconds in it, or 1 image, least quantity) */
#define SL_UNITS_TABLE(X) \
	X(VIDEO_SD_30, "mediaconvert_video_sd_30fps", 60, 10) \
	X(VIDEO_SD_60, "mediaconvert_video_sd_60fps", 60, 10) \
	X(VIDEO_SD_120, "mediaconvert_video_sd_120fps", 60, 10) \
	X(VIDEO_HD_30, "mediaconvert_video_hd_30fps", 60, 10) \
	X(VIDEO_HD_60, "mediaconvert_video_hd_60fps", 60, 10) \
	X(VIDEO_HD_120, "mediaconvert_video_hd_120fps", 60, 10) \
	X(VIDEO_UHD_30, "mediaconvert_video_uhd_30fps", 60, 10) \
	X(VIDEO_UHD_60, "mediaconvert_video_uhd_60fps", 60, 10) \
	X(VIDEO_UHD_120, "mediaconvert_video_uhd_120fps", 60, 10) \
	X(FRAMES_SD, "mediaconvert_frames_sd", 60, 10) \
	X(FRAMES_HD, "mediaconvert_frames_hd", 60, 10) \
	X(FRAMES_UHD, "mediaconvert_frames_uhd", 60, 10) \
	X(AUDIO, "mediaconvert_audio", 60, 10) \
	X(IMAGE, "rekognition_image", 1, 0) \
	X(LABELS, "rekognition_labels", 60, 1) \
	X(TRANSCRIBE, "transcribe", 60, 15)

enum sl_unit {
#define X(symbol, name, per, least) SL_UNIT_##symbol,
	SL_UNITS_TABLE(X)
#undef X
		SL_UNITS_
};

const char *sl_unit_name(enum sl_unit unit);
/** 60: priced by the minute, counted in seconds; 1: priced and counted by the piece. */
int64_t sl_unit_per(enum sl_unit unit);
/** What is billed at least. */
int64_t sl_unit_least(enum sl_unit unit);

struct sl_price_region {
	char *name;
	int64_t nanos[SL_UNITS_]; /* billionths of a dollar */
};

struct sl_prices {
	char *date;   /* of the table, "2026-11-23" */
	char *source; /* where the prices were read */
	struct sl_price_region *regions;
	size_t region_count;
	const struct sl_price_region *fallback; /* for a region that the table lacks */
	char *region;                           /* the one that we work in */
	const struct sl_price_region *here;     /* its prices, or the fallback's */
};

/** Reads a table. CONFIG says what is wrong with it and where. The caller destroys it. */
SL_MUST_CHECK enum sl_err sl_prices_parse(
	const char *text, size_t len, struct sl_prices **ret, struct sl_error *reterr);

/** The same from a file; "": the built-in table. */
SL_MUST_CHECK enum sl_err sl_prices_load(
	const char *path, struct sl_prices **ret, struct sl_error *reterr);
void sl_prices_destroy(struct sl_prices *prices);
void sl_prices_destroyp(struct sl_prices **prices);

/** Settles which region's prices hold. Before threads start; until then it is the default's. */
void sl_prices_choose(struct sl_prices *prices, const char *region);

/** A decimal amount of dollars ("12", "0.0075") in units of 10^-digits; false when it is none, is
 *  negative, too large (10^9) or finer than that. */
SL_MUST_CHECK bool sl_dollars_parse(const char *text, int digits, int64_t *ret);

#define SL_DOLLARS_SIZE 32
/** Micro-dollars as "12.345678". */
void sl_dollars_format(int64_t micros, char ret[static SL_DOLLARS_SIZE]);

/** The built-in table, docs/prices.json. */
extern const char sl_prices_text[];

#endif
