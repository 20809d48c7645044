/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/transcript.vtt and .srt. HTTP threads. */

#include "export_reply.h"
#include "handlers.h"

#define MAX_MS 60000

struct query {
	int64_t columns, lines, per_second;
	int64_t min_ms, max_ms, gap_ms;
	int speakers;
};

static const char *const speaker_ways[] = {"names", "dashes", "none", NULL};

static const struct sl_param params[] = {
	SL_PARAM_INTEGER(struct query, columns, "line_length", 10, 100),
	SL_PARAM_INTEGER(struct query, lines, "max_lines", 1, SL_CAPTION_LINES_MAX),
	SL_PARAM_INTEGER(struct query, per_second, "reading_speed", 5, 100),
	SL_PARAM_TIME(struct query, min_ms, "min_duration"),
	SL_PARAM_TIME(struct query, max_ms, "max_duration"),
	SL_PARAM_TIME(struct query, gap_ms, "min_gap"),
	SL_PARAM_CHOICE(struct query, speakers, "speakers", speaker_ways),
	SL_PARAM_END,
};

static enum sl_err decode(struct sl_request *request, struct query *query)
{
	enum sl_err err = sl_params_read(request, params, query);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (query->max_ms < 1000 || query->max_ms > MAX_MS) {
		return sl_params_refuse(request, "?max_duration", "must be from 1 s to 60 s");
	}
	if (query->min_ms > query->max_ms) {
		return sl_params_refuse(
			request, "?min_duration", "must not be more than max_duration");
	}
	if (query->gap_ms > 1000) {
		return sl_params_refuse(request, "?min_gap", "must be at most 1 s");
	}
	return SL_ERR_OK;
}

static enum sl_err write_captions(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	return sl_export_captions_write(pg, video, options, body, &request->error);
}

static enum sl_err reply_captions(struct sl_request *request, const struct sl_export_kind *kind,
	bool srt, struct sl_reply *reply)
{
	struct query query = {
		.columns = 42,
		.lines = 2,
		.per_second = 20,
		.min_ms = 1000,
		.max_ms = 7000,
		.gap_ms = 80,
		.speakers = srt ? SL_CAPTION_DASHES : SL_CAPTION_NAMES,
	};
	enum sl_err err = decode(request, &query);
	if (err != SL_ERR_OK) {
		return err;
	}
	bool voices = !srt && query.speakers == SL_CAPTION_NAMES;
	struct sl_export_captions options = {
		.cues = {.columns = (unsigned)query.columns,
			.lines = (unsigned)query.lines,
			.per_second = (unsigned)query.per_second,
			.min_ms = query.min_ms,
			.max_ms = query.max_ms,
			.gap_ms = query.gap_ms,
			.speakers = voices ? SL_CAPTION_NONE
					   : (enum sl_caption_speakers)query.speakers},
		.srt = srt,
		.voices = voices,
	};
	return sl_export_reply(request, kind, &options, reply);
}

enum sl_err sl_transcript_vtt(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_export_kind kind = {
		"text/vtt; charset=utf-8", ".vtt", SL_EXPORT_TRANSCRIPT, 0, true, write_captions};
	return reply_captions(request, &kind, false, reply);
}

enum sl_err sl_transcript_srt(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_export_kind kind = {"application/x-subrip; charset=utf-8", ".srt",
		SL_EXPORT_TRANSCRIPT, 0, true, write_captions};
	return reply_captions(request, &kind, true, reply);
}
