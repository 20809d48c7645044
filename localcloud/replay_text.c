/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the heads of replayed objects and single members of JSON texts. Entry points: those of
 * replay_text.h. Pure.
 */
#include "replay_text.h"

#include <ctype.h>
#include <string.h>

#define MAX_DEPTH 64

struct cursor {
	const char *at, *end;
};

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

bool lc_replay_name_valid(const char *text, size_t len)
{
	if (len == 0 || len > LC_REPLAY_NAME_MAX || text[0] == '.') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !is_one_of(text[i], "._-")) {
			return false;
		}
	}
	return true;
}

/* Digits only, at most 15 of them. */
static bool read_digits(const char *text, size_t len, int64_t *ret)
{
	int64_t number = 0;
	if (len == 0 || len > 15) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		number = number * 10 + (text[i] - '0');
	}
	*ret = number;
	return true;
}

/* What follows `prefix` on the line at the cursor, which moves behind the line. */
static bool read_line(
	struct cursor *cursor, const char *prefix, const char **ret_text, size_t *ret_len)
{
	size_t prefix_len = strlen(prefix);
	size_t left = (size_t)(cursor->end - cursor->at);
	if (left < prefix_len || memcmp(cursor->at, prefix, prefix_len) != 0) {
		return false;
	}
	const char *text = cursor->at + prefix_len;
	const char *stop = memchr(text, '\n', left - prefix_len);
	if (!stop) {
		return false;
	}
	*ret_text = text;
	*ret_len = (size_t)(stop - text);
	cursor->at = stop + 1;
	return true;
}

bool lc_replay_head(const char *bytes, size_t len, char ret_name[static LC_REPLAY_NAME_MAX + 1],
	int64_t *ret_frame)
{
	struct cursor cursor = {bytes, bytes + len};
	const char *text;
	size_t text_len;

	if (!read_line(&cursor, "localcloud replay ", &text, &text_len) ||
		!lc_replay_name_valid(text, text_len)) {
		return false;
	}
	memcpy(ret_name, text, text_len);
	ret_name[text_len] = '\0';
	if (!read_line(&cursor, "frame ", &text, &text_len) ||
		!read_digits(text, text_len, ret_frame)) {
		*ret_frame = -1;
	}
	return true;
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && is_one_of(*cursor->at, " \t\r\n")) {
		cursor->at++;
	}
}

static bool take(struct cursor *cursor, char wanted)
{
	skip_space(cursor);
	if (cursor->at == cursor->end || *cursor->at != wanted) {
		return false;
	}
	cursor->at++;
	return true;
}

/* Behind the string that begins at the cursor; false when it does not end. */
static bool skip_string(struct cursor *cursor)
{
	for (cursor->at++; cursor->at < cursor->end; cursor->at++) {
		if (*cursor->at == '"') {
			cursor->at++;
			return true;
		}
		if (*cursor->at == '\\' && ++cursor->at == cursor->end) {
			break;
		}
	}
	return false;
}

/* Behind the value at the cursor: to the ',' or '}' that follows it on its own level. */
static bool skip_value(struct cursor *cursor)
{
	int depth = 0;
	while (cursor->at < cursor->end) {
		char c = *cursor->at;
		if (c == '"') {
			if (!skip_string(cursor)) {
				return false;
			}
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}')) {
			return true;
		}
		depth += c == '{' || c == '[' ? 1 : 0;
		depth -= c == '}' || c == ']' ? 1 : 0;
		if (depth < 0 || depth > MAX_DEPTH) {
			return false;
		}
		cursor->at++;
	}
	return false;
}

bool lc_replay_member(
	const char *text, size_t len, const char *name, const char **ret_value, size_t *ret_len)
{
	struct cursor cursor = {text, text + len};
	size_t name_len = strlen(name);
	bool more = take(&cursor, '{');

	while (more) {
		skip_space(&cursor);
		const char *key = cursor.at;
		if (key == cursor.end || *key != '"' || !skip_string(&cursor)) {
			return false;
		}
		size_t key_len = (size_t)(cursor.at - key) - 2;
		if (!take(&cursor, ':')) {
			return false;
		}
		skip_space(&cursor);
		const char *value = cursor.at;
		if (!skip_value(&cursor)) {
			return false;
		}
		if (key_len == name_len && memcmp(key + 1, name, name_len) == 0) {
			const char *stop = cursor.at;
			while (stop > value && is_one_of(stop[-1], " \t\r\n")) {
				stop--;
			}
			*ret_value = value;
			*ret_len = (size_t)(stop - value);
			return stop > value;
		}
		more = take(&cursor, ',');
	}
	return false;
}

bool lc_replay_number(const char *text, size_t len, const char *name, int64_t *ret_number)
{
	const char *value;
	size_t value_len;
	return lc_replay_member(text, len, name, &value, &value_len) &&
		read_digits(value, value_len, ret_number);
}
