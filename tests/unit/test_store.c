/* SPDX-License-Identifier: Apache-2.0 */
/* store/: statements, values, errors, lost connections, on a real server. Transactions are in
 * test_store_tx.c, COPY in test_store_copy.c, pool and listener in test_store_threads.c. */

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "store_schema.h"

static struct sl_pg *connect_to(const char *where)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_OK, sl_pg_connect(where, "test_store", &pg, &error), &error);
	return pg;
}

static char *setting(struct sl_pg *pg, const char *name)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_setting, &rows, &error, SL_PG_TEXT(name));
	assert_err(SL_ERR_OK, err, &error);
	return sl_strdup(sl_pg_text(&rows, 0, "value"));
}

static int64_t backend_pid(struct sl_pg *pg)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_backend_pid, &rows, &error);
	assert_err(SL_ERR_OK, err, &error);
	return sl_pg_i64(&rows, 0, "pid");
}

static void terminate(int64_t pid)
{
	SL_AUTO(sl_freep)
	char *sql = sl_asprintf("SELECT pg_terminate_backend(%" PRId64 ", 10000)::int", pid);
	(void)fixture_sql(conninfo, sql);
}

static void values_of_every_kind_come_back_as_sent(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t integer;
		double number;
		bool truth;
	} cases[] = {
		{"", 0, 0, false},
		{"tab\t line\n back\\slash 'quote' \"double\" \x01", INT64_MIN, -0.1, true},
		{"한국어 🎬 e\xcc\x81", INT64_MAX, 1e300, true},
		{"x", -1, 5e-324, false},
		{"y", 1, 0.1 + 0.2, true},
		{"z", 2, INFINITY, false},
		{"z", 2, -INFINITY, false},
	};
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_pg_exec(pg, SL_SQL_echo, &rows, &error,
			SL_PG_TEXT(cases[i].text), SL_PG_I64(cases[i].integer),
			SL_PG_F64(cases[i].number), SL_PG_BOOL(cases[i].truth));
		assert_err(SL_ERR_OK, err, &error);
		assert_int_equal(rows.count, 1);
		assert_string_equal(sl_pg_text(&rows, 0, "t"), cases[i].text);
		assert_int_equal(sl_pg_text_len(&rows, 0, "t"), strlen(cases[i].text));
		assert_int_equal(sl_pg_i64(&rows, 0, "i"), cases[i].integer);
		assert_true(sl_pg_f64(&rows, 0, "f") == cases[i].number);
		assert_int_equal(sl_pg_bool(&rows, 0, "b"), cases[i].truth);
		assert_false(sl_pg_null(&rows, 0, "t"));
		assert_string_equal(sl_pg_text(&rows, 0, "$8"), "$9;");
	}
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_echo, &rows, NULL, SL_PG_NULL, SL_PG_NULL, SL_PG_F64(-NAN), SL_PG_NULL);
	assert_int_equal(err, SL_ERR_OK);
	assert_true(isnan(sl_pg_f64(&rows, 0, "f")));
}

static void null_is_told_from_empty_and_reads_as_zero(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(
		pg, SL_SQL_echo, &rows, NULL, SL_PG_TEXT(NULL), SL_PG_NULL, SL_PG_NULL, SL_PG_NULL);
	assert_int_equal(err, SL_ERR_OK);
	static const char *const columns[] = {"t", "i", "f", "b"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(columns); i++) {
		assert_true(sl_pg_null(&rows, 0, columns[i]));
		assert_null(sl_pg_text(&rows, 0, columns[i]));
		assert_int_equal(sl_pg_text_len(&rows, 0, columns[i]), 0);
	}
	assert_int_equal(sl_pg_i64(&rows, 0, "i"), 0);
	assert_true(sl_pg_f64(&rows, 0, "f") == 0.0);
	assert_false(sl_pg_bool(&rows, 0, "b"));
}

static void the_count_is_of_rows_returned_or_affected(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	for (int i = 0; i < 3; i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_pg_exec(pg, SL_SQL_thing_put, &rows, &error, SL_PG_I64(i),
			SL_PG_TEXT("thing"), SL_PG_F64(0.5), SL_PG_BOOL(true));
		assert_err(SL_ERR_OK, err, &error);
		assert_int_equal(rows.count, 1);
	}
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_get, &rows, NULL, SL_PG_I64(99)), SL_ERR_OK);
	assert_int_equal(rows.count, 0);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_get, &rows, NULL, SL_PG_I64(1)), SL_ERR_OK);
	assert_int_equal(rows.count, 1);
	assert_string_equal(sl_pg_text(&rows, 0, "name"), "thing");
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, &rows, NULL), SL_ERR_OK);
	assert_int_equal(rows.count, 3);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

