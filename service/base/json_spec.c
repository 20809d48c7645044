/* SPDX-License-Identifier: Apache-2.0 */
/* JSON <-> structs by table: one decoder and one encoder for every body that we read or write. */

#include "json_spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#define EXACT_MAX 9007199254740992.0 /* up to 2^53 a double holds every integer */

/* Where in the document we are: a chain on the stack, written out only when something is wrong. */
struct path {
	const struct path *up;
	const char *name; /* NULL: an index */
	size_t index;
};

struct decoder {
	enum sl_json_mode mode;
	struct sl_error *reterr;
};

static void path_text(struct sl_buf *out, const struct path *path)
{
	if (path == NULL) {
		return;
	}
	path_text(out, path->up);
	if (path->name == NULL) {
		sl_buf_printf(out, "/%zu", path->index);
		return;
	}
	sl_buf_putc(out, '/');
	for (const char *p = path->name; *p != '\0'; p++) { /* RFC 6901 §3 */
		if (*p == '~') {
			sl_buf_puts(out, "~0");
		} else if (*p == '/') {
			sl_buf_puts(out, "~1");
		} else {
			sl_buf_putc(out, *p);
		}
	}
}

SL_PRINTF(4, 5)
static enum sl_err refuse(const struct decoder *decoder, const struct path *path, enum sl_err code,
	const char *format, ...)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf pointer = SL_BUF_INIT;
	path_text(&pointer, path);
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *detail = sl_vasprintf(format, arguments);
	va_end(arguments);
	return sl_error_set_at(decoder->reterr, code, sl_buf_str(&pointer), "%s", detail);
}

static const char *kind_name(enum sl_json_kind kind)
{
	switch (kind) {
	case SL_JSON_STR:
	case SL_JSON_ENUM:
	case SL_JSON_F64S:
		return "a string";
	case SL_JSON_I64:
		return "a whole number";
	case SL_JSON_F64:
		return "a number";
	case SL_JSON_BOOL:
		return "true or false";
	case SL_JSON_OBJ:
		return "an object";
	default:
		return "an array";
	}
}

static enum sl_err wrong_type(
	const struct decoder *decoder, const struct path *path, enum sl_json_kind kind)
{
	return refuse(decoder, path, SL_ERR_WRONG_TYPE, "must be %s", kind_name(kind));
}

/* --- decoding one kind each ---------------------------------------------------------------- */

static enum sl_err check_count(const struct decoder *decoder, const struct path *path, size_t count,
	int64_t min, int64_t max)
{
	if ((int64_t)count < min || (int64_t)count > max) {
		return refuse(decoder, path, SL_ERR_OUT_OF_RANGE,
			"must have %lld to %lld items, has %zu", (long long)min, (long long)max,
			count);
	}
	return SL_ERR_OK;
}

static enum sl_err check_length(const struct decoder *decoder, const struct path *path,
	const json_t *value, int64_t min, int64_t max)
{
	size_t len = json_string_length(value);
	if ((int64_t)len < min || (int64_t)len > max) {
		return refuse(decoder, path, SL_ERR_OUT_OF_RANGE,
			"must be %lld to %lld bytes long, is %zu", (long long)min, (long long)max,
			len);
	}
	return SL_ERR_OK;
}

/* 14.0 is an integer to JSON Schema, and some writers of JSON have floating point only. */
static bool is_whole(const json_t *value, int64_t *ret)
{
	double real = json_number_value(value);
	bool exact = real >= -EXACT_MAX && real <= EXACT_MAX && (double)(int64_t)real == real;
	if (!json_is_integer(value) && !(json_is_real(value) && exact)) {
		return false;
	}
	*ret = json_is_integer(value) ? json_integer_value(value) : (int64_t)real;
	return true;
}

static enum sl_err decode_i64(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, int64_t *target)
{
	int64_t number = 0;
	if (!is_whole(value, &number)) {
		return wrong_type(decoder, path, SL_JSON_I64);
	}
	if (number < field->min || number > field->max) {
		return refuse(decoder, path, SL_ERR_OUT_OF_RANGE, "must be %lld to %lld, is %lld",
			(long long)field->min, (long long)field->max, (long long)number);
	}
	*target = number;
	return SL_ERR_OK;
}

