/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates. HTTP threads, and workers inside a transaction. */

#include "estimate.h"

#include <string.h>

#include "clock.h"
#include "json_spec.h"
#include "mem.h"

struct estimate {
	struct sl_cost_facts facts;
	enum sl_cost_basis basis;
	struct sl_cost cost;
};

static void make(const struct sl_config *config, const struct sl_submission *submission,
	struct estimate *ret)
{
	const struct sl_mp4_header *header = &submission->header;
	*ret = (struct estimate){.basis = SL_BASIS_ASSUMED};
	int64_t duration_ms = sl_cost_duration(
		submission->duration_ms, header->duration_ms, submission->size_bytes, &ret->basis);
	ret->facts = (struct sl_cost_facts){
		.duration_ms = duration_ms,
		.frames = sl_cost_frames(duration_ms, submission->options.frames.interval_ms),
		.width = header->width,
		.height = header->height,
		.audio = true,
		.transcode = true,
		.analyses = submission->options.analyses,
	};
	sl_cost_of(config->prices->here, &ret->facts, &ret->cost);
}

enum sl_err sl_estimate_reserve(const struct sl_config *config, struct sl_pg *pg,
	const struct sl_submission *submission, bool always, struct sl_error *reterr)
{
	if (config->monthly_cap_micros < 0) {
		return SL_ERR_OK;
	}
	struct estimate estimate;
	make(config, submission, &estimate);
	return sl_usage_reserve(config, pg, submission->id, estimate.cost.micros, always, reterr);
}

int64_t sl_estimate_analyses(const struct sl_config *config, unsigned analyses, int64_t duration_ms,
	int64_t frames, bool audio)
{
	const struct sl_cost_facts facts = {
		.duration_ms = duration_ms, .frames = frames, .audio = audio, .analyses = analyses};
	struct sl_cost cost;
	sl_cost_of(config->prices->here, &facts, &cost);
	return cost.micros;
}

int64_t sl_estimate_upload(
	const struct sl_config *config, const struct sl_video *video, int64_t size_bytes)
{
	enum sl_cost_basis basis;
	int64_t duration_ms = sl_cost_duration(0, 0, size_bytes, &basis);
	const struct sl_cost_facts facts = {.duration_ms = duration_ms,
		.frames = sl_cost_frames(duration_ms, video->frame_interval_ms),
		.audio = true,
		.transcode = true,
		.analyses = video->options.analyses};
	struct sl_cost cost;
	sl_cost_of(config->prices->here, &facts, &cost);
	return cost.micros;
}

/* --- what a dry run tells ------------------------------------------------------------------ */

static json_t *assumptions(const struct estimate *estimate)
{
	json_t *list = json_array();
	if (estimate->basis == SL_BASIS_SIZE) {
		json_array_append_new(list,
			json_sprintf("the file has %d bits a second", SL_COST_ASSUMED_BITRATE));
	}
	if (estimate->basis == SL_BASIS_ASSUMED) {
		json_array_append_new(list,
			json_sprintf("the video lasts %lld minutes: nothing is known of it yet",
				(long long)(SL_COST_ASSUMED_MS / 60000)));
	}
	if (estimate->facts.width == 0) {
		json_array_append_new(list, json_string("the picture is HD"));
	}
	json_array_append_new(list, json_string("at most 30 pictures a second"));
	json_array_append_new(list, json_string("there is an audio track"));
	return list;
}

static void set_dollars(json_t *object, const char *name, int64_t micros)
{
	char text[SL_DOLLARS_SIZE];
	sl_dollars_format(micros, text);
	json_object_set_new(object, name, json_string(text));
}

static enum sl_err add_cap(const struct sl_config *config, struct sl_pg *pg,
	const struct estimate *estimate, json_t *root, struct sl_error *reterr)
{
	int64_t spent = 0;
	int64_t reserved = 0;
	enum sl_err err = sl_usage_month(pg, &spent, &reserved, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	int64_t cap = config->monthly_cap_micros;
	char again[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(sl_usage_next_month_ms(sl_clock_now_ms()), again);
	json_t *object = json_object();
	set_dollars(object, "cap", cap);
	set_dollars(object, "spent", spent);
	set_dollars(object, "reserved", reserved);
	json_object_set_new(object, "would_be_accepted",
		json_boolean(spent + reserved + estimate->cost.micros <= cap));
	json_object_set_new(object, "starts_again_at", json_string(again));
	json_object_set_new(root, "cap", object);
	return SL_ERR_OK;
}

enum sl_err sl_estimate_read(const struct sl_config *config, struct sl_pg *pg,
	const struct sl_submission *submission, json_t **ret, struct sl_error *reterr)
{
	struct estimate estimate;
	make(config, submission, &estimate);
	json_t *told = sl_cost_json(config->prices->here, &estimate.cost);
	json_object_set_new(told, "currency", json_string("USD"));
	json_object_set_new(told, "basis", json_string(sl_cost_basis_name(estimate.basis)));
	json_object_set_new(
		told, "duration_ms", json_integer((json_int_t)estimate.facts.duration_ms));
	json_object_set_new(told, "assumptions", assumptions(&estimate));
	json_object_set_new(told, "prices", sl_usage_prices_json(config->prices));
	SL_AUTO(sl_json_decrefp)
	json_t *root = json_pack("{s:b, s:o}", "dry_run", true, "estimate", told);
	enum sl_err err = config->monthly_cap_micros < 0
		? SL_ERR_OK
		: add_cap(config, pg, &estimate, root, reterr);
	if (err == SL_ERR_OK) {
		*ret = sl_take(&root);
	}
	return err;
}
