/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_AWS_SCRIPT_H
#define SL_AWS_SCRIPT_H

/* For tests of one service's file: a client, and a server that answers by a script and notes what
 * it was asked. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aws_stub.h"

#define MAX_SEEN 64

/* What the stub answers, in order (the last one again and again), and what it has seen. */
struct script_step {
	int status;
	const char *headers;
	const char *body;
	int64_t length; /* of a HEAD */
};

struct script {
	const struct script_step *steps;
	size_t step_count;
	size_t at;
	stub_handler *handler; /* instead of steps */
	void *handler_context;
	char *seen[MAX_SEEN];   /* "METHOD target\nbody" */
	char *header[MAX_SEEN]; /* the one that `watched` names */
	const char *watched;
	size_t seen_count;
};

struct fixture {
	struct stub *stub;
	struct sl_aws *aws;
	struct sl_client *client;
	struct script script;
	struct sl_error error;
};

/** Group fixtures of cmocka: `*state` is a struct fixture. */
int script_setup(void **state);
int script_teardown(void **state);

/** Forgets what was seen, and the last error. */
void script_rewind(struct fixture *fixture);
void script_set_steps(struct fixture *fixture, const struct script_step *steps, size_t count,
	const char *watched);

#define answer_with(fixture, watched, ...) \
	static const struct script_step steps_[] = {__VA_ARGS__}; \
	script_set_steps((fixture), steps_, SL_ARRAY_SIZE(steps_), (watched))

/** Compares a request's JSON body, whatever the order of its keys. */
void assert_body(const struct fixture *fixture, size_t which, const char *expected);
/** Compares a request's method and target. */
void assert_line(const struct fixture *fixture, size_t which, const char *expected);

#endif
