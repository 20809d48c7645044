/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for analyses of a settled video (HTTP threads), and the step with which each of them
 * begins (worker threads).
 */

#include "rerun.h"

#include <string.h>

#include "begin.h"
#include "estimate.h"
#include "mem.h"
#include "read.h"
#include "results.h"
#include "s3.h"
#include "steps.h"
#include "submit.h"
#include "uuid.h"
#include "versions.h"

/* --- asking -------------------------------------------------------------------------------- */

struct rerun {
	const struct sl_config *config;
	const char *video_id;
	const json_t *body;
	const struct sl_idempotency *idempotency;
	struct sl_buf *out;
};

/* What the request leaves out stays as the video has it. */
static const struct sl_json_field body_spec[] = {
	SL_ENUMS(
		struct sl_options, analyses, sl_analysis_names, 1, SL_ANALYSIS_KINDS_, SL_REQUIRED),
	SL_OBJ(struct sl_options, labels, sl_options_labels_spec, SL_OPTIONAL),
	SL_OBJ(struct sl_options, transcript, sl_options_transcript_spec, SL_OPTIONAL),
	SL_JSON_END,
};

static enum sl_err decode(const json_t *body, struct sl_options *options, struct sl_error *reterr)
{
	enum sl_err err = sl_json_decode(body, body_spec, SL_JSON_STRICT, options, reterr);
	for (int i = 0; err == SL_ERR_OK && i < SL_ANALYSIS_KINDS_; i++) {
		if (!(options->analyses & 1U << i) &&
			json_object_get(body, sl_analysis_names[i]) != NULL) {
			SL_AUTO(sl_freep)
			char *pointer = sl_asprintf("/%s", sl_analysis_names[i]);
			err = sl_error_set_at(reterr, SL_ERR_BAD_VALUE, pointer,
				"is an option of an analysis that is not asked for");
		}
	}
	return err == SL_ERR_OK ? sl_submission_check_language(options->transcript.language, reterr)
				: err;
}

/* A run that there was becomes a version. */
static enum sl_err restart(
	struct sl_pg *pg, const char *id, const char *kind, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_version_insert, NULL, reterr, SL_PG_TEXT(id), SL_PG_TEXT(kind));
	if (err == SL_ERR_OK) {
		err = sl_fsm_analysis_apply(
			pg, id, kind, SL_EVENT_ANALYSIS_ASKED_FOR, NULL, reterr);
	}
	return err != SL_ERR_OK ? err
				: sl_pg_exec(pg, SL_SQL_analysis_reset, NULL, reterr,
					  SL_PG_TEXT(id), SL_PG_TEXT(kind));
}

static enum sl_err add(struct sl_pg *pg, const char *id, const char *kind, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *list = sl_asprintf("[\"%s\"]", kind);
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_analysis_insert, NULL, reterr, SL_PG_TEXT(id), SL_PG_TEXT(list));
	return err != SL_ERR_OK
		? err
		: sl_pg_exec(pg, SL_SQL_timeline_insert, NULL, reterr, SL_PG_TEXT(id),
			  SL_PG_TEXT("asked_for"), SL_PG_TEXT(kind), SL_PG_TEXT("asked for"));
}

static enum sl_err ask_for(
	struct sl_pg *pg, const char *id, const char *kind, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_analysis_get, &rows, reterr, SL_PG_TEXT(id), SL_PG_TEXT(kind));
	if (err == SL_ERR_OK) {
		err = rows.count > 0 ? restart(pg, id, kind, reterr) : add(pg, id, kind, reterr);
	}
	return err != SL_ERR_OK
		? err
		: sl_pg_exec(pg, SL_SQL_step_insert, NULL, reterr, SL_PG_TEXT(id), SL_PG_TEXT(kind),
			  SL_PG_I64(0), SL_PG_TEXT(sl_step_kind_name(SL_STEP_ANALYSIS_BEGIN)),
			  SL_PG_I64(0), SL_PG_TEXT("{}"));
}

static enum sl_err check_video(const struct sl_video *video, struct sl_error *reterr)
{
	enum sl_video_state state = sl_fsm_video_state_parse(video->state);
	if (!sl_fsm_video_is_final(state)) {
		return sl_error_set(reterr, SL_ERR_VIDEO_BUSY, "the video is %s", video->state);
	}
	if (video->mp4_key == NULL) {
		return sl_error_set(reterr, SL_ERR_NO_OUTPUTS,
			"the video was never converted: submit it again");
	}
	return SL_ERR_OK;
}

