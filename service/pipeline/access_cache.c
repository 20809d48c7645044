/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables of fixed size. The caller has the lock. */

#include "access_cache.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define SETS 128
#define WAYS 8

struct refusal {
	unsigned char hash[SL_TOKEN_HASH_LEN];
	enum sl_refusal why;
	int64_t until_ms;
};

struct sl_access_cache {
	struct sl_access_entry entries[SETS][WAYS];
	struct refusal refusals[SETS][WAYS];
};

struct sl_access_cache *sl_access_cache_create(void)
{
	return sl_calloc(1, sizeof(struct sl_access_cache));
}

void sl_access_cache_destroy(struct sl_access_cache *cache)
{
	free(cache);
}

/* The hash is SHA-256's: any of its bits will do. */
static size_t set_of(const unsigned char *hash)
{
	return hash[0] % SETS;
}

/* In constant time, though what the time could tell is of a hash and not of the token. */
static bool is_same(const unsigned char *a, const unsigned char *b)
{
	return CRYPTO_memcmp(a, b, SL_TOKEN_HASH_LEN) == 0;
}

struct sl_access_entry *sl_access_cache_find(
	struct sl_access_cache *cache, const unsigned char hash[static SL_TOKEN_HASH_LEN])
{
	struct sl_access_entry *set = cache->entries[set_of(hash)];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].taken && is_same(set[i].hash, hash)) {
			return &set[i];
		}
	}
	return NULL;
}

struct sl_access_entry *sl_access_cache_put(
	struct sl_access_cache *cache, const unsigned char hash[static SL_TOKEN_HASH_LEN])
{
	struct sl_access_entry *entry = sl_access_cache_find(cache, hash);
	if (entry != NULL) {
		return entry;
	}
	struct sl_access_entry *set = cache->entries[set_of(hash)];
	entry = &set[0];
	for (size_t i = 1; i < WAYS && entry->taken; i++) {
		if (!set[i].taken || set[i].used_ms < entry->used_ms) {
			entry = &set[i];
		}
	}
	*entry = (struct sl_access_entry){.taken = true};
	memcpy(entry->hash, hash, SL_TOKEN_HASH_LEN);
	return entry;
}

void sl_access_cache_remove(struct sl_access_entry *entry)
{
	*entry = (struct sl_access_entry){.taken = false};
}

void sl_access_cache_hear(struct sl_access_cache *cache, const char *id)
{
	for (size_t set = 0; set < SETS; set++) {
		for (size_t i = 0; i < WAYS; i++) {
			struct sl_access_entry *entry = &cache->entries[set][i];
			if (id == NULL) {
				entry->stale = true;
			} else if (entry->taken && strcmp(entry->id, id) == 0) {
				sl_access_cache_remove(entry);
			}
		}
	}
	memset(cache->refusals, 0, sizeof(cache->refusals));
}

void sl_access_cache_refuse(struct sl_access_cache *cache,
	const unsigned char hash[static SL_TOKEN_HASH_LEN], enum sl_refusal why, int64_t until_ms)
{
	struct refusal *set = cache->refusals[set_of(hash)];
	struct refusal *place = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (is_same(set[i].hash, hash)) {
			place = &set[i];
			break;
		}
		if (set[i].until_ms < place->until_ms) {
			place = &set[i];
		}
	}
	*place = (struct refusal){.why = why, .until_ms = until_ms};
	memcpy(place->hash, hash, SL_TOKEN_HASH_LEN);
}

enum sl_refusal sl_access_cache_refused(struct sl_access_cache *cache,
	const unsigned char hash[static SL_TOKEN_HASH_LEN], int64_t now_ms)
{
	const struct refusal *set = cache->refusals[set_of(hash)];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].until_ms > now_ms && is_same(set[i].hash, hash)) {
			return set[i].why;
		}
	}
	return SL_REFUSAL_NONE;
}
