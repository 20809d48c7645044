/* SPDX-License-Identifier: Apache-2.0 */
/* What is typed into a search, and the terms that it means. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "mem.h"
#include "search_terms.h"

/* "a b*|-c" for [[a, b prefix], [not c]]. */
static void describe(const json_t *lists, struct sl_buf *out)
{
	size_t i, j;
	json_t *list, *term;
	json_array_foreach (lists, i, list) {
		sl_buf_puts(out, i > 0 ? "|" : "");
		json_array_foreach (list, j, term) {
			sl_buf_printf(out, "%s%s[%s]%s", j > 0 ? " " : "",
				json_is_true(json_object_get(term, "not")) ? "-" : "",
				json_string_value(json_object_get(term, "text")),
				json_is_true(json_object_get(term, "prefix")) ? "*" : "");
		}
	}
}

static void what_is_typed_becomes_terms(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"fox", "[fox]"},
		{"quick  fox\t", "[quick] [fox]"},
		{"\"quick fox\" den", "[quick fox] [den]"},
		{"\"never closed", "[never closed]"},
		{"a\"b c\"d", "[a] [b c] [d]"},
		{"fox -hen -\"two hens\"", "[fox] -[hen] -[two hens]"},
		{"fox or hen OR duck", "[fox]|[hen]|[duck]"},
		{"or fox or", "[fox]"},
		{"\"or\" -x", "[or] -[x]"},
		{"qui* \"lazy do\"*", "[qui]* [lazy do]*"},
		{"f**", "[f]*"},
		{"* - -\"\" \" \" x", "[x]"},
		{"re-run", "[re-run]"},
		{"東京　タワー", "[東京] [タワー]"},
		{"a & b | !c <-> d:*", "[a] [&] [b] [|] [!c] [<->] [d:]*"},
		{"'; DROP TABLE videos; --", "[';] [DROP] [TABLE] [videos;] -[-]"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		json_auto_t *lists = NULL;
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		assert_int_equal(sl_search_terms_parse(rows[i][0], &lists, NULL), SL_ERR_OK);
		describe(lists, &out);
		assert_string_equal(sl_buf_str(&out), rows[i][1]);
	}
}

static void assert_refused(const char *text, const char *why)
{
	json_auto_t *lists = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_int_equal(sl_search_terms_parse(text, &lists, &error), SL_ERR_BAD_PARAMETER);
	assert_null(lists);
	assert_string_equal(error.pointer, "?q");
	assert_string_equal(error.detail, why);
}

static void what_asks_for_nothing_is_refused(void **state)
{
	(void)state;
	static const char nothing[] = "has no word to look for";
	static const char only_not[] = "says only what must not be said; add a word that must";
	assert_refused("", nothing);
	assert_refused("  　\"\" - * or or", nothing);
	assert_refused("-fox", only_not);
	assert_refused("hen or -fox", only_not);
	SL_AUTO(sl_buf_finish)
	struct sl_buf many = SL_BUF_INIT;
	for (int i = 0; i < SL_SEARCH_TERMS_MAX; i++) {
		sl_buf_puts(&many, "a ");
	}
	json_auto_t *lists = NULL;
	assert_int_equal(sl_search_terms_parse(sl_buf_str(&many), &lists, NULL), SL_ERR_OK);
	sl_buf_putc(&many, 'a');
	assert_refused(sl_buf_str(&many), "has more than 32 words and phrases");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_typed_becomes_terms),
		cmocka_unit_test(what_asks_for_nothing_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
