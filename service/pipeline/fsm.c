/* SPDX-License-Identifier: Apache-2.0 */
/* The state tables, and applying an event to a row. Any thread, inside a transaction. */

#include "fsm.h"

#include <string.h>

struct transition {
	int from;
	enum sl_event event;
	int to;
	const char *comment;
};

static const char *const video_names[SL_VIDEO_STATES_] = {
	[SL_VIDEO_AWAITING_UPLOAD] = "awaiting_upload",
	[SL_VIDEO_QUEUED] = "queued",
	[SL_VIDEO_TRANSCODING] = "transcoding",
	[SL_VIDEO_ANALYZING] = "analyzing",
	[SL_VIDEO_COMPLETE] = "complete",
	[SL_VIDEO_PARTIAL] = "partial",
	[SL_VIDEO_FAILED] = "failed",
	[SL_VIDEO_CANCELING] = "canceling",
	[SL_VIDEO_CANCELED] = "canceled",
	[SL_VIDEO_DELETING] = "deleting",
};

static const char *const analysis_names[SL_ANALYSIS_STATES_] = {
	[SL_ANALYSIS_PENDING] = "pending",
	[SL_ANALYSIS_RUNNING] = "running",
	[SL_ANALYSIS_COLLECTING] = "collecting",
	[SL_ANALYSIS_COMPLETE] = "complete",
	[SL_ANALYSIS_SKIPPED] = "skipped",
	[SL_ANALYSIS_FAILED] = "failed",
	[SL_ANALYSIS_CANCELED] = "canceled",
};

static const char *const event_names[SL_EVENTS_] = {
	[SL_EVENT_UPLOADED] = "uploaded",
	[SL_EVENT_UPLOAD_EXPIRED] = "upload_expired",
	[SL_EVENT_TRANSCODE_STARTED] = "transcode_started",
	[SL_EVENT_TRANSCODED] = "transcoded",
	[SL_EVENT_FAILED] = "failed",
	[SL_EVENT_SETTLED_COMPLETE] = "settled_complete",
	[SL_EVENT_SETTLED_PARTIAL] = "settled_partial",
	[SL_EVENT_SETTLED_FAILED] = "settled_failed",
	[SL_EVENT_ANALYSES_ASKED_FOR] = "analyses_asked_for",
	[SL_EVENT_CANCEL_ASKED_FOR] = "cancel_asked_for",
	[SL_EVENT_CANCELED] = "canceled",
	[SL_EVENT_DELETE_ASKED_FOR] = "delete_asked_for",
	[SL_EVENT_ANALYSIS_STARTED] = "started",
	[SL_EVENT_ANALYSIS_FINISHED_BY_PROVIDER] = "finished_by_provider",
	[SL_EVENT_ANALYSIS_COLLECTED] = "collected",
	[SL_EVENT_ANALYSIS_SKIPPED] = "skipped",
	[SL_EVENT_ANALYSIS_FAILED] = "failed",
	[SL_EVENT_ANALYSIS_CANCELED] = "canceled",
	[SL_EVENT_ANALYSIS_ASKED_FOR] = "asked_for",
};

