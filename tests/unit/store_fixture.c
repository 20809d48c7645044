/* SPDX-License-Identifier: Apache-2.0 */
/* Databases, doors and child processes for the tests of store/: see store_fixture.h. */

#include "store_fixture.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"

static const char *server(void)
{
	const char *url = getenv("SPOTLIST_TEST_DATABASE_URL");
	if (!url) {
		fail_msg("SPOTLIST_TEST_DATABASE_URL is not set: run through with_postgres.sh");
	}
	return url;
}

char *fixture_sql_text(const char *conninfo, const char *sql)
{
	PGconn *conn = PQconnectdb(conninfo);
	PQclear(PQexec(conn, "SET client_min_messages = warning"));
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	}
	char *value = PQntuples(result) > 0 ? sl_strdup(PQgetvalue(result, 0, 0)) : NULL;
	PQclear(result);
	PQfinish(conn);
	return value;
}

int64_t fixture_sql(const char *conninfo, const char *sql)
{
	char *text = fixture_sql_text(conninfo, sql);
	int64_t number = text ? strtoll(text, NULL, 10) : 0;
	free(text);
	return number;
}

char *fixture_database(void)
{
	static int count;
	char *create = sl_asprintf("CREATE DATABASE test_%d_%d", (int)getpid(), ++count);
	(void)fixture_sql(server(), create);
	free(create);
	return sl_asprintf("%s dbname=test_%d_%d", server(), (int)getpid(), count);
}

bool fixture_aborts(void (*fn)(void *context), void *context)
{
	pid_t pid = fork();
	if (pid == 0) {
		const struct rlimit none = {0, 0};
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
		(void)close(STDERR_FILENO);
		fn(context);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static char *socket_directory(void)
{
	PQconninfoOption *options = PQconninfoParse(server(), NULL);
	assert_non_null(options);
	char *host = NULL;
	for (PQconninfoOption *option = options; option->keyword; option++) {
		if (strcmp(option->keyword, "host") == 0) {
			host = sl_strdup(option->val);
		}
	}
	PQconninfoFree(options);
	assert_non_null(host);
	return host;
}

void fixture_door_init(struct fixture_door *door, const char *conninfo)
{
	(void)snprintf(door->directory, sizeof(door->directory), "/tmp/spotlist-door.XXXXXX");
	assert_non_null(mkdtemp(door->directory));
	char *host = socket_directory();
	door->target = sl_asprintf("%s/.s.PGSQL.5432", host);
	free(host);
	door->socket = sl_asprintf("%s/.s.PGSQL.5432", door->directory);
	door->conninfo = sl_asprintf("%s host=%s", conninfo, door->directory);
	fixture_door_open(door);
}

void fixture_door_shut(struct fixture_door *door)
{
	assert_int_equal(unlink(door->socket), 0);
}

void fixture_door_open(struct fixture_door *door)
{
	assert_int_equal(symlink(door->target, door->socket), 0);
}

void fixture_door_finish(struct fixture_door *door)
{
	(void)unlink(door->socket);
	(void)rmdir(door->directory);
	free(door->conninfo);
	free(door->socket);
	free(door->target);
}

void fixture_assert_err(enum sl_err expected, enum sl_err err, const struct sl_error *error,
	const char *file, int line)
{
	if (err != expected) {
		print_error("%s instead of %s: %s\n", sl_err_code(err), sl_err_code(expected),
			error && error->detail ? error->detail : "");
		_fail(file, line);
	}
}
