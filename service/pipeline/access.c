/* SPDX-License-Identifier: Apache-2.0 */
/* sl_access_check(): from the cache if it can, else from PostgreSQL, which is asked without the
 * lock. HTTP threads; on_notify() on the listener's. */

#include "access.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "text.h"

#define CHANNEL     "spotlist_tokens"
#define REFUSAL_MS  2000 /* how long a refusal holds: news of a new token may be missed */
#define RETRY_MS    500  /* between attempts to reach PostgreSQL for a token that is known */
#define LOOKUPS     4    /* at once for unknown tokens: guessing leaves connections to others */
#define BATCHES     10   /* a second, at a token's full rate */
#define BATCH_MS    1000 /* asking again sooner doubles the batch */
#define RETRY_AFTER 1000 /* when nobody knows better */

struct sl_access {
	struct sl_access_options options;
	struct sl_pg_listener *listener;
	pthread_mutex_t lock; /* guards what follows; never held while PostgreSQL is asked */
	struct sl_access_cache *cache;
	uint64_t era; /* grows with all that is heard: what was asked before may be old */
	unsigned lookups;
};

static void on_notify(void *context, const char *payload)
{
	struct sl_access *access = context;
	pthread_mutex_lock(&access->lock);
	access->era++;
	sl_access_cache_hear(access->cache, payload);
	pthread_mutex_unlock(&access->lock);
}

struct sl_access *sl_access_create(const struct sl_access_options *options)
{
	struct sl_access *access = sl_calloc(1, sizeof(*access));
	access->options = *options;
	access->cache = sl_access_cache_create();
	pthread_mutex_init(&access->lock, NULL);
	return access;
}

enum sl_err sl_access_listen(
	struct sl_access *access, const char *conninfo, struct sl_error *reterr)
{
	return sl_pg_listener_create(
		conninfo, CHANNEL, on_notify, access, &access->listener, reterr);
}

void sl_access_destroy(struct sl_access *access)
{
	if (access == NULL) {
		return;
	}
	if (access->listener != NULL) {
		sl_pg_listener_destroy(access->listener);
	}
	sl_access_cache_destroy(access->cache);
	pthread_mutex_destroy(&access->lock);
	free(access);
}

/* --- asking PostgreSQL --------------------------------------------------------------------- */

/* A connection for as long as one question takes. */
struct loan {
	struct sl_pg_pool *pool;
	struct sl_pg *pg;
};

static void loan_end(struct loan *loan)
{
	sl_pg_pool_give(loan->pool, loan->pg);
}

static enum sl_err refuse(enum sl_refusal why, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_TOKEN_REFUSED, "%s",
		why == SL_REFUSAL_EXPIRED           ? "the token has expired"
			: why == SL_REFUSAL_REVOKED ? "the token was revoked"
						    : "there is no such token");
}

/* Only for people who look at the list: failing here fails nothing. */
static void touch(struct sl_pg *pg, const char *id)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_token_touch, NULL, &error, SL_PG_TEXT(id));
	(void)err;
}

static void read_entry(
	const struct sl_access *access, const struct sl_pg_rows *rows, struct sl_access_entry *ret)
{
	ret->scope = sl_scope_parse(sl_pg_text(rows, 0, "scope"));
	ret->rate = sl_pg_null(rows, 0, "rate") ? access->options.rate : sl_pg_f64(rows, 0, "rate");
	ret->expires_ms = sl_pg_null(rows, 0, "expires_in_ms")
		? INT64_MAX
		: sl_clock_monotonic_ms() + sl_pg_i64(rows, 0, "expires_in_ms");
	memcpy(ret->id, sl_pg_text(rows, 0, "id"), SL_UUID_SIZE);
	const char *name = sl_pg_text(rows, 0, "name");
	size_t len = strlen(name);
	memcpy(ret->name, name, len < SL_TOKEN_NAME_MAX ? len + 1 : 0);
}

/* Fills what PostgreSQL tells of the token, or says why it is none. */
static enum sl_err look(struct sl_access *access, const unsigned char *hash,
	struct sl_access_entry *ret, enum sl_refusal *ret_why, struct sl_error *reterr)
{
	SL_AUTO(loan_end)
	struct loan loan = {.pool = access->options.pool};
	enum sl_err err = sl_pg_pool_take(loan.pool, &loan.pg, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, hash, SL_TOKEN_HASH_LEN);
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	err = sl_pg_exec(loan.pg, SL_SQL_token_find, &rows, reterr, SL_PG_TEXT(sl_buf_str(&hex)));
	if (err != SL_ERR_OK) {
		return err;
	}
	if (rows.count == 0) {
		*ret_why = SL_REFUSAL_UNKNOWN;
	} else if (sl_pg_bool(&rows, 0, "is_revoked")) {
		*ret_why = SL_REFUSAL_REVOKED;
	} else if (sl_pg_bool(&rows, 0, "is_expired")) {
		*ret_why = SL_REFUSAL_EXPIRED;
	} else {
		*ret_why = SL_REFUSAL_NONE;
		read_entry(access, &rows, ret);
		if (sl_pg_bool(&rows, 0, "is_use_old")) {
			touch(loan.pg, ret->id);
		}
	}
	return SL_ERR_OK;
}