/* clang-format off */
static const struct transition video_table[] = {
	{SL_VIDEO_AWAITING_UPLOAD, SL_EVENT_UPLOADED,           SL_VIDEO_QUEUED,      "the upload has arrived"},
	{SL_VIDEO_AWAITING_UPLOAD, SL_EVENT_UPLOAD_EXPIRED,     SL_VIDEO_FAILED,      "the upload never arrived"},
	{SL_VIDEO_AWAITING_UPLOAD, SL_EVENT_FAILED,             SL_VIDEO_FAILED,      "the uploaded file cannot be used"},
	{SL_VIDEO_QUEUED,          SL_EVENT_TRANSCODE_STARTED,  SL_VIDEO_TRANSCODING, "MediaConvert has accepted the job"},
	{SL_VIDEO_QUEUED,          SL_EVENT_FAILED,             SL_VIDEO_FAILED,      "MediaConvert refused the job"},
	{SL_VIDEO_TRANSCODING,     SL_EVENT_TRANSCODE_STARTED,  SL_VIDEO_TRANSCODING, "no audio was found: MediaConvert tries again without"},
	{SL_VIDEO_TRANSCODING,     SL_EVENT_TRANSCODED,         SL_VIDEO_ANALYZING,   "frames, MP4 and audio are in the bucket"},
	{SL_VIDEO_TRANSCODING,     SL_EVENT_FAILED,             SL_VIDEO_FAILED,      "MediaConvert could not convert the video"},
	{SL_VIDEO_ANALYZING,       SL_EVENT_SETTLED_COMPLETE,   SL_VIDEO_COMPLETE,    "all results are stored"},
	{SL_VIDEO_ANALYZING,       SL_EVENT_SETTLED_PARTIAL,    SL_VIDEO_PARTIAL,     "some analyses failed, the others are stored"},
	{SL_VIDEO_ANALYZING,       SL_EVENT_SETTLED_FAILED,     SL_VIDEO_FAILED,      "every analysis failed"},
	{SL_VIDEO_COMPLETE,        SL_EVENT_ANALYSES_ASKED_FOR, SL_VIDEO_ANALYZING,   "analyses were asked for"},
	{SL_VIDEO_PARTIAL,         SL_EVENT_ANALYSES_ASKED_FOR, SL_VIDEO_ANALYZING,   "analyses were asked for"},
	{SL_VIDEO_FAILED,          SL_EVENT_ANALYSES_ASKED_FOR, SL_VIDEO_ANALYZING,   "analyses were asked for"},
	{SL_VIDEO_CANCELED,        SL_EVENT_ANALYSES_ASKED_FOR, SL_VIDEO_ANALYZING,   "analyses were asked for"},
	{SL_VIDEO_AWAITING_UPLOAD, SL_EVENT_CANCEL_ASKED_FOR,   SL_VIDEO_CANCELING,   "it is to be cancelled"},
	{SL_VIDEO_QUEUED,          SL_EVENT_CANCEL_ASKED_FOR,   SL_VIDEO_CANCELING,   "it is to be cancelled"},
	{SL_VIDEO_TRANSCODING,     SL_EVENT_CANCEL_ASKED_FOR,   SL_VIDEO_CANCELING,   "it is to be cancelled"},
	{SL_VIDEO_ANALYZING,       SL_EVENT_CANCEL_ASKED_FOR,   SL_VIDEO_CANCELING,   "it is to be cancelled"},
	{SL_VIDEO_CANCELING,       SL_EVENT_CANCELED,           SL_VIDEO_CANCELED,    "cancelled; what was finished stays"},
	{SL_VIDEO_AWAITING_UPLOAD, SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_QUEUED,          SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_TRANSCODING,     SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_ANALYZING,       SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_CANCELING,       SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_COMPLETE,        SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_PARTIAL,         SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_FAILED,          SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
	{SL_VIDEO_CANCELED,        SL_EVENT_DELETE_ASKED_FOR,   SL_VIDEO_DELETING,    "it is to be deleted"},
};

static const struct transition analysis_table[] = {
	{SL_ANALYSIS_PENDING,    SL_EVENT_ANALYSIS_STARTED,              SL_ANALYSIS_RUNNING,    "started"},
	{SL_ANALYSIS_PENDING,    SL_EVENT_ANALYSIS_SKIPPED,              SL_ANALYSIS_SKIPPED,    "skipped"},
	{SL_ANALYSIS_PENDING,    SL_EVENT_ANALYSIS_FAILED,               SL_ANALYSIS_FAILED,     "could not be started"},
	{SL_ANALYSIS_RUNNING,    SL_EVENT_ANALYSIS_FINISHED_BY_PROVIDER, SL_ANALYSIS_COLLECTING, "the provider has finished"},
	{SL_ANALYSIS_RUNNING,    SL_EVENT_ANALYSIS_COLLECTED,            SL_ANALYSIS_COMPLETE,   "complete"},
	{SL_ANALYSIS_RUNNING,    SL_EVENT_ANALYSIS_SKIPPED,              SL_ANALYSIS_SKIPPED,    "skipped"},
	{SL_ANALYSIS_RUNNING,    SL_EVENT_ANALYSIS_FAILED,               SL_ANALYSIS_FAILED,     "failed"},
	{SL_ANALYSIS_COLLECTING, SL_EVENT_ANALYSIS_COLLECTED,            SL_ANALYSIS_COMPLETE,   "complete"},
	{SL_ANALYSIS_COLLECTING, SL_EVENT_ANALYSIS_FAILED,               SL_ANALYSIS_FAILED,     "failed while collecting"},
	{SL_ANALYSIS_PENDING,    SL_EVENT_ANALYSIS_CANCELED,             SL_ANALYSIS_CANCELED,   "cancelled"},
	{SL_ANALYSIS_RUNNING,    SL_EVENT_ANALYSIS_CANCELED,             SL_ANALYSIS_CANCELED,   "cancelled"},
	{SL_ANALYSIS_COLLECTING, SL_EVENT_ANALYSIS_CANCELED,             SL_ANALYSIS_CANCELED,   "cancelled"},
	{SL_ANALYSIS_COMPLETE,   SL_EVENT_ANALYSIS_ASKED_FOR,            SL_ANALYSIS_PENDING,    "asked for again"},
	{SL_ANALYSIS_SKIPPED,    SL_EVENT_ANALYSIS_ASKED_FOR,            SL_ANALYSIS_PENDING,    "asked for again"},
	{SL_ANALYSIS_FAILED,     SL_EVENT_ANALYSIS_ASKED_FOR,            SL_ANALYSIS_PENDING,    "asked for again"},
	{SL_ANALYSIS_CANCELED,   SL_EVENT_ANALYSIS_ASKED_FOR,            SL_ANALYSIS_PENDING,    "asked for again"},
};
/* clang-format on */

static const struct transition *find(
	const struct transition *table, size_t count, int state, enum sl_event event)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].from == state && table[i].event == event) {
			return &table[i];
		}
	}
	return NULL;
}

