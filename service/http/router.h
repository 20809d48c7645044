/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ROUTER_H
#define SL_ROUTER_H

/* The route table: matching is pure. */

#include "request.h"

typedef enum sl_err sl_handler(struct sl_request *request, struct sl_reply *reply);

/* Who may call. There is no default: 0 makes the server refuse to start. */
enum sl_auth {
	SL_AUTH_UNSET_,
	SL_AUTH_OPEN,   /* anyone: health checks */
	SL_AUTH_SNS,    /* the body's own signature is the authentication */
	SL_AUTH_READ,   /* who may read, */
	SL_AUTH_SUBMIT, /* cause work and its cost, */
	SL_AUTH_ADMIN,  /* or destroy; each may do what stands before it */
};

struct sl_route {
	const char *method;       /* "GET" serves HEAD too */
	const char *path;         /* full template: "/videos/{id}/metadata" */
	const char *operation_id; /* as in openapi.yaml */
	sl_handler *handler;
	enum sl_auth auth;
	size_t max_body; /* bytes; 0: no body accepted */
};

#define SL_ROUTER_MAX_PARAMS 4

struct sl_match {
	const struct sl_route *route; /* NULL: see err */
	enum sl_err err;              /* OK, NOT_FOUND, METHOD_NOT_ALLOWED, BAD_REQUEST */
	char allow[64];               /* METHOD_NOT_ALLOWED: value of the Allow header */
	const char *names[SL_ROUTER_MAX_PARAMS]; /* pointing into the template */
	size_t name_lens[SL_ROUTER_MAX_PARAMS];
	char *values[SL_ROUTER_MAX_PARAMS]; /* decoded, owned */
	size_t count;
};

/**
 * Whether the table can be served: every row complete and with its auth policy, templates well
 * formed, nothing named twice, and no path that two templates match equally well. SL_ERR_CONFIG
 * names the row. A literal segment beats a parameter ("/videos/search" before "/videos/{id}").
 */
SL_MUST_CHECK enum sl_err sl_router_check(
	const struct sl_route *routes, size_t count, struct sl_error *reterr);

/** Matches a percent-encoded path; a parameter is one non-empty segment. A broken escape or an
 *  embedded NUL or slash in a parameter is BAD_REQUEST. Call sl_match_finish(). */
void sl_router_match(const struct sl_route *routes, size_t count, const char *method,
	const char *path, struct sl_match *ret);
void sl_match_finish(struct sl_match *match);

#endif
