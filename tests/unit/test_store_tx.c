/* SPDX-License-Identifier: Apache-2.0 */
/* store/: transactions on a real server: conflicts, deadlocks, lost connections. COPY is in
 * test_store_copy.c. */

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "store_schema.h"

static struct sl_pg *connect_to(const char *where)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_OK, sl_pg_connect(where, "test_store_tx", &pg, &error), &error);
	return pg;
}

static int64_t counter_get(struct sl_pg *pg, int counter)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_counter_get, &rows, NULL, SL_PG_I64(counter));
	assert_int_equal(err, SL_ERR_OK);
	return sl_pg_i64(&rows, 0, "value");
}

static enum sl_err counter_add(struct sl_pg *pg, int counter, int64_t by, struct sl_error *reterr)
{
	return sl_pg_exec(pg, SL_SQL_counter_add, NULL, reterr, SL_PG_I64(counter), SL_PG_I64(by));
}

static int64_t things_stored(struct sl_pg *pg)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_count, &rows, NULL), SL_ERR_OK);
	return sl_pg_i64(&rows, 0, "count");
}

static enum sl_err thing_put(struct sl_pg *pg, int64_t id, struct sl_error *reterr)
{
	return sl_pg_exec(pg, SL_SQL_thing_put, NULL, reterr, SL_PG_I64(id), SL_PG_NULL, SL_PG_NULL,
		SL_PG_NULL);
}

/* --- transactions ------------------------------------------------------------------------- */

struct attempt_log {
	struct sl_pg *other; /* a second connection */
	int attempts;
	int64_t number;
	const char *text;
	enum sl_err outcome;
};

static enum sl_err put_two(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct attempt_log *log = context;
	log->attempts++;
	assert_string_equal(sl_pg_open_tx(pg), "put_two");
	enum sl_err err = thing_put(pg, 1, reterr);
	if (!err) {
		err = thing_put(pg, 2, reterr);
	}
	return err ? err : log->outcome;
}

static void a_transaction_is_kept_whole_and_has_a_name(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.attempts = 0};
	assert_null(sl_pg_open_tx(pg));
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "put_two", put_two, &log, &error), &error);
	assert_null(sl_pg_open_tx(pg));
	assert_int_equal(log.attempts, 1);
	assert_int_equal(things_stored(pg), 2);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

static void an_error_of_the_work_rolls_back_and_is_returned(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.outcome = SL_ERR_VIDEO_NOT_FOUND};
	enum sl_err err = sl_pg_tx(pg, "put_two", put_two, &log, &error);
	assert_err(SL_ERR_VIDEO_NOT_FOUND, err, &error);
	assert_int_equal(log.attempts, 1);
	assert_null(sl_pg_open_tx(pg));
	assert_int_equal(things_stored(pg), 0);
}

static enum sl_err put_twice(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = thing_put(pg, 1, reterr);
	return err ? err : thing_put(pg, 1, reterr);
}

static enum sl_err put_twice_and_look_away(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	assert_int_equal(put_twice(pg, context, reterr), SL_ERR_DATABASE);
	return SL_ERR_OK;
}

static void a_failed_statement_fails_the_transaction_even_if_ignored(void **state)
{
	(void)state;
	static const struct {
		sl_tx_fn *fn;
		const char *detail;
	} cases[] = {
		{put_twice, "thing_put: SQLSTATE 23505"},
		{put_twice_and_look_away, "tx: a statement of the transaction failed earlier"},
	};
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_pg_tx(pg, "tx", cases[i].fn, NULL, &error);
		assert_err(SL_ERR_DATABASE, err, &error);
		assert_non_null(strstr(error.detail, cases[i].detail));
		assert_int_equal(things_stored(pg), 0);
	}
}

static enum sl_err break_reference(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct attempt_log *log = context;
	log->attempts++;
	return sl_pg_exec(pg, SL_SQL_late_put, NULL, reterr, SL_PG_I64(404));
}

static void a_commit_may_fail(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.attempts = 0};
	enum sl_err err = sl_pg_tx(pg, "break_reference", break_reference, &log, &error);
	assert_err(SL_ERR_DATABASE, err, &error);
	assert_non_null(strstr(error.detail, "break_reference: SQLSTATE 23503"));
	assert_int_equal(log.attempts, 1);
	assert_null(sl_pg_open_tx(pg));
	assert_int_equal(things_stored(pg), 0);
}

static enum sl_err add_after_another(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct attempt_log *log = context;
	log->attempts++;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_tx_serializable, NULL, reterr);
	if (err) {
		return err;
	}
	(void)counter_get(pg, 1);
	if (log->attempts == 1) {
		assert_int_equal(counter_add(log->other, 1, 100, NULL), SL_ERR_OK);
	}
	return counter_add(pg, 1, 1, reterr);
}

static void a_serialization_conflict_is_tried_again(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *other = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.other = other};
	int64_t before = counter_get(pg, 1);
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "add", add_after_another, &log, &error), &error);
	assert_int_equal(log.attempts, 2);
	assert_int_equal(counter_get(pg, 1), before + 101);
	assert_null(error.detail);
}

static enum sl_err conflict_always(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct attempt_log *log = context;
	log->attempts++;
	return sl_pg_exec(pg, SL_SQL_raise, NULL, reterr, SL_PG_TEXT("40001"));
}

static void a_conflict_is_given_up_after_five_attempts(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.attempts = 0};
	enum sl_err err = sl_pg_tx(pg, "conflict", conflict_always, &log, &error);
	assert_err(SL_ERR_DATABASE_CONFLICT, err, &error);
	assert_int_equal(log.attempts, 5);
	assert_non_null(strstr(error.detail, "40001"));
}

