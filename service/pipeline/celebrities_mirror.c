/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rekognition's CelebrityFaces into the table of detections: what collecting and `spotlist rebuild`
 * share. Any thread, inside a transaction.
 */

#include "celebrities_mirror.h"

#include "box.h"
#include "buf.h"
#include "json_spec.h"
#include "mem.h"

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

static enum sl_err copy_face(struct sl_pg *pg, const char *video_id, const struct sl_look *look,
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
	const struct sl_pg_param row[] = {SL_PG_TEXT(video_id), SL_PG_I64(look->index),
		SL_PG_I64((int64_t)ordinal), SL_PG_I64(look->time_ms), SL_PG_TEXT(celebrity.name),
		SL_PG_TEXT(celebrity.id), SL_PG_TEXT(urls), SL_PG_F64(celebrity.confidence),
		number_or_null(boxed, box.left), number_or_null(boxed, box.top),
		number_or_null(boxed, box.width), number_or_null(boxed, box.height)};
	return sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
}

enum sl_err sl_celebrities_mirror_add(struct sl_pg *pg, const char *video_id,
	const struct sl_look *looks, size_t count, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_copy_begin(pg,
		"spotlist_data.celebrity_detections (video_id, frame_index, ordinal, time_ms, "
		"name, "
		"celebrity_id, urls, confidence, box_left, box_top, box_width, box_height)",
		reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < count; i++) {
		size_t ordinal;
		const json_t *face;
		json_array_foreach (looks[i].faces, ordinal, face) {
			if (err == SL_ERR_OK) {
				err = copy_face(pg, video_id, &looks[i], ordinal, face, reterr);
			}
		}
	}
	return err == SL_ERR_OK ? sl_pg_copy_end(pg, reterr) : err;
}
