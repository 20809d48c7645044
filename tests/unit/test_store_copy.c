/* SPDX-License-Identifier: Apache-2.0 */
/* store/: COPY on a real server: every byte it must carry, many rows, and every way to fail. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "store_schema.h"

#define THINGS "spotlist_data.things (id, name, ratio, flag)"

static struct sl_pg *connect_to(const char *where)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_OK, sl_pg_connect(where, "test_store_copy", &pg, &error), &error);
	return pg;
}

static int64_t things_stored(struct sl_pg *pg)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_count, &rows, NULL), SL_ERR_OK);
	return sl_pg_i64(&rows, 0, "count");
}

static const char *const awkward[] = {
	"",
	"\\N",
	"\\.",
	"\\",
	"\\\\",
	"tab\there",
	"\t",
	"line\nfeed\n",
	"carriage\r\nreturn",
	"\\t is no tab, \\x41 no A, \\101 neither",
	"\b\f\v\x01\x7f",
	"한국어 é e\xcc\x81 🎬 \xe2\x80\xa8",
	"quote ' double \" comma , semicolon ; dollar $1 null",
	NULL,
};

static enum sl_err copy_awkward(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = sl_pg_copy_begin(pg, THINGS, reterr);
	for (size_t i = 0; !err && i < SL_ARRAY_SIZE(awkward); i++) {
		const struct sl_pg_param row[] = {SL_PG_I64((int64_t)i), SL_PG_TEXT(awkward[i]),
			SL_PG_F64(0.1), SL_PG_BOOL(i % 2 == 0)};
		err = sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
	}
	return err ? err : sl_pg_copy_end(pg, reterr);
}

static void copy_carries_every_text(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "copy", copy_awkward, NULL, &error), &error);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	for (size_t i = 0; i < SL_ARRAY_SIZE(awkward); i++) {
		enum sl_err err =
			sl_pg_exec(pg, SL_SQL_thing_get, &rows, NULL, SL_PG_I64((int64_t)i));
		assert_int_equal(err, SL_ERR_OK);
		assert_int_equal(rows.count, 1);
		if (awkward[i]) {
			assert_string_equal(sl_pg_text(&rows, 0, "name"), awkward[i]);
		} else {
			assert_true(sl_pg_null(&rows, 0, "name"));
		}
		assert_true(sl_pg_f64(&rows, 0, "ratio") == 0.1);
		assert_int_equal(sl_pg_bool(&rows, 0, "flag"), i % 2 == 0);
	}
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

struct bulk {
	int64_t rows;
	int64_t bad_row; /* 0: none; this one has no integer */
	bool give_up;    /* before the end */
	bool terminate;  /* in the middle */
	const char *text;
};

static enum sl_err copy_bulk(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct bulk *bulk = context;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows pid = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_backend_pid, &pid, reterr);
	if (!err) {
		err = sl_pg_copy_begin(pg, THINGS, reterr);
	}
	for (int64_t id = 1; !err && id <= bulk->rows; id++) {
		const struct sl_pg_param row[] = {
			id == bulk->bad_row ? SL_PG_TEXT("seven") : SL_PG_I64(id),
			SL_PG_TEXT(bulk->text), SL_PG_F64((double)id / 3), SL_PG_NULL};
		err = sl_pg_copy_row(pg, row, SL_ARRAY_SIZE(row), reterr);
		if (bulk->terminate && id == bulk->rows / 2) {
			SL_AUTO(sl_freep)
			char *sql = sl_asprintf("SELECT pg_terminate_backend(%s, 10000)::int",
				sl_pg_text(&pid, 0, "pid"));
			(void)fixture_sql(conninfo, sql);
		}
	}
	if (!err && bulk->give_up) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "no more data");
	}
	return err ? err : sl_pg_copy_end(pg, reterr);
}

static void copy_carries_many_rows(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct bulk bulk = {.rows = 200000, .text = "Person\tand\nBicycle 🚲"};
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "copy", copy_bulk, &bulk, &error), &error);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_count, &rows, NULL), SL_ERR_OK);
	assert_int_equal(sl_pg_i64(&rows, 0, "count"), bulk.rows);
	assert_int_equal(sl_pg_i64(&rows, 0, "sum"), bulk.rows * (bulk.rows + 1) / 2);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, &rows, NULL), SL_ERR_OK);
	assert_int_equal(rows.count, bulk.rows);
}

static void copy_carries_large_values(void **state)
{
	(void)state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf large = SL_BUF_INIT;
	while (large.len < 5000000) {
		sl_buf_puts(&large, "0123456789\t\n\\");
	}
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct bulk bulk = {.rows = 3, .text = sl_buf_str(&large)};
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "copy", copy_bulk, &bulk, &error), &error);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_get, &rows, NULL, SL_PG_I64(3)), SL_ERR_OK);
	assert_int_equal(sl_pg_text_len(&rows, 0, "name"), large.len);
	assert_string_equal(sl_pg_text(&rows, 0, "name"), sl_buf_str(&large));
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