static enum sl_err decode_f64(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, double *target)
{
	double number = json_number_value(value);
	if (field->kind == SL_JSON_F64S) {
		const char *text = json_string_value(value);
		char *end = NULL;
		number = text != NULL ? strtod(text, &end) : 0;
		if (text == NULL || end == text || *end != '\0' || !isfinite(number)) {
			return refuse(
				decoder, path, SL_ERR_WRONG_TYPE, "must be a number in a string");
		}
	} else if (!json_is_number(value)) {
		return wrong_type(decoder, path, SL_JSON_F64);
	}
	if (number < (double)field->min || number > (double)field->max) {
		return refuse(decoder, path, SL_ERR_OUT_OF_RANGE, "must be %lld to %lld, is %g",
			(long long)field->min, (long long)field->max, number);
	}
	*target = number;
	return SL_ERR_OK;
}

static int name_index(const char *const *names, const char *text)
{
	for (int i = 0; text != NULL && names[i] != NULL; i++) {
		if (strcmp(names[i], text) == 0) {
			return i;
		}
	}
	return -1;
}

static enum sl_err bad_name(
	const struct decoder *decoder, const struct path *path, const char *const *names)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf list = SL_BUF_INIT;
	for (int i = 0; names[i] != NULL; i++) {
		sl_buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	return refuse(decoder, path, SL_ERR_BAD_VALUE, "must be one of: %s", sl_buf_str(&list));
}

static enum sl_err decode_enums(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, unsigned *target)
{
	unsigned set = 0;
	size_t i;
	const json_t *item;
	json_array_foreach (value, i, item) {
		struct path at = {path, NULL, i};
		if (!json_is_string(item)) {
			return wrong_type(decoder, &at, SL_JSON_STR);
		}
		int index = name_index(field->names, json_string_value(item));
		if (index < 0) {
			return bad_name(decoder, &at, field->names);
		}
		if (set & 1U << index) {
			return refuse(decoder, &at, SL_ERR_BAD_VALUE, "is named twice");
		}
		set |= 1U << index;
	}
	*target = set;
	return SL_ERR_OK;
}

static enum sl_err decode_strv(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, struct sl_json_strv *target)
{
	size_t count = json_array_size(value);
	SL_AUTO(sl_freep)
	const char **items = sl_calloc(count, sizeof(*items));
	size_t i;
	const json_t *item;
	json_array_foreach (value, i, item) {
		struct path at = {path, NULL, i};
		if (!json_is_string(item)) {
			return wrong_type(decoder, &at, SL_JSON_STR);
		}
		enum sl_err err =
			check_length(decoder, &at, item, field->item_min, field->item_max);
		if (err != SL_ERR_OK) {
			return err;
		}
		items[i] = json_string_value(item);
	}
	target->items = sl_take(&items);
	target->count = count;
	return SL_ERR_OK;
}

static enum sl_err decode_object(const struct decoder *decoder, const struct path *path,
	const json_t *root, const struct sl_json_field *spec, void *target);

static enum sl_err decode_array(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, struct sl_json_array *target)
{
	struct sl_json_array array = {sl_calloc(json_array_size(value), field->item_size), 0};
	size_t i;
	const json_t *item;
	json_array_foreach (value, i, item) {
		struct path at = {path, NULL, i};
		char *slot = (char *)array.items + i * field->item_size;
		enum sl_err err = decode_object(decoder, &at, item, field->spec, slot);
		if (err != SL_ERR_OK) {
			for (size_t j = 0; j < i; j++) {
				sl_json_finish(
					field->spec, (char *)array.items + j * field->item_size);
			}
			free(array.items);
			return err;
		}
		array.count++;
	}
	*target = array;
	return SL_ERR_OK;
}

