/* SPDX-License-Identifier: Apache-2.0 */
/* Gates and token buckets on a real server: turns between tags, places, rates, clocks set back. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"
#include "maintenance.h"
#include "mem.h"
#include "migrate.h"
#include "quota.h"
#include "store_schema.h"

static struct sl_pg *pg;

static const struct sl_config config = {
	.open_transcodes = 2,
	.open_labels = 3,
	.queue_limit = 4,
	.rate_create_job = 5,
	.lease_ms = 1000,
	.poll_interval_ms = 1000,
	.sns_max_age_s = 3600,
};

static int connect(void **state)
{
	if (set_up(state) != 0) {
		return -1;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_pg_connect(conninfo, "test_gate", &pg, &error), &error);
	return 0;
}

static int disconnect(void **state)
{
	sl_pg_destroy(pg);
	return tear_down(state);
}

static int empty(void **state)
{
	(void)state;
	(void)fixture_sql(conninfo,
		"TRUNCATE spotlist_data.videos, spotlist_data.steps, spotlist_data.quotas CASCADE;"
		"SELECT 0");
	return 0;
}

static enum sl_err enter(struct sl_pg *on, void *context, struct sl_error *reterr)
{
	return sl_gate_enter(on, context, "video", 0, SL_STEP_TRANSCODE_START, "{}", reterr);
}

/* A video of a tag comes to the gate; its number becomes the end of its id and its size. */
static void arrive(const char *tag, int number)
{
	SL_AUTO(sl_freep)
	char *sql = sl_asprintf(
		"INSERT INTO spotlist_data.videos (id, state, source, bucket, key, tags, options,"
		" frame_interval_ms, size_bytes) VALUES"
		" ('00000000-0000-0000-0000-%012d', 'queued', 's', 'b', 'k', %s%s%s, '{}', 1, %d);"
		"SELECT 0",
		number, tag ? "'{" : "", tag ? tag : "DEFAULT", tag ? "}'" : "", number);
	(void)fixture_sql(conninfo, sql);
	SL_AUTO(sl_freep)
	char *id = sl_asprintf("00000000-0000-0000-0000-%012d", number);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_pg_tx(pg, "enter", enter, id, &error), &error);
}

static void admit(const struct sl_config *with)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_gate_admit(pg, with, SL_GATE_TRANSCODE, &error), &error);
}

/* Lets all through, `places` at a time, each admitted one ending at once; the order, by number. */
static char *order_of_admission(int places)
{
	struct sl_config narrow = config;
	narrow.open_transcodes = places;
	SL_AUTO(sl_buf_finish)
	struct sl_buf order = SL_BUF_INIT;
	for (;;) {
		admit(&narrow);
		SL_AUTO(sl_freep)
		char *numbers = fixture_sql_text(conninfo,
			"WITH ended AS (DELETE FROM spotlist_data.steps WHERE NOT parked"
			" RETURNING video_id, turn, id)"
			" SELECT coalesce(string_agg(v.size_bytes::text, ' '"
			" ORDER BY e.turn, e.id), '')"
			" FROM ended e JOIN spotlist_data.videos v ON v.id = e.video_id");
		if (numbers[0] == '\0') {
			return sl_buf_steal(&order);
		}
		sl_buf_puts(&order, order.len > 0 ? " " : "");
		sl_buf_puts(&order, numbers);
	}
}

static void one_customers_many_do_not_starve_anothers_one(void **state)
{
	(void)state;
	for (int i = 1; i <= 8; i++) {
		arrive("many", i);
	}
	arrive("few", 20);
	arrive(NULL, 30);
	arrive("few", 21);
	SL_AUTO(sl_freep)
	char *order = order_of_admission(1);
	assert_string_equal(order, "1 20 30 2 21 3 4 5 6 7 8");
}

