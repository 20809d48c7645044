/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Celebrities: RecognizeCelebrities on one part of a video's frames, and the records of those that
 * show someone. Worker threads.
 */

#include <string.h>

#include "celebrities_mirror.h"
#include "log.h"
#include "mem.h"
#include "quota.h"
#include "record.h"
#include "rekognition.h"
#include "steps.h"
#include "usage.h"

struct part {
	const struct sl_config *config;
	const struct sl_step *step;
	int64_t first, last; /* frame indexes of the part */
	int64_t frames;      /* how many were looked at */
	struct sl_look looks[SL_FRAMES_PER_PART];
	size_t count; /* looks that show someone */
	json_t *items;
};

static void part_finish(struct part *part)
{
	for (size_t i = 0; i < part->count; i++) {
		json_decref(part->looks[i].faces);
	}
	json_decref(part->items);
}

static json_t *frame_item(const char *key, const char *video_id, int64_t time_ms, json_t *faces)
{
	json_t *item = sl_record_item(key, video_id);
	json_t *names = json_array();
	size_t i;
	json_t *face;
	json_array_foreach (faces, i, face) {
		const char *name = json_string_value(json_object_get(face, "Name"));
		if (name != NULL) {
			json_array_append_new(names, json_pack("{s:s}", "S", name));
		}
	}
	json_object_set_new(item, "celebrities", json_pack("{s:o}", "L", names));
	sl_record_set_json(item, "celebrityFaces", faces);
	sl_record_set_number(item, "timestampMs", time_ms);
	return item;
}

static enum sl_err look_at(struct sl_worker *worker, struct part *part, int64_t index,
	int64_t time_ms, const char *key, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *answer = NULL;
	enum sl_err err = sl_rekognition_recognize_celebrities(
		worker->aws, worker->config->bucket, key, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *faces = json_object_get(answer, "CelebrityFaces");
	if (json_array_size(faces) > 0) {
		part->looks[part->count++] = (struct sl_look){index, time_ms, json_incref(faces)};
		json_array_append_new(
			part->items, frame_item(key, part->step->video_id, time_ms, faces));
	}
	return SL_ERR_OK;
}

static enum sl_err store_part_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct part *part = context;
	const struct sl_step *step = part->step;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_celebrities_delete_range, NULL, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_I64(part->first), SL_PG_I64(part->last));
	if (err == SL_ERR_OK) {
		err = sl_celebrities_mirror_add(
			pg, step->video_id, part->looks, part->count, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_analysis_add_done, NULL, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track),
			SL_PG_I64(part->frames));
	}
	const struct sl_cost_facts facts = {
		.frames = part->frames, .analyses = 1U << SL_CELEBRITIES};
	if (err == SL_ERR_OK && part->frames > 0) {
		err = sl_usage_charge(
			part->config, pg, step->video_id, step->track, &facts, true, reterr);
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_step_count_track, &rows, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track));
	}
	/* This part's own row is deleted already: none left means that it was the last. */
	if (err == SL_ERR_OK && sl_pg_i64(&rows, 0, "count") == 0) {
		err = sl_fsm_analysis_apply(
			pg, step->video_id, step->track, SL_EVENT_ANALYSIS_COLLECTED, NULL, reterr);
	}
	return err;
}

/* Looks at the frames of the part until one fails; those before it are in `part`. `*ret_next` is
 * the one to go on with. */
static enum sl_err look_at_frames(struct sl_worker *worker, struct sl_step *step, struct part *part,
	int64_t *ret_next, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_frames_range, &rows, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_I64(part->first), SL_PG_I64(SL_FRAMES_PER_PART));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		int64_t index = sl_pg_i64(&rows, i, "index");
		if (index > part->last) {
			break; /* a gap in the numbering: those belong to a later part */
		}
		*ret_next = index;
		err = sl_quota_wait(worker, SL_QUOTA_RECOGNIZE_CELEBRITIES, reterr);
		if (err == SL_ERR_OK) {
			err = look_at(worker, part, index, sl_pg_i64(&rows, i, "time_ms"),
				sl_pg_text(&rows, i, "key"), reterr);
		}
		if (err == SL_ERR_OK) {
			part->frames++;
			err = sl_step_check_lease(worker, step, reterr);
		}
	}
	return err;
}

/* What was paid for is kept when a later frame has to wait: the step goes on behind it. */
static enum sl_err keep_progress(struct sl_worker *worker, struct sl_step *step, struct part *part,
	int64_t next_frame, const struct sl_error *why, struct sl_error *reterr)
{
	part->last = next_frame - 1;
	sl_log_error(SL_LOG_WARN, "frames put off", why, SL_F("video_id", step->video_id),
		SL_F_I64("frame", next_frame), SL_F_END);
	SL_AUTO(sl_json_decrefp)
	json_t *payload = json_pack("{s:I}", "next", (json_int_t)next_frame);
	const struct sl_step_next next = {.kind = SL_STEP_CELEBRITIES_FRAMES,
		.delay_ms = sl_step_backoff_ms(step, why),
		.payload = payload};
	return sl_step_commit(worker, step, &next, store_part_tx, part, reterr);
}

enum sl_err sl_celebrities_frames(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	int64_t next = json_integer_value(json_object_get(step->payload, "next"));
	SL_AUTO(part_finish)
	struct part part = {
		.config = worker->config,
		.step = step,
		.first = step->part * SL_FRAMES_PER_PART,
		.last = (step->part + 1) * SL_FRAMES_PER_PART - 1,
		.items = json_array(),
	};
	part.first = next > part.first ? next : part.first;
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	enum sl_err err = look_at_frames(worker, step, &part, &next, &why);
	bool some = err != SL_ERR_OK && part.frames > 0 && sl_err_retryable(err) &&
		err != SL_ERR_SHUTTING_DOWN;
	if (err != SL_ERR_OK && !some) {
		sl_error_move(reterr, &why);
		return err;
	}
	err = sl_dynamodb_batch_put(worker->aws, worker->config->table, part.items, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	if (some) {
		return keep_progress(worker, step, &part, next, &why, reterr);
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, store_part_tx, &part, reterr);
}