/* Arrays of every element kind: type and count first. */
static enum sl_err decode_list(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, void *target)
{
	if (!json_is_array(value)) {
		return wrong_type(decoder, path, SL_JSON_ARRAY);
	}
	enum sl_err err =
		check_count(decoder, path, json_array_size(value), field->min, field->max);
	if (err != SL_ERR_OK) {
		return err;
	}
	switch (field->kind) {
	case SL_JSON_ENUMS:
		return decode_enums(decoder, path, field, value, target);
	case SL_JSON_STRV:
		return decode_strv(decoder, path, field, value, target);
	default:
		return decode_array(decoder, path, field, value, target);
	}
}

static enum sl_err decode_text(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, const json_t *value, void *target)
{
	if (!json_is_string(value)) {
		return wrong_type(decoder, path, field->kind);
	}
	if (field->kind == SL_JSON_ENUM) {
		int index = name_index(field->names, json_string_value(value));
		if (index < 0) {
			return bad_name(decoder, path, field->names);
		}
		*(int *)target = index;
		return SL_ERR_OK;
	}
	enum sl_err err = check_length(decoder, path, value, field->min, field->max);
	if (err == SL_ERR_OK) {
		*(const char **)target = json_string_value(value);
	}
	return err;
}

static enum sl_err decode_value(const struct decoder *decoder, const struct path *path,
	const struct sl_json_field *field, json_t *value, void *target)
{
	switch (field->kind) {
	case SL_JSON_STR:
	case SL_JSON_ENUM:
		return decode_text(decoder, path, field, value, target);
	case SL_JSON_I64:
		return decode_i64(decoder, path, field, value, target);
	case SL_JSON_F64:
	case SL_JSON_F64S:
		return decode_f64(decoder, path, field, value, target);
	case SL_JSON_BOOL:
		if (!json_is_boolean(value)) {
			return wrong_type(decoder, path, field->kind);
		}
		*(bool *)target = json_is_true(value);
		return SL_ERR_OK;
	case SL_JSON_OBJ:
		return decode_object(decoder, path, value, field->spec, target);
	case SL_JSON_ARRAY:
	case SL_JSON_STRV:
	case SL_JSON_ENUMS:
		return decode_list(decoder, path, field, value, target);
	case SL_JSON_ANY:
		*(json_t **)target = value;
		return SL_ERR_OK;
	default:
		SL_BUG("unknown kind in a JSON table");
	}
}

static enum sl_err refuse_unknown(const struct decoder *decoder, const struct path *path,
	const json_t *root, const struct sl_json_field *spec)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)root, key, value) {
		const struct sl_json_field *field = spec;
		while (field->kind != SL_JSON_END_ && strcmp(field->name, key) != 0) {
			field++;
		}
		if (field->kind == SL_JSON_END_) {
			struct path at = {path, key, 0};
			return refuse(decoder, &at, SL_ERR_UNKNOWN_FIELD, "is not a known field");
		}
	}
	return SL_ERR_OK;
}

static enum sl_err decode_object(const struct decoder *decoder, const struct path *path,
	const json_t *root, const struct sl_json_field *spec, void *target)
{
	if (!json_is_object(root)) {
		return wrong_type(decoder, path, SL_JSON_OBJ);
	}
	enum sl_err err = SL_ERR_OK;
	if (decoder->mode == SL_JSON_STRICT) {
		err = refuse_unknown(decoder, path, root, spec);
	}
	const struct sl_json_field *field = spec;
	for (; err == SL_ERR_OK && field->kind != SL_JSON_END_; field++) {
		struct path at = {path, field->name, 0};
		json_t *value = json_object_get(root, field->name);
		if (decoder->mode == SL_JSON_LENIENT && json_is_null(value)) {
			value = NULL;
		}
		if (value != NULL) {
			err = decode_value(
				decoder, &at, field, value, (char *)target + field->offset);
		} else if (field->flags == SL_REQUIRED) {
			err = refuse(decoder, &at, SL_ERR_MISSING_FIELD, "is required");
		}
	}
	if (err != SL_ERR_OK) {
		sl_json_finish(spec, target);
	}
	return err;
}

enum sl_err sl_json_decode(const json_t *root, const struct sl_json_field *spec,
	enum sl_json_mode mode, void *target, struct sl_error *reterr)
{
	struct decoder decoder = {mode, reterr};
	return decode_object(&decoder, NULL, root, spec, target);
}

