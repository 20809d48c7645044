/* SPDX-License-Identifier: Apache-2.0 */
/* The form of tokens, the header that carries them, and the tables of those that are known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "access_cache.h"
#include "mem.h"
#include "token.h"

static void a_token_is_plausible_and_no_two_are_alike(void **state)
{
	(void)state;
	char before[SL_TOKEN_SIZE] = "";
	for (int i = 0; i < 1000; i++) {
		char token[SL_TOKEN_SIZE];
		sl_token_create(token);
		assert_int_equal(strlen(token), SL_TOKEN_LEN);
		assert_int_equal(strncmp(token, SL_TOKEN_PREFIX, strlen(SL_TOKEN_PREFIX)), 0);
		assert_true(sl_token_plausible(token, SL_TOKEN_LEN));
		assert_true(sl_token_occurs(token));
		assert_string_not_equal(token, before);
		memcpy(before, token, sizeof(before));
	}
}

/* The checksum as docs/access.md tells it: Python's zlib.crc32() made these. */
static void the_checksum_is_the_documented_one(void **state)
{
	(void)state;
	static const char *const tokens[] = {
		"spotlist_000000000000000000000000000000000000000000049qSdJ",
		"spotlist_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq2PiOjC",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(tokens); i++) {
		assert_true(sl_token_plausible(tokens[i], strlen(tokens[i])));
	}
}

static void every_change_of_a_character_is_noticed(void **state)
{
	(void)state;
	char token[SL_TOKEN_SIZE];
	sl_token_create(token);
	for (size_t i = 0; i < SL_TOKEN_LEN; i++) {
		char kept = token[i];
		token[i] = kept == 'x' ? 'y' : 'x';
		assert_false(sl_token_plausible(token, SL_TOKEN_LEN));
		token[i] = '\xc3';
		assert_false(sl_token_plausible(token, SL_TOKEN_LEN));
		token[i] = kept;
		assert_false(sl_token_plausible(token, i));
	}
	assert_true(sl_token_plausible(token, SL_TOKEN_LEN));
}

static void a_token_is_seen_wherever_it_stands(void **state)
{
	(void)state;
	char token[SL_TOKEN_SIZE];
	sl_token_create(token);
	SL_AUTO(sl_freep)
	char *inside = sl_asprintf("a=1&b=xspotlist_%s&c", token);
	assert_true(sl_token_occurs(inside));
	assert_false(sl_token_occurs("q=spotlist_&spotlist_short=spotlist_too-short"));
	assert_false(sl_token_occurs(""));
}

static void the_header_is_read_as_rfc_6750_has_it(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		enum sl_bearer kind;
		const char *token;
	} rows[] = {
		{NULL, SL_BEARER_ABSENT, NULL},
		{"", SL_BEARER_ABSENT, NULL},
		{"Basic dXNlcjpwYXNz", SL_BEARER_ABSENT, NULL},
		{"Bearers abc", SL_BEARER_ABSENT, NULL},
		{"Bearer-x abc", SL_BEARER_ABSENT, NULL},
		{"Bearer", SL_BEARER_MALFORMED, NULL},
		{"Bearer ", SL_BEARER_MALFORMED, NULL},
		{"Bearer=abc", SL_BEARER_MALFORMED, NULL},
		{"Bearer\tabc", SL_BEARER_MALFORMED, NULL},
		{"Bearer a b", SL_BEARER_MALFORMED, NULL},
		{"Bearer a,b", SL_BEARER_MALFORMED, NULL},
		{"Bearer \"abc\"", SL_BEARER_MALFORMED, NULL},
		{"Bearer =", SL_BEARER_MALFORMED, NULL},
		{"Bearer a=b", SL_BEARER_MALFORMED, NULL},
		{"Bearer a\xc3\xa9", SL_BEARER_MALFORMED, NULL},
		{"Bearer abc", SL_BEARER_GIVEN, "abc"},
		{"bEARER abc", SL_BEARER_GIVEN, "abc"},
		{"Bearer   abc \t", SL_BEARER_GIVEN, "abc"},
		{"Bearer a-._~+/Z9==", SL_BEARER_GIVEN, "a-._~+/Z9=="},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		const char *token = NULL;
		size_t len = 0;
		enum sl_bearer kind = sl_bearer_parse(rows[i].header, &token, &len);
		bool same = rows[i].token == NULL ? token == NULL
						  : token != NULL && len == strlen(rows[i].token) &&
				memcmp(token, rows[i].token, len) == 0;
		if (kind != rows[i].kind || !same) {
			fail_msg("\"%s\" is %d", rows[i].header, kind);
		}
	}
}

static void scopes_and_names_are_checked(void **state)
{
	(void)state;
	assert_int_equal(sl_scope_parse("read"), SL_SCOPE_READ);
	assert_int_equal(sl_scope_parse("submit"), SL_SCOPE_SUBMIT);
	assert_int_equal(sl_scope_parse("admin"), SL_SCOPE_ADMIN);
	assert_int_equal(sl_scope_parse("none"), SL_SCOPE_NONE);
	assert_int_equal(sl_scope_parse("Read"), SL_SCOPE_NONE);
	assert_int_equal(sl_scope_parse(NULL), SL_SCOPE_NONE);
	assert_true(sl_token_name_valid("news.room_2@example/x:y+z-1"));
	char token[SL_TOKEN_SIZE];
	sl_token_create(token);
	char name[SL_TOKEN_NAME_MAX + 2];
	memset(name, 'n', sizeof(name));
	name[SL_TOKEN_NAME_MAX + 1] = '\0';
	const char *const bad[] = {"", "a b", "a\nb", "\xc3\xa9", "\"", token, name};
	for (size_t i = 0; i < SL_ARRAY_SIZE(bad); i++) {
		assert_false(sl_token_name_valid(bad[i]));
	}
	name[SL_TOKEN_NAME_MAX] = '\0';
	assert_true(sl_token_name_valid(name));
}

