/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ACCESS_H
#define SL_ACCESS_H

/*
 * Who may call: tokens against PostgreSQL, and each token's rate over all processes. What was found
 * is kept (access_cache.h), so that a request costs a hash and a look, and no statement. PostgreSQL
 * notifies of every change; should that go unheard, each token is asked for again after
 * `recheck_ms`. While PostgreSQL is away those that are known stay good for `grace_ms`; others are
 * DATABASE_UNAVAILABLE, since nobody can tell. Thread-safe.
 */

#include "access_cache.h"
#include "err.h"
#include "pg.h"

struct sl_access;

struct sl_access_options {
	struct sl_pg_pool *pool;
	int64_t recheck_ms;
	int64_t grace_ms;
	double rate; /* requests a second of tokens that have none of their own; 0: no limit */
};

/* Who it is, for logs. */
struct sl_access_caller {
	char id[SL_UUID_SIZE];
	char name[SL_TOKEN_NAME_SIZE]; /* "": none */
};

struct sl_access *sl_access_create(const struct sl_access_options *options);
void sl_access_destroy(struct sl_access *access); /* NULL is fine */

/** Hears, on a thread of its own, which tokens have changed. Once. */
SL_MUST_CHECK enum sl_err sl_access_listen(
	struct sl_access *access, const char *conninfo, struct sl_error *reterr);

/**
 * Whether the token may do what needs this scope, now. TOKEN_REFUSED: no token, or not any more;
 * INSUFFICIENT_SCOPE; RATE_LIMITED: with retry_after_ms; DATABASE_UNAVAILABLE and the like.
 * `ret` is filled as soon as it is known who it is, on INSUFFICIENT_SCOPE and RATE_LIMITED too.
 */
SL_MUST_CHECK enum sl_err sl_access_check(struct sl_access *access, const char *token, size_t len,
	enum sl_scope needed, struct sl_access_caller *ret, struct sl_error *reterr);

#endif
