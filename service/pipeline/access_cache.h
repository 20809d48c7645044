/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ACCESS_CACHE_H
#define SL_ACCESS_CACHE_H

/*
 * The tokens that a process knows, and those it knows not to be good, in memory that is taken once:
 * tables of sets of eight places, by the hash of the token. A full set gives up what was used
 * longest ago. Good and refused ones have a table each, so that guessing drives out guesses only.
 * Not thread-safe: access.c has the lock. Times are monotonic milliseconds.
 */

#include <stdbool.h>

#include "token.h"
#include "uuid.h"

/* One token's share of requests, in this process. */
struct sl_access_share {
	int64_t left;        /* requests that were granted and not made yet */
	int64_t batch;       /* how many were asked for at once, last */
	int64_t asked_ms;    /* when */
	int64_t empty_until; /* none are to be had before */
	int64_t again_ms;    /* but ask again then: the rate may be another by now */
};

struct sl_access_entry {
	unsigned char hash[SL_TOKEN_HASH_LEN];
	bool taken; /* else the place is free */
	bool stale; /* some news may have been missed: ask before it is used */
	bool asking;
	enum sl_scope scope;
	char id[SL_UUID_SIZE];
	char name[SL_TOKEN_NAME_SIZE]; /* "": none */
	double rate;                   /* requests a second; 0: as many as it likes */
	int64_t expires_ms;            /* INT64_MAX: never */
	int64_t asked_ms;              /* when it was last asked for, with an answer */
	int64_t again_ms;              /* after no answer: not before this */
	int64_t used_ms;
	struct sl_access_share share;
};

enum sl_refusal {
	SL_REFUSAL_NONE,
	SL_REFUSAL_UNKNOWN,
	SL_REFUSAL_REVOKED,
	SL_REFUSAL_EXPIRED,
};

struct sl_access_cache;

struct sl_access_cache *sl_access_cache_create(void);
void sl_access_cache_destroy(struct sl_access_cache *cache); /* NULL is fine */

/** NULL when it is not there. Valid until the next put or remove. */
struct sl_access_entry *sl_access_cache_find(
	struct sl_access_cache *cache, const unsigned char hash[static SL_TOKEN_HASH_LEN]);

/** The entry of this hash, made if need be: zero but for the hash. */
struct sl_access_entry *sl_access_cache_put(
	struct sl_access_cache *cache, const unsigned char hash[static SL_TOKEN_HASH_LEN]);

void sl_access_cache_remove(struct sl_access_entry *entry);

/** Removes this token's entry, or, with NULL, makes all of them stale; and forgets all refusals. */
void sl_access_cache_hear(struct sl_access_cache *cache, const char *id);

void sl_access_cache_refuse(struct sl_access_cache *cache,
	const unsigned char hash[static SL_TOKEN_HASH_LEN], enum sl_refusal why, int64_t until_ms);
enum sl_refusal sl_access_cache_refused(struct sl_access_cache *cache,
	const unsigned char hash[static SL_TOKEN_HASH_LEN], int64_t now_ms);

#endif
