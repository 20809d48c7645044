/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a video's items: videos/<id>, then what it names. Entry point: sl_rebuild_gather(). Thread
 * of the command, outside of any transaction.
 */

#include "rebuild_source.h"

#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "record_read.h"
#include "text.h"
#include "video.h"

void sl_rebuild_source_finish(struct sl_rebuild_source *source)
{
	json_decref(source->item);
	json_decref(source->root);
	free(source->record);
	sl_spool_destroy(source->faces);
	sl_labels_mirror_destroy(source->labels);
	sl_transcript_finish(&source->transcript);
	json_decref(source->speech);
	sl_rebuild_versions_finish(source);
}

const char *sl_rebuild_text(const struct sl_rebuild_source *source, const char *column)
{
	return json_string_value(json_object_get(json_object_get(source->root, "video"), column));
}

bool sl_rebuild_expects(const struct sl_rebuild_source *source, const char *kind)
{
	size_t i;
	const json_t *analysis;
	json_array_foreach (json_object_get(source->root, "analyses"), i, analysis) {
		if (sl_text_equal(json_string_value(json_object_get(analysis, "kind")), kind)) {
			return sl_text_equal(
				json_string_value(json_object_get(analysis, "state")), "complete");
		}
	}
	return false;
}

/* --- attributes ---------------------------------------------------------------------------- */

enum sl_err sl_rebuild_tell_missing(
	struct sl_rebuild_source *source, const json_t *missing, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	size_t i;
	const json_t *name;
	json_array_foreach (missing, i, name) {
		if (err == SL_ERR_OK) {
			err = sl_rebuild_find(source->findings, reterr, "%s: missing in DynamoDB",
				json_string_value(name));
		}
	}
	return err;
}

static enum sl_err add_text(void *context, const char *text, struct sl_error *reterr)
{
	(void)reterr;
	sl_buf_puts(context, text);
	return SL_ERR_OK;
}

enum sl_err sl_rebuild_read_text(struct sl_rebuild_source *source, const json_t *item,
	const char *attribute, char **ret_text, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *missing = json_array();
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	enum sl_err err = sl_record_read(
		source->aws, source->table, item, attribute, add_text, &text, missing, reterr);
	if (err == SL_ERR_OK) {
		err = sl_rebuild_tell_missing(source, missing, reterr);
	}
	if (err == SL_ERR_OK && json_array_size(missing) == 0) {
		*ret_text = sl_buf_steal(&text);
	}
	return err;
}

/* Elements of arrays, to whoever wants them. */
struct elements {
	enum sl_err (*add)(void *context, json_t *element, struct sl_error *reterr);
	void *context;
	bool malformed;
};

static enum sl_err add_elements(void *context, const char *text, struct sl_error *reterr)
{
	struct elements *elements = context;
	SL_AUTO(sl_json_decrefp)
	json_t *array = NULL;
	if (sl_json_parse(text, strlen(text), &array, NULL) != SL_ERR_OK || !json_is_array(array)) {
		elements->malformed = true;
		return SL_ERR_OK;
	}
	size_t i;
	json_t *element;
	json_array_foreach (array, i, element) {
		enum sl_err err = elements->malformed
			? SL_ERR_OK
			: elements->add(elements->context, element, reterr);
		if (err == SL_ERR_AWS_PROTOCOL) {
			elements->malformed = true;
			sl_error_finish(reterr);
		} else if (err != SL_ERR_OK) {
			return err;
		}
	}
	return SL_ERR_OK;
}

/* `*ret_whole`: nothing was missing or malformed. */
static enum sl_err read_elements(struct sl_rebuild_source *source, const json_t *item,
	const char *attribute, struct elements *elements, bool *ret_whole, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *missing = json_array();
	enum sl_err err = sl_record_read(source->aws, source->table, item, attribute, add_elements,
		elements, missing, reterr);
	if (err == SL_ERR_OK) {
		err = sl_rebuild_tell_missing(source, missing, reterr);
	}
	if (err == SL_ERR_OK && elements->malformed) {
		err = sl_rebuild_find(source->findings, reterr, "%s: attribute %s is malformed",
			sl_record_text(item, "fileName"), attribute);
	}
	if (err == SL_ERR_OK) {
		*ret_whole = json_array_size(missing) == 0 && !elements->malformed;
	}
	return err;
}

static enum sl_err append(void *context, json_t *element, struct sl_error *reterr)
{
	(void)reterr;
	json_array_append(context, element);
	return SL_ERR_OK;
}

enum sl_err sl_rebuild_read_array(struct sl_rebuild_source *source, const json_t *item,
	const char *attribute, json_t **ret_array, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *array = json_array();
	struct elements elements = {append, array, false};
	bool whole = false;
	enum sl_err err = read_elements(source, item, attribute, &elements, &whole, reterr);
	if (err == SL_ERR_OK && whole) {
		*ret_array = sl_take(&array);
	}
	return err;
}

