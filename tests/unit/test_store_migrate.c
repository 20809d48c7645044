/* SPDX-License-Identifier: Apache-2.0 */
/* store/: applying migrations (the trial ones of store/migrations) on a real server, and the
 * check of the schema at connect. The real migrations are in test_migrations.c. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "store_fixture.h"

static const char *const names[] = {"0001_things", "0002_counters", "0003_raise"};

#define MIGRATIONS SL_ARRAY_SIZE(names)

struct applied {
	struct sl_buf list; /* "0001_things 0002_counters " */
};

static void on_applied(void *context, const char *name)
{
	struct applied *applied = context;
	sl_buf_printf(&applied->list, "%s ", name);
}

static void applied_finish(struct applied *applied)
{
	sl_buf_finish(&applied->list);
}

static void migrations_are_applied_in_order_and_once(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *conninfo = fixture_database();
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(applied_finish)
	struct applied applied = {SL_BUF_INIT};
	assert_err(SL_ERR_OK, sl_migrate(conninfo, on_applied, &applied, &error), &error);
	assert_string_equal(sl_buf_str(&applied.list), "0001_things 0002_counters 0003_raise ");
	sl_buf_clear(&applied.list);
	assert_err(SL_ERR_OK, sl_migrate(conninfo, on_applied, &applied, &error), &error);
	assert_string_equal(sl_buf_str(&applied.list), "");
	SL_AUTO(sl_freep)
	char *registered = fixture_sql_text(conninfo,
		"SELECT string_agg(number || ':' || name, ' ' ORDER BY number)"
		" FROM spotlist_data.migrations"
		" WHERE sha256 ~ '^[0-9a-f]{64}$' AND applied_at <= clock_timestamp()");
	assert_string_equal(registered, "1:0001_things 2:0002_counters 3:0003_raise");
}

static void the_embedded_text_is_the_text_of_the_file(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *conninfo = fixture_database();
	assert_int_equal(sl_migrate(conninfo, NULL, NULL, NULL), SL_ERR_OK);
	SL_AUTO(sl_freep)
	char *comment = fixture_sql_text(
		conninfo, "SELECT obj_description('spotlist_data.things'::regclass)");
	assert_string_equal(comment, "Trial: \"é\", \\, $1.");
}

static void the_registry_explains_itself(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *conninfo = fixture_database();
	assert_int_equal(sl_migrate(conninfo, NULL, NULL, NULL), SL_ERR_OK);
	assert_int_equal(fixture_sql(conninfo,
				 "SELECT count(*) FROM pg_attribute"
				 " WHERE attrelid = 'spotlist_data.migrations'::regclass"
				 " AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"),
		0);
	assert_int_equal(fixture_sql(conninfo,
				 "SELECT count(*) FROM pg_namespace"
				 " WHERE nspname = 'spotlist_data' AND"
				 " obj_description(oid) IS NOT NULL"),
		1);
}

struct runner {
	const char *conninfo;
	pthread_barrier_t *start;
	struct applied applied;
	enum sl_err err;
};

static void *run(void *argument)
{
	struct runner *runner = argument;
	(void)pthread_barrier_wait(runner->start);
	runner->err = sl_migrate(runner->conninfo, on_applied, &runner->applied, NULL);
	return NULL;
}

static void concurrent_runners_apply_each_migration_once(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		SL_AUTO(sl_freep)
		char *conninfo = fixture_database();
		pthread_barrier_t start;
		struct runner runners[4];
		pthread_t threads[SL_ARRAY_SIZE(runners)];
		assert_int_equal(pthread_barrier_init(&start, NULL, SL_ARRAY_SIZE(runners)), 0);
		for (size_t i = 0; i < SL_ARRAY_SIZE(runners); i++) {
			runners[i] = (struct runner){.conninfo = conninfo, .start = &start};
			assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
		}
		int times[MIGRATIONS] = {0};
		for (size_t i = 0; i < SL_ARRAY_SIZE(runners); i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			assert_int_equal(runners[i].err, SL_ERR_OK);
			for (size_t n = 0; n < MIGRATIONS; n++) {
				times[n] += strstr(sl_buf_str(&runners[i].applied.list),
						    names[n]) != NULL;
			}
			applied_finish(&runners[i].applied);
		}
		for (size_t n = 0; n < MIGRATIONS; n++) {
			assert_int_equal(times[n], 1);
		}
		(void)pthread_barrier_destroy(&start);
	}
}

