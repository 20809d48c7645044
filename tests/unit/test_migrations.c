/* SPDX-License-Identifier: Apache-2.0 */
/* The real migrations and statements on a real server: everything applies, everything can be
 * prepared, and the schema keeps the rules of the house. What files in sql/ must look like is
 * enforced by embed_sql.py at build time (test_embed_sql.py). */

#include <stdlib.h>

#include "mem.h"
#include "migrate.h"
#include "pg.h"
#include "store_schema.h"

/* Each query lists what breaks the rule. */
static const struct {
	const char *rule;
	const char *offenders;
} rules[] = {
	{"every table, view and column has a comment",
		"SELECT string_agg(c.relname || coalesce('.' || a.attname, ''), ' ')"
		" FROM pg_class c"
		" CROSS JOIN LATERAL ("
		"  SELECT NULL::name AS attname, 0 AS attnum UNION ALL"
		"  SELECT attname, attnum FROM pg_attribute"
		"  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a"
		" WHERE c.relnamespace IN ("
		"  SELECT oid FROM pg_namespace WHERE nspname LIKE 'spotlist%')"
		" AND c.relkind IN ('r', 'p', 'v', 'm')"
		" AND CASE a.attnum WHEN 0 THEN obj_description(c.oid, 'pg_class')"
		"     ELSE col_description(c.oid, a.attnum) END IS NULL"},
	{"every foreign key has an index that begins with its columns",
		"SELECT string_agg(k.conrelid::regclass || '.' || k.conname, ' ')"
		" FROM pg_constraint k"
		" WHERE k.contype = 'f' AND k.connamespace IN ("
		"  SELECT oid FROM pg_namespace WHERE nspname LIKE 'spotlist%')"
		" AND NOT EXISTS ("
		"  SELECT FROM pg_index i"
		"  WHERE i.indrelid = k.conrelid AND i.indpred IS NULL"
		/* indkey counts from 0 */
		"  AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)"},
	{"every table has a primary key",
		"SELECT string_agg(c.relname, ' ') FROM pg_class c"
		" WHERE c.relnamespace IN ("
		"  SELECT oid FROM pg_namespace WHERE nspname LIKE 'spotlist%')"
		" AND c.relkind IN ('r', 'p')"
		" AND NOT EXISTS ("
		"  SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')"},
	{"times of day have a time zone",
		"SELECT string_agg(table_name || '.' || column_name, ' ')"
		" FROM information_schema.columns"
		" WHERE table_schema LIKE 'spotlist%'"
		" AND data_type = 'timestamp without time zone'"},
};

static void the_schema_keeps_the_rules(void **state)
{
	(void)state;
	int broken = 0;
	for (size_t i = 0; i < SL_ARRAY_SIZE(rules); i++) {
		SL_AUTO(sl_freep)
		char *offenders = fixture_sql_text(conninfo, rules[i].offenders);
		if (offenders && offenders[0] != '\0') {
			print_error("%s, but not: %s\n", rules[i].rule, offenders);
			broken++;
		}
	}
	assert_int_equal(broken, 0);
}

static void the_rules_notice_what_breaks_them(void **state)
{
	(void)state;
	SL_AUTO(sl_freep)
	char *unruly = fixture_database();
	(void)fixture_sql(unruly,
		"CREATE SCHEMA spotlist_data;"
		"CREATE TABLE spotlist_data.a (x integer, y integer, at timestamp, PRIMARY KEY (x, "
		"y));"
		"CREATE TABLE spotlist_data.b (u integer, v integer,"
		" FOREIGN KEY (u, v) REFERENCES spotlist_data.a);"
		"CREATE INDEX ON spotlist_data.b (v); CREATE INDEX ON spotlist_data.b (u);"
		"CREATE INDEX ON spotlist_data.b (u, v) WHERE u > 0");
	for (size_t i = 0; i < SL_ARRAY_SIZE(rules); i++) {
		SL_AUTO(sl_freep)
		char *offenders = fixture_sql_text(unruly, rules[i].offenders);
		if (!offenders || offenders[0] == '\0') {
			fail_msg("not noticed: %s", rules[i].rule);
		}
	}
	(void)fixture_sql(unruly, "CREATE INDEX ON spotlist_data.b (v, u)");
	SL_AUTO(sl_freep)
	char *offenders = fixture_sql_text(unruly, rules[1].offenders);
	assert_true(!offenders || offenders[0] == '\0');
}

static void every_statement_can_be_prepared(void **state)
{
	(void)state;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = NULL;
	assert_err(SL_ERR_OK, sl_pg_connect(conninfo, "test_migrations", &pg, &error), &error);
	assert_int_equal(sl_pg_ping(pg, NULL), SL_ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schema_keeps_the_rules),
		cmocka_unit_test(the_rules_notice_what_breaks_them),
		cmocka_unit_test(every_statement_can_be_prepared),
	};
	return cmocka_run_group_tests_name("migrations", tests, set_up, tear_down);
}
