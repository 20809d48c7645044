/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels into their three tables. COPY takes one table at a time, so the rows of detections and
 * instances wait in a temporary file each; names are few and wait in memory. Worker threads.
 */

#include "labels_mirror.h"

#include <stdlib.h>

#include "box.h"
#include "json_spec.h"
#include "mem.h"
#include "row.h"
#include "spool.h"

/* For one COPY: a million instances take seconds, but nobody says how many there are. */
#define PATIENCE_MS "900000"

struct instance {
	double confidence;
	struct sl_box box;
};

static const struct sl_json_field instance_spec[] = {
	SL_F64_AS(struct instance, confidence, "Confidence", SL_REQUIRED),
	SL_OBJ_AS(struct instance, box, "BoundingBox", sl_box_spec, SL_REQUIRED),
	SL_JSON_END,
};

struct label {
	const char *name;
	double confidence;
	struct sl_json_array instances;
	json_t *parents, *aliases, *categories;
};

static const struct sl_json_field label_spec[] = {
	SL_STR_AS(struct label, name, "Name", SL_REQUIRED),
	SL_F64_AS(struct label, confidence, "Confidence", SL_REQUIRED),
	SL_ARRAY_AS(
		struct label, instances, "Instances", struct instance, instance_spec, SL_OPTIONAL),
	SL_ANY_AS(struct label, parents, "Parents", SL_OPTIONAL),
	SL_ANY_AS(struct label, aliases, "Aliases", SL_OPTIONAL),
	SL_ANY_AS(struct label, categories, "Categories", SL_OPTIONAL),
	SL_JSON_END,
};

struct detection {
	int64_t time_ms;
	struct label label;
};

static const struct sl_json_field detection_spec[] = {
	SL_I64_AS(struct detection, time_ms, "Timestamp", SL_REQUIRED),
	SL_OBJ_AS(struct detection, label, "Label", label_spec, SL_REQUIRED),
	SL_JSON_END,
};

struct sl_labels_mirror {
	char *video_id;
	int32_t count;               /* detections added */
	json_t *names;               /* name: [parents, aliases, categories] */
	struct sl_spool *detections; /* rows of label_detections */
	struct sl_spool *instances;  /* rows of label_instances */
	struct sl_buf row;           /* scratch */
};

enum sl_err sl_labels_mirror_create(
	const char *video_id, struct sl_labels_mirror **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_labels_mirror_destroyp)
	struct sl_labels_mirror *mirror = sl_calloc(1, sizeof(*mirror));
	mirror->video_id = sl_strdup(video_id);
	mirror->names = json_object();
	enum sl_err err = sl_spool_create(&mirror->detections, reterr);
	if (err == SL_ERR_OK) {
		err = sl_spool_create(&mirror->instances, reterr);
	}
	if (err == SL_ERR_OK) {
		*ret = sl_take(&mirror);
	}
	return err;
}

void sl_labels_mirror_destroy(struct sl_labels_mirror *mirror)
{
	if (mirror == NULL) {
		return;
	}
	sl_spool_destroy(mirror->detections);
	sl_spool_destroy(mirror->instances);
	sl_buf_finish(&mirror->row);
	json_decref(mirror->names);
	free(mirror->video_id);
	free(mirror);
}

void sl_labels_mirror_destroyp(struct sl_labels_mirror **mirror)
{
	sl_labels_mirror_destroy(*mirror);
}

/* --- adding -------------------------------------------------------------------------------- */

/* [{"Name": "Animal"}] to ["Animal"], as JSON text. */
static json_t *names_text(const json_t *list)
{
	SL_AUTO(sl_json_decrefp)
	json_t *names = json_array();
	size_t i;
	const json_t *item;
	json_array_foreach (list, i, item) {
		const char *name = json_string_value(json_object_get(item, "Name"));
		if (name != NULL) {
			json_array_append_new(names, json_string(name));
		}
	}
	SL_AUTO(sl_freep)
	char *text = sl_json_text(names);
	return json_string(text);
}

/* The first description of a name stands. */
static void add_name(struct sl_labels_mirror *mirror, const struct label *label)
{
	if (json_object_get(mirror->names, label->name) != NULL) {
		return;
	}
	json_t *description = json_array();
	json_array_append_new(description, names_text(label->parents));
	json_array_append_new(description, names_text(label->aliases));
	json_array_append_new(description, names_text(label->categories));
	json_object_set_new(mirror->names, label->name, description);
}

