/* SPDX-License-Identifier: Apache-2.0 */
/* store/: rows made ahead of their COPY, and rows read one at a time, on a real server. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "row.h"
#include "store_schema.h"

#define THINGS "spotlist_data.things (id, name, ratio)"

static struct sl_pg *connect_here(void)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_OK, sl_pg_connect(conninfo, "test_store_bulk", &pg, &error), &error);
	return pg;
}

/* --- rows made ahead ------------------------------------------------------------------------ */

static const struct {
	int64_t id;
	const char *name;
	double ratio;
} things[] = {
	{0, "", 0.1},
	{-1, NULL, -0.0},
	{INT64_MAX, "\\N\ttab\nline \\.", 1.0 / 3},
	{INT64_MIN, "한국어 🎬", HUGE_VAL},
	{42, "\xc2\xa0", 5e-324},
};

struct making {
	struct sl_buf rows;
	size_t piece; /* bytes sent at a time */
};

static enum sl_err copy_made(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	const struct making *making = context;
	enum sl_err err = sl_pg_copy_begin_made(pg, THINGS, reterr);
	for (size_t at = 0; !err && at < making->rows.len; at += making->piece) {
		size_t left = making->rows.len - at;
		err = sl_pg_copy_made(pg, making->rows.data + at,
			left < making->piece ? left : making->piece, reterr);
	}
	return err ? err : sl_pg_copy_end(pg, reterr);
}

static void make_things(struct sl_buf *out)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(things); i++) {
		sl_row_begin(out, 3);
		sl_row_i64(out, things[i].id);
		sl_row_text(out, things[i].name);
		sl_row_f64(out, things[i].ratio);
	}
}

static void made_rows_carry_every_value_in_any_pieces(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_here();
	static const size_t pieces[] = {1, 7, 1000000};
	for (size_t p = 0; p < SL_ARRAY_SIZE(pieces); p++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct making making = {.piece = pieces[p]};
		make_things(&making.rows);
		assert_err(SL_ERR_OK, sl_pg_tx(pg, "made", copy_made, &making, &error), &error);
		for (size_t i = 0; i < SL_ARRAY_SIZE(things); i++) {
			SL_AUTO(sl_pg_rows_finish)
			struct sl_pg_rows row = {0};
			enum sl_err err = sl_pg_exec(
				pg, SL_SQL_thing_get, &row, NULL, SL_PG_I64(things[i].id));
			assert_int_equal(err, SL_ERR_OK);
			assert_int_equal(row.count, 1);
			assert_true(sl_pg_f64(&row, 0, "ratio") == things[i].ratio);
			assert_int_equal(sl_pg_null(&row, 0, "name"), things[i].name == NULL);
			if (things[i].name != NULL) {
				assert_string_equal(sl_pg_text(&row, 0, "name"), things[i].name);
			}
		}
		assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
		sl_buf_finish(&making.rows);
	}
}

static void made_uuids_and_integers_arrive(void **state)
{
	(void)state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf row = SL_BUF_INIT;
	sl_row_begin(&row, 2);
	sl_row_uuid(&row, "019a0000-0123-7abc-8def-00000000000f");
	sl_row_i32(&row, -2);
	static const unsigned char expected[] = {0, 2, 0, 0, 0, 16, 0x01, 0x9a, 0, 0, 0x01, 0x23,
		0x7a, 0xbc, 0x8d, 0xef, 0, 0, 0, 0, 0, 0x0f, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xfe};
	assert_int_equal(row.len, sizeof(expected));
	assert_memory_equal(row.data, expected, sizeof(expected));
}

static void made_rows_that_are_none_fail_and_leave_the_connection_usable(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_here();
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct making making = {.piece = 1000};
	make_things(&making.rows);
	making.rows.len -= 3;
	assert_err(SL_ERR_DATABASE, sl_pg_tx(pg, "made", copy_made, &making, &error), &error);
	assert_non_null(strstr(error.detail, "22P04"));
	assert_int_equal(fixture_sql(conninfo, "SELECT count(*) FROM spotlist_data.things"), 0);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
	sl_buf_finish(&making.rows);
}

/* --- one row at a time ---------------------------------------------------------------------- */

struct seen {
	int64_t rows, sum;
	int64_t stop_at; /* 0: never */
};