static enum sl_err ask_tx(struct sl_pg *pg, struct rerun *rerun, struct sl_error *reterr)
{
	const char *id = rerun->video_id;
	SL_AUTO(sl_video_finish)
	struct sl_video video = {0};
	enum sl_err err = sl_video_load(pg, id, &video, reterr);
	if (err == SL_ERR_OK) {
		err = check_video(&video, reterr);
	}
	struct sl_options options = video.options;
	if (err == SL_ERR_OK) {
		err = decode(rerun->body, &options, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	unsigned wanted = options.analyses;
	err = sl_usage_reserve(rerun->config, pg, id,
		sl_estimate_analyses(rerun->config, wanted, video.duration_ms, video.frame_count,
			video.audio_key != NULL),
		false, reterr);
	options.analyses |= video.options.analyses;
	/* Versions first: they keep the options that they were made with. */
	for (int i = 0; err == SL_ERR_OK && i < SL_ANALYSIS_KINDS_; i++) {
		if (wanted & 1U << i) {
			err = ask_for(pg, id, sl_analysis_names[i], reterr);
		}
	}
	if (err == SL_ERR_OK) {
		err = sl_fsm_video_apply(pg, id, SL_EVENT_ANALYSES_ASKED_FOR, NULL, NULL, reterr);
	}
	SL_AUTO(sl_json_decrefp)
	json_t *encoded = sl_options_encode(&options);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(encoded);
	return err != SL_ERR_OK ? err
				: sl_pg_exec(pg, SL_SQL_video_reopen, NULL, reterr, SL_PG_TEXT(id),
					  SL_PG_TEXT(text));
}

static enum sl_err rerun_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct rerun *rerun = context;
	char known[SL_UUID_SIZE];
	enum sl_err err = sl_idempotency_hold(pg, rerun->idempotency, known, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_video_lock, NULL, reterr, SL_PG_TEXT(rerun->video_id));
	}
	if (err == SL_ERR_OK && known[0] == '\0') {
		err = ask_tx(pg, rerun, reterr);
		if (err == SL_ERR_OK) {
			err = sl_idempotency_keep(pg, rerun->idempotency, rerun->video_id, reterr);
		}
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_buf_clear(rerun->out);
	return sl_read_video(pg, rerun->video_id, rerun->out, reterr);
}

enum sl_err sl_rerun(const struct sl_config *config, struct sl_pg *pg, const char *video_id,
	const json_t *body, const struct sl_idempotency *idempotency, struct sl_buf *out,
	struct sl_error *reterr)
{
	if (!sl_uuid_valid(video_id)) {
		return sl_error_set(
			reterr, SL_ERR_VIDEO_NOT_FOUND, "there is no video %s", video_id);
	}
	/* Also here, so that a malformed request is told so whatever state the video is in. */
	struct sl_options options = sl_options_default();
	enum sl_err err = decode(body, &options, reterr);
	struct rerun rerun = {config, video_id, body, idempotency, out};
	return err == SL_ERR_OK ? sl_pg_tx(pg, "analyses_create", rerun_tx, &rerun, reterr) : err;
}

/* --- beginning ----------------------------------------------------------------------------- */

/* What a lifecycle rule, or someone, removed from the bucket cannot be looked at again. */
static enum sl_err check_object(struct sl_worker *worker, const char *key, struct sl_error *reterr)
{
	SL_AUTO(sl_s3_object_finish)
	struct sl_s3_object object = {0};
	enum sl_err err =
		sl_s3_head_object(worker->aws, worker->config->bucket, key, &object, reterr);
	return err != SL_ERR_AWS_NOT_FOUND
		? err
		: sl_error_set(reterr, SL_ERR_OUTPUT_MISSING,
			  "s3://%s/%s is not there any more: submit the video again",
			  worker->config->bucket, key);
}

static enum sl_err check_outputs(struct sl_worker *worker, const struct sl_step *step,
	enum sl_analysis_kind kind, const struct sl_pg_rows *frames, struct sl_error *reterr)
{
	switch (kind) {
	case SL_LABELS:
		return check_object(worker, step->video.mp4_key, reterr);
	case SL_TRANSCRIPT:
		return step->video.audio_key == NULL
			? SL_ERR_OK
			: check_object(worker, step->video.audio_key, reterr);
	default:
		break;
	}
	enum sl_err err = SL_ERR_OK;
	for (int i = 0; err == SL_ERR_OK && i < frames->count; i++) {
		err = check_object(worker, sl_pg_text(frames, i, "key"), reterr);
	}
	return err;
}

struct beginning {
	struct sl_begin begin;
	enum sl_analysis_kind kind;
};

static enum sl_err begin_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct beginning *beginning = context;
	return sl_begin_analysis(pg, &beginning->begin, beginning->kind, reterr);
}

static enum sl_analysis_kind kind_of(const struct sl_step *step)
{
	for (int i = 0; i < SL_ANALYSIS_KINDS_; i++) {
		if (strcmp(sl_analysis_names[i], step->track) == 0) {
			return (enum sl_analysis_kind)i;
		}
	}
	SL_BUG("an analysis begins on a track that is none");
}

enum sl_err sl_analysis_begin(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows analysis = {0};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows frames = {0};
	const struct sl_video *video = &step->video;
	enum sl_err err = sl_versions_record(worker, step, step->track, reterr);
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(worker->pg, SL_SQL_analysis_get, &analysis, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track));
	}
	if (err == SL_ERR_OK) {
		err = sl_results_remove(
			worker, step, step->track, sl_pg_i64(&analysis, 0, "attempt"), reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(worker->pg, SL_SQL_frames_ends, &frames, reterr,
			SL_PG_TEXT(step->video_id));
	}
	struct beginning beginning = {.kind = kind_of(step)};
	if (err == SL_ERR_OK) {
		err = check_outputs(worker, step, beginning.kind, &frames, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	beginning.begin = (struct sl_begin){
		.video_id = step->video_id,
		.frames_prefix = video->frames_prefix,
		.audio_key = video->audio_key,
		.frame_count = frames.count > 0 ? video->frame_count : 0,
		.last_frame = frames.count > 0 ? sl_pg_i64(&frames, frames.count - 1, "index") : 0,
		.duration_ms = video->duration_ms,
	};
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, begin_tx, &beginning, reterr);
}
