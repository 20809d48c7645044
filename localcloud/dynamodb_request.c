/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of a DynamoDB request, which AWS checks before all else (SerializationException), and
 * the errors of its operations. Entry: lc_ddb_check. Pure functions on the request's tree.
 */

#include <string.h>

#include "lc_dynamodb.h"
#include "text.h"

static bool type_error(struct lc_ddb_error *error, const char *words)
{
	return lc_ddb_fail(error, LC_DDB_SERIALIZATION, "%s", words);
}

/* The words that AWS's parser has for a scalar where `wanted` should be. */
static bool scalar_error(const json_t *value, const char *wanted, struct lc_ddb_error *error)
{
	switch (json_typeof(value)) {
	case JSON_ARRAY:
		return lc_ddb_fail(error, LC_DDB_SERIALIZATION,
			"Unrecognized collection type class java.lang.%s", wanted);
	case JSON_OBJECT:
		return type_error(error, "Start of structure or map found where not expected");
	default:
		return lc_ddb_fail(error, LC_DDB_SERIALIZATION, "%s cannot be converted to %s",
			json_is_true(value)              ? "TRUE_VALUE"
				: json_is_false(value)   ? "FALSE_VALUE"
				: json_is_integer(value) ? "NUMBER_VALUE"
				: json_is_real(value)    ? "DECIMAL_VALUE"
							 : "STRING_VALUE",
			wanted);
	}
}

static bool string_type(const json_t *value, struct lc_ddb_error *error)
{
	return json_is_string(value) || scalar_error(value, "String", error);
}

static bool blob_type(const json_t *value, struct lc_ddb_error *error)
{
	if (!json_is_string(value)) {
		return type_error(error,
			json_is_array(value)
				? "Unrecognized collection type class java.nio.ByteBuffer"
				: json_is_object(value)
				? "Start of structure or map found where not expected"
				: "only base-64-encoded strings are convertible to bytes");
	}
	if (json_string_length(value) % 4 != 0) {
		return lc_ddb_fail(error, LC_DDB_SERIALIZATION,
			"Base64 encoded length is expected a multiple of 4 bytes but found: %zu",
			json_string_length(value));
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	if (!sl_text_base64_decode(&bytes, json_string_value(value), json_string_length(value))) {
		return type_error(error, "Invalid last non-pad Base64 character dectected");
	}
	return true;
}

static bool item_type(json_t *item, int depth, struct lc_ddb_error *error);
static bool value_type(json_t *value, int depth, struct lc_ddb_error *error);

static bool list_type(json_t *list, const char *type, int depth, struct lc_ddb_error *error)
{
	if (!json_is_array(list)) {
		return type_error(error,
			json_is_object(list) ? "Start of structure or map found where not expected"
					     : "Unexpected field type");
	}
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		bool ok = type[0] == 'L' ? value_type(element, depth + 1, error)
			: type[0] == 'B' ? blob_type(element, error)
					 : string_type(element, error);
		if (!ok) {
			return false;
		}
	}
	return true;
}

/* One member of an AttributeValue; an unknown one is dropped by the caller. */
static bool content_type(const char *type, json_t *content, int depth, struct lc_ddb_error *error)
{
	if (strcmp(type, "S") == 0 || strcmp(type, "N") == 0) {
		return string_type(content, error);
	}
	if (strcmp(type, "B") == 0) {
		return blob_type(content, error);
	}
	if (strcmp(type, "BOOL") == 0 || strcmp(type, "NULL") == 0) {
		return json_is_boolean(content) || scalar_error(content, "Boolean", error);
	}
	if (strcmp(type, "M") == 0) {
		return item_type(content, depth + 1, error);
	}
	return list_type(content, type, depth, error);
}

static bool value_type(json_t *value, int depth, struct lc_ddb_error *error)
{
	static const char *const types[] = {
		"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"};
	if (!json_is_object(value)) {
		return type_error(error,
			json_is_array(value) ? "Unrecognized collection type class "
					       "com.amazonaws.dynamodb.v20120810.AttributeValue"
					     : "Unexpected value type in payload");
	}
	/* Deeper is refused with better words by lc_ddb_value_check; here it bounds the stack. */
	if (depth > 64) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "Nesting Levels have exceeded supported limits");
	}
	const char *name;
	json_t *content;
	void *next;
	json_object_foreach_safe (value, next, name, content) {
		bool known = false;
		for (size_t i = 0; i < SL_ARRAY_SIZE(types); i++) {
			known |= strcmp(name, types[i]) == 0;
		}
		if (!known || json_is_null(content)) {
			json_object_del(value, name);
		} else if (!content_type(name, content, depth, error)) {
			return false;
		}
	}
	return true;
}

