/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancelling and deleting: the requests (HTTP threads), and the step on track `end` that does it
 * (worker threads). Every part may run twice.
 */

#include "end.h"

#include <string.h>

#include "mediaconvert.h"
#include "mem.h"
#include "provider_job.h"
#include "read.h"
#include "results.h"
#include "s3.h"
#include "steps.h"
#include "uuid.h"
#include "versions.h"

/* Those who hold a step of the video wake us when they are done with it; this is for those who die
 * or put theirs off. */
#define HELD_AGAIN_MS 1000
/* How long MediaConvert may take to stop, before what it has written is removed all the same. */
#define STOPPING_MS (INT64_C(10) * 60 * 1000)

bool sl_end_overtakes(
	enum sl_video_state state, const char *track, int64_t part, enum sl_step_kind kind)
{
	bool end = strcmp(track, "end") == 0;
	if (state == SL_VIDEO_CANCELING) {
		return !end;
	}
	return state == SL_VIDEO_DELETING && !(end && part == SL_END_DELETE && kind == SL_STEP_END);
}

bool sl_end_keeps_outcome(enum sl_step_kind kind)
{
	return kind == SL_STEP_TRANSCODE_START || kind == SL_STEP_LABELS_START ||
		kind == SL_STEP_TRANSCRIPT_START;
}

/* --- asking -------------------------------------------------------------------------------- */

struct wish {
	const char *video_id;
	enum sl_event event;
	int64_t part;
	struct sl_buf *out;
};

static enum sl_err refuse(const struct sl_pg_rows *video, struct sl_error *reterr)
{
	enum sl_video_state state = sl_fsm_video_state_parse(sl_pg_text(video, 0, "state"));
	if (state == SL_VIDEO_CANCELING) {
		return SL_ERR_OK; /* asked for already */
	}
	return sl_error_set(reterr, SL_ERR_VIDEO_FINAL, "the video is %s",
		state == SL_VIDEO_DELETING ? "being deleted" : sl_fsm_video_state_name(state));
}

static enum sl_err add_end_step(struct sl_pg *pg, const struct wish *wish, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_exec(pg, SL_SQL_step_delete_waiting, NULL, reterr,
		SL_PG_TEXT(wish->video_id), SL_PG_NULL);
	return err != SL_ERR_OK
		? err
		: sl_pg_exec(pg, SL_SQL_step_insert, NULL, reterr, SL_PG_TEXT(wish->video_id),
			  SL_PG_TEXT("end"), SL_PG_I64(wish->part),
			  SL_PG_TEXT(sl_step_kind_name(SL_STEP_END)), SL_PG_I64(0),
			  SL_PG_TEXT("{}"));
}