#define FIND(table, state, event) find((table), SL_ARRAY_SIZE(table), (int)(state), (event))

static int parse(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			return i;
		}
	}
	return -1;
}

const char *sl_fsm_video_state_name(enum sl_video_state state)
{
	return video_names[state];
}

const char *sl_fsm_analysis_state_name(enum sl_analysis_state state)
{
	return analysis_names[state];
}

enum sl_video_state sl_fsm_video_state_parse(const char *name)
{
	int state = parse(video_names, SL_VIDEO_STATES_, name);
	if (state < 0) {
		SL_BUG("a video state that the table does not know");
	}
	return (enum sl_video_state)state;
}

enum sl_analysis_state sl_fsm_analysis_state_parse(const char *name)
{
	int state = parse(analysis_names, SL_ANALYSIS_STATES_, name);
	if (state < 0) {
		SL_BUG("an analysis state that the table does not know");
	}
	return (enum sl_analysis_state)state;
}

bool sl_fsm_video_state_known(const char *name)
{
	return parse(video_names, SL_VIDEO_STATES_, name) >= 0;
}

bool sl_fsm_video_is_final(enum sl_video_state state)
{
	return state == SL_VIDEO_COMPLETE || state == SL_VIDEO_PARTIAL ||
		state == SL_VIDEO_FAILED || state == SL_VIDEO_CANCELED;
}

bool sl_fsm_analysis_is_final(enum sl_analysis_state state)
{
	return state == SL_ANALYSIS_COMPLETE || state == SL_ANALYSIS_SKIPPED ||
		state == SL_ANALYSIS_FAILED || state == SL_ANALYSIS_CANCELED;
}

int sl_fsm_video_next(enum sl_video_state state, enum sl_event event)
{
	const struct transition *row = FIND(video_table, state, event);
	return row != NULL ? row->to : -1;
}

void sl_fsm_video_words(enum sl_video_state state, enum sl_event event, const char **ret_event,
	const char **ret_message)
{
	const struct transition *row = FIND(video_table, state, event);
	if (row == NULL) {
		SL_BUG("an event that means nothing in this state has no words");
	}
	*ret_event = event_names[event];
	*ret_message = row->comment;
}