/* --- mistakes of ours --------------------------------------------------------------------- */

static struct sl_pg_rows echo_rows;

static void read_unknown_column(void *context)
{
	(void)context;
	(void)sl_pg_text(&echo_rows, 0, "T");
}

static void read_row_after_last(void *context)
{
	(void)context;
	(void)sl_pg_text(&echo_rows, 1, "t");
}

static void read_text_as_integer(void *context)
{
	(void)context;
	(void)sl_pg_i64(&echo_rows, 0, "t");
}

static void read_text_as_number(void *context)
{
	(void)context;
	(void)sl_pg_f64(&echo_rows, 0, "t");
}

static void read_integer_as_truth(void *context)
{
	(void)context;
	(void)sl_pg_bool(&echo_rows, 0, "i");
}

static void pass_too_few_parameters(void *context)
{
	enum sl_err err = sl_pg_exec(context, SL_SQL_echo, NULL, NULL, SL_PG_NULL);
	(void)err;
}

static void run_no_statement(void *context)
{
	enum sl_err err = sl_pg_run(context, SL_SQL_COUNT_, NULL, 0, NULL, NULL);
	(void)err;
}

static void read_text(void *context)
{
	(void)context;
	(void)sl_pg_text(&echo_rows, 0, "t");
}

static void mistakes_of_ours_abort(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	enum sl_err err = sl_pg_exec(pg, SL_SQL_echo, &echo_rows, NULL, SL_PG_TEXT("12x"),
		SL_PG_I64(5), SL_PG_NULL, SL_PG_NULL);
	assert_int_equal(err, SL_ERR_OK);
	assert_true(fixture_aborts(read_unknown_column, NULL));
	assert_true(fixture_aborts(read_row_after_last, NULL));
	assert_true(fixture_aborts(read_text_as_integer, NULL));
	assert_true(fixture_aborts(read_text_as_number, NULL));
	assert_true(fixture_aborts(read_integer_as_truth, NULL));
	assert_true(fixture_aborts(pass_too_few_parameters, pg));
	assert_true(fixture_aborts(run_no_statement, pg));
	assert_false(fixture_aborts(read_text, NULL));
	sl_pg_rows_finish(&echo_rows);
}

/* --- errors ------------------------------------------------------------------------------- */

static void sqlstates_become_our_errors(void **state)
{
	(void)state;
	static const struct {
		const char *sqlstate;
		enum sl_err err;
		const char *advice;
	} cases[] = {
		{"40001", SL_ERR_DATABASE_CONFLICT},
		{"40P01", SL_ERR_DATABASE_CONFLICT},
		{"40002", SL_ERR_DATABASE},
		{"08006", SL_ERR_DATABASE_UNAVAILABLE},
		{"57P01", SL_ERR_DATABASE_UNAVAILABLE},
		{"57P03", SL_ERR_DATABASE_UNAVAILABLE},
		{"57014", SL_ERR_DATABASE_UNAVAILABLE,
			": look in pg_stat_activity for what slows it"},
		{"55P03", SL_ERR_DATABASE_UNAVAILABLE,
			": look in pg_stat_activity for who holds it"},
		{"53100", SL_ERR_DATABASE_UNAVAILABLE, ": make room on the disk of PostgreSQL"},
		{"25006", SL_ERR_DATABASE_UNAVAILABLE,
			": SPOTLIST_DATABASE_URL must lead to the primary"},
		{"58030", SL_ERR_DATABASE_UNAVAILABLE, ": look at the disk of PostgreSQL"},
		{"23505", SL_ERR_DATABASE},
		{"P0001", SL_ERR_DATABASE},
		{"XX000", SL_ERR_DATABASE},
	};
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err =
			sl_pg_exec(pg, SL_SQL_raise, NULL, &error, SL_PG_TEXT(cases[i].sqlstate));
		assert_err(cases[i].err, err, &error);
		SL_AUTO(sl_freep)
		char *detail = sl_asprintf("raise: SQLSTATE %s: made to fail%s", cases[i].sqlstate,
			cases[i].advice ? cases[i].advice : "");
		assert_string_equal(error.detail, detail);
	}
}

