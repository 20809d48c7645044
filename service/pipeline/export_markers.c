/* SPDX-License-Identifier: Apache-2.0 */
/* markers.edl and markers.otio: who and what is on screen, for editors. HTTP threads. */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "export_text.h"
#include "json_spec.h"
#include "mem.h"

#define TITLE_COLUMNS 70
#define NAME_COLUMNS  80

struct writing {
	const struct sl_export_video *video;
	const struct sl_export_markers *options;
	struct sl_export_body *body;
	struct sl_buf pending;
	int64_t number;     /* of events or markers so far */
	int64_t free_frame; /* the first that has no event yet */
	int64_t length;     /* of the video, in frames */
};

static struct writing begin_writing(const struct sl_export_video *video,
	const struct sl_export_markers *options, struct sl_export_body *body)
{
	struct writing writing = {
		.video = video, .options = options, .body = body, .pending = SL_BUF_INIT};
	writing.length = sl_framecode_frame(options->rate, video->duration_ms);
	writing.length = writing.length > 0 ? writing.length : 1;
	return writing;
}

static enum sl_err write_markers(
	struct sl_pg *pg, struct writing *writing, sl_pg_each_fn *each, struct sl_error *reterr)
{
	const struct sl_export_filter *filter = &writing->options->filter;
	unsigned kinds = writing->options->kinds & writing->video->complete;
	const struct sl_pg_param params[] = {SL_PG_TEXT(writing->video->id),
		filter->min_confidence >= 0 ? SL_PG_F64(filter->min_confidence) : SL_PG_NULL,
		SL_PG_TEXT(filter->names), SL_PG_BOOL((kinds & SL_EXPORT_CELEBRITIES) != 0),
		SL_PG_BOOL((kinds & SL_EXPORT_LABELS) != 0)};
	return sl_pg_each(pg, SL_SQL_export_appearances, params, SL_ARRAY_SIZE(params), each,
		writing, reterr);
}

static enum sl_err end_writing(struct writing *writing, enum sl_err err, struct sl_error *reterr)
{
	if (err == SL_ERR_OK) {
		err = sl_export_body_end(writing->body, &writing->pending, reterr);
	}
	sl_buf_finish(&writing->pending);
	return err;
}

/* A row of the statement. */
struct marker {
	bool celebrity;
	int64_t from, frames; /* in the video; at least one */
	const char *name;
};

static struct marker read_marker(const struct writing *writing, const struct sl_pg_rows *row)
{
	const struct sl_frame_rate *rate = writing->options->rate;
	int64_t from = sl_framecode_frame(rate, sl_pg_i64(row, 0, "from_ms"));
	int64_t to = sl_framecode_frame(rate, sl_pg_i64(row, 0, "to_ms"));
	from = from < writing->length ? from : writing->length - 1;
	return (struct marker){
		.celebrity = strcmp(sl_pg_text(row, 0, "kind"), "celebrity") == 0,
		.from = from,
		.frames = to > from ? to - from : 1,
		.name = sl_pg_text(row, 0, "name"),
	};
}

/* --- CMX 3600 ------------------------------------------------------------------------------ */

static void add_timecode(struct writing *writing, int64_t frame, const char *after)
{
	char code[SL_FRAMECODE_SIZE];
	sl_framecode_format(code, writing->options->rate, writing->options->drop, frame);
	sl_buf_printf(&writing->pending, "%s%s", code, after);
}

/* `frames` of the video from `from` on, there in the timeline where they belong. */
static void add_event(struct writing *writing, int64_t from, int64_t frames)
{
	int64_t start = writing->options->start;
	sl_buf_printf(&writing->pending, "%03lld  AX       V     C        ",
		(long long)++writing->number);
	add_timecode(writing, from, " ");
	add_timecode(writing, from + frames, " ");
	add_timecode(writing, start + from, " ");
	add_timecode(writing, start + from + frames, "\r\n");
}

/* Avid's comment, and after the event that has the marker Resolve's. */
static void add_locator(struct writing *writing, const struct marker *marker)
{
	struct sl_buf *out = &writing->pending;
	if (!writing->options->one_event) {
		sl_buf_printf(out, " |C:ResolveColor%s |M:", marker->celebrity ? "Cyan" : "Green");
		sl_export_edl_text(out, marker->name, NAME_COLUMNS);
		sl_buf_printf(out, " |D:%lld\r\n", (long long)marker->frames);
	}
	sl_buf_puts(out, "* LOC: ");
	add_timecode(writing, writing->options->start + marker->from, " ");
	sl_buf_puts(out, marker->celebrity ? "CYAN    " : "GREEN   ");
	sl_export_edl_text(out, marker->name, NAME_COLUMNS);
	sl_buf_puts(out, "\r\n");
}

static enum sl_err add_edl_marker(
	void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	struct writing *writing = context;
	struct marker marker = read_marker(writing, row);
	if (!writing->options->one_event) {
		/* Resolve has one marker a frame, and events follow each other. */
		int64_t at = marker.from > writing->free_frame ? marker.from : writing->free_frame;
		writing->free_frame = at + 1;
		add_event(writing, at, 1);
	}
	add_locator(writing, &marker);
	if (!writing->options->one_event) {
		sl_buf_puts(&writing->pending, "\r\n");
	}
	return sl_export_body_add(writing->body, &writing->pending, reterr);
}

/* The last part of a key. */
static const char *file_of(const struct sl_export_video *video)
{
	const char *key = video->mp4_key != NULL ? video->mp4_key : video->id;
	const char *slash = strrchr(key, '/');
	return slash != NULL ? slash + 1 : key;
}