static void turns_stay_fair_when_the_line_has_moved(void **state)
{
	(void)state;
	struct sl_config wide = config;
	wide.open_transcodes = 6;
	for (int i = 1; i <= 10; i++) {
		arrive("many", i);
	}
	admit(&wide); /* six are inside and stay there */
	arrive("late", 20);
	arrive("late", 21);
	assert_int_equal(
		fixture_sql(conninfo, "SELECT count(*) FROM spotlist_data.steps WHERE NOT parked"),
		6);
	(void)fixture_sql(conninfo, "DELETE FROM spotlist_data.steps WHERE NOT parked; SELECT 0");
	SL_AUTO(sl_freep)
	char *order = order_of_admission(1);
	assert_string_equal(order, "7 20 8 21 9 10");
}

static void an_idle_tag_saves_up_nothing(void **state)
{
	(void)state;
	struct sl_config wide = config;
	wide.open_transcodes = 100;
	for (int i = 1; i <= 5; i++) {
		arrive("busy", i);
	}
	admit(&wide); /* all inside: the line is empty */
	for (int i = 6; i <= 8; i++) {
		arrive("idle", i);
	}
	arrive("busy", 9);
	(void)fixture_sql(conninfo, "DELETE FROM spotlist_data.steps WHERE NOT parked; SELECT 0");
	SL_AUTO(sl_freep)
	char *order = order_of_admission(1);
	assert_string_equal(order, "6 7 9 8");
}

static void only_so_many_have_a_place(void **state)
{
	(void)state;
	for (int i = 1; i <= 5; i++) {
		arrive("a", i);
	}
	admit(&config);
	admit(&config);
	static const char inside[] =
		"SELECT count(*) FROM spotlist_data.steps WHERE NOT parked AND due_at <= now()";
	assert_int_equal(fixture_sql(conninfo, inside), 2);
	(void)fixture_sql(conninfo,
		"DELETE FROM spotlist_data.steps WHERE id = (SELECT min(id) FROM "
		"spotlist_data.steps WHERE NOT parked); SELECT 0");
	admit(&config);
	assert_int_equal(fixture_sql(conninfo, inside), 2);
	assert_int_equal(
		fixture_sql(conninfo, "SELECT count(*) FROM spotlist_data.steps WHERE parked"), 2);
}

struct crowd {
	pthread_t thread;
	int rounds;
};

static void *admit_often(void *argument)
{
	struct crowd *crowd = argument;
	struct sl_pg *own = NULL;
	assert_int_equal(sl_pg_connect(conninfo, "test_gate", &own, NULL), SL_ERR_OK);
	for (int i = 0; i < crowd->rounds; i++) {
		assert_int_equal(sl_gate_admit(own, &config, SL_GATE_TRANSCODE, NULL), SL_ERR_OK);
	}
	sl_pg_destroy(own);
	return NULL;
}

static void many_admitting_at_once_give_no_place_twice(void **state)
{
	(void)state;
	for (int i = 1; i <= 30; i++) {
		arrive("a", i);
	}
	struct crowd crowd[4];
	for (size_t i = 0; i < SL_ARRAY_SIZE(crowd); i++) {
		crowd[i].rounds = 25;
		assert_int_equal(pthread_create(&crowd[i].thread, NULL, admit_often, &crowd[i]), 0);
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(crowd); i++) {
		pthread_join(crowd[i].thread, NULL);
	}
	assert_int_equal(
		fixture_sql(conninfo, "SELECT count(*) FROM spotlist_data.steps WHERE NOT parked"),
		2);
}

static void a_long_line_refuses_submissions(void **state)
{
	(void)state;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	for (int i = 1; i <= 3; i++) {
		arrive("a", i);
	}
	assert_err(SL_ERR_OK, sl_gate_check_queue(pg, &config, &error), &error);
	arrive("a", 4);
	assert_err(SL_ERR_QUEUE_FULL, sl_gate_check_queue(pg, &config, &error), &error);
	assert_true(error.retry_after_ms > 0);
	admit(&config);
	assert_err(SL_ERR_OK, sl_gate_check_queue(pg, &config, &error), &error);
}

