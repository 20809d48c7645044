/* SPDX-License-Identifier: Apache-2.0 */
/* Units and their cost. Any thread. */

#include "cost.h"

#include <string.h>

#include "json_spec.h"
#include "mem.h"

/* AWS's classes: SD is below 1280x720, HD up to 1920x1080, in whichever direction. */
#define HD_PIXELS  (INT64_C(1280) * 720)
#define UHD_PIXELS (INT64_C(1920) * 1080)

enum resolution { SD, HD, UHD };

static enum resolution resolution_of(const struct sl_cost_facts *facts)
{
	if (facts->width <= 0 || facts->height <= 0) {
		return HD;
	}
	int64_t pixels = facts->width * facts->height;
	return pixels < HD_PIXELS ? SD : pixels <= UHD_PIXELS ? HD : UHD;
}

static enum sl_unit video_unit(const struct sl_cost_facts *facts)
{
	int band = facts->frame_rate > 60.0 ? 2 : facts->frame_rate > 30.0 ? 1 : 0;
	return (enum sl_unit)(SL_UNIT_VIDEO_SD_30 + 3 * (int)resolution_of(facts) + band);
}

static enum sl_unit frames_unit(const struct sl_cost_facts *facts)
{
	return (enum sl_unit)(SL_UNIT_FRAMES_SD + (int)resolution_of(facts));
}

int64_t sl_cost_micros(const struct sl_price_region *prices, enum sl_unit unit, int64_t quantity)
{
	int64_t divisor = sl_unit_per(unit) * 1000;
	int64_t nanos;
	if (__builtin_mul_overflow(quantity, prices->nanos[unit], &nanos) ||
		nanos > INT64_MAX - divisor) {
		return INT64_MAX / 1000; /* beyond any cap, and still to be added up */
	}
	return (nanos + divisor / 2) / divisor;
}

static void add(const struct sl_price_region *prices, struct sl_cost *cost, const char *part,
	enum sl_unit unit, int64_t quantity)
{
	int64_t least = sl_unit_least(unit);
	quantity = quantity < least ? least : quantity;
	int64_t micros = sl_cost_micros(prices, unit, quantity);
	cost->lines[cost->count++] = (struct sl_cost_line){part, unit, quantity, micros};
	cost->micros += micros;
}

void sl_cost_of(const struct sl_price_region *prices, const struct sl_cost_facts *facts,
	struct sl_cost *ret)
{
	*ret = (struct sl_cost){.count = 0};
	int64_t seconds = facts->duration_ms / 1000 + (facts->duration_ms % 1000 > 0 ? 1 : 0);
	if (facts->transcode) {
		add(prices, ret, SL_COST_TRANSCODE, video_unit(facts), seconds);
		add(prices, ret, SL_COST_TRANSCODE, frames_unit(facts), seconds);
		if (facts->audio) {
			add(prices, ret, SL_COST_TRANSCODE, SL_UNIT_AUDIO, seconds);
		}
	}
	if (facts->analyses & 1U << SL_CELEBRITIES) {
		add(prices, ret, sl_analysis_names[SL_CELEBRITIES], SL_UNIT_IMAGE, facts->frames);
	}
	if (facts->analyses & 1U << SL_LABELS) {
		add(prices, ret, sl_analysis_names[SL_LABELS], SL_UNIT_LABELS, seconds);
	}
	if (facts->analyses & 1U << SL_TRANSCRIPT && facts->audio) {
		add(prices, ret, sl_analysis_names[SL_TRANSCRIPT], SL_UNIT_TRANSCRIBE, seconds);
	}
}

int64_t sl_cost_frames(int64_t duration_ms, int64_t interval_ms)
{
	return duration_ms / interval_ms + (duration_ms % interval_ms > 0 ? 1 : 0);
}

json_t *sl_cost_json(const struct sl_price_region *prices, const struct sl_cost *cost)
{
	json_t *items = json_array();
	for (size_t i = 0; i < cost->count; i++) {
		const struct sl_cost_line *line = &cost->lines[i];
		char micros[SL_DOLLARS_SIZE];
		char price[SL_DOLLARS_SIZE];
		sl_dollars_format(line->micros, micros);
		snprintf(price, sizeof(price), "%lld.%09lld",
			(long long)(prices->nanos[line->unit] / 1000000000),
			(long long)(prices->nanos[line->unit] % 1000000000));
		json_array_append_new(items,
			json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "part", line->part, "unit",
				sl_unit_name(line->unit), "quantity", (json_int_t)line->quantity,
				"counted_in", sl_unit_per(line->unit) == 60 ? "seconds" : "images",
				"price", price, "cost", micros));
	}
	char total[SL_DOLLARS_SIZE];
	sl_dollars_format(cost->micros, total);
	return json_pack("{s:s, s:o}", "total", total, "items", items);
}

char *sl_cost_booking(
	const struct sl_price_region *prices, const struct sl_cost *cost, const char *part)
{
	SL_AUTO(sl_json_decrefp)
	json_t *lines = json_array();
	for (size_t i = 0; i < cost->count; i++) {
		const struct sl_cost_line *line = &cost->lines[i];
		if (strcmp(line->part, part) == 0) {
			json_array_append_new(lines,
				json_pack("{s:s, s:I, s:I, s:I}", "unit", sl_unit_name(line->unit),
					"quantity", (json_int_t)line->quantity, "price",
					(json_int_t)prices->nanos[line->unit], "per",
					(json_int_t)sl_unit_per(line->unit)));
		}
	}
	return sl_json_text(lines);
}

const char *sl_cost_basis_name(enum sl_cost_basis basis)
{
	static const char *const names[] = {"client", "header", "size", "assumed"};
	return names[basis];
}

int64_t sl_cost_duration(
	int64_t client_ms, int64_t header_ms, int64_t size_bytes, enum sl_cost_basis *ret_basis)
{
	if (client_ms > 0 || header_ms > 0) {
		/* The file knows better than who sends it. */
		*ret_basis = header_ms > 0 ? SL_BASIS_HEADER : SL_BASIS_CLIENT;
		return header_ms > 0 ? header_ms : client_ms;
	}
	if (size_bytes > 0) {
		*ret_basis = SL_BASIS_SIZE;
		int64_t bytes_per_ms = SL_COST_ASSUMED_BITRATE / 8 / 1000;
		return size_bytes / bytes_per_ms + 1;
	}
	*ret_basis = SL_BASIS_ASSUMED;
	return SL_COST_ASSUMED_MS;
}