static void a_broken_constraint_is_named_and_the_row_is_not_quoted(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	for (int i = 0; i < 2; i++) {
		enum sl_err err = sl_pg_exec(pg, SL_SQL_thing_put, NULL, &error, SL_PG_I64(7654321),
			SL_PG_NULL, SL_PG_NULL, SL_PG_NULL);
		assert_err(i == 0 ? SL_ERR_OK : SL_ERR_DATABASE, err, &error);
	}
	assert_non_null(strstr(error.detail, "things_pkey"));
	assert_null(strstr(error.detail, "7654321"));
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

static void a_statement_may_take_so_long(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *hasty = sl_asprintf("%s options='-c statement_timeout=50ms'", conninfo);
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(hasty);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_sleep, NULL, &error, SL_PG_I64(30));
	assert_err(SL_ERR_DATABASE_UNAVAILABLE, err, &error);
	assert_non_null(strstr(error.detail, "57014"));
}

/* --- connections -------------------------------------------------------------------------- */

static void a_connection_has_our_settings(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
	} cases[] = {
		{"application_name", "test_store"},
		{"client_encoding", "UTF8"},
		{"TimeZone", "UTC"},
		{"statement_timeout", "1min"},
		{"lock_timeout", "10s"},
		{"idle_in_transaction_session_timeout", "1min"},
	};
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_freep)
		char *value = setting(pg, cases[i].name);
		assert_string_equal(value, cases[i].value);
	}
}

static void the_operator_may_change_bounds_but_not_the_time_zone(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *theirs = sl_asprintf(
		"%s options='-c lock_timeout=7s -c timezone=Asia/Seoul' application_name=x",
		conninfo);
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(theirs);
	SL_AUTO(sl_freep)
	char *lock_timeout = setting(pg, "lock_timeout");
	SL_AUTO(sl_freep)
	char *time_zone = setting(pg, "TimeZone");
	SL_AUTO(sl_freep)
	char *application = setting(pg, "application_name");
	assert_string_equal(lock_timeout, "7s");
	assert_string_equal(time_zone, "UTC");
	assert_string_equal(application, "test_store");
}

static void an_unreadable_conninfo_is_a_configuration_error_that_hides_the_password(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"postgresql://user:sesame%zz@localhost/x",
		"host=localhost password=sesame open",
		"password='sesame",
		"hots=localhost password=sesame",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_pg *pg = NULL;
		enum sl_err err = sl_pg_connect(cases[i], "test_store", &pg, &error);
		assert_err(SL_ERR_CONFIG, err, &error);
		assert_null(strstr(error.detail, "sesame"));
		assert_null(pg);
	}
}

static void a_database_in_another_encoding_is_refused(void **state)
{
	(void)state;
	(void)fixture_sql(conninfo,
		"CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C'"
		" TEMPLATE template0");
	SL_AUTO(sl_freep)
	char *latin = sl_asprintf("%s dbname=latin", conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_CONFIG, sl_pg_connect(latin, "test_store", &pg, &error), &error);
	assert_non_null(strstr(error.detail, "LATIN1"));
}

static void a_statement_that_cannot_be_prepared_fails_the_connect_by_name(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *broken = fixture_database();
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_migrate(broken, NULL, NULL, &error), &error);
	(void)fixture_sql(broken, "DROP FUNCTION spotlist_data.raise_error");
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_DATABASE, sl_pg_connect(broken, "test_store", &pg, &error), &error);
	assert_non_null(strstr(error.detail, "raise: SQLSTATE 42883"));
}

static void a_server_that_is_down_is_told_at_once(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"host=/nonexistent",
		"host=127.0.0.1 port=1",
		"postgresql://127.0.0.1:1,127.0.0.1:2/x",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_pg *pg = NULL;
		const int64_t start_ms = sl_clock_monotonic_ms();
		enum sl_err err = sl_pg_connect(cases[i], "test_store", &pg, &error);
		assert_err(SL_ERR_DATABASE_UNAVAILABLE, err, &error);
		assert_null(strchr(error.detail, '\n'));
		assert_in_range(sl_clock_monotonic_ms() - start_ms, 0, 3000);
	}
}