/* --- the tables ---------------------------------------------------------------------------- */

/* A hash of its own for each number, all of one set or, with `spread`, of many. */
static const unsigned char *hash_of(unsigned number, bool spread)
{
	static unsigned char hash[SL_TOKEN_HASH_LEN];
	memset(hash, 0, sizeof(hash));
	memcpy(hash + 4, &number, sizeof(number));
	hash[0] = spread ? (unsigned char)number : 0;
	return hash;
}

static void what_was_used_longest_ago_gives_way(void **state)
{
	(void)state;
	struct sl_access_cache *cache = sl_access_cache_create();
	for (unsigned i = 0; i < 8; i++) {
		sl_access_cache_put(cache, hash_of(i, false))->used_ms = 100 + i;
	}
	sl_access_cache_find(cache, hash_of(0, false))->used_ms = 200;
	sl_access_cache_put(cache, hash_of(8, false))->used_ms = 201;
	assert_non_null(sl_access_cache_find(cache, hash_of(0, false)));
	assert_null(sl_access_cache_find(cache, hash_of(1, false)));
	for (unsigned i = 2; i <= 8; i++) {
		assert_non_null(sl_access_cache_find(cache, hash_of(i, false)));
	}
	/* A place that is free again is taken first. */
	sl_access_cache_remove(sl_access_cache_find(cache, hash_of(5, false)));
	sl_access_cache_put(cache, hash_of(9, false));
	assert_non_null(sl_access_cache_find(cache, hash_of(2, false)));
	sl_access_cache_destroy(cache);
}

static void guesses_drive_out_guesses_only(void **state)
{
	(void)state;
	struct sl_access_cache *cache = sl_access_cache_create();
	for (unsigned i = 0; i < 256; i++) {
		sl_access_cache_put(cache, hash_of(i, true))->used_ms = 1;
	}
	for (unsigned i = 1000; i < 100000; i++) {
		sl_access_cache_refuse(cache, hash_of(i, true), SL_REFUSAL_UNKNOWN, 1000 + i);
	}
	for (unsigned i = 0; i < 256; i++) {
		assert_non_null(sl_access_cache_find(cache, hash_of(i, true)));
	}
	assert_int_equal(
		sl_access_cache_refused(cache, hash_of(99999, true), 0), SL_REFUSAL_UNKNOWN);
	assert_int_equal(sl_access_cache_refused(cache, hash_of(1000, true), 0), SL_REFUSAL_NONE);
	sl_access_cache_destroy(cache);
}

static void a_refusal_ends_by_time_or_by_news(void **state)
{
	(void)state;
	struct sl_access_cache *cache = sl_access_cache_create();
	sl_access_cache_refuse(cache, hash_of(1, true), SL_REFUSAL_EXPIRED, 100);
	assert_int_equal(sl_access_cache_refused(cache, hash_of(1, true), 99), SL_REFUSAL_EXPIRED);
	assert_int_equal(sl_access_cache_refused(cache, hash_of(1, true), 100), SL_REFUSAL_NONE);
	assert_int_equal(sl_access_cache_refused(cache, hash_of(2, true), 99), SL_REFUSAL_NONE);
	sl_access_cache_hear(cache, "someone");
	assert_int_equal(sl_access_cache_refused(cache, hash_of(1, true), 99), SL_REFUSAL_NONE);
	sl_access_cache_destroy(cache);
}

static void news_of_one_removes_it_and_of_all_asks_again(void **state)
{
	(void)state;
	struct sl_access_cache *cache = sl_access_cache_create();
	memcpy(sl_access_cache_put(cache, hash_of(1, true))->id, "one", sizeof("one"));
	memcpy(sl_access_cache_put(cache, hash_of(2, true))->id, "two", sizeof("two"));
	sl_access_cache_hear(cache, "one");
	assert_null(sl_access_cache_find(cache, hash_of(1, true)));
	assert_false(sl_access_cache_find(cache, hash_of(2, true))->stale);
	sl_access_cache_hear(cache, NULL);
	assert_true(sl_access_cache_find(cache, hash_of(2, true))->stale);
	sl_access_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_plausible_and_no_two_are_alike),
		cmocka_unit_test(the_checksum_is_the_documented_one),
		cmocka_unit_test(every_change_of_a_character_is_noticed),
		cmocka_unit_test(a_token_is_seen_wherever_it_stands),
		cmocka_unit_test(the_header_is_read_as_rfc_6750_has_it),
		cmocka_unit_test(scopes_and_names_are_checked),
		cmocka_unit_test(what_was_used_longest_ago_gives_way),
		cmocka_unit_test(guesses_drive_out_guesses_only),
		cmocka_unit_test(a_refusal_ends_by_time_or_by_news),
		cmocka_unit_test(news_of_one_removes_it_and_of_all_asks_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