struct opponent {
	pthread_barrier_t *both_hold_one;
	int first, second; /* counters, in the order this one takes them */
	int attempts;
	enum sl_err err;
};

static enum sl_err add_to_both(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct opponent *me = context;
	enum sl_err err = counter_add(pg, me->first, 1, reterr);
	if (err) {
		return err;
	}
	if (++me->attempts == 1) {
		(void)pthread_barrier_wait(me->both_hold_one);
	}
	return counter_add(pg, me->second, 1, reterr);
}

static void *run_opponent(void *argument)
{
	struct opponent *me = argument;
	struct sl_pg *pg = NULL;
	me->err = sl_pg_connect(conninfo, "opponent", &pg, NULL);
	if (!me->err) {
		me->err = sl_pg_tx(pg, "add_to_both", add_to_both, me, NULL);
	}
	sl_pg_destroy(pg);
	return NULL;
}

static void a_deadlock_ends_with_both_transactions_done(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	int64_t before = counter_get(pg, 1) + counter_get(pg, 2);
	pthread_barrier_t both_hold_one;
	assert_int_equal(pthread_barrier_init(&both_hold_one, NULL, 2), 0);
	struct opponent opponents[] = {
		{.both_hold_one = &both_hold_one, .first = 1, .second = 2},
		{.both_hold_one = &both_hold_one, .first = 2, .second = 1},
	};
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, run_opponent, &opponents[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(opponents[i].err, SL_ERR_OK);
	}
	(void)pthread_barrier_destroy(&both_hold_one);
	assert_true(opponents[0].attempts + opponents[1].attempts >= 3);
	assert_int_equal(counter_get(pg, 1) + counter_get(pg, 2), before + 4);
}

static void terminate_backend_of(struct sl_pg *pg)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	assert_int_equal(sl_pg_exec(pg, SL_SQL_backend_pid, &rows, NULL), SL_ERR_OK);
	SL_AUTO(sl_freep)
	char *sql = sl_asprintf(
		"SELECT pg_terminate_backend(%" PRId64 ", 10000)::int", sl_pg_i64(&rows, 0, "pid"));
	(void)fixture_sql(conninfo, sql);
}

static enum sl_err lose_connection(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct attempt_log *log = context;
	log->attempts++;
	enum sl_err err = thing_put(pg, 1, reterr);
	if (err) {
		return err;
	}
	terminate_backend_of(pg);
	return log->outcome ? log->outcome : thing_put(pg, 2, reterr);
}

static enum sl_err lose_connection_before_commit(
	struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	enum sl_err err = thing_put(pg, 1, reterr);
	terminate_backend_of(pg);
	return err;
}

static void a_connection_lost_inside_is_unavailable_and_not_tried_again(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.attempts = 0};
	enum sl_err err = sl_pg_tx(pg, "lose", lose_connection, &log, &error);
	assert_err(SL_ERR_DATABASE_UNAVAILABLE, err, &error);
	assert_non_null(strstr(error.detail, "lost inside the transaction lose"));
	assert_int_equal(log.attempts, 1);
	assert_int_equal(things_stored(pg), 0); /* on a new connection */

	log.outcome = SL_ERR_VIDEO_NOT_FOUND; /* the work gives up; there is nothing to roll back */
	err = sl_pg_tx(pg, "lose", lose_connection, &log, NULL);
	assert_int_equal(err, SL_ERR_VIDEO_NOT_FOUND);
	assert_int_equal(things_stored(pg), 0);

	err = sl_pg_tx(pg, "lose", lose_connection_before_commit, NULL, NULL);
	assert_int_equal(err, SL_ERR_DATABASE_UNAVAILABLE);
	assert_int_equal(things_stored(pg), 0);
}

static void a_connection_lost_before_is_made_anew(void **state)
{
	(void)state;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = connect_to(conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct attempt_log log = {.attempts = 0};
	terminate_backend_of(pg);
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "put_two", put_two, &log, &error), &error);
	assert_int_equal(sl_pg_exec(pg, SL_SQL_thing_clear, NULL, NULL), SL_ERR_OK);
}

/* --- mistakes of ours --------------------------------------------------------------------- */

static enum sl_err nest(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	return sl_pg_tx(pg, "inner", put_two, context, reterr);
}

static void nest_transactions(void *context)
{
	(void)context;
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_connect(conninfo, "mistake", &pg, NULL);
	err = err ? err : sl_pg_tx(pg, "outer", nest, NULL, NULL);
	(void)err;
}

static void a_transaction_inside_another_aborts(void **state)
{
	(void)state;
	assert_true(fixture_aborts(nest_transactions, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transaction_is_kept_whole_and_has_a_name),
		cmocka_unit_test(an_error_of_the_work_rolls_back_and_is_returned),
		cmocka_unit_test(a_failed_statement_fails_the_transaction_even_if_ignored),
		cmocka_unit_test(a_commit_may_fail),
		cmocka_unit_test(a_serialization_conflict_is_tried_again),
		cmocka_unit_test(a_conflict_is_given_up_after_five_attempts),
		cmocka_unit_test(a_deadlock_ends_with_both_transactions_done),
		cmocka_unit_test(a_connection_lost_inside_is_unavailable_and_not_tried_again),
		cmocka_unit_test(a_connection_lost_before_is_made_anew),
		cmocka_unit_test(a_transaction_inside_another_aborts),
	};
	return cmocka_run_group_tests_name("store_tx", tests, set_up, tear_down);
}
