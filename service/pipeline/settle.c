/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last step of a video: decides the final state, writes the videos/<id> record to DynamoDB,
 * then the state and the finished document to PostgreSQL. Worker threads.
 */

#include <string.h>

#include "clock.h"
#include "document.h"
#include "mem.h"
#include "record.h"
#include "results.h"
#include "steps.h"
#include "usage.h"
#include "versions.h"
#include "webhook.h"

/* How often the row may change while it is recorded, before that counts as a failure. */
#define OVERTAKEN_MAX 3

struct settlement {
	const struct sl_step *step;
	enum sl_video_state from;
	enum sl_event event;
	enum sl_video_state state;
	char at[SL_CLOCK_RFC3339_SIZE];
	char document[SL_UUID_SIZE];
	char *version;  /* of the video's row, when it was recorded */
	bool overtaken; /* the row has changed since */
};

static void settlement_finish(struct settlement *settlement)
{
	sl_freep(&settlement->version);
}

/* What the analyses come to. Skipped ones do not count against a video. */
static enum sl_err judge(struct sl_worker *worker, const struct sl_step *step,
	enum sl_event *ret_event, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		worker->pg, SL_SQL_analysis_list, &rows, reterr, SL_PG_TEXT(step->video_id));
	if (err != SL_ERR_OK) {
		return err;
	}
	int complete = 0;
	int failed = 0;
	for (int i = 0; i < rows.count; i++) {
		enum sl_analysis_state state =
			sl_fsm_analysis_state_parse(sl_pg_text(&rows, i, "state"));
		complete += state == SL_ANALYSIS_COMPLETE;
		failed += state == SL_ANALYSIS_FAILED;
	}
	if (failed == 0) {
		*ret_event = SL_EVENT_SETTLED_COMPLETE;
	} else {
		*ret_event = complete > 0 ? SL_EVENT_SETTLED_PARTIAL : SL_EVENT_SETTLED_FAILED;
	}
	return SL_ERR_OK;
}

/* The analyses of a video that failed before they could begin. */
static enum sl_err skip_pending(struct sl_pg *pg, const char *video_id, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	sl_error_set(
		&why, SL_ERR_TRANSCODE_FAILED, "there is nothing to analyse: the video failed");
	enum sl_err err = sl_pg_exec(pg, SL_SQL_analysis_list, &rows, reterr, SL_PG_TEXT(video_id));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		err = sl_step_end_analysis(pg, video_id, sl_pg_text(&rows, i, "kind"),
			SL_EVENT_ANALYSIS_SKIPPED, &why, reterr);
	}
	return err;
}

/* Two workers may write the record, one of them late: both must write the same time. */
static enum sl_err decide_time(
	struct sl_pg *pg, struct settlement *settlement, struct sl_error *reterr)
{
	char now[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(sl_clock_now_ms(), now);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_settle_time, &rows, reterr, SL_PG_I64(settlement->step->id),
			SL_PG_I64(settlement->step->claims), SL_PG_TEXT(now));
	if (err == SL_ERR_OK && rows.count == 0) {
		return sl_step_lost(settlement->step, reterr);
	}
	if (err == SL_ERR_OK) {
		snprintf(settlement->at, sizeof(settlement->at), "%s", sl_pg_text(&rows, 0, "at"));
	}
	return err;
}

