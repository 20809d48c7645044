/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: they come back as they went, and nothing else does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cursor.h"
#include "mem.h"

static const struct sl_buf scope = {(char *)(uintptr_t) "GET /videos?a=1", 15, 0};

static char *write_one(void)
{
	const struct sl_cursor_field fields[] = {
		SL_CURSOR_F64(-0.125), SL_CURSOR_TEXT("Zo\xc3\xab"), SL_CURSOR_I64(INT64_MIN)};
	return sl_cursor_write(&scope, fields, SL_ARRAY_SIZE(fields));
}

static bool is_read(const char *text, const struct sl_buf *for_scope, const char *kinds)
{
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor cursor = {.count = 0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_cursor_read(text, for_scope, kinds, &cursor, &error);
	if (err != SL_ERR_OK) {
		assert_int_equal(err, SL_ERR_BAD_PARAMETER);
		assert_string_equal(error.pointer, "?cursor");
		assert_int_equal(cursor.count, 0);
	}
	return err == SL_ERR_OK;
}

static void fields_come_back(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *text = write_one();
	assert_int_equal(
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		strlen(text));
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor cursor = {.count = 0};
	assert_int_equal(sl_cursor_read(text, &scope, "fti", &cursor, NULL), SL_ERR_OK);
	assert_int_equal(cursor.count, 3);
	assert_true(cursor.fields[0].real == -0.125);
	assert_string_equal(cursor.fields[1].text, "Zo\xc3\xab");
	assert_true(cursor.fields[2].number == INT64_MIN);
}

static void null_and_empty_texts_differ(void **state)
{
	(void)state;
	const struct sl_cursor_field fields[] = {SL_CURSOR_TEXT(NULL), SL_CURSOR_TEXT("")};
	SL_AUTO(sl_freep)
	char *text = sl_cursor_write(&scope, fields, 2);
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor cursor = {.count = 0};
	assert_int_equal(sl_cursor_read(text, &scope, "tt", &cursor, NULL), SL_ERR_OK);
	assert_null(cursor.fields[0].text);
	assert_string_equal(cursor.fields[1].text, "");
}

static void another_request_s_cursor_is_refused(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *text = write_one();
	const struct sl_buf other = {(char *)(uintptr_t) "GET /videos?a=2", 15, 0};
	const struct sl_buf none = SL_BUF_INIT;
	assert_true(is_read(text, &scope, "fti"));
	assert_false(is_read(text, &other, "fti"));
	assert_false(is_read(text, &none, "fti"));
	assert_false(is_read(text, &scope, "ft"));
	assert_false(is_read(text, &scope, "ftit"));
	assert_false(is_read(text, &scope, "ifi"));
	assert_false(is_read(text, &scope, ""));
}

static void every_change_of_a_character_is_noticed(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *text = write_one();
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		char kept = text[i];
		for (int c = 1; c < 256; c++) {
			text[i] = (char)c;
			if ((char)c != kept && is_read(text, &scope, "fti")) {
				fail_msg("byte %zu may be %d", i, c);
			}
		}
		text[i] = '\0';
		assert_false(is_read(text, &scope, "fti"));
		text[i] = kept;
	}
	SL_AUTO(sl_freep)
	char *longer = sl_asprintf("%sA", text);
	assert_false(is_read(longer, &scope, "fti"));
	SL_AUTO(sl_freep)
	char *padded = sl_asprintf("%s=", text);
	assert_false(is_read(padded, &scope, "fti"));
}

static void forged_fields_are_checked_all_the_same(void **state)
{
	(void)state;
	/* As a client would that computes the checksum: written as numbers, read as something else.
	 */
	static const struct {
		int64_t number;
		const char *kinds;
	} rows[] = {
		{INT64_C(0x7ff8000000000000), "f"}, /* NaN */
		{INT64_C(0x7ff0000000000000), "f"}, /* infinity */
		{5, "t"},                           /* longer than what follows */
		{INT64_MAX, "t"},
		{-2, "t"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_freep)
		char *text = sl_cursor_write(&scope, &SL_CURSOR_I64(rows[i].number), 1);
		assert_true(is_read(text, &scope, "i"));
		assert_false(is_read(text, &scope, rows[i].kinds));
	}
	SL_AUTO(sl_freep)
	char *bad_utf8 = sl_cursor_write(&scope, &SL_CURSOR_TEXT("\xff\xfe"), 1);
	assert_false(is_read(bad_utf8, &scope, "t"));
	const struct sl_cursor_field lying[] = {
		SL_CURSOR_I64(7), SL_CURSOR_I64(INT64_C(0x4100420043004400))};
	SL_AUTO(sl_freep)
	char *embedded_nul = sl_cursor_write(&scope, lying, 2);
	assert_false(is_read(embedded_nul, &scope, "t"));
}

static void what_is_too_long_has_no_cursor(void **state)
{
	(void)state;
	char text[SL_CURSOR_MAX_BYTES];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(sl_cursor_write(&scope, &SL_CURSOR_TEXT(text), 1));
	text[3000] = '\0';
	SL_AUTO(sl_freep)
	char *long_one = sl_cursor_write(&scope, &SL_CURSOR_TEXT(text), 1);
	assert_true(is_read(long_one, &scope, "t"));
}

static void rubbish_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "A", "AA", "AAAA", "====", "\xc3\xa9", " ",
		"AAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "../../etc/passwd",
		"' OR 1=1 --"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		assert_false(is_read(texts[i], &scope, "i"));
		assert_false(is_read(texts[i], &scope, ""));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_back),
		cmocka_unit_test(null_and_empty_texts_differ),
		cmocka_unit_test(another_request_s_cursor_is_refused),
		cmocka_unit_test(every_change_of_a_character_is_noticed),
		cmocka_unit_test(forged_fields_are_checked_all_the_same),
		cmocka_unit_test(what_is_too_long_has_no_cursor),
		cmocka_unit_test(rubbish_is_refused),
	};
	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