static void a_parked_step_is_never_due(void **state)
{
	(void)state;
	arrive("a", 1);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	assert_int_equal(
		sl_pg_exec(pg, SL_SQL_step_claim, &rows, NULL, SL_PG_TEXT("me"), SL_PG_I64(1000)),
		SL_ERR_OK);
	assert_int_equal(rows.count, 0);
	assert_int_equal(sl_pg_run(pg, SL_SQL_step_next_due, NULL, 0, &rows, NULL), SL_ERR_OK);
	assert_int_equal(rows.count, 0);
	/* A callback does not let it in either. */
	assert_int_equal(
		sl_pg_exec(pg, SL_SQL_step_wake, &rows, NULL,
			SL_PG_TEXT("00000000-0000-0000-0000-000000000001"), SL_PG_TEXT("video")),
		SL_ERR_OK);
	assert_int_equal(rows.count, 0);
}

/* --- quotas -------------------------------------------------------------------------------- */

static int taken(struct sl_worker *worker, int tries, int64_t *ret_wait_ms)
{
	int got = 0;
	for (int i = 0; i < tries; i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_quota_take(worker, SL_QUOTA_CREATE_JOB, &error);
		if (err == SL_ERR_OK) {
			got++;
		} else {
			assert_err(SL_ERR_QUOTA_WAIT, err, &error);
			*ret_wait_ms = error.retry_after_ms;
		}
	}
	return got;
}

static void a_bucket_gives_its_rate_and_no_more(void **state)
{
	(void)state;
	struct sl_worker worker = {.config = &config, .pg = pg, .region = "us-east-1"};
	int64_t wait_ms = 0;
	int got = taken(&worker, 50, &wait_ms);
	assert_in_range(got, 5, 7); /* 50 tries take some time, in which a token may grow */
	assert_in_range(wait_ms, 1, 201);
	/* A second later there are as many again, and not more. */
	(void)fixture_sql(conninfo,
		"UPDATE spotlist_data.quotas SET taken_at = taken_at - interval '1 hour'; SELECT "
		"0");
	assert_in_range(taken(&worker, 50, &wait_ms), 5, 7);
}

static void a_clock_that_was_set_back_does_not_stop_a_bucket(void **state)
{
	(void)state;
	struct sl_worker worker = {.config = &config, .pg = pg, .region = "us-east-1"};
	int64_t wait_ms = 0;
	(void)taken(&worker, 10, &wait_ms);
	(void)fixture_sql(conninfo,
		"UPDATE spotlist_data.quotas SET taken_at = now() + interval '1 hour'; SELECT 0");
	(void)taken(&worker, 1, &wait_ms);
	assert_int_equal(fixture_sql(conninfo,
				 "SELECT count(*) FROM spotlist_data.quotas"
				 " WHERE taken_at <= clock_timestamp()"),
		1);
}

static void rates_follow_the_region_where_aws_does(void **state)
{
	(void)state;
	struct sl_worker worker = {.config = &config, .pg = pg, .region = "us-east-1"};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	static const struct {
		const char *region;
		int64_t left; /* of the bucket after the first one */
	} regions[] = {{"us-east-1", 49}, {"ap-northeast-2", 4}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(regions); i++) {
		(void)empty(NULL);
		worker.region = regions[i].region;
		assert_err(SL_ERR_OK,
			sl_quota_take(&worker, SL_QUOTA_RECOGNIZE_CELEBRITIES, &error), &error);
		assert_int_equal(
			fixture_sql(conninfo, "SELECT tokens::bigint FROM spotlist_data.quotas"),
			regions[i].left);
	}
}

/* --- maintenance --------------------------------------------------------------------------- */

static void maintain(void)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_maintain(pg, &config, &error), &error);
}

