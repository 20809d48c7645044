/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_QUERY_H
#define LC_QUERY_H

/* The query protocol for IAM and STS: parameters, answers and errors. On the HTTP thread. */

#include "cloud.h"

struct lc_query {
	struct lc_cloud *cloud;
	const struct lc_request *request;
	struct lc_reply *reply;
	const char *action;
};

/** An operation: fills the reply. */
typedef void lc_query_operation(struct lc_query *query);

struct lc_query_row {
	const char *action;
	lc_query_operation *run;
};

/** Runs the row of the request's Action; `version` is the API's, for the error when none fits. */
void lc_query_run(
	struct lc_query *query, const struct lc_query_row *rows, size_t count, const char *version);

/** A parameter of the form or the query, owned by the caller; NULL when absent. */
char *lc_query_param(const struct lc_query *query, const char *name);
/** `<name>.member.<n>`, n from 1. */
char *lc_query_member(const struct lc_query *query, const char *name, int n);
/** A required parameter; NULL after an error reply. */
char *lc_query_required(struct lc_query *query, const char *name);

/** `<ActionResponse><ActionResult>`, elements, and what closes both. */
void lc_query_open(struct lc_query *query);
void lc_query_close(struct lc_query *query);
/** An answer without a result. */
void lc_query_done(struct lc_query *query);
/** An element, unless its text is NULL. */
void lc_query_element(struct lc_query *query, const char *name, const char *text);
void lc_query_tag(struct lc_query *query, const char *tag); /* "<Role>", as it is */
/** A time, given in milliseconds, as whole seconds. */
void lc_query_time(struct lc_query *query, const char *name, int64_t time_ms);

void lc_query_error(struct lc_query *query, int status, const char *code, const char *format, ...)
	SL_PRINTF(4, 5);

#endif
