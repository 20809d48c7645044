/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STORE_FIXTURE_H
#define SL_STORE_FIXTURE_H

/* Databases for the tests of store/, on the server of tests/with_postgres.sh. Failures are
 * cmocka's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"

/** A new empty database; its conninfo, owned by the caller. It goes away with the server. */
char *fixture_database(void);

/** Runs SQL over a connection that is made for it; the first value of the last statement. */
int64_t fixture_sql(const char *conninfo, const char *sql);

/** The same for text, owned by the caller. */
char *fixture_sql_text(const char *conninfo, const char *sql);

/** Runs `fn` in a child process: whether it aborted. */
bool fixture_aborts(void (*fn)(void *context), void *context);

/* A way to the server that can be shut: the same database through a socket of another name. */
struct fixture_door {
	char *conninfo;
	char directory[32];
	char *socket;
	char *target;
};
void fixture_door_init(struct fixture_door *door, const char *conninfo);
void fixture_door_shut(struct fixture_door *door);
void fixture_door_open(struct fixture_door *door);
void fixture_door_finish(struct fixture_door *door);

/** Fails the test with the error's words unless `err` is `expected`. */
#define assert_err(expected, err, error) \
	fixture_assert_err((expected), (err), (error), __FILE__, __LINE__)
void fixture_assert_err(enum sl_err expected, enum sl_err err, const struct sl_error *error,
	const char *file, int line);

#endif
