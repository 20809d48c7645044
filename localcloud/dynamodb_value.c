/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's attribute values: validity, canonical numbers, size as AWS counts it, equality and
 * order. Types were checked by dynamodb_request.c. Pure functions on the caller's tree.
 */

#include <string.h>

#include "lc_dynamodb.h"
#include "text.h"

enum { NESTING_MAX = 32 };

const char *lc_ddb_value_type(const json_t *value)
{
	return json_object_iter_key(json_object_iter((json_t *)(uintptr_t)value));
}

json_t *lc_ddb_value_content(const json_t *value)
{
	return json_object_iter_value(json_object_iter((json_t *)(uintptr_t)value));
}

static bool number_text_parse(
	const json_t *text, struct lc_ddb_number *ret, struct lc_ddb_error *error)
{
	const char *digits = json_string_value(text);
	if (strlen(digits) != json_string_length(text)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The parameter cannot be converted to a numeric value: %s", digits);
	}
	return lc_ddb_number_parse(digits, ret, error);
}

/* The number of a stored or checked value, which cannot fail any more. */
static void number_of(const json_t *text, struct lc_ddb_number *ret)
{
	struct lc_ddb_error error = {NULL, NULL, NULL};
	if (!number_text_parse(text, ret, &error)) {
		SL_BUG("a stored number does not parse");
	}
}

static bool number_canonical(json_t *text, struct lc_ddb_error *error)
{
	struct lc_ddb_number number;
	if (!number_text_parse(text, &number, error)) {
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf canonical = SL_BUF_INIT;
	lc_ddb_number_print(&canonical, &number);
	json_string_set(text, sl_buf_str(&canonical));
	return true;
}

/* "[a, b]", as AWS prints a list in messages. */
static void list_print(struct sl_buf *out, const json_t *list)
{
	size_t i;
	json_t *element;
	json_array_foreach (list, i, element) {
		sl_buf_puts(out, i == 0 ? "[" : ", ");
		sl_buf_puts(out, json_string_value(element));
	}
	sl_buf_putc(out, ']');
}

static bool set_has_duplicates(const json_t *set)
{
	json_auto_t *seen = json_object();
	size_t i;
	json_t *element;
	json_array_foreach (set, i, element) {
		/* Hex, because a key of a jansson object cannot hold NUL. */
		SL_AUTO(sl_buf_finish)
		struct sl_buf hex = SL_BUF_INIT;
		sl_text_hex(&hex, json_string_value(element), json_string_length(element));
		if (json_object_get(seen, sl_buf_str(&hex)) != NULL) {
			return true;
		}
		json_object_set_new(seen, sl_buf_str(&hex), json_true());
	}
	return false;
}

static bool set_check(const char *type, json_t *set, struct lc_ddb_error *error)
{
	static const char prefix[] = "One or more parameter values were invalid: ";
	if (json_array_size(set) == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION, "%s%s", prefix,
			type[0] == 'S'           ? "An string set  may not be empty"
				: type[0] == 'N' ? "An number set  may not be empty"
						 : "Binary sets should not be empty");
	}
	size_t i;
	json_t *element;
	json_array_foreach (set, i, element) {
		if (type[0] == 'N' && !number_canonical(element, error)) {
			return false;
		}
	}
	if (!set_has_duplicates(set)) {
		return true;
	}
	if (type[0] == 'N') {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "Input collection contains duplicates");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf list = SL_BUF_INIT;
	list_print(&list, set);
	return lc_ddb_fail(error, LC_DDB_VALIDATION, "%sInput collection %s%s contains duplicates.",
		prefix, sl_buf_str(&list), type[0] == 'B' ? "of type BS" : "");
}

static bool value_check(json_t *value, int depth, struct lc_ddb_error *error);

static bool members_check(json_t *content, int depth, struct lc_ddb_error *error)
{
	if (json_is_object(content)) {
		const char *name;
		json_t *member;
		json_object_foreach (content, name, member) {
			if (!value_check(member, depth + 1, error)) {
				return false;
			}
		}
		return true;
	}
	size_t i;
	json_t *element;
	json_array_foreach (content, i, element) {
		if (!value_check(element, depth + 1, error)) {
			return false;
		}
	}
	return true;
}

static bool content_check(const char *type, json_t *content, int depth, struct lc_ddb_error *error)
{
	if (strcmp(type, "N") == 0) {
		return number_canonical(content, error);
	}
	if (strcmp(type, "NULL") == 0 && !json_is_true(content)) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: Null attribute value types "
			"must "
			"have the value of true");
	}
	if (strcmp(type, "SS") == 0 || strcmp(type, "NS") == 0 || strcmp(type, "BS") == 0) {
		return set_check(type, content, error);
	}
	if (strcmp(type, "M") == 0 || strcmp(type, "L") == 0) {
		return members_check(content, depth, error);
	}
	return true;
}

static bool value_check(json_t *value, int depth, struct lc_ddb_error *error)
{
	if (depth > NESTING_MAX) {
		return lc_ddb_fail(
			error, LC_DDB_VALIDATION, "Nesting Levels have exceeded supported limits");
	}
	if (json_object_size(value) == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Supplied AttributeValue is empty, must contain exactly one of the "
			"supported datatypes");
	}
	const char *type;
	json_t *content;
	json_object_foreach (value, type, content) {
		if (!content_check(type, content, depth, error)) {
			return false;
		}
	}
	if (json_object_size(value) > 1) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"Supplied AttributeValue has more than one datatypes set, must contain "
			"exactly one of the supported datatypes");
	}
	return true;
}