static bool item_type(json_t *item, int depth, struct lc_ddb_error *error)
{
	if (!json_is_object(item)) {
		return type_error(error,
			json_is_array(item)
				? "Unrecognized collection type java.util.Map<java.lang.String, "
				  "com.amazonaws.dynamodb.v20120810.AttributeValue>"
				: "Unexpected field type");
	}
	const char *name;
	json_t *value;
	json_object_foreach (item, name, value) {
		if (!value_type(value, depth, error)) {
			return false;
		}
	}
	return true;
}

static bool struct_type(json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error);

/* A list or map of elements, each of which `check` looks at. */
static bool elements_type(json_t *value, const struct lc_ddb_member *member, enum lc_ddb_type inner,
	struct lc_ddb_error *error);

static bool member_type(json_t *value, const struct lc_ddb_member *member, enum lc_ddb_type type,
	struct lc_ddb_error *error)
{
	switch (type) {
	case LC_DDB_STRING:
		return string_type(value, error);
	case LC_DDB_INTEGER:
		return json_is_integer(value) || scalar_error(value, "Integer", error);
	case LC_DDB_BOOLEAN:
		return json_is_boolean(value) || scalar_error(value, "Boolean", error);
	case LC_DDB_ITEM:
		return item_type(value, 1, error);
	case LC_DDB_STRUCT:
		return struct_type(value, member->members, error);
	case LC_DDB_STRINGS:
	case LC_DDB_STRING_LIST:
		return elements_type(value, member, LC_DDB_STRING, error);
	case LC_DDB_STRUCT_LIST:
	case LC_DDB_STRUCT_MAP:
		return elements_type(value, member, LC_DDB_STRUCT, error);
	case LC_DDB_STRUCT_LIST_MAP:
		return elements_type(value, member, LC_DDB_STRUCT_LIST, error);
	case LC_DDB_ITEM_LIST:
		return elements_type(value, member, LC_DDB_ITEM, error);
	case LC_DDB_REFUSED:
		break;
	}
	return lc_ddb_fail(error, LC_DDB_VALIDATION,
		"localcloud does not offer %s; use expressions on the table itself", member->name);
}

static bool elements_type(json_t *value, const struct lc_ddb_member *member, enum lc_ddb_type inner,
	struct lc_ddb_error *error)
{
	bool map = !json_is_array(value);
	bool want_map = inner == LC_DDB_STRUCT_LIST || member->type == LC_DDB_STRINGS ||
		member->type == LC_DDB_STRUCT_MAP;
	if (!json_is_array(value) && !json_is_object(value)) {
		return type_error(error, "Unexpected field type");
	}
	if (map != want_map) {
		return type_error(error,
			map ? "Start of structure or map found where not expected"
			    : "Unrecognized collection type java.util.Map");
	}
	if (!map) {
		size_t i;
		json_t *element;
		json_array_foreach (value, i, element) {
			if (!member_type(element, member, inner, error)) {
				return false;
			}
		}
		return true;
	}
	/* The lists inside of a map of lists are lists of structs. */
	struct lc_ddb_member list = *member;
	list.type = inner;
	const char *name;
	json_t *element;
	json_object_foreach (value, name, element) {
		if (!member_type(element, &list, inner, error)) {
			return false;
		}
	}
	return true;
}

static bool struct_type(json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error)
{
	if (!json_is_object(in)) {
		return type_error(error,
			json_is_array(in) ? "Unrecognized collection type"
					  : "Unexpected field type");
	}
	for (const struct lc_ddb_member *member = spec; member->name != NULL; member++) {
		json_t *value = json_object_get(in, member->name);
		if (json_is_null(value)) {
			json_object_del(in, member->name);
		} else if (value != NULL && !member_type(value, member, member->type, error)) {
			return false;
		}
	}
	return true;
}

bool lc_ddb_check(json_t *in, const struct lc_ddb_member *spec, struct lc_ddb_error *error)
{
	return struct_type(in, spec, error) && lc_ddb_constraints(in, spec, error);
}

const char *lc_ddb_string(const json_t *in, const char *name)
{
	return json_string_value(json_object_get(in, name));
}

bool lc_ddb_fail(struct lc_ddb_error *error, const char *code, const char *format, ...)
{
	if (error->code != NULL) {
		return false;
	}
	error->code = code;
	va_list arguments;
	va_start(arguments, format);
	error->message = sl_vasprintf(format, arguments);
	va_end(arguments);
	return false;
}

void lc_ddb_error_finish(struct lc_ddb_error *error)
{
	free(error->message);
	json_decref(error->item);
	*error = (struct lc_ddb_error){NULL, NULL, NULL};
}