/* --- what is known of a token -------------------------------------------------------------- */

static bool is_fresh(
	const struct sl_access *access, const struct sl_access_entry *entry, int64_t now)
{
	int64_t age = now - entry->asked_ms;
	int64_t recheck_ms = access->options.recheck_ms;
	/* One thread asks; others need not wait for it, for as long again. */
	return !entry->stale && age < (entry->asking ? 2 * recheck_ms : recheck_ms);
}

/* PostgreSQL has not answered: an entry that was good not long ago still is. */
static enum sl_err forgive(struct sl_access *access, const unsigned char *hash, int64_t now,
	enum sl_err err, struct sl_access_entry **ret)
{
	struct sl_access_entry *entry = sl_access_cache_find(access->cache, hash);
	if (entry == NULL) {
		return err;
	}
	entry->asking = false;
	if (now - entry->asked_ms >= access->options.grace_ms) {
		return err;
	}
	entry->again_ms = now + RETRY_MS;
	*ret = entry;
	return SL_ERR_OK;
}

/* Keeps what was told, unless something was heard of since it was asked for. */
static enum sl_err keep(struct sl_access *access, uint64_t era, int64_t asked_ms,
	const struct sl_access_entry *told, enum sl_refusal why, struct sl_access_entry **ret,
	struct sl_error *reterr)
{
	bool is_old = era != access->era;
	struct sl_access_entry *entry = sl_access_cache_find(access->cache, told->hash);
	if (why != SL_REFUSAL_NONE) {
		if (entry != NULL) {
			sl_access_cache_remove(entry);
		}
		if (!is_old) {
			sl_access_cache_refuse(
				access->cache, told->hash, why, asked_ms + REFUSAL_MS);
		}
		return refuse(why, reterr);
	}
	struct sl_access_share share = entry != NULL && entry->rate == told->rate
		? entry->share
		: (struct sl_access_share){.left = 0};
	entry = sl_access_cache_put(access->cache, told->hash);
	*entry = *told;
	entry->taken = true;
	entry->stale = is_old;
	entry->asked_ms = asked_ms;
	entry->share = share;
	*ret = entry;
	return SL_ERR_OK;
}

/* With the lock, which is let go meanwhile. */
static enum sl_err ask(struct sl_access *access, const unsigned char *hash,
	struct sl_access_entry *known, struct sl_access_entry **ret, struct sl_error *reterr)
{
	if (known == NULL && access->lookups >= LOOKUPS) {
		sl_error_set(reterr, SL_ERR_OVERLOADED, "many unknown tokens are being looked for");
		if (reterr != NULL) {
			reterr->retry_after_ms = RETRY_AFTER;
		}
		return SL_ERR_OVERLOADED;
	}
	if (known != NULL) {
		known->asking = true;
	}
	unsigned lookup = known == NULL ? 1 : 0;
	access->lookups += lookup;
	uint64_t era = access->era;
	int64_t asked_ms = sl_clock_monotonic_ms();
	struct sl_access_entry told = {.taken = true};
	memcpy(told.hash, hash, SL_TOKEN_HASH_LEN);
	enum sl_refusal why = SL_REFUSAL_NONE;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;

	pthread_mutex_unlock(&access->lock);
	enum sl_err err = look(access, hash, &told, &why, &error);
	pthread_mutex_lock(&access->lock);

	access->lookups -= lookup;
	if (err == SL_ERR_OK) {
		return keep(access, era, asked_ms, &told, why, ret, reterr);
	}
	err = forgive(access, hash, sl_clock_monotonic_ms(), err, ret);
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &error);
	}
	return err;
}

