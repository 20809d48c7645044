/* SPDX-License-Identifier: Apache-2.0 */
/* Connections for the HTTP threads: sl_pg_pool_take(), sl_pg_pool_give(). Any thread; the mutex
 * is held for bookkeeping only, never while a connection is opened. A server that is away is not
 * tried again by every thread: watch.c does that for all of them. */

#include <pthread.h>
#include <stdlib.h>

#include "cond.h"
#include "mem.h"
#include "pg_private.h"

#define TAKE_TIMEOUT_MS INT64_C(5000)

struct sl_pg_pool {
	char *conninfo;
	char *application;
	struct sl_pg_watch *watch; /* NULL: none */
	pthread_mutex_t mutex;     /* guards what follows */
	pthread_cond_t freed;      /* one came back, or may be opened */
	struct sl_pg **idle;       /* a stack: the one used last is the likeliest to be alive */
	unsigned idle_count;
	unsigned open_count; /* idle, taken, and being opened */
	unsigned size;
};

struct sl_pg_pool *sl_pg_pool_create(const char *conninfo, const char *application, unsigned size)
{
	struct sl_pg_pool *pool = sl_calloc(1, sizeof(*pool));
	pool->conninfo = sl_strdup(conninfo);
	pool->application = sl_strdup(application);
	pool->idle = sl_calloc(size, sizeof(struct sl_pg *));
	pool->size = size;
	if (pthread_mutex_init(&pool->mutex, NULL) != 0) {
		SL_BUG("a mutex could not be made");
	}
	sl_cond_init(&pool->freed);
	return pool;
}

/* With the mutex held: whether there is an idle connection or room for one more, in time. */
static bool await_free(struct sl_pg_pool *pool)
{
	struct timespec deadline = sl_cond_deadline(TAKE_TIMEOUT_MS);
	int outcome = 0;
	while (pool->idle_count == 0 && pool->open_count == pool->size && outcome == 0) {
		outcome = pthread_cond_timedwait(&pool->freed, &pool->mutex, &deadline);
	}
	return pool->idle_count > 0 || pool->open_count < pool->size;
}

static void count_closed(struct sl_pg_pool *pool)
{
	(void)pthread_mutex_lock(&pool->mutex);
	pool->open_count--;
	(void)pthread_cond_signal(&pool->freed);
	(void)pthread_mutex_unlock(&pool->mutex);
}

enum sl_err sl_pg_pool_watch(struct sl_pg_pool *pool, struct sl_error *reterr)
{
	return sl_pg_watch_create(pool->conninfo, &pool->watch, reterr);
}

enum sl_err sl_pg_pool_check(struct sl_pg_pool *pool, struct sl_error *reterr)
{
	return pool->watch ? sl_pg_watch_state(pool->watch, reterr) : SL_ERR_OK;
}

static enum sl_err open_one(struct sl_pg_pool *pool, struct sl_pg **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_destroyp)
	struct sl_pg *pg = sl_pg_create(pool->conninfo, pool->application);
	if (pool->watch) {
		pg->patience.is_hung = sl_pg_watch_hung(pool->watch);
	}
	enum sl_err err = sl_pg_ready(pg, reterr);
	if (err) {
		return err;
	}
	*ret = sl_take(&pg);
	return SL_ERR_OK;
}

/* Connections that are open may be good even when new ones are refused, unless the server hangs. */
static bool is_worth_trying(struct sl_pg_pool *pool)
{
	if (!pool->watch || !atomic_load(sl_pg_watch_hung(pool->watch))) {
		(void)pthread_mutex_lock(&pool->mutex);
		bool any = pool->idle_count > 0;
		(void)pthread_mutex_unlock(&pool->mutex);
		return any;
	}
	return false;
}

enum sl_err sl_pg_pool_take(struct sl_pg_pool *pool, struct sl_pg **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err state = sl_pg_pool_check(pool, &error);
	if (state && !is_worth_trying(pool)) {
		sl_error_move(reterr, &error);
		return state;
	}
	struct sl_pg *pg = NULL;
	(void)pthread_mutex_lock(&pool->mutex);
	bool granted = await_free(pool);
	if (granted && pool->idle_count > 0) {
		pg = pool->idle[--pool->idle_count];
	} else if (granted) {
		pool->open_count++;
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	if (!granted) {
		return sl_error_set(reterr, SL_ERR_OVERLOADED,
			"all %u database connections were in use for %d s: look in "
			"pg_stat_activity for what slows them",
			pool->size, (int)(TAKE_TIMEOUT_MS / 1000));
	}
	if (!pg) {
		enum sl_err err = open_one(pool, &pg, reterr);
		if (err) {
			count_closed(pool);
			return err;
		}
	}
	*ret = pg;
	return SL_ERR_OK;
}

void sl_pg_pool_give(struct sl_pg_pool *pool, struct sl_pg *pg)
{
	if (!pg) {
		return;
	}
	if (sl_pg_open_tx(pg)) {
		SL_BUG("a connection comes back with an open transaction");
	}
	(void)pthread_mutex_lock(&pool->mutex);
	if (pool->idle_count == pool->size) {
		SL_BUG("more connections come back than were taken");
	}
	pool->idle[pool->idle_count++] = pg;
	(void)pthread_cond_signal(&pool->freed);
	(void)pthread_mutex_unlock(&pool->mutex);
}

void sl_pg_pool_destroy(struct sl_pg_pool *pool)
{
	if (!pool) {
		return;
	}
	if (pool->idle_count != pool->open_count) {
		SL_BUG("the pool is destroyed while a connection is in use");
	}
	sl_pg_watch_destroy(pool->watch);
	for (unsigned i = 0; i < pool->idle_count; i++) {
		sl_pg_destroy(pool->idle[i]);
	}
	(void)pthread_cond_destroy(&pool->freed);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool->idle);
	free(pool->conninfo);
	free(pool->application);
	free(pool);
}