static void a_database_that_differs_is_told_by_migrate_and_by_connect(void **state)
{
	(void)state;
	static const struct {
		const char *sql;
		const char *detail;
	} cases[] = {
		{"UPDATE spotlist_data.migrations SET sha256 = repeat('0', 64) WHERE number = 2",
			"migration 0002_counters was applied with another text"},
		{"INSERT INTO spotlist_data.migrations VALUES (4, '0004_future', repeat('0', 64))",
			"migration 0004_future, which is newer than this program"},
		{"UPDATE spotlist_data.migrations SET name = '0002_other' WHERE number = 2",
			"migration 0002_other where this program has 0002_counters"},
		{"DELETE FROM spotlist_data.migrations WHERE number = 2",
			"migration 0003_raise where this program has 0002_counters"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_freep)
		char *conninfo = fixture_database();
		assert_int_equal(sl_migrate(conninfo, NULL, NULL, NULL), SL_ERR_OK);
		(void)fixture_sql(conninfo, cases[i].sql);
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_migrate(conninfo, NULL, NULL, &error);
		assert_err(SL_ERR_SCHEMA_OUTDATED, err, &error);
		assert_non_null(strstr(error.detail, cases[i].detail));
		struct sl_pg *pg = NULL;
		err = sl_pg_connect(conninfo, "test", &pg, &error);
		assert_err(SL_ERR_SCHEMA_OUTDATED, err, &error);
		assert_non_null(strstr(error.detail, cases[i].detail));
	}
}

static void a_database_that_lacks_migrations_is_told_which(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *conninfo = fixture_database();
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct sl_pg *pg = NULL;
	enum sl_err err = sl_pg_connect(conninfo, "test", &pg, &error);
	assert_err(SL_ERR_SCHEMA_OUTDATED, err, &error);
	assert_non_null(strstr(error.detail, "lacks migration 0001_things"));
	assert_int_equal(sl_migrate(conninfo, NULL, NULL, NULL), SL_ERR_OK);
	(void)fixture_sql(conninfo, "DELETE FROM spotlist_data.migrations WHERE number = 3");
	err = sl_pg_connect(conninfo, "test", &pg, &error);
	assert_err(SL_ERR_SCHEMA_OUTDATED, err, &error);
	assert_non_null(strstr(error.detail, "lacks migration 0003_raise"));
}

static void a_failing_migration_leaves_the_earlier_ones_and_nothing_of_itself(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *conninfo = fixture_database();
	/* 0002 makes "counters" first and then "late", which is in its way. */
	(void)fixture_sql(conninfo,
		"CREATE SCHEMA spotlist_data; CREATE TABLE spotlist_data.late"
		" (a integer)");
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(applied_finish)
	struct applied applied = {SL_BUF_INIT};
	enum sl_err err = sl_migrate(conninfo, on_applied, &applied, &error);
	assert_err(SL_ERR_DATABASE, err, &error);
	assert_non_null(strstr(error.detail, "0002_counters: SQLSTATE 42P07"));
	assert_string_equal(sl_buf_str(&applied.list), "0001_things ");
	assert_int_equal(fixture_sql(conninfo, "SELECT count(*) FROM spotlist_data.migrations"), 1);
	assert_int_equal(
		fixture_sql(conninfo, "SELECT count(to_regclass('spotlist_data.counters'))"), 0);
	(void)fixture_sql(conninfo, "DROP TABLE spotlist_data.late");
	assert_err(SL_ERR_OK, sl_migrate(conninfo, on_applied, &applied, &error), &error);
	assert_string_equal(sl_buf_str(&applied.list), "0001_things 0002_counters 0003_raise ");
}

static void an_owner_of_the_schema_alone_can_migrate(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *conninfo = fixture_database();
	(void)fixture_sql(conninfo,
		"CREATE ROLE tenant LOGIN;"
		"CREATE SCHEMA spotlist_data AUTHORIZATION tenant");
	SL_AUTO(sl_freep)
	char *tenant = sl_asprintf("%s user=tenant", conninfo);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_err(SL_ERR_OK, sl_migrate(tenant, NULL, NULL, &error), &error);
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_OK, sl_pg_connect(tenant, "tenant", &pg, &error), &error);
	sl_pg_destroy(pg);
}

static void no_server_is_unavailable(void **state)
{
	(void)state;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_migrate("host=/nonexistent", NULL, NULL, &error);
	assert_err(SL_ERR_DATABASE_UNAVAILABLE, err, &error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrations_are_applied_in_order_and_once),
		cmocka_unit_test(the_embedded_text_is_the_text_of_the_file),
		cmocka_unit_test(the_registry_explains_itself),
		cmocka_unit_test(concurrent_runners_apply_each_migration_once),
		cmocka_unit_test(a_database_that_differs_is_told_by_migrate_and_by_connect),
		cmocka_unit_test(a_database_that_lacks_migrations_is_told_which),
		cmocka_unit_test(a_failing_migration_leaves_the_earlier_ones_and_nothing_of_itself),
		cmocka_unit_test(an_owner_of_the_schema_alone_can_migrate),
		cmocka_unit_test(no_server_is_unavailable),
	};
	return cmocka_run_group_tests_name("store_migrate", tests, NULL, NULL);
}