static enum sl_err see(void *context, const struct sl_pg_rows *row, struct sl_error *reterr)
{
	struct seen *seen = context;
	assert_int_equal(row->count, 1);
	seen->rows++;
	seen->sum += sl_pg_i64(row, 0, "id");
	return seen->rows == seen->stop_at ? sl_error_set(reterr, SL_ERR_IO, "no room") : SL_ERR_OK;
}

static enum sl_err read_things(
	struct sl_pg *pg, int64_t last, struct seen *seen, struct sl_error *error)
{
	const struct sl_pg_param params[] = {SL_PG_I64(last)};
	return sl_pg_each(pg, SL_SQL_thing_each, params, 1, see, seen, error);
}

static void rows_come_one_at_a_time(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_here();
	(void)fixture_sql(conninfo,
		"INSERT INTO spotlist_data.things SELECT i, repeat('x', 100) "
		"FROM generate_series(1, 20000) i; SELECT 1");
	static const struct {
		int64_t last, stop_at;
		enum sl_err err;
		int64_t rows;
	} cases[] = {
		{0, 0, SL_ERR_OK, 20000}, {0, 3, SL_ERR_IO, 3},
		{15000, 0, SL_ERR_DATABASE, -1}, /* division by zero, behind many rows */
		{0, 0, SL_ERR_OK, 20000},        /* usable after each */
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct seen seen = {.stop_at = cases[i].stop_at};
		enum sl_err err = read_things(pg, cases[i].last, &seen, &error);
		assert_err(cases[i].err, err, &error);
		if (cases[i].rows >= 0) {
			assert_int_equal(seen.rows, cases[i].rows);
			assert_int_equal(seen.sum, seen.rows * (seen.rows + 1) / 2);
		}
	}
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

static enum sl_err fail_behind_rows(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error swallowed = SL_ERROR_INIT;
	(void)reterr;
	assert_int_equal(read_things(pg, 2, context, &swallowed), SL_ERR_DATABASE);
	return SL_ERR_OK;
}

static void a_failure_fails_the_transaction(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_here();
	(void)fixture_sql(conninfo,
		"INSERT INTO spotlist_data.things SELECT i FROM generate_series(1, 3) i; SELECT 1");
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct seen seen = {0};
	assert_err(SL_ERR_DATABASE, sl_pg_tx(pg, "each", fail_behind_rows, &seen, &error), &error);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

/* --- mistakes of ours --------------------------------------------------------------------- */

static enum sl_err text_between_made(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	const struct sl_pg_param row[] = {SL_PG_I64(1), SL_PG_NULL, SL_PG_NULL};
	enum sl_err err = sl_pg_copy_begin_made(pg, THINGS, reterr);
	return err ? err : sl_pg_copy_row(pg, row, 3, reterr);
}

static enum sl_err made_between_text(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = sl_pg_copy_begin(pg, THINGS, reterr);
	return err ? err : sl_pg_copy_made(pg, "x", 1, reterr);
}

static void run_in_tx(void *context)
{
	struct sl_pg *pg = NULL;
	sl_tx_fn *const *fn = context;
	enum sl_err err = sl_pg_connect(conninfo, "mistake", &pg, NULL);
	err = err ? err : sl_pg_tx(pg, "outer", *fn, NULL, NULL);
	(void)err;
}

static void mixing_the_forms_aborts(void **state)
{
	(void)state;
	static sl_tx_fn *const mistakes[] = {text_between_made, made_between_text};
	for (size_t i = 0; i < SL_ARRAY_SIZE(mistakes); i++) {
		sl_tx_fn *mistake = mistakes[i];
		assert_true(fixture_aborts(run_in_tx, &mistake));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_rows_carry_every_value_in_any_pieces),
		cmocka_unit_test(made_uuids_and_integers_arrive),
		cmocka_unit_test(made_rows_that_are_none_fail_and_leave_the_connection_usable),
		cmocka_unit_test(rows_come_one_at_a_time),
		cmocka_unit_test(a_failure_fails_the_transaction),
		cmocka_unit_test(mixing_the_forms_aborts),
	};
	return cmocka_run_group_tests_name("store_bulk", tests, set_up, tear_down);
}