static enum sl_err prepare_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct settlement *settlement = context;
	const char *id = settlement->step->video_id;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_video_lock, NULL, reterr, SL_PG_TEXT(id));
	if (err == SL_ERR_OK && settlement->event == SL_EVENT_SETTLED_FAILED) {
		err = sl_pg_exec(pg, SL_SQL_video_set_error, NULL, reterr, SL_PG_TEXT(id),
			SL_PG_TEXT(sl_err_code(SL_ERR_ALL_ANALYSES_FAILED)),
			SL_PG_TEXT("every analysis failed; each one tells why"), SL_PG_NULL);
	} else if (err == SL_ERR_OK && settlement->state == SL_VIDEO_FAILED) {
		err = skip_pending(pg, id, reterr);
	} else if (err == SL_ERR_OK && settlement->state == SL_VIDEO_CANCELED) {
		/* A step that failed while it was being cancelled is no failure of the video. */
		err = sl_pg_exec(pg, SL_SQL_video_set_error, NULL, reterr, SL_PG_TEXT(id),
			SL_PG_NULL, SL_PG_NULL, SL_PG_NULL);
	}
	/* After what is prepared: the timeline must not run backwards. */
	return err == SL_ERR_OK ? decide_time(pg, settlement, reterr) : err;
}

static json_t *record_item(const struct sl_pg_rows *row, const struct settlement *settlement)
{
	static const struct {
		const char *column;
		const char *attribute;
		bool number;
	} attributes[] = {
		{"title", "title", false},
		{"source", "source", false},
		{"created_at", "createdAt", false},
		{"mp4_key", "mp4Key", false},
		{"audio_key", "audioKey", false},
		{"transcript_key", "transcriptKey", false},
		{"frames_prefix", "framesPrefix", false},
		{"frame_count", "frameCount", true},
		{"duration_ms", "durationMs", true},
	};
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("videos/%s", settlement->step->video_id);
	json_t *item = sl_record_item(name, settlement->step->video_id);
	sl_record_set_text(item, "state", sl_fsm_video_state_name(settlement->state));
	sl_record_set_text(item, "completedAt", settlement->at);
	for (size_t i = 0; i < SL_ARRAY_SIZE(attributes); i++) {
		if (sl_pg_null(row, 0, attributes[i].column)) {
			continue;
		}
		if (attributes[i].number) {
			sl_record_set_number(item, attributes[i].attribute,
				sl_pg_i64(row, 0, attributes[i].column));
		} else {
			sl_record_set_text(item, attributes[i].attribute,
				sl_pg_text(row, 0, attributes[i].column));
		}
	}
	return item;
}

/* A column into an attribute of `item`, or into parts where it is too large for that. */
static enum sl_err add_large(struct sl_worker *worker, const struct settlement *settlement,
	const char *attribute, const char *text, json_t *item, struct sl_error *reterr)
{
	if (text == NULL) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("videos/%s", settlement->step->video_id);
	SL_AUTO(sl_record_parts_finish)
	struct sl_record_parts parts = {
		.aws = worker->aws,
		.table = worker->config->table,
		.file_name = name,
		.video_id = settlement->step->video_id,
		.attribute = attribute,
	};
	enum sl_err err = sl_record_parts_add_text(&parts, text, reterr);
	if (err == SL_ERR_OK) {
		err = sl_record_parts_end(&parts, item, reterr);
	}
	/* An earlier end of the same video may have had more to tell. */
	return err == SL_ERR_OK
		? sl_results_trim_parts(worker, name, attribute, parts.count, reterr)
		: err;
}

static enum sl_err put_record(
	struct sl_worker *worker, const struct settlement *settlement, struct sl_error *reterr)
{
	const struct sl_step *step = settlement->step;
	const char *event;
	const char *message;
	sl_fsm_video_words(settlement->from, settlement->event, &event, &message);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows row = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_video_record, &row, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_TEXT(sl_fsm_video_state_name(settlement->state)),
		SL_PG_TEXT(settlement->at), SL_PG_TEXT(event), SL_PG_TEXT(message));
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *item = record_item(&row, settlement);
	err = add_large(worker, settlement, "celebrityFrames",
		sl_pg_text(&row, 0, "celebrity_frames"), item, reterr);
	if (err == SL_ERR_OK) {
		err = add_large(
			worker, settlement, "record", sl_pg_text(&row, 0, "record"), item, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_dynamodb_put_item(worker->aws, worker->config->table, item, reterr);
	}
	return err;
}

