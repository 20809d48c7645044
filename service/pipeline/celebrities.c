/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Celebrities: RecognizeCelebrities on one part of a video's frames, records of the frames that
 * show someone, and their rows in the mirror. Worker threads.
 */

#include <string.h>

#include "box.h"
#include "mem.h"
#include "record.h"
#include "rekognition.h"
#include "steps.h"

struct celebrity {
	const char *name;
	const char *id;
	double confidence;
	json_t *urls;
	json_t *face;
};

static const struct sl_json_field celebrity_spec[] = {
	SL_STR_AS(struct celebrity, name, "Name", SL_REQUIRED),
	SL_STR_AS(struct celebrity, id, "Id", SL_OPTIONAL),
	SL_F64_AS(struct celebrity, confidence, "MatchConfidence", SL_OPTIONAL),
	SL_ANY_AS(struct celebrity, urls, "Urls", SL_OPTIONAL),
	SL_ANY_AS(struct celebrity, face, "Face", SL_OPTIONAL),
	SL_JSON_END,
};

/* What one frame showed; `faces` is Rekognition's CelebrityFaces. */
struct look {
	int64_t index;
	int64_t time_ms;
	json_t *faces;
};

struct part {
	const struct sl_step *step;
	int64_t first, last; /* frame indexes of the part */
	int64_t frames;      /* how many there are */
	struct look looks[SL_FRAMES_PER_PART];
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
		part->looks[part->count++] = (struct look){index, time_ms, json_incref(faces)};
		json_array_append_new(
			part->items, frame_item(key, part->step->video_id, time_ms, faces));
	}
	return SL_ERR_OK;
}

static struct sl_pg_param number_or_null(bool known, double number)
{
	return known ? SL_PG_F64(number) : SL_PG_NULL;
}

/* The text of a PostgreSQL array literal; quotes and backslashes escaped. */
static char *array_literal(const json_t *strings)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_buf_putc(&out, '{');
	size_t i;
	const json_t *item;
	json_array_foreach (strings, i, item) {
		const char *text = json_is_string(item) ? json_string_value(item) : "";
		sl_buf_puts(&out, i > 0 ? ",\"" : "\"");
		for (; *text != '\0'; text++) {
			if (*text == '"' || *text == '\\') {
				sl_buf_putc(&out, '\\');
			}
			sl_buf_putc(&out, *text);
		}
		sl_buf_putc(&out, '"');
	}
	sl_buf_putc(&out, '}');
	return sl_buf_steal(&out);
}

static enum sl_err copy_face(struct sl_pg *pg, const struct part *part, const struct look *look,
	size_t ordinal, const json_t *face, struct sl_error *reterr)
{
	struct celebrity celebrity = {0};
	struct sl_box box = {0};
	enum sl_err err = sl_json_decode(face, celebrity_spec, SL_JSON_LENIENT, &celebrity, reterr);
	if (err != SL_ERR_OK) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"a celebrity in RecognizeCelebrities' answer has no name");
	}
	bool boxed = celebrity.face != NULL &&
		sl_json_decode(json_object_get(celebrity.face, "BoundingBox"), sl_box_spec,
			SL_JSON_LENIENT, &box, NULL) == SL_ERR_OK;
	SL_AUTO(sl_freep)
	char *urls = array_literal(celebrity.urls);
	const struct sl_pg_param row[] = {SL_PG_TEXT(part->step->video_id), SL_PG_I64(look->index),
		SL_PG_I64((int64_t)ordinal), SL_PG_I64(look->time_ms), SL_PG_TEXT(celebrity.name),
		SL_PG_TEXT(celebrity.id), SL_PG_TEXT(urls), SL_PG_F64(celebrity.confidence),
		number_or_null(boxed, box.left), number_or_null(boxed, box.top),
		number_or_null(boxed, box.width), number_or_null(boxed, box.height)};
	return sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
}

static enum sl_err copy_faces(struct sl_pg *pg, const struct part *part, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_copy_begin(pg,
		"spotlist_data.celebrity_detections (video_id, frame_index, ordinal, time_ms, "
		"name, "
		"celebrity_id, urls, confidence, box_left, box_top, box_width, box_height)",
		reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < part->count; i++) {
		size_t ordinal;
		const json_t *face;
		json_array_foreach (part->looks[i].faces, ordinal, face) {
			if (err == SL_ERR_OK) {
				err = copy_face(pg, part, &part->looks[i], ordinal, face, reterr);
			}
		}
	}
	return err == SL_ERR_OK ? sl_pg_copy_end(pg, reterr) : err;
}

static enum sl_err store_part_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct part *part = context;
	const struct sl_step *step = part->step;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_celebrities_delete_range, NULL, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_I64(part->first), SL_PG_I64(part->last));
	if (err == SL_ERR_OK) {
		err = copy_faces(pg, part, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(pg, SL_SQL_analysis_add_done, NULL, reterr,
			SL_PG_TEXT(step->video_id), SL_PG_TEXT(step->track),
			SL_PG_I64(part->frames));
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

enum sl_err sl_celebrities_frames(
	struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(part_finish)
	struct part part = {
		.step = step,
		.first = step->part * SL_FRAMES_PER_PART,
		.last = (step->part + 1) * SL_FRAMES_PER_PART - 1,
		.items = json_array(),
	};
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(worker->pg, SL_SQL_frames_range, &rows, reterr,
		SL_PG_TEXT(step->video_id), SL_PG_I64(part.first), SL_PG_I64(SL_FRAMES_PER_PART));
	for (int i = 0; err == SL_ERR_OK && i < rows.count; i++) {
		int64_t index = sl_pg_i64(&rows, i, "index");
		if (index > part.last) {
			break; /* a gap in the numbering: those belong to a later part */
		}
		part.frames++;
		err = look_at(worker, &part, index, sl_pg_i64(&rows, i, "time_ms"),
			sl_pg_text(&rows, i, "key"), reterr);
		if (err == SL_ERR_OK) {
			err = sl_step_renew(worker, step, reterr);
		}
	}
	if (err == SL_ERR_OK) {
		err = sl_dynamodb_batch_put(worker->aws, worker->config->table, part.items, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, store_part_tx, &part, reterr);
}