static void a_killed_connection_is_made_anew(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	for (int i = 0; i < 3; i++) {
		int64_t before = backend_pid(pg);
		terminate(before);
		assert_int_not_equal(backend_pid(pg), before);
		terminate(backend_pid(pg));
		assert_int_equal(sl_pg_ping(pg, NULL), SL_ERR_OK);
	}
}

static void a_statement_that_kills_its_connection_is_run_twice_at_most(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_backend_terminate_self, NULL, &error);
	assert_err(SL_ERR_DATABASE_UNAVAILABLE, err, &error);
	assert_non_null(strstr(error.detail, "57P01"));
	assert_int_not_equal(backend_pid(pg), 0);
}

static void work_goes_on_when_the_server_is_back(void **state)
{
	(void)state;
	struct fixture_door door;
	fixture_door_init(&door, conninfo);
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(door.conninfo);
	terminate(backend_pid(pg));
	fixture_door_shut(&door);
	for (int i = 0; i < 3; i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		const int64_t start_ms = sl_clock_monotonic_ms();
		enum sl_err err = sl_pg_exec(pg, SL_SQL_backend_pid, NULL, &error);
		assert_err(SL_ERR_DATABASE_UNAVAILABLE, err, &error);
		assert_int_equal(sl_pg_ping(pg, NULL), SL_ERR_DATABASE_UNAVAILABLE);
		assert_in_range(sl_clock_monotonic_ms() - start_ms, 0, 3000);
	}
	fixture_door_open(&door);
	assert_int_equal(sl_pg_ping(pg, NULL), SL_ERR_OK);
	assert_int_not_equal(backend_pid(pg), 0);
	fixture_door_finish(&door);
}

static void a_demoted_server_is_left_for_one_that_can_be_written_to(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	int64_t before = backend_pid(pg);
	enum sl_err err = sl_pg_exec(pg, SL_SQL_raise, NULL, NULL, SL_PG_TEXT("25006"));
	assert_int_equal(err, SL_ERR_DATABASE_UNAVAILABLE);
	assert_int_not_equal(backend_pid(pg), before);
}

static void a_server_that_hangs_does_not_hang_the_ping(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	pid_t pid = (pid_t)backend_pid(pg);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	const int64_t start_ms = sl_clock_monotonic_ms();
	enum sl_err err = sl_pg_ping(pg, NULL);
	const int64_t took_ms = sl_clock_monotonic_ms() - start_ms;
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(err, SL_ERR_DATABASE_UNAVAILABLE);
	assert_in_range(took_ms, 1000, 15000);
	assert_int_equal(sl_pg_ping(pg, NULL), SL_ERR_OK);
}

static void destroying_nothing_is_fine(void **state)
{
	(void)state;
	struct sl_pg_rows rows = {0};
	sl_pg_rows_finish(&rows);
	sl_pg_destroy(NULL);
	sl_pg_pool_destroy(NULL);
	sl_pg_listener_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_kind_come_back_as_sent),
		cmocka_unit_test(null_is_told_from_empty_and_reads_as_zero),
		cmocka_unit_test(the_count_is_of_rows_returned_or_affected),
		cmocka_unit_test(mistakes_of_ours_abort),
		cmocka_unit_test(sqlstates_become_our_errors),
		cmocka_unit_test(a_broken_constraint_is_named_and_the_row_is_not_quoted),
		cmocka_unit_test(a_statement_may_take_so_long),
		cmocka_unit_test(a_connection_has_our_settings),
		cmocka_unit_test(the_operator_may_change_bounds_but_not_the_time_zone),
		cmocka_unit_test(
			an_unreadable_conninfo_is_a_configuration_error_that_hides_the_password),
		cmocka_unit_test(a_database_in_another_encoding_is_refused),
		cmocka_unit_test(a_statement_that_cannot_be_prepared_fails_the_connect_by_name),
		cmocka_unit_test(a_server_that_is_down_is_told_at_once),
		cmocka_unit_test(a_killed_connection_is_made_anew),
		cmocka_unit_test(a_statement_that_kills_its_connection_is_run_twice_at_most),
		cmocka_unit_test(work_goes_on_when_the_server_is_back),
		cmocka_unit_test(a_demoted_server_is_left_for_one_that_can_be_written_to),
		cmocka_unit_test(a_server_that_hangs_does_not_hang_the_ping),
		cmocka_unit_test(destroying_nothing_is_fine),
	};
	return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