static void copy_that_fails_stores_nothing_and_leaves_the_connection_usable(void **state)
{
	(void)state;
	static const struct {
		struct bulk bulk;
		enum sl_err err;
		const char *detail;
	} cases[] = {
		{{.rows = 20, .bad_row = 3}, SL_ERR_DATABASE,
			"spotlist_data.things (id, name, "
			"ratio, flag): SQLSTATE 22P02"},
		{{.rows = 50000, .bad_row = 3}, SL_ERR_DATABASE, "SQLSTATE 22P02"},
		{{.rows = 20, .give_up = true}, SL_ERR_AWS_PROTOCOL, "no more data"},
		{{.rows = 50000, .give_up = true}, SL_ERR_AWS_PROTOCOL, "no more data"},
		{{.rows = 20, .terminate = true}, SL_ERR_DATABASE_UNAVAILABLE, ""},
		{{.rows = 50000, .terminate = true}, SL_ERR_DATABASE_UNAVAILABLE, ""},
		{{.rows = 20, .terminate = true, .give_up = true}, SL_ERR_AWS_PROTOCOL, ""},
		{{.rows = 2, .text = "\xff"}, SL_ERR_DATABASE, "SQLSTATE 22021"},
	};
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct bulk bulk = cases[i].bulk;
		enum sl_err err = sl_pg_tx(pg, "copy", copy_bulk, &bulk, &error);
		assert_err(cases[i].err, err, &error);
		assert_non_null(strstr(error.detail, cases[i].detail));
		assert_null(sl_pg_open_tx(pg));
		assert_int_equal(things_stored(pg), 0);
	}
}

static enum sl_err copy_nothing(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = sl_pg_copy_begin(pg, THINGS, reterr);
	return err ? err : sl_pg_copy_end(pg, reterr);
}

static enum sl_err copy_to_nowhere(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	return sl_pg_copy_begin(pg, "spotlist_data.nowhere (a)", reterr);
}

static void copy_of_no_rows_is_fine_and_of_no_table_is_not(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "copy", copy_nothing, NULL, &error), &error);
	assert_err(SL_ERR_DATABASE, sl_pg_tx(pg, "copy", copy_to_nowhere, NULL, &error), &error);
	assert_non_null(strstr(error.detail, "42P01"));
	assert_int_equal(things_stored(pg), 0);
}

/* --- mistakes of ours --------------------------------------------------------------------- */

static enum sl_err leave_copy_open(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	return sl_pg_copy_begin(pg, THINGS, reterr);
}

static enum sl_err run_during_copy(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = sl_pg_copy_begin(pg, THINGS, reterr);
	return err ? err : sl_pg_exec(pg, SL_SQL_backend_pid, NULL, reterr);
}

static enum sl_err vary_columns(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	const struct sl_pg_param row[] = {SL_PG_I64(1), SL_PG_NULL, SL_PG_NULL, SL_PG_NULL};
	enum sl_err err = sl_pg_copy_begin(pg, THINGS, reterr);
	for (int count = 4; !err && count > 0; count--) {
		err = sl_pg_copy_row(pg, row, count, reterr);
	}
	return err;
}

static void run_in_tx(void *context)
{
	struct sl_pg *pg = NULL;
	sl_tx_fn *const *fn = context;
	enum sl_err err = sl_pg_connect(conninfo, "mistake", &pg, NULL);
	err = err ? err : sl_pg_tx(pg, "outer", *fn, NULL, NULL);
	(void)err;
}

static void copy_outside(void *context)
{
	(void)context;
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_connect(conninfo, "mistake", &pg, NULL);
	err = err ? err : sl_pg_copy_begin(pg, THINGS, NULL);
	(void)err;
}

static void misuse_of_copy_aborts(void **state)
{
	(void)state;
	static sl_tx_fn *const mistakes[] = {leave_copy_open, run_during_copy, vary_columns};
	for (size_t i = 0; i < SL_ARRAY_SIZE(mistakes); i++) {
		sl_tx_fn *mistake = mistakes[i];
		assert_true(fixture_aborts(run_in_tx, &mistake));
	}
	assert_true(fixture_aborts(copy_outside, NULL));
	sl_tx_fn *fine = copy_nothing;
	assert_false(fixture_aborts(run_in_tx, &fine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_carries_every_text),
		cmocka_unit_test(copy_carries_many_rows),
		cmocka_unit_test(copy_carries_large_values),
		cmocka_unit_test(copy_that_fails_stores_nothing_and_leaves_the_connection_usable),
		cmocka_unit_test(copy_of_no_rows_is_fine_and_of_no_table_is_not),
		cmocka_unit_test(misuse_of_copy_aborts),
	};
	return cmocka_run_group_tests_name("store_copy", tests, set_up, tear_down);
}
