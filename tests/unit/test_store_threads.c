/* SPDX-License-Identifier: Apache-2.0 */
/* store/: the pool under many threads, and the listener through lost connections, on a real
 * server. */

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "store_schema.h"

#define PATIENCE_S 20

/* --- pool --------------------------------------------------------------------------------- */

struct crew {
	struct sl_pg_pool *pool;
	pthread_mutex_t mutex; /* guards what follows */
	int in_use, most_in_use, failures;
};

static void note_use(struct crew *crew, int change)
{
	(void)pthread_mutex_lock(&crew->mutex);
	crew->in_use += change;
	if (crew->in_use > crew->most_in_use) {
		crew->most_in_use = crew->in_use;
	}
	(void)pthread_mutex_unlock(&crew->mutex);
}

static enum sl_err add_one(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)context;
	return sl_pg_exec(pg, SL_SQL_counter_add, NULL, reterr, SL_PG_I64(1), SL_PG_I64(1));
}

static void *work(void *argument)
{
	struct crew *crew = argument;
	for (int i = 0; i < 50; i++) {
		struct sl_pg *pg = NULL;
		enum sl_err err = sl_pg_pool_take(crew->pool, &pg, NULL);
		if (!err) {
			note_use(crew, 1);
			err = sl_pg_tx(pg, "add_one", add_one, NULL, NULL);
			note_use(crew, -1);
		}
		sl_pg_pool_give(crew->pool, pg);
		if (err) {
			(void)pthread_mutex_lock(&crew->mutex);
			crew->failures++;
			(void)pthread_mutex_unlock(&crew->mutex);
		}
	}
	return NULL;
}

static void many_threads_share_few_connections(void **state)
{
	(void)state;
	struct crew crew = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	crew.pool = sl_pg_pool_create(conninfo, "crew", 4);
	pthread_t threads[32];
	for (size_t i = 0; i < SL_ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, work, &crew), 0);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	assert_int_equal(crew.failures, 0);
	assert_in_range(crew.most_in_use, 1, 4);
	assert_in_range(fixture_sql(conninfo,
				"SELECT count(*) FROM pg_stat_activity"
				" WHERE application_name = 'crew'"),
		1, 4);
	assert_int_equal(
		fixture_sql(conninfo, "SELECT value FROM spotlist_data.counters WHERE id = 1"),
		32 * 50);
	sl_pg_pool_destroy(crew.pool);
}

static void a_pool_opens_what_is_needed_and_uses_it_again(void **state)
{
	(void)state;
	struct sl_pg_pool *pool = sl_pg_pool_create(conninfo, "frugal", 8);
	static const char sql[] =
		"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'frugal'";
	assert_int_equal(fixture_sql(conninfo, sql), 0);
	for (int i = 0; i < 5; i++) {
		struct sl_pg *pg = NULL;
		assert_int_equal(sl_pg_pool_take(pool, &pg, NULL), SL_ERR_OK);
		assert_int_equal(sl_pg_ping(pg, NULL), SL_ERR_OK);
		sl_pg_pool_give(pool, pg);
	}
	assert_int_equal(fixture_sql(conninfo, sql), 1);
	sl_pg_pool_give(pool, NULL);
	sl_pg_pool_destroy(pool);
}

static void an_exhausted_pool_is_overload_after_five_seconds(void **state)
{
	(void)state;
	struct sl_pg_pool *pool = sl_pg_pool_create(conninfo, "exhausted", 2);
	struct sl_pg *taken[2] = {NULL, NULL};
	struct sl_pg *third = NULL;
	assert_int_equal(sl_pg_pool_take(pool, &taken[0], NULL), SL_ERR_OK);
	assert_int_equal(sl_pg_pool_take(pool, &taken[1], NULL), SL_ERR_OK);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	const int64_t start_ms = sl_clock_monotonic_ms();
	assert_err(SL_ERR_OVERLOADED, sl_pg_pool_take(pool, &third, &error), &error);
	assert_in_range(sl_clock_monotonic_ms() - start_ms, 4900, 15000);
	assert_null(third);
	sl_pg_pool_give(pool, taken[0]);
	assert_int_equal(sl_pg_pool_take(pool, &third, NULL), SL_ERR_OK);
	sl_pg_pool_give(pool, third);
	sl_pg_pool_give(pool, taken[1]);
	sl_pg_pool_destroy(pool);
}

static void *take_and_give(void *argument)
{
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_pool_take(argument, &pg, NULL);
	sl_pg_pool_give(argument, pg);
	return err ? argument : NULL;
}

static void a_returned_connection_goes_to_one_who_waits(void **state)
{
	(void)state;
	struct sl_pg_pool *pool = sl_pg_pool_create(conninfo, "handover", 1);
	struct sl_pg *pg = NULL;
	assert_int_equal(sl_pg_pool_take(pool, &pg, NULL), SL_ERR_OK);
	pthread_t threads[8];
	for (size_t i = 0; i < SL_ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, pool), 0);
	}
	const int64_t start_ms = sl_clock_monotonic_ms();
	sl_pg_pool_give(pool, pg);
	for (size_t i = 0; i < SL_ARRAY_SIZE(threads); i++) {
		void *failure = NULL;
		assert_int_equal(pthread_join(threads[i], &failure), 0);
		assert_null(failure);
	}
	assert_in_range(sl_clock_monotonic_ms() - start_ms, 0, 4000);
	sl_pg_pool_destroy(pool);
}

