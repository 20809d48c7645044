/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/markers.edl and markers.otio. HTTP threads. */

#include "app.h"
#include "export_reply.h"
#include "handlers.h"
#include "mem.h"

#define MAX_MEDIA 2048

struct query {
	unsigned kinds;
	double min_confidence;
	struct sl_param_texts names;
	int rate;
	int drop; /* of truths; -1: what is usual at the rate */
	const char *start;
	int layout;
	const char *media;
};

/* In the order of the bits of enum sl_export_analysis. */
static const char *const kind_names[] = {"celebrity", "label", NULL};
static const char *const truths[] = {"false", "true", NULL};
enum { MARKERS, CLIP };
static const char *const layouts[] = {"markers", "clip", NULL};

#define SHARED_PARAMS \
	SL_PARAM_WORDS(struct query, kinds, "kind", kind_names), \
		SL_PARAM_NUMBER(struct query, min_confidence, "min_confidence", 0, 100), \
		SL_PARAM_TEXTS(struct query, names, "name", SL_EXPORT_NAME_MAX), \
		SL_PARAM_CHOICE(struct query, rate, "frame_rate", sl_frame_rate_names), \
		SL_PARAM_TEXT(struct query, start, "start", 11)

/* What is asked for, and what comes of it once the video is known. */
struct asked {
	struct query query;
	struct sl_export_markers markers;
	char *names;
	bool drops; /* the format has drop-frame timecode */
};

static void finish_asked(struct asked *asked)
{
	sl_freep(&asked->names);
}

static enum sl_err decode(
	struct sl_request *request, const struct sl_param *params, struct asked *asked)
{
	asked->query = (struct query){.min_confidence = -1, .rate = -1, .drop = -1};
	enum sl_err err = sl_params_read(request, params, &asked->query);
	if (err == SL_ERR_OK) {
		asked->names = sl_export_names(&asked->query.names);
	}
	return err;
}

/* The rate is the video's own unless another is asked for; then the timecode can be read. */
static enum sl_err settle(
	struct sl_request *request, const struct sl_export_video *video, struct asked *asked)
{
	const struct query *query = &asked->query;
	size_t index =
		query->rate >= 0 ? (size_t)query->rate : sl_frame_rate_near(video->frame_rate);
	const struct sl_frame_rate *rate = &sl_frame_rates[index];
	if (query->drop == 1 && !rate->can_drop) {
		return sl_params_refuse(request, "?drop_frame",
			"must be false at %s frames a second: drop-frame timecode is for 29.97 "
			"and 59.94",
			rate->name);
	}
	asked->markers = (struct sl_export_markers){
		.filter = {query->min_confidence, asked->names},
		.kinds =
			query->kinds != 0 ? query->kinds : SL_EXPORT_CELEBRITIES | SL_EXPORT_LABELS,
		.rate = rate,
		.drop = asked->drops && rate->can_drop && query->drop != 0,
		.one_event = query->layout == CLIP,
	};
	const char *start = query->start != NULL ? query->start : "01:00:00:00";
	if (!sl_framecode_parse(start, rate, asked->markers.drop, &asked->markers.start)) {
		return sl_params_refuse(request, "?start",
			"must be a timecode HH:MM:SS:FF that exists at %s frames a second%s",
			rate->name, asked->markers.drop ? ", drop-frame" : "");
	}
	return SL_ERR_OK;
}

/* Kinds that were asked for by name must all be there; else those that are. */
static enum sl_err reply_markers(struct sl_request *request, struct sl_export_kind kind,
	struct asked *asked, struct sl_reply *reply)
{
	kind.all = asked->query.kinds;
	kind.any = kind.all == 0 ? SL_EXPORT_CELEBRITIES | SL_EXPORT_LABELS : 0;
	return sl_export_reply(request, &kind, asked, reply);
}

/* --- EDL ----------------------------------------------------------------------------------- */

static enum sl_err write_edl(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	struct asked *asked = options;
	enum sl_err err = settle(request, video, asked);
	return err == SL_ERR_OK
		? sl_export_edl_write(pg, video, &asked->markers, body, &request->error)
		: err;
}

enum sl_err sl_markers_edl(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_param params[] = {
		SHARED_PARAMS,
		SL_PARAM_CHOICE(struct query, drop, "drop_frame", truths),
		SL_PARAM_CHOICE(struct query, layout, "layout", layouts),
		SL_PARAM_END,
	};
	static const struct sl_export_kind kind = {
		"text/plain; charset=utf-8", ".edl", 0, 0, false, write_edl};
	SL_AUTO(finish_asked)
	struct asked asked = {.drops = true};
	enum sl_err err = decode(request, params, &asked);
	return err == SL_ERR_OK ? reply_markers(request, kind, &asked, reply) : err;
}

/* --- OpenTimelineIO ------------------------------------------------------------------------ */

static enum sl_err write_otio(struct sl_request *request, struct sl_pg *pg,
	const struct sl_export_video *video, void *options, struct sl_export_body *body)
{
	struct asked *asked = options;
	const struct sl_app *app = request->app;
	enum sl_err err = settle(request, video, asked);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *stored = sl_asprintf(
		"s3://%s/%s", app->config->bucket, video->mp4_key != NULL ? video->mp4_key : "");
	asked->markers.media = asked->query.media != NULL ? asked->query.media : stored;
	return sl_export_otio_write(pg, video, &asked->markers, body, &request->error);
}

enum sl_err sl_markers_otio(struct sl_request *request, struct sl_reply *reply)
{
	static const struct sl_param params[] = {
		SHARED_PARAMS,
		SL_PARAM_TEXT(struct query, media, "media", MAX_MEDIA),
		SL_PARAM_END,
	};
	static const struct sl_export_kind kind = {
		"application/json", ".otio", 0, 0, false, write_otio};
	SL_AUTO(finish_asked)
	struct asked asked = {.drops = false};
	enum sl_err err = decode(request, params, &asked);
	return err == SL_ERR_OK ? reply_markers(request, kind, &asked, reply) : err;
}
