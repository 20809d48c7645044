/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a check looks at: attributes that repeat the record for readers of the table, and items
 * that nothing refers to any more. Those are asked for by name, where an earlier, longer value
 * would have left them. Thread of the command.
 */

#include "clock.h"
#include "json_spec.h"
#include "mem.h"
#include "rebuild_source.h"
#include "record_read.h"
#include "results.h"
#include "text.h"
#include "video.h"

static bool same_time(const char *a, const char *b)
{
	int64_t one;
	int64_t two;
	return sl_clock_parse_rfc3339(a, &one) && sl_clock_parse_rfc3339(b, &two) && one == two;
}

enum sl_err sl_rebuild_check_attributes(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	static const struct {
		const char *attribute;
		const char *column;
		enum { TEXT, NUMBER, TIME } kind;
	} pairs[] = {
		{"state", "state", TEXT},
		{"title", "title", TEXT},
		{"source", "source", TEXT},
		{"createdAt", "created_at", TIME},
		{"completedAt", "completed_at", TIME},
		{"mp4Key", "mp4_key", TEXT},
		{"audioKey", "audio_key", TEXT},
		{"transcriptKey", "transcript_key", TEXT},
		{"framesPrefix", "frames_prefix", TEXT},
		{"frameCount", "frame_count", NUMBER},
		{"durationMs", "duration_ms", NUMBER},
	};
	const json_t *video = json_object_get(source->root, "video");
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(pairs); i++) {
		const json_t *column = json_object_get(video, pairs[i].column);
		const char *recorded = json_string_value(column);
		const char *text = sl_record_text(source->item, pairs[i].attribute);
		int64_t number = 0;
		bool same;
		if (pairs[i].kind == NUMBER) {
			bool there = sl_record_number(source->item, pairs[i].attribute, &number);
			same = there == json_is_integer(column) &&
				number == json_integer_value(column);
		} else if (pairs[i].kind == TIME && text != NULL && recorded != NULL) {
			same = same_time(text, recorded);
		} else {
			same = sl_text_equal(text, recorded);
		}
		if (!same) {
			err = sl_rebuild_find(source->findings, reterr,
				"videos/%s: attribute %s is not what its record says",
				source->video_id, pairs[i].attribute);
		}
	}
	return err;
}

/* --- leftovers ----------------------------------------------------------------------------- */

static void probe(json_t *names, const char *name)
{
	json_array_append_new(names, json_string(name));
}

/* The part behind the last; of an attribute that is whole, the first. `item` may be NULL. */
static void probe_parts(
	json_t *names, const char *file_name, const json_t *item, const char *const *attributes)
{
	for (; *attributes != NULL; attributes++) {
		SL_AUTO(sl_freep)
		char *name = sl_record_part_name(
			file_name, *attributes, sl_record_part_count(item, *attributes));
		probe(names, name);
	}
}

/* The item of an analysis, and its parts. */
static enum sl_err probe_analysis(struct sl_rebuild_source *source, json_t *names, const char *kind,
	const char *file_name, const char *const *attributes, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *item = NULL;
	if (!sl_rebuild_expects(source, kind)) {
		probe(names, file_name);
	} else {
		enum sl_err err =
			sl_record_get(source->aws, source->table, file_name, &item, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	probe_parts(names, file_name, item, attributes);
	return SL_ERR_OK;
}

static enum sl_err tell_existing(
	struct sl_rebuild_source *source, const json_t *names, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *found = NULL;
	enum sl_err err = sl_record_get_many(source->aws, source->table, names, &found, reterr);
	size_t i;
	const json_t *name;
	json_array_foreach (names, i, name) {
		if (err == SL_ERR_OK && json_object_get(found, json_string_value(name)) != NULL) {
			err = sl_rebuild_find(source->findings, reterr,
				"%s: left over: nothing refers to it", json_string_value(name));
		}
	}
	return err;
}

enum sl_err sl_rebuild_check_leftovers(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	static const char *const of_video[] = {"record", "celebrityFrames", NULL};
	static const char *const of_labels[] = {"objects", NULL};
	static const char *const of_transcript[] = {
		"transcript", "items", "audioSegments", "speakerSegments", NULL};
	SL_AUTO(sl_json_decrefp)
	json_t *names = json_array();
	probe_parts(names, sl_record_text(source->item, "fileName"), source->item, of_video);
	for (size_t i = 0; i < source->version_count; i++) {
		const struct sl_rebuild_version *version = &source->versions[i];
		SL_AUTO(sl_freep)
		char *name =
			sl_results_version_key(source->video_id, version->kind, version->attempt);
		SL_AUTO(sl_freep)
		char *behind = sl_record_part_name(name, "result", version->part_count);
		probe(names, behind);
	}
	SL_AUTO(sl_freep)
	char *mp4_key = sl_video_mp4_key(source->video_id);
	enum sl_err err = probe_analysis(
		source, names, sl_analysis_names[SL_LABELS], mp4_key, of_labels, reterr);
	const char *transcript_key = sl_rebuild_text(source, "transcript_key");
	if (err == SL_ERR_OK && transcript_key != NULL) {
		err = probe_analysis(source, names, sl_analysis_names[SL_TRANSCRIPT],
			transcript_key, of_transcript, reterr);
	}
	return err == SL_ERR_OK ? tell_existing(source, names, reterr) : err;
}