int sl_fsm_analysis_next(enum sl_analysis_state state, enum sl_event event)
{
	const struct transition *row = FIND(analysis_table, state, event);
	return row != NULL ? row->to : -1;
}

static enum sl_err write_timeline(struct sl_pg *pg, const char *video_id, const char *analysis,
	const struct transition *row, const char *at, struct sl_error *reterr)
{
	return sl_pg_exec(pg, SL_SQL_timeline_insert_at, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(event_names[row->event]), SL_PG_TEXT(analysis), SL_PG_TEXT(row->comment),
		SL_PG_TEXT(at));
}

enum sl_err sl_fsm_video_apply(struct sl_pg *pg, const char *video_id, enum sl_event event,
	const char *final_at, bool *ret_moved, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_video_lock, &rows, reterr, SL_PG_TEXT(video_id));
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct transition *row = NULL;
	if (rows.count > 0) {
		row = FIND(video_table, sl_fsm_video_state_parse(sl_pg_text(&rows, 0, "state")),
			event);
	}
	if (ret_moved != NULL) {
		*ret_moved = row != NULL;
	}
	if (row == NULL) {
		return SL_ERR_OK;
	}
	bool final = sl_fsm_video_is_final((enum sl_video_state)row->to);
	err = sl_pg_exec(pg, SL_SQL_video_set_state, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(video_names[row->from]), SL_PG_TEXT(video_names[row->to]),
		SL_PG_TEXT(final ? final_at : NULL));
	return err != SL_ERR_OK
		? err
		: write_timeline(pg, video_id, NULL, row, final ? final_at : NULL, reterr);
}

/* An analysis that has ended has the appearances that its detections come to, any other has none. A
 * cancelled one keeps nothing: its detections go, a little later. */
static enum sl_err keep_appearances(struct sl_pg *pg, const char *video_id, const char *kind,
	const struct transition *row, struct sl_error *reterr)
{
	bool had = sl_fsm_analysis_is_final((enum sl_analysis_state)row->from);
	bool has = sl_fsm_analysis_is_final((enum sl_analysis_state)row->to) &&
		row->to != SL_ANALYSIS_CANCELED;
	if (had == has) {
		return SL_ERR_OK;
	}
	return sl_pg_exec(pg, has ? SL_SQL_appearances_make : SL_SQL_appearances_forget, NULL,
		reterr, SL_PG_TEXT(video_id), SL_PG_TEXT(kind));
}

enum sl_err sl_fsm_analysis_apply(struct sl_pg *pg, const char *video_id, const char *kind,
	enum sl_event event, bool *ret_moved, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_analysis_get, &rows, reterr, SL_PG_TEXT(video_id), SL_PG_TEXT(kind));
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct transition *row = NULL;
	if (rows.count > 0) {
		row = FIND(analysis_table,
			sl_fsm_analysis_state_parse(sl_pg_text(&rows, 0, "state")), event);
	}
	if (ret_moved != NULL) {
		*ret_moved = row != NULL;
	}
	if (row == NULL) {
		return SL_ERR_OK;
	}
	bool final = sl_fsm_analysis_is_final((enum sl_analysis_state)row->to);
	err = sl_pg_exec(pg, SL_SQL_analysis_set_state, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(kind), SL_PG_TEXT(analysis_names[row->from]),
		SL_PG_TEXT(analysis_names[row->to]), SL_PG_BOOL(final));
	if (err == SL_ERR_OK) {
		err = keep_appearances(pg, video_id, kind, row, reterr);
	}
	return err != SL_ERR_OK ? err : write_timeline(pg, video_id, kind, row, NULL, reterr);
}

static void draw(FILE *out, const char *title, const struct transition *table, size_t count,
	const char *const *names)
{
	fprintf(out, "---\ntitle: %s\n---\nstateDiagram-v2\n", title);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "    %s --> %s: %s\n", names[table[i].from], names[table[i].to],
			table[i].comment);
	}
}

void sl_fsm_mermaid(FILE *out)
{
	draw(out, "video", video_table, SL_ARRAY_SIZE(video_table), video_names);
	fputc('\n', out);
	draw(out, "analysis", analysis_table, SL_ARRAY_SIZE(analysis_table), analysis_names);
}