static void waits_that_a_clock_made_too_long_end(void **state)
{
	(void)state;
	arrive("a", 1);
	arrive("a", 2);
	arrive("a", 3);
	admit(&config);
	(void)fixture_sql(conninfo,
		"UPDATE spotlist_data.steps SET due_at = now() + CASE WHEN video_id::text LIKE '%1'"
		" THEN interval '1 hour' ELSE interval '1 minute' END WHERE NOT parked; SELECT 0");
	maintain();
	assert_int_equal(fixture_sql(conninfo,
				 "SELECT count(*) FROM spotlist_data.steps WHERE due_at <= now()"),
		1);
	assert_int_equal(
		fixture_sql(conninfo, "SELECT count(*) FROM spotlist_data.steps WHERE parked"), 1);
}

static void a_video_that_lost_its_step_gets_one(void **state)
{
	(void)state;
	static const struct {
		const char *make; /* more rows of video 1 */
		const char *kinds;
	} cases[] = {
		{"UPDATE spotlist_data.videos SET state = 'queued'", "transcode_start"},
		{"UPDATE spotlist_data.videos SET state = 'transcoding', transcode_job_id = 'j'",
			"transcode_poll"},
		{"UPDATE spotlist_data.videos SET state = 'awaiting_upload'", "upload_wait"},
		{"UPDATE spotlist_data.videos SET state = 'complete'", ""},
		{"UPDATE spotlist_data.videos SET state = 'analyzing'", "settle"},
		{"UPDATE spotlist_data.videos SET state = 'analyzing';"
		 "INSERT INTO spotlist_data.analyses (video_id, kind, state, job_id)"
		 " SELECT id, 'labels', 'running', 'j' FROM spotlist_data.videos;"
		 "INSERT INTO spotlist_data.analyses (video_id, kind, state)"
		 " SELECT id, 'transcript', 'pending' FROM spotlist_data.videos",
			"analysis_begin labels_poll"},
		{"UPDATE spotlist_data.videos SET state = 'analyzing';"
		 "INSERT INTO spotlist_data.analyses (video_id, kind, state)"
		 " SELECT id, 'celebrities', 'running' FROM spotlist_data.videos;",
			"analysis_begin"},
		{"UPDATE spotlist_data.videos SET state = 'canceling'", "end"},
		{"UPDATE spotlist_data.videos SET state = 'deleting'", "end"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		(void)empty(NULL);
		arrive("a", 1);
		SL_AUTO(sl_freep)
		char *sql =
			sl_asprintf("DELETE FROM spotlist_data.steps; %s; SELECT 0", cases[i].make);
		(void)fixture_sql(conninfo, sql);
		maintain();
		maintain();
		SL_AUTO(sl_freep)
		char *kinds = fixture_sql_text(conninfo,
			"SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '')"
			" FROM spotlist_data.steps WHERE NOT parked AND due_at <= now()");
		assert_string_equal(kinds, cases[i].kinds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_customers_many_do_not_starve_anothers_one, empty),
		cmocka_unit_test_setup(turns_stay_fair_when_the_line_has_moved, empty),
		cmocka_unit_test_setup(an_idle_tag_saves_up_nothing, empty),
		cmocka_unit_test_setup(only_so_many_have_a_place, empty),
		cmocka_unit_test_setup(many_admitting_at_once_give_no_place_twice, empty),
		cmocka_unit_test_setup(a_long_line_refuses_submissions, empty),
		cmocka_unit_test_setup(a_parked_step_is_never_due, empty),
		cmocka_unit_test_setup(a_bucket_gives_its_rate_and_no_more, empty),
		cmocka_unit_test_setup(a_clock_that_was_set_back_does_not_stop_a_bucket, empty),
		cmocka_unit_test_setup(rates_follow_the_region_where_aws_does, empty),
		cmocka_unit_test_setup(waits_that_a_clock_made_too_long_end, empty),
		cmocka_unit_test_setup(a_video_that_lost_its_step_gets_one, empty),
	};
	return cmocka_run_group_tests(tests, connect, disconnect);
}