void sl_json_finish(const struct sl_json_field *spec, void *target)
{
	for (const struct sl_json_field *field = spec; field->kind != SL_JSON_END_; field++) {
		void *member = (char *)target + field->offset;
		if (field->kind == SL_JSON_OBJ) {
			sl_json_finish(field->spec, member);
		} else if (field->kind == SL_JSON_STRV) {
			struct sl_json_strv *strv = member;
			free(strv->items);
			*strv = (struct sl_json_strv){NULL, 0};
		} else if (field->kind == SL_JSON_ARRAY) {
			struct sl_json_array *array = member;
			for (size_t i = 0; i < array->count; i++) {
				sl_json_finish(
					field->spec, (char *)array->items + i * field->item_size);
			}
			free(array->items);
			*array = (struct sl_json_array){NULL, 0};
		}
	}
}

/* --- parsing ------------------------------------------------------------------------------- */

enum sl_err sl_json_parse(const char *body, size_t len, json_t **ret_root, struct sl_error *reterr)
{
	json_error_t error;
	json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		enum sl_err code = json_error_code(&error) == json_error_duplicate_key
			? SL_ERR_DUPLICATE_KEY
			: SL_ERR_BODY_NOT_JSON;
		return sl_error_set(reterr, code, "line %d, column %d: %s", error.line,
			error.column, error.text);
	}
	*ret_root = root;
	return SL_ERR_OK;
}

/* --- encoding ------------------------------------------------------------------------------ */

static json_t *encode_list(const struct sl_json_field *field, const void *member)
{
	json_t *list = json_array();
	if (field->kind == SL_JSON_ENUMS) {
		for (int i = 0; field->names[i] != NULL; i++) {
			if (*(const unsigned *)member & 1U << i) {
				json_array_append_new(list, json_string(field->names[i]));
			}
		}
	} else if (field->kind == SL_JSON_STRV) {
		const struct sl_json_strv *strv = member;
		for (size_t i = 0; i < strv->count; i++) {
			json_array_append_new(list, json_string(strv->items[i]));
		}
	} else {
		const struct sl_json_array *array = member;
		for (size_t i = 0; i < array->count; i++) {
			const char *item = (const char *)array->items + i * field->item_size;
			json_array_append_new(list, sl_json_encode(field->spec, item));
		}
	}
	return list;
}

/* NULL: leave the member out. */
static json_t *encode_value(const struct sl_json_field *field, const void *member)
{
	switch (field->kind) {
	case SL_JSON_STR: {
		const char *text = *(const char *const *)member;
		return text != NULL ? json_string(text) : NULL;
	}
	case SL_JSON_I64:
		return json_integer(*(const int64_t *)member);
	case SL_JSON_F64:
		return json_real(*(const double *)member);
	case SL_JSON_F64S: {
		SL_AUTO(sl_freep)
		char *text = sl_asprintf("%g", *(const double *)member);
		return json_string(text);
	}
	case SL_JSON_BOOL:
		return json_boolean(*(const bool *)member);
	case SL_JSON_ENUM:
		return json_string(field->names[*(const int *)member]);
	case SL_JSON_OBJ:
		return sl_json_encode(field->spec, member);
	case SL_JSON_ANY: {
		json_t *any = *(json_t *const *)member;
		return any != NULL ? json_incref(any) : NULL;
	}
	default:
		return encode_list(field, member);
	}
}

json_t *sl_json_encode(const struct sl_json_field *spec, const void *source)
{
	json_t *root = json_object();
	for (const struct sl_json_field *field = spec; field->kind != SL_JSON_END_; field++) {
		json_t *value = encode_value(field, (const char *)source + field->offset);
		if (value != NULL) {
			json_object_set_new(root, field->name, value);
		}
	}
	return root;
}

char *sl_json_text(const json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL) {
		SL_BUG("a JSON tree that cannot be written");
	}
	return text;
}

void sl_json_decrefp(json_t **root)
{
	json_decref(*root);
	*root = NULL;
}
