/* SPDX-License-Identifier: Apache-2.0 */
/* See document_cache.h: a hash table, a list in order of use, one lock. HTTP threads, and the
 * listener's. */

#include "document_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "mem.h"

#define BUCKETS  4096U /* a power of two */
#define TRUST_MS 1000
/* One document, with its gzip form, may take this part of the budget, so that a few cannot empty
 * the cache. */
#define LARGEST_PART 8
#define FORMS        2

struct entry {
	char video_id[SL_UUID_SIZE];
	char document[SL_UUID_SIZE];
	struct sl_content *content;
	size_t cost;
	int64_t checked_ms; /* monotonic; when the database last said that it holds */
	LIST_ENTRY(entry) bucket;
	TAILQ_ENTRY(entry) order; /* most recently used last */
};

struct sl_document_cache {
	size_t budget;
	struct sl_pg_listener *listener;

	pthread_mutex_t lock; /* guards everything below */
	uint64_t era;
	bool heard; /* the listener has listened */
	size_t cost;
	LIST_HEAD(bucket, entry) buckets[BUCKETS];
	TAILQ_HEAD(order, entry) order;
};

/* The last characters of a UUID are random in every version. */
static struct bucket *bucket_of(struct sl_document_cache *cache, const char *video_id)
{
	unsigned hash = 2166136261U; /* FNV-1a */
	for (const char *p = video_id; *p != '\0'; p++) {
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	}
	return &cache->buckets[(hash ^ (hash >> 16)) % BUCKETS];
}

static struct entry *lookup(struct sl_document_cache *cache, const char *video_id)
{
	struct entry *entry;
	LIST_FOREACH(entry, bucket_of(cache, video_id), bucket)
	{
		if (strcmp(entry->video_id, video_id) == 0) {
			return entry;
		}
	}
	return NULL;
}

static void drop(struct sl_document_cache *cache, struct entry *entry)
{
	LIST_REMOVE(entry, bucket);
	TAILQ_REMOVE(&cache->order, entry, order);
	cache->cost -= entry->cost;
	sl_content_unref(entry->content);
	free(entry);
}

static void drop_all(struct sl_document_cache *cache)
{
	while (!TAILQ_EMPTY(&cache->order)) {
		drop(cache, TAILQ_FIRST(&cache->order));
	}
}

struct sl_document_cache *sl_document_cache_create(size_t budget)
{
	struct sl_document_cache *cache = sl_calloc(1, sizeof(*cache));
	cache->budget = budget;
	TAILQ_INIT(&cache->order);
	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

void sl_document_cache_destroy(struct sl_document_cache *cache)
{
	if (cache == NULL) {
		return;
	}
	sl_pg_listener_destroy(cache->listener);
	drop_all(cache);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

size_t sl_document_cache_largest(const struct sl_document_cache *cache)
{
	return cache->budget / LARGEST_PART / FORMS;
}

/* --- what no longer holds ------------------------------------------------------------------- */

static void on_notify(void *context, const char *video_id)
{
	struct sl_document_cache *cache = context;
	if (video_id != NULL) {
		sl_document_cache_forget(cache, video_id);
		return;
	}
	/* A new connection: what was notified before it went by unheard. */
	pthread_mutex_lock(&cache->lock);
	cache->era++;
	cache->heard = true;
	drop_all(cache);
	pthread_mutex_unlock(&cache->lock);
}

enum sl_err sl_document_cache_listen(
	struct sl_document_cache *cache, const char *conninfo, struct sl_error *reterr)
{
	return cache->budget == 0 ? SL_ERR_OK
				  : sl_pg_listener_create(conninfo, "spotlist_documents", on_notify,
					    cache, &cache->listener, reterr);
}

void sl_document_cache_forget(struct sl_document_cache *cache, const char *video_id)
{
	pthread_mutex_lock(&cache->lock);
	cache->era++;
	struct entry *entry = lookup(cache, video_id);
	if (entry != NULL) {
		drop(cache, entry);
	}
	pthread_mutex_unlock(&cache->lock);
}

/* --- what does ------------------------------------------------------------------------------ */

void sl_document_found_finish(struct sl_document_found *found)
{
	sl_content_unref(sl_take(&found->content));
}

void sl_document_cache_find(
	struct sl_document_cache *cache, const char *video_id, struct sl_document_found *ret)
{
	*ret = (struct sl_document_found){.content = NULL};
	int64_t now_ms = sl_clock_monotonic_ms();
	pthread_mutex_lock(&cache->lock);
	struct entry *entry = lookup(cache, video_id);
	if (entry != NULL) {
		ret->content = sl_content_ref(entry->content);
		ret->fresh = now_ms - entry->checked_ms < TRUST_MS;
		memcpy(ret->document, entry->document, sizeof(ret->document));
		if (TAILQ_NEXT(entry, order) != NULL) {
			TAILQ_REMOVE(&cache->order, entry, order);
			TAILQ_INSERT_TAIL(&cache->order, entry, order);
		}
	}
	pthread_mutex_unlock(&cache->lock);
}

uint64_t sl_document_cache_era(struct sl_document_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	uint64_t era = cache->era;
	pthread_mutex_unlock(&cache->lock);
	return era;
}

static void insert(struct sl_document_cache *cache, const char *video_id, const char *document,
	struct sl_content *content)
{
	struct entry *entry = sl_calloc(1, sizeof(*entry));
	memcpy(entry->video_id, video_id, sizeof(entry->video_id));
	memcpy(entry->document, document, sizeof(entry->document));
	entry->content = sl_content_ref(content);
	entry->cost = sizeof(*entry) + sl_content_cost(content);
	entry->checked_ms = sl_clock_monotonic_ms();
	LIST_INSERT_HEAD(bucket_of(cache, video_id), entry, bucket);
	TAILQ_INSERT_TAIL(&cache->order, entry, order);
	cache->cost += entry->cost;
	for (struct entry *oldest = TAILQ_FIRST(&cache->order), *next;
		cache->cost > cache->budget && oldest != NULL; oldest = next) {
		next = TAILQ_NEXT(oldest, order);
		drop(cache, oldest);
	}
}

void sl_document_cache_keep(struct sl_document_cache *cache, uint64_t era, const char *video_id,
	const char *document, struct sl_content *content)
{
	if (sl_content_cost(content) / FORMS > sl_document_cache_largest(cache)) {
		return;
	}
	pthread_mutex_lock(&cache->lock);
	struct entry *entry = cache->heard && cache->era == era ? lookup(cache, video_id) : NULL;
	if (entry != NULL && strcmp(entry->document, document) == 0) {
		entry->checked_ms = sl_clock_monotonic_ms();
	} else if (cache->heard && cache->era == era) {
		if (entry != NULL) {
			drop(cache, entry);
		}
		insert(cache, video_id, document, content);
	}
	pthread_mutex_unlock(&cache->lock);
}
