/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames that show someone: their items, by the numbers that videos/<id> lists. A thorough look
 * asks for the items of all other frames as well, which must not exist. Thread of the command.
 */

#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "rebuild_source.h"
#include "record_read.h"
#include "text.h"

/* Items in one BatchGetItem. */
#define FRAMES_AT_ONCE 50
/* Looks in one COPY. */
#define LOOKS_AT_ONCE 100

struct frame {
	int64_t index;
	bool expected; /* shows someone */
};

struct frames {
	struct frame *items;
	size_t count;
};

static void frames_finish(struct frames *frames)
{
	free(frames->items);
}

static int by_index(const void *a, const void *b)
{
	const struct frame *one = a;
	const struct frame *two = b;
	if (one->index != two->index) {
		return one->index < two->index ? -1 : 1;
	}
	return (int)two->expected - (int)one->expected;
}

static void add_frames(struct frames *frames, int64_t first, int64_t last, bool expected)
{
	if (last < first || last - first > 100000000) {
		return;
	}
	size_t more = (size_t)(last - first + 1);
	frames->items =
		sl_reallocarray(frames->items, frames->count + more, sizeof(*frames->items));
	for (int64_t index = first; index <= last; index++) {
		frames->items[frames->count++] = (struct frame){index, expected};
	}
}

/* Every frame that was captured. Records of before they told the numbers have no gaps. */
static void add_captured(const struct sl_rebuild_source *source, struct frames *frames)
{
	const json_t *told = json_object_get(source->root, "frames");
	size_t i;
	const json_t *run;
	json_array_foreach (json_object_get(told, "runs"), i, run) {
		add_frames(frames, json_integer_value(json_array_get(run, 0)),
			json_integer_value(json_array_get(run, 1)), false);
	}
	if (told == NULL) {
		const json_t *video = json_object_get(source->root, "video");
		add_frames(frames, 0, json_integer_value(json_object_get(video, "frame_count")) - 1,
			false);
	}
}

/* In order, once each; what is expected comes before the same number that is not. */
static void sort_frames(struct frames *frames)
{
	if (frames->count == 0) {
		return;
	}
	qsort(frames->items, frames->count, sizeof(*frames->items), by_index);
	size_t kept = 1;
	for (size_t i = 1; i < frames->count; i++) {
		if (frames->items[i].index != frames->items[kept - 1].index) {
			frames->items[kept++] = frames->items[i];
		}
	}
	frames->count = kept;
}

/* `*ret_whole` is false after telling what is wrong with the list. */
static enum sl_err list_frames(struct sl_rebuild_source *source, struct frames *frames,
	bool *ret_whole, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *text = NULL;
	SL_AUTO(sl_json_decrefp)
	json_t *numbers = NULL;
	enum sl_err err = SL_ERR_OK;
	bool there = json_object_get(source->item, "celebrityFrames") != NULL ||
		sl_record_part_count(source->item, "celebrityFrames") > 0;
	*ret_whole = true;
	if (there) {
		err = sl_rebuild_read_text(source, source->item, "celebrityFrames", &text, reterr);
		*ret_whole = text != NULL;
	}
	if (text != NULL && sl_json_parse(text, strlen(text), &numbers, NULL) != SL_ERR_OK) {
		*ret_whole = false;
		err = sl_rebuild_find(source->findings, reterr,
			"videos/%s: attribute celebrityFrames is malformed", source->video_id);
	}
	size_t i;
	const json_t *number;
	json_array_foreach (numbers, i, number) {
		add_frames(frames, json_integer_value(number), json_integer_value(number), true);
	}
	if (source->thorough) {
		add_captured(source, frames);
	}
	sort_frames(frames);
	return err;
}

static char *frame_key(const struct sl_rebuild_source *source, int64_t index)
{
	SL_AUTO(sl_freep)
	char *number = sl_asprintf("%lld", (long long)index);
	const json_t *odd = json_object_get(json_object_get(source->root, "frames"), "keys");
	const char *key = json_string_value(json_object_get(odd, number));
	const char *prefix = sl_rebuild_text(source, "frames_prefix");
	return key != NULL
		? sl_strdup(key)
		: sl_asprintf("%sframe.%07lld.jpg", prefix != NULL ? prefix : "", (long long)index);
}

/* The workshop's attribute must say what the records say. */
static enum sl_err check_names(struct sl_rebuild_source *source, const json_t *item,
	const json_t *faces, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *expected = json_array();
	size_t i;
	const json_t *face;
	json_array_foreach (faces, i, face) {
		const char *name = json_string_value(json_object_get(face, "Name"));
		json_array_append_new(expected, json_pack("{s:s?}", "S", name));
	}
	const json_t *names = json_object_get(json_object_get(item, "celebrities"), "L");
	if (json_equal(expected, names)) {
		return SL_ERR_OK;
	}
	return sl_rebuild_find(source->findings, reterr,
		"%s: attribute celebrities does not name who is in celebrityFaces",
		sl_record_text(item, "fileName"));
}

