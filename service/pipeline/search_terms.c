/* SPDX-License-Identifier: Apache-2.0 */
/* See search_terms.h. One pass over the text; any thread. */

#include "search_terms.h"

#include <string.h>
#include <strings.h>

#include "defs.h"

#define POINTER "?q"

struct term {
	const char *text;
	size_t len;
	bool quoted;
	bool prefix;
	bool negative;
};

static const char ideographic_space[] = "\xe3\x80\x80"; /* U+3000, which input methods type */

static size_t space_at(const char *at)
{
	if (*at != '\0' && strchr(" \t\r\n\v\f", *at) != NULL) {
		return 1;
	}
	return strncmp(at, ideographic_space, 3) == 0 ? 3 : 0;
}

/* From behind its opening quote to the closing one, or the end. */
static const char *read_phrase(const char *at, struct term *ret)
{
	const char *end = strchr(at, '"');
	ret->quoted = true;
	ret->text = at;
	ret->len = end != NULL ? (size_t)(end - at) : strlen(at);
	at += ret->len + (end != NULL ? 1 : 0);
	ret->prefix = *at == '*';
	return at + (ret->prefix ? 1 : 0);
}

static const char *read_word(const char *at, struct term *ret)
{
	ret->text = at;
	while (*at != '\0' && *at != '"' && space_at(at) == 0) {
		at++;
	}
	ret->len = (size_t)(at - ret->text);
	while (ret->len > 0 && ret->text[ret->len - 1] == '*') {
		ret->prefix = true;
		ret->len--;
	}
	return at;
}

/* False at the end. A term may be empty. */
static bool next_term(const char **cursor, struct term *ret)
{
	const char *at = *cursor;
	for (size_t space; (space = space_at(at)) > 0;) {
		at += space;
	}
	*ret = (struct term){.text = at};
	if (*at == '\0') {
		return false;
	}
	if (*at == '-') {
		ret->negative = true;
		at++;
	}
	*cursor = *at == '"' ? read_phrase(at + 1, ret) : read_word(at, ret);
	return true;
}

static bool is_or(const struct term *term)
{
	return !term->quoted && !term->negative && !term->prefix && term->len == 2 &&
		strncasecmp(term->text, "or", 2) == 0;
}

static bool is_blank(const struct term *term)
{
	for (size_t i = 0; i < term->len;) {
		size_t space = space_at(term->text + i);
		if (space == 0) {
			return false;
		}
		i += space;
	}
	return true;
}

static void add(json_t *list, const struct term *term)
{
	json_array_append_new(list,
		json_pack("{s:s%, s:b, s:b}", "text", term->text, term->len, "prefix",
			(int)term->prefix, "not", (int)term->negative));
}

/* Takes a list that has come to its end; an empty one is nothing. */
static enum sl_err close_list(json_t *lists, json_t *list, struct sl_error *reterr)
{
	size_t i;
	json_t *term;
	bool positive = false;
	json_array_foreach (list, i, term) {
		positive = positive || json_is_false(json_object_get(term, "not"));
	}
	if (json_array_size(list) > 0 && !positive) {
		return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, POINTER,
			"says only what must not be said; add a word that must");
	}
	if (positive) {
		json_array_append(lists, list);
	}
	return SL_ERR_OK;
}

enum sl_err sl_search_terms_parse(const char *text, json_t **ret, struct sl_error *reterr)
{
	json_auto_t *lists = json_array();
	json_auto_t *list = json_array();
	struct term term;
	int count = 0;
	enum sl_err err = SL_ERR_OK;
	while (err == SL_ERR_OK && next_term(&text, &term)) {
		if (is_or(&term)) {
			err = close_list(lists, list, reterr);
			json_decref(list);
			list = json_array();
		} else if (!is_blank(&term)) {
			add(list, &term);
			count++;
		}
		if (count > SL_SEARCH_TERMS_MAX) {
			return sl_error_set_at(reterr, SL_ERR_BAD_PARAMETER, POINTER,
				"has more than %d words and phrases", SL_SEARCH_TERMS_MAX);
		}
	}
	if (err == SL_ERR_OK) {
		err = close_list(lists, list, reterr);
	}
	if (err == SL_ERR_OK && json_array_size(lists) == 0) {
		return sl_error_set_at(
			reterr, SL_ERR_BAD_PARAMETER, POINTER, "has no word to look for");
	}
	if (err == SL_ERR_OK) {
		*ret = sl_take(&lists);
	}
	return err;
}
