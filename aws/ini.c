/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files' format: sl_ini_parse(), sl_ini_get(). Pure; any thread. */

#include "ini.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>

#include "mem.h"
#include "text.h"

struct ini_entry {
	char *section; /* "type name", or "name" of a one-word section */
	char *key;     /* NULL: only says that the section is there */
	char *value;
};

struct sl_ini {
	struct ini_entry *entries;
	size_t count;
};

/* A part of a line, without white space around it. */
struct span {
	const char *at;
	size_t len;
};

/* Where the parser is. */
struct ini_state {
	struct sl_ini *ini;
	char *section; /* NULL before the first header */
	char *parent;  /* the key above, which an indented line belongs to; or NULL */
};

static struct span trimmed(const char *at, size_t len)
{
	while (len > 0 && isspace((unsigned char)at[0])) {
		at++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)at[len - 1])) {
		len--;
	}
	return (struct span){at, len};
}

static char *lowered(struct span span)
{
	char *copy = sl_strndup(span.at, span.len);
	for (char *at = copy; *at; at++) {
		*at = (char)tolower((unsigned char)*at);
	}
	return copy;
}

static char *section_name(const char *type, const char *name)
{
	return type ? sl_asprintf("%s %s", type, name) : sl_strdup(name);
}

/* Owns `key` and `value` from here on. */
static void add_entry(struct ini_state *state, char *key, char *value)
{
	struct sl_ini *ini = state->ini;
	ini->entries = sl_reallocarray(ini->entries, ini->count + 1, sizeof(*ini->entries));
	ini->entries[ini->count++] = (struct ini_entry){sl_strdup(state->section), key, value};
}

/* "[profile name]", with optional quotes around the name. */
static bool parse_header(struct ini_state *state, struct span line)
{
	const char *close = memchr(line.at, ']', line.len);
	if (!close) {
		return false;
	}
	struct span rest = trimmed(close + 1, line.len - (size_t)(close + 1 - line.at));
	if (rest.len > 0 && rest.at[0] != '#' && rest.at[0] != ';') {
		return false;
	}
	struct span inside = trimmed(line.at + 1, (size_t)(close - line.at - 1));
	size_t word = 0;
	while (word < inside.len && !isspace((unsigned char)inside.at[word])) {
		word++;
	}
	struct span name = trimmed(inside.at + word, inside.len - word);
	if (name.len >= 2 && (name.at[0] == '"' || name.at[0] == '\'') &&
		name.at[name.len - 1] == name.at[0]) {
		name = (struct span){name.at + 1, name.len - 2};
	}
	if (word == 0) {
		return false;
	}
	SL_AUTO(sl_freep)
	char *first = sl_strndup(inside.at, word);
	SL_AUTO(sl_freep)
	char *second = name.len > 0 ? sl_strndup(name.at, name.len) : NULL;
	free(state->section);
	state->section = second ? section_name(first, second) : sl_take(&first);
	free(state->parent);
	state->parent = NULL;
	add_entry(state, NULL, NULL);
	return true;
}

/* A comment behind a value needs white space before it: secrets may hold '#'. */
static struct span without_comment(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		bool mark = value.at[i] == '#' || value.at[i] == ';';
		if (mark && (i == 0 || isspace((unsigned char)value.at[i - 1]))) {
			return trimmed(value.at, i);
		}
	}
	return value;
}

static bool parse_property(struct ini_state *state, struct span line, bool indented)
{
	const char *equals = memchr(line.at, '=', line.len);
	if (!state->section || !equals) {
		return false;
	}
	struct span key = trimmed(line.at, (size_t)(equals - line.at));
	struct span value =
		without_comment(trimmed(equals + 1, line.len - (size_t)(equals + 1 - line.at)));
	if (key.len == 0) {
		return false;
	}
	SL_AUTO(sl_freep)
	char *name = lowered(key);
	char *text = sl_strndup(value.at, value.len);
	if (indented && state->parent) {
		add_entry(state, sl_asprintf("%s.%s", state->parent, name), text);
		return true;
	}
	free(state->parent);
	state->parent = value.len == 0 ? sl_strdup(name) : NULL;
	add_entry(state, sl_take(&name), text);
	return true;
}

/* An indented line that continues the value above. */
static bool continue_value(struct ini_state *state, struct span line)
{
	struct sl_ini *ini = state->ini;
	if (ini->count == 0 || !ini->entries[ini->count - 1].key) {
		return false;
	}
	char **value = &ini->entries[ini->count - 1].value;
	char *longer = sl_asprintf("%s\n%.*s", *value, (int)line.len, line.at);
	free(*value);
	*value = longer;
	return true;
}

static bool parse_line(struct ini_state *state, const char *at, size_t len)
{
	struct span line = trimmed(at, len);
	if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';') {
		return true;
	}
	bool indented = line.at > at;
	if (indented && !state->parent && state->section) {
		return continue_value(state, line);
	}
	if (line.at[0] == '[') {
		return parse_header(state, line);
	}
	return parse_property(state, line, indented);
}

enum sl_err sl_ini_parse(const char *text, size_t len, struct sl_ini **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_ini_destroyp)
	struct sl_ini *ini = sl_calloc(1, sizeof(*ini));
	if (len > 0 && (memchr(text, '\0', len) || !sl_text_is_utf8(text, len))) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "not UTF-8 text");
	}
	struct ini_state state = {ini, NULL, NULL};
	size_t at = 0;
	bool good = true;
	int number = 0;
	while (good && at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - text) - at : len - at;
		number++;
		good = parse_line(&state, text + at, line_len);
		at += line_len + 1;
	}
	free(state.section);
	free(state.parent);
	if (!good) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"line %d is neither [section] nor key = value", number);
	}
	*ret = sl_take(&ini);
	return SL_ERR_OK;
}

void sl_ini_destroy(struct sl_ini *ini)
{
	if (!ini) {
		return;
	}
	for (size_t i = 0; i < ini->count; i++) {
		struct ini_entry *entry = &ini->entries[i];
		if (entry->value) {
			OPENSSL_cleanse(entry->value, strlen(entry->value));
		}
		free(entry->section);
		free(entry->key);
		free(entry->value);
	}
	free(ini->entries);
	free(ini);
}

void sl_ini_destroyp(struct sl_ini **ini)
{
	sl_ini_destroy(*ini);
	*ini = NULL;
}

const char *sl_ini_get(
	const struct sl_ini *ini, const char *type, const char *section, const char *key)
{
	SL_AUTO(sl_freep)
	char *wanted = section_name(type, section);
	const char *value = NULL;
	for (size_t i = 0; i < ini->count; i++) {
		const struct ini_entry *entry = &ini->entries[i];
		if (entry->key && strcmp(entry->section, wanted) == 0 &&
			strcmp(entry->key, key) == 0) {
			value = entry->value;
		}
	}
	return value;
}

bool sl_ini_has(const struct sl_ini *ini, const char *type, const char *section)
{
	SL_AUTO(sl_freep)
	char *wanted = section_name(type, section);
	for (size_t i = 0; i < ini->count; i++) {
		if (strcmp(ini->entries[i].section, wanted) == 0) {
			return true;
		}
	}
	return false;
}