/* Tells, and keeps the first time, what changes whenever the video's row does. */
static enum sl_err look_at_row(
	struct sl_pg *pg, struct settlement *settlement, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_mirror_head, &rows, reterr, SL_PG_TEXT(settlement->step->video_id));
	const char *version = rows.count > 0 ? sl_pg_text(&rows, 0, "version") : "";
	if (err == SL_ERR_OK && settlement->version == NULL) {
		settlement->version = sl_strdup(version);
	} else if (err == SL_ERR_OK && strcmp(settlement->version, version) != 0) {
		settlement->overtaken = true;
		return sl_error_set(
			reterr, SL_ERR_VIDEO_BUSY, "the video changed while it was recorded");
	}
	return err;
}

static enum sl_err settle_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct settlement *settlement = context;
	const char *id = settlement->step->video_id;
	enum sl_err err = look_at_row(pg, settlement, reterr);
	if (err == SL_ERR_OK) {
		err = sl_fsm_video_apply(pg, id, settlement->event, settlement->at, NULL, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_document_publish(pg, id, settlement->document, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_usage_release(pg, id, reterr);
	}
	return err == SL_ERR_OK ? sl_webhook_enqueue(pg, id, reterr) : err;
}

static enum sl_err settle_once(struct sl_worker *worker, struct sl_step *step,
	struct settlement *settlement, struct sl_error *reterr)
{
	settlement_finish(settlement);
	settlement->overtaken = false;
	enum sl_err err = sl_pg_tx(worker->pg, "settle_prepare", prepare_tx, settlement, reterr);
	if (err == SL_ERR_OK) {
		err = look_at_row(worker->pg, settlement, reterr);
	}
	/* Those of a run that was cancelled before it could begin. */
	for (int i = 0; err == SL_ERR_OK && i < SL_ANALYSIS_KINDS_; i++) {
		err = sl_versions_record(worker, step, sl_analysis_names[i], reterr);
	}
	if (err == SL_ERR_OK) {
		err = put_record(worker, settlement, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_document_store(worker->pg, step->video_id,
			sl_fsm_video_state_name(settlement->state), settlement->at,
			settlement->document, reterr);
	}
	const struct sl_step_next done = {.done = true};
	return err == SL_ERR_OK ? sl_step_commit(worker, step, &done, settle_tx, settlement, reterr)
				: err;
}

enum sl_err sl_settle(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	enum sl_video_state now = sl_fsm_video_state_parse(step->video.state);
	SL_AUTO(settlement_finish)
	struct settlement settlement = {.step = step, .from = now};
	enum sl_err err = SL_ERR_OK;
	if (now == SL_VIDEO_ANALYZING) {
		err = judge(worker, step, &settlement.event, reterr);
	} else if (now == SL_VIDEO_CANCELING) {
		settlement.event = SL_EVENT_CANCELED;
	} else if (now == SL_VIDEO_AWAITING_UPLOAD && step->video.upload_expired) {
		settlement.event = SL_EVENT_UPLOAD_EXPIRED;
	} else {
		settlement.event = SL_EVENT_FAILED;
	}
	int state = sl_fsm_video_next(now, settlement.event);
	const struct sl_step_next done = {.done = true};
	if (err == SL_ERR_OK && state < 0) {
		/* Settled already: a crash came between that and deleting the step. */
		return sl_step_commit(worker, step, &done, NULL, NULL, reterr);
	}
	settlement.state = (enum sl_video_state)state;
	if (err == SL_ERR_OK) {
		err = settle_once(worker, step, &settlement, reterr);
	}
	/* Late news of the input; the record must have them too. */
	for (int i = 0; settlement.overtaken && i < OVERTAKEN_MAX; i++) {
		sl_error_finish(reterr);
		err = settle_once(worker, step, &settlement, reterr);
	}
	/* What collecting a long video took is of no use to the next. */
	sl_mem_trim();
	return err;
}