static void failing_to_connect_uses_up_no_place(void **state)
{
	(void)state;
	struct fixture_door door;
	fixture_door_init(&door, conninfo);
	fixture_door_shut(&door);
	struct sl_pg_pool *pool = sl_pg_pool_create(door.conninfo, "shut out", 2);
	struct sl_pg *pg = NULL;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sl_pg_pool_take(pool, &pg, NULL), SL_ERR_DATABASE_UNAVAILABLE);
	}
	fixture_door_open(&door);
	assert_int_equal(sl_pg_pool_take(pool, &pg, NULL), SL_ERR_OK);
	sl_pg_pool_give(pool, pg);
	sl_pg_pool_destroy(pool);
	fixture_door_finish(&door);
}

static enum sl_err give_inside(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	(void)reterr;
	sl_pg_pool_give(context, pg);
	return SL_ERR_OK;
}

static void give_with_open_transaction(void *context)
{
	(void)context;
	struct sl_pg_pool *pool = sl_pg_pool_create(conninfo, "careless", 1);
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_pool_take(pool, &pg, NULL);
	err = err ? err : sl_pg_tx(pg, "give_inside", give_inside, pool, NULL);
	(void)err;
}

static void destroy_while_in_use(void *context)
{
	(void)context;
	struct sl_pg_pool *pool = sl_pg_pool_create(conninfo, "careless", 1);
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_pool_take(pool, &pg, NULL);
	sl_pg_pool_destroy(pool);
	(void)err;
}

static void careless_use_of_a_pool_aborts(void **state)
{
	(void)state;
	assert_true(fixture_aborts(give_with_open_transaction, NULL));
	assert_true(fixture_aborts(destroy_while_in_use, NULL));
}

/* --- listener ----------------------------------------------------------------------------- */

#define CHANNEL   "spot \"list\" 🎬"
#define CONNECTED "(connected)" /* what a listener is told then is no payload */

struct inbox {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t arrived;
	char *payloads[64];
	size_t count; /* arrived */
	size_t read;
};

static void on_notify(void *context, const char *payload)
{
	struct inbox *inbox = context;
	(void)pthread_mutex_lock(&inbox->mutex);
	if (inbox->count < SL_ARRAY_SIZE(inbox->payloads)) {
		inbox->payloads[inbox->count++] = sl_strdup(payload != NULL ? payload : CONNECTED);
	}
	(void)pthread_cond_signal(&inbox->arrived);
	(void)pthread_mutex_unlock(&inbox->mutex);
}

/* Waits for the next call and looks what it brought. */
static void expect(struct inbox *inbox, const char *payload)
{
	struct timespec deadline;
	(void)clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += PATIENCE_S;
	(void)pthread_mutex_lock(&inbox->mutex);
	int outcome = 0;
	while (inbox->read == inbox->count && outcome == 0) {
		outcome = pthread_cond_timedwait(&inbox->arrived, &inbox->mutex, &deadline);
	}
	const char *got = outcome == 0 ? inbox->payloads[inbox->read++] : "(nothing came)";
	(void)pthread_mutex_unlock(&inbox->mutex);
	assert_string_equal(got, payload);
}

static void inbox_finish(struct inbox *inbox)
{
	for (size_t i = 0; i < inbox->count; i++) {
		free(inbox->payloads[i]);
	}
}

#define INBOX_INIT \
	{ \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER \
	}

static void notify(struct sl_pg *pg, const char *payload)
{
	enum sl_err err =
		sl_pg_exec(pg, SL_SQL_notify, NULL, NULL, SL_PG_TEXT(CHANNEL), SL_PG_TEXT(payload));
	assert_int_equal(err, SL_ERR_OK);
}

static int64_t terminate_listener(void)
{
	return fixture_sql(conninfo,
		"SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
		" WHERE application_name = 'spotlist-listener' AND datname = current_database()");
}

static struct sl_pg_listener *listen_on(const char *where, struct inbox *inbox)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg_listener *listener = NULL;
	enum sl_err err =
		sl_pg_listener_create(where, CHANNEL, on_notify, inbox, &listener, &error);
	assert_err(SL_ERR_OK, err, &error);
	return listener;
}

static void a_listener_hears_and_survives_its_connection(void **state)
{
	(void)state;
	SL_AUTO(inbox_finish)
	struct inbox inbox = INBOX_INIT;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	assert_int_equal(sl_pg_connect(conninfo, "notifier", &pg, NULL), SL_ERR_OK);
	struct sl_pg_listener *listener = listen_on(conninfo, &inbox);
	expect(&inbox, CONNECTED);
	for (int round = 0; round < 3; round++) {
		notify(pg, "one");
		notify(pg, "둘 🎬");
		expect(&inbox, "one");
		expect(&inbox, "둘 🎬");
		assert_int_equal(terminate_listener(), 1);
		expect(&inbox, CONNECTED); /* again */
	}
	const int64_t start_ms = sl_clock_monotonic_ms();
	sl_pg_listener_destroy(listener);
	assert_in_range(sl_clock_monotonic_ms() - start_ms, 0, 3000);
	notify(pg, "after the end");
	assert_int_equal(inbox.count, inbox.read);
}