bool lc_ddb_value_check(json_t *value, struct lc_ddb_error *error)
{
	return value_check(value, 1, error);
}

bool lc_ddb_item_check(json_t *item, struct lc_ddb_error *error)
{
	return members_check(item, 0, error);
}

/* --- size -------------------------------------------------------------------------------- */

static size_t base64_size(const json_t *text)
{
	size_t length = json_string_length(text);
	const char *s = json_string_value(text);
	size_t padding = 0;
	while (padding < 2 && padding < length && s[length - 1 - padding] == '=') {
		padding++;
	}
	return length / 4 * 3 - padding;
}

/* Two digits a byte, aligned to even powers of ten, a byte of exponent, one of sign. */
static size_t number_size(const json_t *text)
{
	struct lc_ddb_number number = {.count = 0};
	number_of(text, &number);
	if (number.count == 0) {
		return 1;
	}
	bool aligned = number.count % 2 != 0 || number.exponent % 2 != 0;
	return 1 + (size_t)(number.count + 1) / 2 + !aligned + number.negative;
}

static size_t scalar_size(char type, const json_t *content)
{
	switch (type) {
	case 'S':
		return json_string_length(content);
	case 'B':
		return base64_size(content);
	default:
		return number_size(content);
	}
}

static size_t value_size(const json_t *value)
{
	const char *type = lc_ddb_value_type(value);
	const json_t *content = lc_ddb_value_content(value);
	if (json_is_boolean(content)) { /* BOOL and NULL */
		return 1;
	}
	if (json_is_string(content)) {
		return scalar_size(type[0], content);
	}
	if (json_is_object(content)) {
		return 3 + json_object_size(content) + lc_ddb_item_size(content);
	}
	size_t size = type[0] == 'L' ? 3 : 0;
	size_t i;
	json_t *element;
	json_array_foreach (content, i, element) {
		size += type[0] == 'L' ? 1 + value_size(element) : scalar_size(type[0], element);
	}
	return size;
}

size_t lc_ddb_item_size(const json_t *item)
{
	size_t size = 0;
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)item, name, value) {
		size += strlen(name) + value_size(value);
	}
	return size;
}

/* --- equality and order ------------------------------------------------------------------ */

static bool string_equal(const json_t *a, const json_t *b)
{
	return json_string_length(a) == json_string_length(b) &&
		memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
}

static bool set_contains(const json_t *set, const json_t *element)
{
	size_t i;
	json_t *other;
	json_array_foreach (set, i, other) {
		if (string_equal(other, element)) {
			return true;
		}
	}
	return false;
}

static bool array_equal(bool ordered, const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b)) {
		return false;
	}
	size_t i;
	json_t *element;
	json_array_foreach (a, i, element) {
		if (ordered ? !lc_ddb_value_equal(element, json_array_get(b, i))
			    : !set_contains(b, element)) {
			return false;
		}
	}
	return true;
}

static bool map_equal(const json_t *a, const json_t *b)
{
	if (json_object_size(a) != json_object_size(b)) {
		return false;
	}
	const char *name;
	json_t *member;
	json_object_foreach ((json_t *)(uintptr_t)a, name, member) {
		const json_t *other = json_object_get(b, name);
		if (other == NULL || !lc_ddb_value_equal(member, other)) {
			return false;
		}
	}
	return true;
}

bool lc_ddb_value_equal(const json_t *a, const json_t *b)
{
	const char *type = lc_ddb_value_type(a);
	if (strcmp(type, lc_ddb_value_type(b)) != 0) {
		return false;
	}
	const json_t *x = lc_ddb_value_content(a);
	const json_t *y = lc_ddb_value_content(b);
	if (json_is_string(x)) { /* numbers are canonical, base64 is strict: text decides */
		return string_equal(x, y);
	}
	if (json_is_array(x)) {
		return array_equal(type[0] == 'L', x, y);
	}
	return json_is_object(x) ? map_equal(x, y) : json_typeof(x) == json_typeof(y);
}

void lc_ddb_value_bytes(struct sl_buf *out, const json_t *value)
{
	const json_t *content = lc_ddb_value_content(value);
	switch (lc_ddb_value_type(value)[0]) {
	case 'S':
		sl_buf_add(out, json_string_value(content), json_string_length(content));
		break;
	case 'B':
		if (!sl_text_base64_decode(
			    out, json_string_value(content), json_string_length(content))) {
			SL_BUG("a stored binary is not base64");
		}
		break;
	default: {
		struct lc_ddb_number number;
		number_of(content, &number);
		lc_ddb_number_order(out, &number);
	}
	}
}

bool lc_ddb_value_compare(const json_t *a, const json_t *b, int *ret_order)
{
	const char *type = lc_ddb_value_type(a);
	if (strcmp(type, lc_ddb_value_type(b)) != 0 || strlen(type) != 1 ||
		strchr("SNB", type[0]) == NULL) {
		return false;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf x = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf y = SL_BUF_INIT;
	lc_ddb_value_bytes(&x, a);
	lc_ddb_value_bytes(&y, b);
	size_t common = x.len < y.len ? x.len : y.len;
	int order = common == 0 ? 0 : memcmp(x.data, y.data, common);
	*ret_order = order != 0 ? order : (x.len > y.len) - (x.len < y.len);
	return true;
}
