/* SPDX-License-Identifier: Apache-2.0 */
/* DynamoDB items, and splitting attributes that are too large for one. Worker threads. */

#include "record.h"

#include <string.h>

#include "json_spec.h"
#include "mem.h"

void sl_record_set_text(json_t *item, const char *name, const char *text)
{
	if (text != NULL) {
		json_object_set_new(item, name, json_pack("{s:s}", "S", text));
	}
}

void sl_record_set_number(json_t *item, const char *name, int64_t number)
{
	SL_AUTO(sl_freep)
	char *text = sl_asprintf("%lld", (long long)number);
	json_object_set_new(item, name, json_pack("{s:s}", "N", text));
}

void sl_record_set_json(json_t *item, const char *name, const json_t *root)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(root);
	sl_record_set_text(item, name, text);
}

json_t *sl_record_item(const char *file_name, const char *video_id)
{
	json_t *item = json_object();
	sl_record_set_text(item, "fileName", file_name);
	sl_record_set_text(item, "videoId", video_id);
	return item;
}

/* --- parts --------------------------------------------------------------------------------- */

static void close_array(struct sl_record_parts *parts)
{
	if (parts->is_array) {
		if (parts->current.len == 0) {
			sl_buf_putc(&parts->current, '[');
		}
		sl_buf_putc(&parts->current, ']');
	}
}

static enum sl_err put_part(struct sl_record_parts *parts, struct sl_error *reterr)
{
	close_array(parts);
	SL_AUTO(sl_freep)
	char *name = sl_asprintf(
		"%s#%s#%05lld", parts->file_name, parts->attribute, (long long)parts->count);
	SL_AUTO(sl_json_decrefp)
	json_t *item = sl_record_item(name, parts->video_id);
	sl_record_set_text(item, parts->attribute, sl_buf_str(&parts->current));
	enum sl_err err = sl_dynamodb_put_item(parts->aws, parts->table, item, reterr);
	if (err == SL_ERR_OK) {
		parts->count++;
		sl_buf_clear(&parts->current);
	}
	return err;
}

enum sl_err sl_record_parts_add(
	struct sl_record_parts *parts, const char *element, struct sl_error *reterr)
{
	size_t len = strlen(element);
	if (parts->current.len > 0 && parts->current.len + len + 2 > SL_RECORD_PART_BYTES) {
		enum sl_err err = put_part(parts, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	sl_buf_putc(&parts->current, parts->current.len == 0 ? '[' : ',');
	sl_buf_add(&parts->current, element, len);
	return SL_ERR_OK;
}

/* The largest cut at or before `at` that does not split a character. */
static size_t character_boundary(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) {
		at--;
	}
	return at;
}

enum sl_err sl_record_parts_add_text(
	struct sl_record_parts *parts, const char *text, struct sl_error *reterr)
{
	size_t left = strlen(text);
	while (parts->current.len + left > SL_RECORD_PART_BYTES) {
		size_t cut = character_boundary(text, SL_RECORD_PART_BYTES - parts->current.len);
		sl_buf_add(&parts->current, text, cut);
		text += cut;
		left -= cut;
		enum sl_err err = put_part(parts, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	sl_buf_add(&parts->current, text, left);
	return SL_ERR_OK;
}

enum sl_err sl_record_parts_end(
	struct sl_record_parts *parts, json_t *item, struct sl_error *reterr)
{
	/* Two attributes may each be just below a part's size: together they must fit. */
	size_t together = sl_dynamodb_item_size(item) + parts->current.len;
	if (parts->count == 0 && together <= SL_RECORD_PART_BYTES) {
		close_array(parts);
		sl_record_set_text(item, parts->attribute, sl_buf_str(&parts->current));
		return SL_ERR_OK;
	}
	enum sl_err err = parts->current.len > 0 ? put_part(parts, reterr) : SL_ERR_OK;
	if (err == SL_ERR_OK) {
		SL_AUTO(sl_freep)
		char *name = sl_asprintf("%sParts", parts->attribute);
		sl_record_set_number(item, name, parts->count);
	}
	return err;
}

void sl_record_parts_finish(struct sl_record_parts *parts)
{
	sl_buf_finish(&parts->current);
}
