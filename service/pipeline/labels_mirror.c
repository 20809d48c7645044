/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels into their three tables. COPY takes one table at a time, so the spool is read once for
 * each: names, detections, instances. Worker threads, inside a transaction.
 */

#include "labels_mirror.h"

#include "box.h"
#include "json_spec.h"
#include "mem.h"

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

typedef enum sl_err add_fn(struct sl_pg *pg, const char *video_id, int64_t ordinal,
	const struct detection *detection, json_t *seen, struct sl_error *reterr);

/* One reading of the spool. */
struct pass {
	struct sl_pg *pg;
	const char *video_id;
	int64_t ordinal;
	json_t *seen; /* names that are stored already */
	add_fn *add;
};

static enum sl_err each_line(void *context, const char *line, size_t len, struct sl_error *reterr)
{
	struct pass *pass = context;
	SL_AUTO(sl_json_decrefp)
	json_t *root = NULL;
	struct detection detection = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	enum sl_err err = sl_json_parse(line, len, &root, &why);
	if (err == SL_ERR_OK) {
		err = sl_json_decode(root, detection_spec, SL_JSON_LENIENT, &detection, &why);
	}
	if (err != SL_ERR_OK) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"GetLabelDetection's label %lld is malformed at %s: %s",
			(long long)pass->ordinal, why.pointer != NULL ? why.pointer : "/",
			why.detail);
	}
	err = pass->add(pass->pg, pass->video_id, pass->ordinal, &detection, pass->seen, reterr);
	sl_json_finish(detection_spec, &detection);
	pass->ordinal++;
	return err;
}

/* [{"Name": "Animal"}] to ["Animal"], as JSON text. */
static char *names_text(const json_t *list)
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
	return sl_json_text(names);
}

static enum sl_err add_name(struct sl_pg *pg, const char *video_id, int64_t ordinal,
	const struct detection *detection, json_t *seen, struct sl_error *reterr)
{
	(void)ordinal;
	const struct label *label = &detection->label;
	if (json_object_get(seen, label->name) != NULL) {
		return SL_ERR_OK;
	}
	json_object_set_new(seen, label->name, json_true());
	SL_AUTO(sl_freep)
	char *parents = names_text(label->parents);
	SL_AUTO(sl_freep)
	char *aliases = names_text(label->aliases);
	SL_AUTO(sl_freep)
	char *categories = names_text(label->categories);
	return sl_pg_exec(pg, SL_SQL_label_insert, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(label->name), SL_PG_TEXT(parents), SL_PG_TEXT(aliases),
		SL_PG_TEXT(categories));
}

static enum sl_err add_detection(struct sl_pg *pg, const char *video_id, int64_t ordinal,
	const struct detection *detection, json_t *seen, struct sl_error *reterr)
{
	(void)seen;
	const struct sl_pg_param row[] = {SL_PG_TEXT(video_id), SL_PG_I64(ordinal),
		SL_PG_TEXT(detection->label.name), SL_PG_I64(detection->time_ms),
		SL_PG_F64(detection->label.confidence)};
	return sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
}

static enum sl_err add_instances(struct sl_pg *pg, const char *video_id, int64_t ordinal,
	const struct detection *detection, json_t *seen, struct sl_error *reterr)
{
	(void)seen;
	const struct instance *instances = detection->label.instances.items;
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < detection->label.instances.count; i++) {
		const struct sl_pg_param row[] = {SL_PG_TEXT(video_id), SL_PG_I64(ordinal),
			SL_PG_I64((int64_t)i), SL_PG_F64(instances[i].confidence),
			SL_PG_F64(instances[i].box.left), SL_PG_F64(instances[i].box.top),
			SL_PG_F64(instances[i].box.width), SL_PG_F64(instances[i].box.height)};
		err = sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
	}
	return err;
}

static enum sl_err run_pass(struct sl_pg *pg, const char *video_id, struct sl_spool *spool,
	add_fn *add, const char *copy_target, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *seen = json_object();
	struct pass pass = {pg, video_id, 0, seen, add};
	enum sl_err err = SL_ERR_OK;
	if (copy_target != NULL) {
		err = sl_pg_copy_begin(pg, copy_target, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_spool_read(spool, each_line, &pass, reterr);
	}
	if (err == SL_ERR_OK && copy_target != NULL) {
		err = sl_pg_copy_end(pg, reterr);
	}
	return err;
}

enum sl_err sl_labels_mirror_load(
	struct sl_pg *pg, const char *video_id, struct sl_spool *spool, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_exec(pg, SL_SQL_labels_delete, NULL, reterr, SL_PG_TEXT(video_id));
	if (err == SL_ERR_OK) {
		err = run_pass(pg, video_id, spool, add_name, NULL, reterr);
	}
	if (err == SL_ERR_OK) {
		err = run_pass(pg, video_id, spool, add_detection,
			"spotlist_data.label_detections "
			"(video_id, ordinal, name, time_ms, confidence)",
			reterr);
	}
	if (err == SL_ERR_OK) {
		err = run_pass(pg, video_id, spool, add_instances,
			"spotlist_data.label_instances (video_id, detection, ordinal, confidence, "
			"box_left, box_top, box_width, box_height)",
			reterr);
	}
	return err;
}