enum sl_err sl_export_edl_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_markers *options, struct sl_export_body *body,
	struct sl_error *reterr)
{
	struct writing writing = begin_writing(video, options, body);
	struct sl_buf *out = &writing.pending;
	sl_buf_puts(out, "TITLE: ");
	sl_export_edl_text(out, video->title != NULL ? video->title : video->id, TITLE_COLUMNS);
	sl_buf_printf(out, "\r\nFCM: %sDROP FRAME\r\n\r\n", options->drop ? "" : "NON-");
	if (options->one_event) {
		add_event(&writing, 0, writing.length);
		sl_buf_puts(out, "* FROM CLIP NAME: ");
		sl_export_edl_text(out, file_of(video), TITLE_COLUMNS);
		sl_buf_puts(out, "\r\n");
	}
	enum sl_err err = write_markers(pg, &writing, add_edl_marker, reterr);
	return end_writing(&writing, err, reterr);
}

/* --- OpenTimelineIO ------------------------------------------------------------------------ */

/* Takes the reference to `value`. */
static void add_json(struct sl_buf *out, json_t *value)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(value);
	sl_buf_puts(out, text);
	json_decref(value);
}

static json_t *time_of(const struct sl_export_markers *options, int64_t frame)
{
	return json_pack("{s:s, s:f, s:f}", "OTIO_SCHEMA", "RationalTime.1", "rate",
		(double)options->rate->numerator / (double)options->rate->denominator, "value",
		(double)frame);
}

static json_t *range_of(const struct sl_export_markers *options, int64_t from, int64_t frames)
{
	return json_pack("{s:s, s:o, s:o}", "OTIO_SCHEMA", "TimeRange.1", "start_time",
		time_of(options, from), "duration", time_of(options, frames));
}

static enum sl_err add_otio_marker(
	void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	struct writing *writing = context;
	struct marker marker = read_marker(writing, row);
	json_t *facts = json_pack("{s:s, s:I, s:I, s:f}", "kind", sl_pg_text(row, 0, "kind"),
		"from_ms", (json_int_t)sl_pg_i64(row, 0, "from_ms"), "to_ms",
		(json_int_t)sl_pg_i64(row, 0, "to_ms"), "confidence",
		sl_pg_f64(row, 0, "confidence"));
	const char *id = sl_pg_text(row, 0, "celebrity_id");
	if (id != NULL) {
		json_object_set_new(facts, "id", json_string(id));
	}
	sl_buf_puts(&writing->pending, writing->number++ > 0 ? ",\n" : "\n");
	add_json(&writing->pending,
		json_pack("{s:s, s:s, s:s, s:o, s:{s:o}}", "OTIO_SCHEMA", "Marker.2", "name",
			marker.name, "color", marker.celebrity ? "CYAN" : "GREEN", "marked_range",
			range_of(writing->options, marker.from, marker.frames), "metadata",
			"spotlist", facts));
	return sl_export_body_add(writing->body, &writing->pending, reterr);
}

static json_t *reference(const struct writing *writing)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:{}}", "OTIO_SCHEMA", "ExternalReference.1", "name",
		file_of(writing->video), "target_url", writing->options->media, "available_range",
		range_of(writing->options, 0, writing->length), "metadata");
}

/* Everything up to the markers of the clip; add_otio_end() closes what is open. */
static void add_otio_begin(struct writing *writing)
{
	struct sl_buf *out = &writing->pending;
	const struct sl_export_video *video = writing->video;
	const char *title = video->title != NULL ? video->title : video->id;
	sl_buf_puts(out, "{\"OTIO_SCHEMA\":\"Timeline.1\",\"name\":");
	add_json(out, json_string(title));
	sl_buf_puts(out, ",\"metadata\":{\"spotlist\":");
	add_json(out, json_pack("{s:s}", "video_id", video->id));
	sl_buf_puts(out, "},\"global_start_time\":");
	add_json(out, time_of(writing->options, writing->options->start));
	sl_buf_puts(out,
		",\"tracks\":{\"OTIO_SCHEMA\":\"Stack.1\",\"name\":\"tracks\",\"metadata\":{},"
		"\"source_range\":null,\"effects\":[],\"markers\":[],\"enabled\":true,"
		"\"children\":[{\"OTIO_SCHEMA\":\"Track.1\",\"name\":\"V1\",\"kind\":\"Video\","
		"\"metadata\":{},\"source_range\":null,\"effects\":[],\"markers\":[],"
		"\"enabled\":true,\"children\":[{\"OTIO_SCHEMA\":\"Clip.2\",\"name\":");
	add_json(out, json_string(title));
	sl_buf_puts(out, ",\"metadata\":{},\"enabled\":true,\"effects\":[],\"source_range\":");
	add_json(out, range_of(writing->options, 0, writing->length));
	sl_buf_puts(out,
		",\"active_media_reference_key\":\"DEFAULT_MEDIA\","
		"\"media_references\":{\"DEFAULT_MEDIA\":");
	add_json(out, reference(writing));
	sl_buf_puts(out, "},\"markers\":[");
}

enum sl_err sl_export_otio_write(struct sl_pg *pg, const struct sl_export_video *video,
	const struct sl_export_markers *options, struct sl_export_body *body,
	struct sl_error *reterr)
{
	struct writing writing = begin_writing(video, options, body);
	add_otio_begin(&writing);
	enum sl_err err = write_markers(pg, &writing, add_otio_marker, reterr);
	sl_buf_puts(&writing.pending, "]}]}]}}\n");
	return end_writing(&writing, err, reterr);
}