/* `*whole` becomes false when the item is malformed. */
static enum sl_err add_item(struct sl_rebuild_source *source, int64_t index, const json_t *item,
	bool *whole, struct sl_error *reterr)
{
	const char *text = sl_record_text(item, "celebrityFaces");
	SL_AUTO(sl_json_decrefp)
	json_t *faces = NULL;
	int64_t time_ms;
	if (text == NULL || !sl_record_number(item, "timestampMs", &time_ms) ||
		sl_json_parse(text, strlen(text), &faces, NULL) != SL_ERR_OK ||
		!json_is_array(faces)) {
		*whole = false;
		return sl_rebuild_find(source->findings, reterr,
			"%s: attribute celebrityFaces or timestampMs is malformed",
			sl_record_text(item, "fileName"));
	}
	SL_AUTO(sl_json_decrefp)
	json_t *look = json_pack("[I, I, O]", (json_int_t)index, (json_int_t)time_ms, faces);
	SL_AUTO(sl_freep)
	char *line = sl_json_text(look);
	enum sl_err err = sl_spool_add(source->faces, line, strlen(line), reterr);
	if (err == SL_ERR_OK) {
		err = sl_spool_add(source->faces, "\n", 1, reterr);
	}
	return err == SL_ERR_OK && source->thorough ? check_names(source, item, faces, reterr)
						    : err;
}

static enum sl_err gather_some(struct sl_rebuild_source *source, const struct frame *frames,
	size_t count, bool *whole, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++) {
		SL_AUTO(sl_freep)
		char *key = frame_key(source, frames[i].index);
		json_array_append_new(names, json_string(key));
	}
	SL_AUTO(sl_json_decrefp)
	json_t *found = NULL;
	enum sl_err err = sl_record_get_many(source->aws, source->table, names, &found, reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));
		const json_t *item = json_object_get(found, name);
		if (frames[i].expected && item == NULL) {
			*whole = false;
			err = sl_rebuild_find(
				source->findings, reterr, "%s: missing in DynamoDB", name);
		} else if (frames[i].expected) {
			err = add_item(source, frames[i].index, item, whole, reterr);
		} else if (item != NULL) {
			err = sl_rebuild_find(source->findings, reterr,
				"%s: left over: nothing refers to it", name);
		}
	}
	return err;
}

enum sl_err sl_rebuild_gather_faces(struct sl_rebuild_source *source, struct sl_error *reterr)
{
	SL_AUTO(frames_finish)
	struct frames frames = {0};
	bool whole = true;
	enum sl_err err = list_frames(source, &frames, &whole, reterr);
	if (err == SL_ERR_OK) {
		err = sl_spool_create(&source->faces, reterr);
	}
	for (size_t i = 0; err == SL_ERR_OK && i < frames.count; i += FRAMES_AT_ONCE) {
		size_t some = frames.count - i < FRAMES_AT_ONCE ? frames.count - i : FRAMES_AT_ONCE;
		err = gather_some(source, frames.items + i, some, &whole, reterr);
	}
	source->whole |= whole ? SL_REBUILD_FACES : 0U;
	return err;
}

/* --- reading them back --------------------------------------------------------------------- */

struct reading {
	sl_rebuild_looks_fn *each;
	void *context;
	struct sl_buf line; /* the beginning of one, from the piece before */
	struct sl_look looks[LOOKS_AT_ONCE];
	size_t count;
};

static enum sl_err flush(struct reading *reading, struct sl_error *reterr)
{
	enum sl_err err = reading->count > 0
		? reading->each(reading->context, reading->looks, reading->count, reterr)
		: SL_ERR_OK;
	for (size_t i = 0; i < reading->count; i++) {
		json_decref(reading->looks[i].faces);
	}
	reading->count = 0;
	return err;
}

static void reading_finish(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		json_decref(reading->looks[i].faces);
	}
	sl_buf_finish(&reading->line);
}

static enum sl_err add_line(struct reading *reading, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *look = NULL;
	enum sl_err err =
		sl_json_parse(sl_buf_str(&reading->line), reading->line.len, &look, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	reading->looks[reading->count++] = (struct sl_look){
		.index = json_integer_value(json_array_get(look, 0)),
		.time_ms = json_integer_value(json_array_get(look, 1)),
		.faces = json_incref(json_array_get(look, 2)),
	};
	sl_buf_clear(&reading->line);
	return reading->count == LOOKS_AT_ONCE ? flush(reading, reterr) : SL_ERR_OK;
}

static enum sl_err split_lines(
	void *context, const void *bytes, size_t len, struct sl_error *reterr)
{
	struct reading *reading = context;
	const char *at = bytes;
	const char *end = at + len;
	enum sl_err err = SL_ERR_OK;
	while (err == SL_ERR_OK && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;
		sl_buf_add(&reading->line, at, (size_t)(stop - at));
		if (newline != NULL) {
			err = add_line(reading, reterr);
		}
		at = stop + 1;
	}
	return err;
}

enum sl_err sl_rebuild_each_looks(struct sl_rebuild_source *source, sl_rebuild_looks_fn *each,
	void *context, struct sl_error *reterr)
{
	SL_AUTO(reading_finish)
	struct reading reading = {.each = each, .context = context};
	enum sl_err err = sl_spool_read(source->faces, split_lines, &reading, reterr);
	return err == SL_ERR_OK ? flush(&reading, reterr) : err;
}
