/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that come twice, and tokens that lead nowhere. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "paging.h"

/* A page with items `from` … `to`. */
static json_t *make_page(int from, int to)
{
	json_t *items = json_array();
	for (int i = from; i <= to; i++) {
		json_array_append_new(items, json_pack("{s:i}", "Timestamp", i));
	}
	return items;
}

struct page {
	const char *asked, *next;
	int from, to; /* items; from > to: none */
	enum sl_err err;
	bool is_new;
};

static void run(const struct page *pages, size_t count)
{
	SL_AUTO(sl_paging_finish)
	struct sl_paging paging = {0};
	for (size_t i = 0; i < count; i++) {
		const struct page *page = &pages[i];
		json_t *items = make_page(page->from, page->to);
		bool is_new = !page->is_new;
		enum sl_err err =
			sl_paging_check(&paging, page->asked, page->next, items, &is_new, NULL);
		json_decref(items);
		assert_int_equal(err, page->err);
		if (err == SL_ERR_OK) {
			assert_int_equal(is_new, page->is_new);
		}
	}
}

static void pages_in_a_row_are_all_new(void **state)
{
	(void)state;
	const struct page pages[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", "b", 10, 19, SL_ERR_OK, true},
		{"b", "c", 1, 0, SL_ERR_OK, true}, /* an empty one in between */
		{"c", "d", 1, 0, SL_ERR_OK, true},
		{"d", NULL, 20, 20, SL_ERR_OK, true},
	};
	run(pages, SL_ARRAY_SIZE(pages));
}

static void a_page_twice_is_left_out_whatever_its_token(void **state)
{
	(void)state;
	const struct page same_token[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", "a", 0, 9, SL_ERR_OK, false},
		{"a", "b", 10, 19, SL_ERR_OK, true},
		{"b", NULL, 20, 29, SL_ERR_OK, true},
	};
	run(same_token, SL_ARRAY_SIZE(same_token));
	const struct page other_token[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", "b", 0, 9, SL_ERR_OK, false},
		{"b", NULL, 10, 19, SL_ERR_OK, true},
	};
	run(other_token, SL_ARRAY_SIZE(other_token));
	const struct page at_the_end[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", NULL, 0, 9, SL_ERR_OK, false},
	};
	run(at_the_end, SL_ARRAY_SIZE(at_the_end));
}

static void pages_that_differ_in_the_middle_of_a_second_are_kept(void **state)
{
	(void)state;
	const struct page pages[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true}, {"a", "b", 0, 8, SL_ERR_OK, true}, /* shorter */
		{"b", NULL, 1, 9, SL_ERR_OK, true}, /* begins elsewhere */
	};
	run(pages, SL_ARRAY_SIZE(pages));
}

static void the_same_page_for_ever_is_given_up(void **state)
{
	(void)state;
	const struct page pages[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", "a", 0, 9, SL_ERR_OK, false},
		{"a", "a", 0, 9, SL_ERR_OK, false},
		{"a", "a", 0, 9, SL_ERR_OK, false},
		{"a", "a", 0, 9, SL_ERR_AWS_PROTOCOL, false},
	};
	run(pages, SL_ARRAY_SIZE(pages));
}

static void tokens_in_a_circle_are_noticed(void **state)
{
	(void)state;
	const struct page short_circle[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", "a", 10, 19, SL_ERR_AWS_PROTOCOL, false},
	};
	run(short_circle, SL_ARRAY_SIZE(short_circle));
	const struct page long_circle[] = {
		{NULL, "a", 0, 9, SL_ERR_OK, true},
		{"a", "b", 10, 19, SL_ERR_OK, true},
		{"b", "a", 20, 29, SL_ERR_AWS_PROTOCOL, false},
	};
	run(long_circle, SL_ARRAY_SIZE(long_circle));
	const struct page empty_circle[] = {
		{NULL, "a", 1, 0, SL_ERR_OK, true},
		{"a", "a", 1, 0, SL_ERR_AWS_PROTOCOL, false},
	};
	run(empty_circle, SL_ARRAY_SIZE(empty_circle));
}

static void endless_paging_has_an_end(void **state)
{
	(void)state;
	SL_AUTO(sl_paging_finish)
	struct sl_paging paging = {0};
	char token[32];
	bool is_new = false;
	enum sl_err err = SL_ERR_OK;
	int pages = 0;
	while (err == SL_ERR_OK) {
		(void)snprintf(token, sizeof(token), "token %d", ++pages);
		err = sl_paging_check(&paging, NULL, token, NULL, &is_new, NULL);
	}
	assert_int_equal(err, SL_ERR_AWS_PROTOCOL);
	assert_int_equal(pages, 20001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_in_a_row_are_all_new),
		cmocka_unit_test(a_page_twice_is_left_out_whatever_its_token),
		cmocka_unit_test(pages_that_differ_in_the_middle_of_a_second_are_kept),
		cmocka_unit_test(the_same_page_for_ever_is_given_up),
		cmocka_unit_test(tokens_in_a_circle_are_noticed),
		cmocka_unit_test(endless_paging_has_an_end),
	};
	return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