static enum sl_err add_detection(
	struct sl_labels_mirror *mirror, const struct detection *detection, struct sl_error *reterr)
{
	struct sl_buf *row = &mirror->row;
	sl_buf_clear(row);
	sl_row_begin(row, 5);
	sl_row_uuid(row, mirror->video_id);
	sl_row_i32(row, mirror->count);
	sl_row_text(row, detection->label.name);
	sl_row_i64(row, detection->time_ms);
	sl_row_f64(row, detection->label.confidence);
	return sl_spool_add(mirror->detections, row->data, row->len, reterr);
}

static enum sl_err add_instances(
	struct sl_labels_mirror *mirror, const struct label *label, struct sl_error *reterr)
{
	struct sl_buf *row = &mirror->row;
	const struct instance *instances = label->instances.items;
	sl_buf_clear(row);
	for (size_t i = 0; i < label->instances.count; i++) {
		sl_row_begin(row, 8);
		sl_row_uuid(row, mirror->video_id);
		sl_row_i32(row, mirror->count);
		sl_row_i32(row, (int32_t)i);
		sl_row_f64(row, instances[i].confidence);
		sl_row_f64(row, instances[i].box.left);
		sl_row_f64(row, instances[i].box.top);
		sl_row_f64(row, instances[i].box.width);
		sl_row_f64(row, instances[i].box.height);
	}
	return row->len > 0 ? sl_spool_add(mirror->instances, row->data, row->len, reterr)
			    : SL_ERR_OK;
}

enum sl_err sl_labels_mirror_add(
	struct sl_labels_mirror *mirror, const json_t *element, struct sl_error *reterr)
{
	struct detection detection = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	enum sl_err err =
		sl_json_decode(element, detection_spec, SL_JSON_LENIENT, &detection, &why);
	if (err != SL_ERR_OK) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"GetLabelDetection's label %lld is malformed at %s: %s",
			(long long)mirror->count, why.pointer != NULL ? why.pointer : "/",
			why.detail);
	}
	add_name(mirror, &detection.label);
	err = add_detection(mirror, &detection, reterr);
	if (err == SL_ERR_OK) {
		err = add_instances(mirror, &detection.label, reterr);
	}
	sl_json_finish(detection_spec, &detection);
	mirror->count++;
	return err;
}

/* --- loading ------------------------------------------------------------------------------- */

static enum sl_err send_piece(void *context, const void *bytes, size_t len, struct sl_error *reterr)
{
	return sl_pg_copy_made(context, bytes, len, reterr);
}

static enum sl_err load_rows(
	struct sl_pg *pg, struct sl_spool *rows, const char *target, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_copy_begin_made(pg, target, reterr);
	if (err == SL_ERR_OK) {
		err = sl_spool_read(rows, send_piece, pg, reterr);
	}
	return err == SL_ERR_OK ? sl_pg_copy_end(pg, reterr) : err;
}

static enum sl_err load_names(
	struct sl_pg *pg, const struct sl_labels_mirror *mirror, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	const char *name;
	const json_t *description;
	json_object_foreach (mirror->names, name, description) {
		if (err != SL_ERR_OK) {
			break;
		}
		err = sl_pg_exec(pg, SL_SQL_label_insert, NULL, reterr,
			SL_PG_TEXT(mirror->video_id), SL_PG_TEXT(name),
			SL_PG_TEXT(json_string_value(json_array_get(description, 0))),
			SL_PG_TEXT(json_string_value(json_array_get(description, 1))),
			SL_PG_TEXT(json_string_value(json_array_get(description, 2))));
	}
	return err;
}

enum sl_err sl_labels_mirror_load(
	struct sl_pg *pg, struct sl_labels_mirror *mirror, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_exec(pg, SL_SQL_patience, NULL, reterr, SL_PG_TEXT(PATIENCE_MS));
	if (err == SL_ERR_OK) {
		err = sl_pg_exec(
			pg, SL_SQL_labels_delete, NULL, reterr, SL_PG_TEXT(mirror->video_id));
	}
	if (err == SL_ERR_OK) {
		err = load_names(pg, mirror, reterr);
	}
	if (err == SL_ERR_OK) {
		err = load_rows(pg, mirror->detections,
			"spotlist_data.label_detections "
			"(video_id, ordinal, name, time_ms, confidence)",
			reterr);
	}
	if (err == SL_ERR_OK) {
		err = load_rows(pg, mirror->instances,
			"spotlist_data.label_instances (video_id, detection, ordinal, confidence, "
			"box_left, box_top, box_width, box_height)",
			reterr);
	}
	return err;
}
