/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of a DynamoDB item, by AWS's published rules: sl_dynamodb_item_size(). Pure. Where the
 * rules say "approximately" (numbers) this counts the most that it can be, so that an item that
 * passes here passes there.
 */
#include <ctype.h>
#include <string.h>

#include "dynamodb.h"
#include "text.h"

#define COLLECTION_BYTES 3 /* a list or a map, whatever is in it */
#define ELEMENT_BYTES    1 /* each element of a list or a map */

static size_t value_size(const json_t *value);

/* What counts of a number's text. */
struct digits {
	size_t significant; /* without leading and trailing zeroes */
	int64_t point;      /* where it is, in digits from the first significant one */
};

static const char *read_digits(const char *text, struct digits *ret)
{
	size_t count = 0;
	size_t trailing_zeroes = 0;
	int64_t whole = 0; /* of them before the point; negative: zeroes right behind it */
	int64_t step = 1;  /* -1 behind the point, before the first significant digit */
	const char *c = text;
	for (; *c != '\0' && *c != 'e' && *c != 'E'; c++) {
		if (*c == '.') {
			step = count == 0 ? -1 : 0;
		}
		if (!isdigit((unsigned char)*c)) {
			continue;
		}
		if (count == 0 && *c == '0') {
			whole += step < 0 ? -1 : 0;
			continue;
		}
		whole += step > 0 ? 1 : 0;
		count++;
		trailing_zeroes = *c == '0' ? trailing_zeroes + 1 : 0;
	}
	ret->significant = count - trailing_zeroes;
	ret->point = whole;
	return c;
}

/* Significant digits, two to a byte and aligned at the decimal point, one byte for the exponent,
 * one for a minus sign. */
static size_t number_size(const char *text)
{
	struct digits digits;
	const char *rest = read_digits(text, &digits);
	if (digits.significant == 0) {
		return 1;
	}
	int64_t exponent = 0;
	if (*rest != '\0' &&
		!sl_text_parse_i64(rest + (rest[1] == '+' ? 2 : 1), -1000, 1000, &exponent)) {
		exponent = 0;
	}
	size_t half_pair = (digits.point + exponent) % 2 != 0 ? 1 : 0;
	return (digits.significant + half_pair + 1) / 2 + 1 + (*text == '-' ? 1 : 0);
}

/* What the base64 text stands for. */
static size_t binary_size(const json_t *text)
{
	size_t len = json_string_length(text);
	const char *chars = json_string_value(text);
	size_t padding = 0;
	while (padding < 2 && padding < len && chars[len - 1 - padding] == '=') {
		padding++;
	}
	return len / 4 * 3 - (len >= 4 ? padding : 0);
}

static size_t scalar_size(char type, const json_t *value)
{
	if (!json_is_string(value)) {
		return 0;
	}
	switch (type) {
	case 'N':
		return number_size(json_string_value(value));
	case 'B':
		return binary_size(value);
	default:
		return json_string_length(value);
	}
}

static size_t set_size(char type, const json_t *set)
{
	size_t size = 0;
	size_t i;
	const json_t *member;
	json_array_foreach (set, i, member) {
		size += scalar_size(type, member);
	}
	return size;
}

static size_t attributes_size(const json_t *attributes, size_t overhead)
{
	size_t size = 0;
	for (void *i = json_object_iter((json_t *)(uintptr_t)attributes); i != NULL;
		i = json_object_iter_next((json_t *)(uintptr_t)attributes, i)) {
		size += json_object_iter_key_len(i) + value_size(json_object_iter_value(i)) +
			overhead;
	}
	return size;
}

static size_t list_size(const json_t *list, size_t overhead)
{
	size_t size = 0;
	size_t i;
	const json_t *element;
	json_array_foreach (list, i, element) {
		size += value_size(element) + overhead;
	}
	return size;
}

/* {"S": "…"} and so on. */
static size_t value_size(const json_t *value)
{
	void *member = json_object_iter((json_t *)(uintptr_t)value);
	if (member == NULL) {
		return 0;
	}
	const char *type = json_object_iter_key(member);
	const json_t *inner = json_object_iter_value(member);
	if (strcmp(type, "M") == 0) {
		return COLLECTION_BYTES + attributes_size(inner, ELEMENT_BYTES);
	}
	if (strcmp(type, "L") == 0) {
		return COLLECTION_BYTES + list_size(inner, ELEMENT_BYTES);
	}
	if (strcmp(type, "NULL") == 0 || strcmp(type, "BOOL") == 0) {
		return 1;
	}
	return type[0] != '\0' && type[1] == 'S' ? set_size(type[0], inner)
						 : scalar_size(type[0], inner);
}

size_t sl_dynamodb_item_size(const json_t *item)
{
	return json_is_array(item) ? list_size(item, 0) : attributes_size(item, 0);
}
