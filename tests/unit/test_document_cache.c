/* SPDX-License-Identifier: Apache-2.0 */
/* What the cache of documents keeps, forgets and hears, with a real listener. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "document_cache.h"
#include "mem.h"
#include "store_schema.h"

#define ONE       "019a0000-0000-7000-8000-000000000001"
#define TWO       "019a0000-0000-7000-8000-000000000002"
#define FIRST     "aaaaaaaa-0000-4000-8000-000000000000"
#define SECOND    "bbbbbbbb-0000-4000-8000-000000000000"
#define PATIENCE  20000
#define SIZE      1000
#define BUDGET_OF 20 /* documents of that size */

static struct sl_content *content(char c, size_t len)
{
	struct sl_buf body = SL_BUF_INIT;
	for (size_t i = 0; i < len; i++) {
		sl_buf_putc(&body, c);
	}
	return sl_content_create(&body, NULL);
}

static void keep(struct sl_document_cache *cache, uint64_t era, const char *video,
	const char *document, size_t len)
{
	struct sl_content *made = content('x', len);
	sl_document_cache_keep(cache, era, video, document, made);
	sl_content_unref(made);
}

/* Its document, or "". */
static const char *found(struct sl_document_cache *cache, const char *video)
{
	static char document[SL_UUID_SIZE];
	SL_AUTO(sl_document_found_finish)
	struct sl_document_found one;
	sl_document_cache_find(cache, video, &one);
	memcpy(document, one.document, sizeof(document));
	return document;
}

/* Looks until it is so: what another thread does is not awaited otherwise. */
static void await(struct sl_document_cache *cache, const char *video, const char *document)
{
	int64_t deadline = sl_clock_monotonic_ms() + PATIENCE;
	const struct timespec pause = {.tv_nsec = 1000000};
	while (strcmp(found(cache, video), document) != 0) {
		assert_true(sl_clock_monotonic_ms() < deadline);
		nanosleep(&pause, NULL);
	}
}

static struct sl_document_cache *make(void)
{
	struct sl_document_cache *cache = sl_document_cache_create((size_t)SIZE * BUDGET_OF);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_document_cache_listen(cache, conninfo, &error), &error);
	int64_t deadline = sl_clock_monotonic_ms() + PATIENCE;
	const struct timespec pause = {.tv_nsec = 1000000};
	while (*found(cache, ONE) == '\0') { /* until it listens it keeps nothing */
		keep(cache, sl_document_cache_era(cache), ONE, FIRST, 10);
		assert_true(sl_clock_monotonic_ms() < deadline);
		nanosleep(&pause, NULL);
	}
	sl_document_cache_forget(cache, ONE);
	return cache;
}

static void nothing_is_kept_by_who_cannot_hear(void **state)
{
	(void)state;
	struct sl_document_cache *cache = sl_document_cache_create(1000000);
	keep(cache, sl_document_cache_era(cache), ONE, FIRST, 10);
	assert_string_equal(found(cache, ONE), "");
	sl_document_cache_destroy(cache);
}

static void what_is_kept_is_found_until_it_is_told(void **state)
{
	(void)state;
	struct sl_document_cache *cache = make();
	keep(cache, sl_document_cache_era(cache), ONE, FIRST, 10);
	keep(cache, sl_document_cache_era(cache), TWO, SECOND, 10);
	assert_string_equal(found(cache, ONE), FIRST);
	assert_string_equal(found(cache, TWO), SECOND);
	fixture_sql(conninfo, "SELECT 1 FROM pg_notify('spotlist_documents', '" ONE "')");
	await(cache, ONE, "");
	assert_string_equal(found(cache, TWO), SECOND);
	sl_document_cache_forget(cache, TWO);
	assert_string_equal(found(cache, TWO), "");
	sl_document_cache_destroy(cache);
}

/* A reader asks the database, the document changes, the reader is slow. */
static void what_came_too_late_is_not_kept(void **state)
{
	(void)state;
	struct sl_document_cache *cache = make();
	uint64_t era = sl_document_cache_era(cache);
	sl_document_cache_forget(cache, ONE);
	keep(cache, era, ONE, FIRST, 10);
	assert_string_equal(found(cache, ONE), "");
	keep(cache, sl_document_cache_era(cache), ONE, SECOND, 10);
	assert_string_equal(found(cache, ONE), SECOND);
	sl_document_cache_destroy(cache);
}

static void the_least_used_goes_and_the_huge_is_not_let_in(void **state)
{
	(void)state;
	struct sl_document_cache *cache = make();
	char video[SL_UUID_SIZE];
	keep(cache, sl_document_cache_era(cache), ONE, FIRST, SIZE / 2);
	keep(cache, sl_document_cache_era(cache), TWO, SECOND, (size_t)SIZE * BUDGET_OF / 2);
	assert_string_equal(found(cache, TWO), "");
	for (int i = 0; i < BUDGET_OF * 4; i++) {
		snprintf(video, sizeof(video), "019a0000-0000-7000-8000-%012d", 100 + i);
		keep(cache, sl_document_cache_era(cache), video, SECOND, SIZE / 2);
		assert_string_equal(found(cache, video), SECOND);
		assert_string_equal(found(cache, ONE), FIRST); /* which makes it the latest used */
	}
	assert_string_equal(found(cache, "019a0000-0000-7000-8000-000000000100"), "");
	sl_document_cache_destroy(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_kept_by_who_cannot_hear),
		cmocka_unit_test(what_is_kept_is_found_until_it_is_told),
		cmocka_unit_test(what_came_too_late_is_not_kept),
		cmocka_unit_test(the_least_used_goes_and_the_huge_is_not_let_in),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