/* The entry of a token that is good, with the lock. */
static enum sl_err find(struct sl_access *access, const unsigned char *hash, int64_t now,
	struct sl_access_entry **ret, struct sl_error *reterr)
{
	struct sl_access_entry *entry = sl_access_cache_find(access->cache, hash);
	enum sl_refusal why = SL_REFUSAL_NONE;
	if (entry == NULL) {
		why = sl_access_cache_refused(access->cache, hash, now);
	}
	if (why != SL_REFUSAL_NONE) {
		return refuse(why, reterr);
	}
	bool in_grace = entry != NULL && now < entry->again_ms &&
		now - entry->asked_ms < access->options.grace_ms;
	enum sl_err err = SL_ERR_OK;
	if (entry == NULL || (!is_fresh(access, entry, now) && !in_grace)) {
		err = ask(access, hash, entry, &entry, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	if (entry == NULL) {
		SL_BUG("a token is good that nothing is known of");
	}
	if (entry->expires_ms <= now) {
		sl_access_cache_remove(entry);
		return refuse(SL_REFUSAL_EXPIRED, reterr);
	}
	*ret = entry;
	return SL_ERR_OK;
}

/* --- rates --------------------------------------------------------------------------------- */

static enum sl_err limit(double rate, int64_t wait_ms, struct sl_error *reterr)
{
	sl_error_set(reterr, SL_ERR_RATE_LIMITED, "this token may make %g request%s a second", rate,
		rate == 1 ? "" : "s");
	if (reterr != NULL) {
		reterr->retry_after_ms = wait_ms > 0 ? wait_ms : 1;
	}
	return SL_ERR_RATE_LIMITED;
}

/* How many are asked for at once: one by one who comes seldom, and a tenth of a second's worth at
 * most, since what one process holds another one lacks. */
static int64_t next_batch(const struct sl_access_entry *entry, int64_t now)
{
	const struct sl_access_share *share = &entry->share;
	int64_t most = (int64_t)(entry->rate / BATCHES);
	int64_t batch = share->batch > 0 && now - share->asked_ms < BATCH_MS ? 2 * share->batch : 1;
	batch = batch < most ? batch : most;
	return batch > 0 ? batch : 1;
}

static enum sl_err take(struct sl_access *access, const char *id, double rate, int64_t batch,
	int64_t *ret_granted, int64_t *ret_wait_ms)
{
	SL_AUTO(loan_end)
	struct loan loan = {.pool = access->options.pool};
	enum sl_err err = sl_pg_pool_take(loan.pool, &loan.pg, NULL);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	err = sl_pg_exec(loan.pg, SL_SQL_token_take, &rows, NULL, SL_PG_TEXT(id), SL_PG_F64(rate),
		SL_PG_I64(batch));
	if (err == SL_ERR_OK && rows.count == 1) {
		*ret_granted = sl_pg_i64(&rows, 0, "granted");
		*ret_wait_ms = sl_pg_i64(&rows, 0, "wait_ms");
	}
	return err;
}

/* One request of the token's share, with the lock, which is let go while PostgreSQL is asked for
 * more; the entry may be gone after that. */
static enum sl_err spend(struct sl_access *access, struct sl_access_entry *entry, int64_t now,
	struct sl_error *reterr)
{
	struct sl_access_share *share = &entry->share;
	double rate = entry->rate;
	if (rate <= 0) {
		return SL_ERR_OK;
	}
	if (share->left > 0) {
		share->left--;
		return SL_ERR_OK;
	}
	if (now < share->empty_until && now < share->again_ms) {
		return limit(rate, share->empty_until - now, reterr);
	}
	int64_t batch = next_batch(entry, now);
	share->batch = batch;
	share->asked_ms = now;
	char id[SL_UUID_SIZE];
	unsigned char hash[SL_TOKEN_HASH_LEN];
	memcpy(id, entry->id, sizeof(id));
	memcpy(hash, entry->hash, sizeof(hash));
	int64_t granted = 0;
	int64_t wait_ms = RETRY_AFTER;

	pthread_mutex_unlock(&access->lock);
	enum sl_err err = take(access, id, rate, batch, &granted, &wait_ms);
	pthread_mutex_lock(&access->lock);

	entry = sl_access_cache_find(access->cache, hash);
	if (err != SL_ERR_OK) {
		/* Nobody counts for all: this process lets through what the rate allows. */
		granted = batch;
		wait_ms = (int64_t)((double)batch / rate * 1000);
	}
	if (entry != NULL && granted > 0) {
		entry->share.left += granted - 1;
	}
	if (entry != NULL && (granted == 0 || err != SL_ERR_OK)) {
		entry->share.empty_until = now + wait_ms;
		entry->share.again_ms = now + RETRY_AFTER;
	}
	return granted > 0 ? SL_ERR_OK : limit(rate, wait_ms, reterr);
}

/* --- a request ----------------------------------------------------------------------------- */

enum sl_err sl_access_check(struct sl_access *access, const char *token, size_t len,
	enum sl_scope needed, struct sl_access_caller *ret, struct sl_error *reterr)
{
	if (len != SL_TOKEN_LEN) {
		return refuse(SL_REFUSAL_UNKNOWN, reterr);
	}
	unsigned char hash[SL_TOKEN_HASH_LEN];
	sl_token_hash(token, len, hash);
	int64_t now = sl_clock_monotonic_ms();
	pthread_mutex_lock(&access->lock);
	struct sl_access_entry *entry = NULL;
	enum sl_err err = SL_ERR_OK;
	if (sl_access_cache_find(access->cache, hash) == NULL && !sl_token_plausible(token, len)) {
		err = refuse(SL_REFUSAL_UNKNOWN, reterr);
	} else {
		err = find(access, hash, now, &entry, reterr); /* an entry, or an error */
	}
	if (entry != NULL) {
		entry->used_ms = now;
		memcpy(ret->id, entry->id, sizeof(ret->id));
		memcpy(ret->name, entry->name, sizeof(ret->name));
		err = entry->scope >= needed
			? spend(access, entry, now, reterr)
			: sl_error_set(reterr, SL_ERR_INSUFFICIENT_SCOPE,
				  "this needs the scope %s, and the token has %s",
				  sl_scope_name(needed), sl_scope_name(entry->scope));
	}
	pthread_mutex_unlock(&access->lock);
	return err;
}
