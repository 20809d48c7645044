/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_COST_H
#define SL_COST_H

/*
 * What a video costs: the units that AWS bills for it, before (an estimate) and after (a count),
 * by the same rule. Exact: a line is quantity x price, rounded once to a millionth of a dollar.
 * Pure functions.
 */

#include <jansson.h>

#include "prices.h"
#include "video.h"

/* What a part of the work costs is booked under its name: "transcode", or the analysis. */
#define SL_COST_TRANSCODE "transcode"

/* What is known, or assumed, of a video. */
struct sl_cost_facts {
	int64_t duration_ms;
	int64_t frames;        /* that are looked at for celebrities */
	int64_t width, height; /* 0: not known */
	double frame_rate;     /* 0: not known */
	bool audio;
	bool transcode;    /* whether that is part of it */
	unsigned analyses; /* bit set over enum sl_analysis_kind */
};

struct sl_cost_line {
	const char *part;
	enum sl_unit unit;
	int64_t quantity; /* seconds or images */
	int64_t micros;   /* of a dollar */
};

#define SL_COST_LINES (3 + SL_ANALYSIS_KINDS_)

struct sl_cost {
	struct sl_cost_line lines[SL_COST_LINES];
	size_t count;
	int64_t micros; /* of all */
};

/** The lines of what the facts ask for. */
void sl_cost_of(const struct sl_price_region *prices, const struct sl_cost_facts *facts,
	struct sl_cost *ret);

/** Millionths of a dollar for so much of a unit: the nearest, halves up. */
int64_t sl_cost_micros(const struct sl_price_region *prices, enum sl_unit unit, int64_t quantity);

/** How many frames a video of that length has. */
int64_t sl_cost_frames(int64_t duration_ms, int64_t interval_ms);

/** {"total", "items": […]}; the caller owns it. */
json_t *sl_cost_json(const struct sl_price_region *prices, const struct sl_cost *cost);

/** The lines of one part as JSON for the statements that book them; owned. */
char *sl_cost_booking(
	const struct sl_price_region *prices, const struct sl_cost *cost, const char *part);

/* How long a video is, and how that is known. */
enum sl_cost_basis {
	SL_BASIS_CLIENT,  /* the submission says so */
	SL_BASIS_HEADER,  /* the file's own header does */
	SL_BASIS_SIZE,    /* its size, at an assumed rate */
	SL_BASIS_ASSUMED, /* nothing is known */
};
const char *sl_cost_basis_name(enum sl_cost_basis basis);

/* The longest that a client may say: what MediaConvert takes in a day and more. */
#define SL_COST_MAX_MS (INT64_C(100) * 3600 * 1000)

#define SL_COST_ASSUMED_BITRATE \
	5000000 /* bits a second of a source, where only its size is known */
#define SL_COST_ASSUMED_MS (INT64_C(10) * 60 * 1000) /* where nothing is */

/** The duration by what is known; 0 stands for what is not. */
int64_t sl_cost_duration(
	int64_t client_ms, int64_t header_ms, int64_t size_bytes, enum sl_cost_basis *ret_basis);

#endif