static void a_listener_comes_back_after_an_outage(void **state)
{
	(void)state;
	struct fixture_door door;
	fixture_door_init(&door, conninfo);
	SL_AUTO(inbox_finish)
	struct inbox inbox = INBOX_INIT;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	assert_int_equal(sl_pg_connect(conninfo, "notifier", &pg, NULL), SL_ERR_OK);
	struct sl_pg_listener *listener = listen_on(door.conninfo, &inbox);
	expect(&inbox, CONNECTED);
	fixture_door_shut(&door);
	assert_int_equal(terminate_listener(), 1);
	notify(pg, "unheard");
	fixture_door_open(&door);
	expect(&inbox, CONNECTED);
	notify(pg, "heard");
	expect(&inbox, "heard");

	fixture_door_shut(&door);
	assert_int_equal(terminate_listener(), 1);
	const int64_t start_ms = sl_clock_monotonic_ms();
	sl_pg_listener_destroy(listener); /* while it tries in vain */
	assert_in_range(sl_clock_monotonic_ms() - start_ms, 0, 3000);
	fixture_door_finish(&door);
}

static void a_listener_waits_for_a_server_that_is_not_there_yet(void **state)
{
	(void)state;
	struct fixture_door door;
	fixture_door_init(&door, conninfo);
	fixture_door_shut(&door);
	SL_AUTO(inbox_finish)
	struct inbox inbox = INBOX_INIT;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	assert_int_equal(sl_pg_connect(conninfo, "notifier", &pg, NULL), SL_ERR_OK);
	struct sl_pg_listener *listener = listen_on(door.conninfo, &inbox);
	notify(pg, "unheard");
	fixture_door_open(&door);
	expect(&inbox, CONNECTED);
	notify(pg, "heard");
	expect(&inbox, "heard");
	sl_pg_listener_destroy(listener);
	fixture_door_finish(&door);
}

/* --- a server that is away, or hangs ------------------------------------------------------ */

static void wait_for_state(struct sl_pg_pool *pool, enum sl_err state)
{
	const int64_t deadline_ms = sl_clock_monotonic_ms() + PATIENCE_S * 1000;
	while (sl_pg_pool_check(pool, NULL) != state && sl_clock_monotonic_ms() < deadline_ms) {
		(void)poll(NULL, 0, 10);
	}
	assert_int_equal(sl_pg_pool_check(pool, NULL), state);
}

static void a_watched_pool_knows_when_the_server_comes_back(void **state)
{
	(void)state;
	struct fixture_door door;
	fixture_door_init(&door, conninfo);
	fixture_door_shut(&door);
	struct sl_pg_pool *pool = sl_pg_pool_create(door.conninfo, "watched", 2);
	assert_int_equal(sl_pg_pool_watch(pool, NULL), SL_ERR_OK);
	struct sl_pg *pg = NULL;
	assert_int_equal(sl_pg_pool_check(pool, NULL), SL_ERR_DATABASE_UNAVAILABLE);
	assert_int_equal(sl_pg_pool_take(pool, &pg, NULL), SL_ERR_DATABASE_UNAVAILABLE);
	fixture_door_open(&door);
	wait_for_state(pool, SL_ERR_OK);
	assert_int_equal(sl_pg_pool_take(pool, &pg, NULL), SL_ERR_OK);
	sl_pg_pool_give(pool, pg);
	sl_pg_pool_destroy(pool);
	fixture_door_finish(&door);
}

static void a_watched_pool_refuses_what_can_never_work(void **state)
{
	(void)state;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg_pool *pool = sl_pg_pool_create("nonsense=1", "watched", 1);
	assert_err(SL_ERR_CONFIG, sl_pg_pool_watch(pool, &error), &error);
	sl_pg_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_share_few_connections),
		cmocka_unit_test(a_pool_opens_what_is_needed_and_uses_it_again),
		cmocka_unit_test(an_exhausted_pool_is_overload_after_five_seconds),
		cmocka_unit_test(a_returned_connection_goes_to_one_who_waits),
		cmocka_unit_test(failing_to_connect_uses_up_no_place),
		cmocka_unit_test(careless_use_of_a_pool_aborts),
		cmocka_unit_test(a_listener_hears_and_survives_its_connection),
		cmocka_unit_test(a_listener_comes_back_after_an_outage),
		cmocka_unit_test(a_listener_waits_for_a_server_that_is_not_there_yet),
		cmocka_unit_test(a_watched_pool_knows_when_the_server_comes_back),
		cmocka_unit_test(a_watched_pool_refuses_what_can_never_work),
	};
	return cmocka_run_group_tests_name("store_threads", tests, set_up, tear_down);
}