/* The item of a finished analysis; NULL after telling that it is missing. */
static enum sl_err get_item(struct sl_rebuild_source *source, const char *name, json_t **ret_item,
	struct sl_error *reterr)
{
	enum sl_err err = sl_record_get(source->aws, source->table, name, ret_item, reterr);
	if (err == SL_ERR_OK && *ret_item == NULL) {
		err = sl_rebuild_find(source->findings, reterr, "%s: missing in DynamoDB", name);
	}
	return err;
}

/* --- sections ------------------------------------------------------------------------------ */

static enum sl_err gather_record(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	enum sl_err err =
		sl_rebuild_read_text(source, source->item, "record", &source->record, reterr);
	if (err != SL_ERR_OK || source->record == NULL) {
		return err;
	}
	if (sl_json_parse(source->record, strlen(source->record), &source->root, NULL) !=
			SL_ERR_OK ||
		!sl_text_equal(sl_rebuild_text(source, "id"), source->video_id)) {
		return sl_rebuild_find(source->findings, reterr,
			"videos/%s: attribute record is malformed", source->video_id);
	}
	source->whole |= SL_REBUILD_RECORD;
	return SL_ERR_OK;
}

static enum sl_err add_label(void *context, json_t *element, struct sl_error *reterr)
{
	return sl_labels_mirror_add(context, element, reterr);
}

static enum sl_err gather_labels(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	const char *key = sl_rebuild_text(source, "mp4_key");
	if (key == NULL || !sl_rebuild_expects(source, sl_analysis_names[SL_LABELS])) {
		source->whole |= SL_REBUILD_LABELS;
		return SL_ERR_OK;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *item = NULL;
	enum sl_err err = get_item(source, key, &item, reterr);
	if (err != SL_ERR_OK || item == NULL) {
		return err;
	}
	err = sl_labels_mirror_create(source->target_id, &source->labels, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	struct elements elements = {add_label, source->labels, false};
	bool whole = false;
	err = read_elements(source, item, "objects", &elements, &whole, reterr);
	source->whole |= whole ? SL_REBUILD_LABELS : 0U;
	return err;
}

/* What Transcribe's file had, as far as the mirror needs it. */
static enum sl_err read_speech(
	struct sl_rebuild_source *source, const json_t *item, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *text = NULL;
	SL_AUTO(sl_json_decrefp)
	json_t *items = NULL;
	enum sl_err err = sl_rebuild_read_text(source, item, "transcript", &text, reterr);
	if (err == SL_ERR_OK) {
		err = sl_rebuild_read_array(source, item, "items", &items, reterr);
	}
	if (err != SL_ERR_OK || text == NULL || items == NULL) {
		return err;
	}
	source->speech =
		json_pack("{s:{s:[{s:s}], s:O, s:s*}}", "results", "transcripts", "transcript",
			text, "items", items, "language_code", sl_record_text(item, "language"));
	if (sl_transcript_parse(source->speech, &source->transcript, NULL) != SL_ERR_OK) {
		return sl_rebuild_find(source->findings, reterr, "%s: attribute items is malformed",
			sl_record_text(item, "fileName"));
	}
	source->whole |= SL_REBUILD_TRANSCRIPT;
	return SL_ERR_OK;
}

static enum sl_err gather_transcript(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	static const char *const others[] = {"audioSegments", "speakerSegments"};
	const char *key = sl_rebuild_text(source, "transcript_key");
	if (key == NULL || !sl_rebuild_expects(source, sl_analysis_names[SL_TRANSCRIPT])) {
		source->whole |= SL_REBUILD_TRANSCRIPT;
		return SL_ERR_OK;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *item = NULL;
	enum sl_err err = get_item(source, key, &item, reterr);
	if (err == SL_ERR_OK && item != NULL) {
		err = read_speech(source, item, reterr);
	}
	for (size_t i = 0; item != NULL && source->thorough && i < SL_ARRAY_SIZE(others); i++) {
		bool there = json_object_get(item, others[i]) != NULL ||
			sl_record_part_count(item, others[i]) > 0;
		SL_AUTO(sl_json_decrefp)
		json_t *array = NULL;
		if (err == SL_ERR_OK && there) {
			err = sl_rebuild_read_array(source, item, others[i], &array, reterr);
		}
	}
	return err;
}

enum sl_err sl_rebuild_gather(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *name = sl_asprintf("videos/%s", source->video_id);
	enum sl_err err = sl_record_get(source->aws, source->table, name, &source->item, reterr);
	if (err == SL_ERR_OK && source->item != NULL) {
		err = gather_record(source, reterr);
	}
	if (err != SL_ERR_OK || !(source->whole & SL_REBUILD_RECORD)) {
		return err;
	}
	err = sl_rebuild_gather_faces(source, reterr);
	if (err == SL_ERR_OK) {
		err = gather_labels(source, reterr);
	}
	if (err == SL_ERR_OK) {
		err = gather_transcript(source, reterr);
	}
	if (err == SL_ERR_OK) {
		err = sl_rebuild_gather_versions(source, reterr);
	}
	if (err == SL_ERR_OK && source->thorough) {
		err = sl_rebuild_check_attributes(source, reterr);
	}
	if (err == SL_ERR_OK && source->thorough) {
		err = sl_rebuild_check_leftovers(source, reterr);
	}
	return err;
}