static enum sl_err wish_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct wish *wish = context;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	bool moved = false;
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_lock, &video, reterr, SL_PG_TEXT(wish->video_id));
	if (err == SL_ERR_OK && video.count == 0) {
		err = sl_error_set(
			reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", wish->video_id);
	}
	if (err == SL_ERR_OK) {
		err = sl_fsm_video_apply(pg, wish->video_id, wish->event, NULL, &moved, reterr);
	}
	if (err == SL_ERR_OK && moved) {
		err = add_end_step(pg, wish, reterr);
	} else if (err == SL_ERR_OK && wish->part == SL_END_CANCEL) {
		err = refuse(&video, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	/* Now: once this is committed, it may be deleted before anyone could read it. */
	sl_buf_clear(wish->out);
	return sl_read_video(pg, wish->video_id, wish->out, reterr);
}

static enum sl_err ask(
	struct sl_pg *pg, const char *name, struct wish *wish, struct sl_error *reterr)
{
	if (!sl_uuid_valid(wish->video_id)) {
		return sl_error_set(
			reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", wish->video_id);
	}
	return sl_pg_tx(pg, name, wish_tx, wish, reterr);
}

enum sl_err sl_end_cancel(
	struct sl_pg *pg, const char *video_id, struct sl_buf *out, struct sl_error *reterr)
{
	struct wish wish = {video_id, SL_EVENT_CANCEL_ASKED_FOR, SL_END_CANCEL, out};
	return ask(pg, "video_cancel", &wish, reterr);
}

enum sl_err sl_end_delete(
	struct sl_pg *pg, const char *video_id, struct sl_buf *out, struct sl_error *reterr)
{
	struct wish wish = {video_id, SL_EVENT_DELETE_ASKED_FOR, SL_END_DELETE, out};
	return ask(pg, "video_delete", &wish, reterr);
}

/* --- waiting for others -------------------------------------------------------------------- */

struct others {
	const struct sl_step *step;
	enum sl_video_state state; /* that the step found */
	bool overtaken;            /* it is another by now: a deletion was asked for */
	int64_t held;
};

/* Steps were put off since they were asked to go, or belong to a process that died. */
static enum sl_err others_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct others *others = context;
	const struct sl_step *step = others->step;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows video = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_lock, &video, reterr, SL_PG_TEXT(step->video_id));
	if (err != SL_ERR_OK) {
		return err;
	}
	/* What waits then is the step of the deletion, and must not go. */
	others->overtaken = video.count == 0 ||
		sl_fsm_video_state_parse(sl_pg_text(&video, 0, "state")) != others->state;
	if (others->overtaken) {
		return SL_ERR_OK;
	}
	err = sl_pg_exec(pg, SL_SQL_step_delete_waiting, NULL, reterr, SL_PG_TEXT(step->video_id),
		SL_PG_I64(step->id));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_step_count_others, &rows, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_I64(step->id));
	}
	if (err == SL_ERR_OK) {
		others->held = sl_pg_i64(&rows, 0, "count");
	}
	return err;
}

static enum sl_err come_back(
	struct sl_worker *worker, struct sl_step *step, int64_t delay_ms, struct sl_error *reterr)
{
	const struct sl_step_next again = {.kind = SL_STEP_END, .delay_ms = delay_ms};
	return sl_step_commit(worker, step, &again, NULL, NULL, reterr);
}

/* --- jobs ---------------------------------------------------------------------------------- */

static enum sl_err cancel_jobs(
	struct sl_worker *worker, const struct sl_step *step, struct sl_error *reterr)
{
	static const char *const tracks[] = {"video", "labels", "transcript"};
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(tracks); i++) {
		err = sl_provider_job_cancel(worker, &step->video, tracks[i], reterr);
	}
	return err;
}

/* MediaConvert stops in its own time, and may write until then. */
static enum sl_err is_writing(
	struct sl_worker *worker, const struct sl_step *step, bool *ret, struct sl_error *reterr)
{
	*ret = false;
	if (step->video.transcode_job_id == NULL || step->age_ms > STOPPING_MS) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_mediaconvert_job_finish)
	struct sl_mediaconvert_job job = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	enum sl_err err =
		sl_mediaconvert_get_job(worker->aws, step->video.transcode_job_id, &job, &why);
	if (err == SL_ERR_AWS_NOT_FOUND || err == SL_ERR_AWS_REJECTED) {
		return SL_ERR_OK;
	}
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &why);
		return err;
	}
	*ret = job.status == SL_MEDIACONVERT_SUBMITTED || job.status == SL_MEDIACONVERT_PROGRESSING;
	return SL_ERR_OK;
}

/* --- cancelling ---------------------------------------------------------------------------- */

static enum sl_err cancel_analyses_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct sl_step *step = context;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	sl_error_set(&why, SL_ERR_CANCELED, "the video was cancelled before this was complete");
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_video_lock, NULL, reterr, SL_PG_TEXT(step->video_id));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(
			pg, SL_SQL_analysis_list, &rows, reterr, SL_PG_TEXT(step->video_id));
	}
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		err = sl_step_end_analysis(pg, step->video_id, sl_pg_text(&rows, i, "kind"),
			SL_EVENT_ANALYSIS_CANCELED, &why, reterr);
	}
	return err;
}

/* Half a result would look like a whole one. */
static enum sl_err remove_halves(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		worker->pg, SL_SQL_analysis_list, &rows, reterr, SL_PG_TEXT(step->video_id));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		const char *kind = sl_pg_text(&rows, i, "kind");
		if (sl_fsm_analysis_state_parse(sl_pg_text(&rows, i, "state")) !=
			SL_ANALYSIS_CANCELED) {
			continue;
		}
		/* It may not have come to that before it was cancelled. */
		err = sl_versions_record(worker, step, kind, reterr);
		if (err == SL_ERR_OK) {
			err = sl_results_remove(
				worker, step, kind, sl_pg_i64(&rows, i, "attempt"), reterr);
		}
	}
	return err;
}

static enum sl_err cancel_video(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_tx(worker->pg, "cancel_analyses", cancel_analyses_tx, step, reterr);
	if (err == SL_ERR_OK) {
		err = remove_halves(worker, step, reterr);
	}
	const struct sl_step_next settle = {.kind = SL_STEP_SETTLE};
	return err == SL_ERR_OK ? sl_step_commit(worker, step, &settle, NULL, NULL, reterr) : err;
}

/* --- deleting ------------------------------------------------------------------------------ */

static enum sl_err delete_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct sl_step *step = context;
	return sl_pg_exec(pg, SL_SQL_video_delete, NULL, reterr, SL_PG_TEXT(step->video_id));
}

static enum sl_err delete_video(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	bool writing = false;
	enum sl_err err = is_writing(worker, step, &writing, reterr);
	if (err == SL_ERR_OK && writing) {
		return come_back(worker, step, sl_step_poll_delay_ms(worker, step->age_ms), reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_results_remove_objects(worker, step, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_results_remove_items(worker, step, reterr);
	}
	const struct sl_step_next done = {.done = true};
	return err == SL_ERR_OK ? sl_step_commit(worker, step, &done, delete_tx, step, reterr)
				: err;
}

enum sl_err sl_end(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	enum sl_video_state state = sl_fsm_video_state_parse(step->video.state);
	const struct sl_step_next done = {.done = true};
	if (state != SL_VIDEO_CANCELING && state != SL_VIDEO_DELETING) {
		return sl_step_commit(worker, step, &done, NULL, NULL, reterr);
	}
	struct others others = {.step = step, .state = state};
	enum sl_err err = sl_pg_tx(worker->pg, "end_others", others_tx, &others, reterr);
	if (err == SL_ERR_OK && others.overtaken) {
		return sl_step_commit(worker, step, &done, NULL, NULL, reterr);
	}
	if (err == SL_ERR_OK && others.held > 0) {
		return come_back(worker, step, HELD_AGAIN_MS, reterr);
	}
	/* Loaded before the last of them wrote down which job it had started. */
	sl_video_finish(&step->video);
	if (err == SL_ERR_OK) {
		err = sl_video_load(worker->pg, step->video_id, &step->video, reterr);
	}
	if (err == SL_ERR_OK) {
		err = cancel_jobs(worker, step, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	return state == SL_VIDEO_DELETING ? delete_video(worker, step, reterr)
					  : cancel_video(worker, step, reterr);
}

enum sl_err sl_upload_remove(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	const char *key = json_string_value(json_object_get(step->payload, "key"));
	const char *const keys[] = {key};
	enum sl_err err = key == NULL
		? SL_ERR_OK
		: sl_s3_delete_objects(worker->aws, worker->config->bucket, keys, 1, reterr);
	const struct sl_step_next done = {.done = true};
	return err == SL_ERR_OK ? sl_step_commit(worker, step, &done, NULL, NULL, reterr) : err;
}
