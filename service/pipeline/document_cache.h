/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCUMENT_CACHE_H
#define SL_DOCUMENT_CACHE_H

/*
 * Stored metadata documents that were asked for lately, whole, so that the next reader costs no
 * statement. Bounded in bytes, the least recently asked for go first. PostgreSQL notifies of every
 * document that no longer holds; should that go unheard, what is here is trusted for a second and
 * then compared with the database again. Thread-safe.
 */

#include "content.h"
#include "err.h"
#include "pg.h"
#include "uuid.h"

struct sl_document_cache;

/** Keeps up to `budget` bytes; 0: nothing. Nothing is kept before sl_document_cache_listen(). */
struct sl_document_cache *sl_document_cache_create(size_t budget);
void sl_document_cache_destroy(struct sl_document_cache *cache); /* NULL is fine */

/** Documents of up to so many bytes are kept, and so worth having in one piece. */
size_t sl_document_cache_largest(const struct sl_document_cache *cache);

/** Hears, on a thread of its own, which documents no longer hold. Once. */
SL_MUST_CHECK enum sl_err sl_document_cache_listen(
	struct sl_document_cache *cache, const char *conninfo, struct sl_error *reterr);

/* What was found; finish with sl_document_found_finish(). */
struct sl_document_found {
	struct sl_content *content; /* NULL: nothing */
	char document[SL_UUID_SIZE];
	bool fresh; /* else compare `document` with the database first */
};
void sl_document_found_finish(struct sl_document_found *found);

void sl_document_cache_find(
	struct sl_document_cache *cache, const char *video_id, struct sl_document_found *ret);

/**
 * A number that grows whenever a document ceases to hold. Taken before the database is asked: what
 * came from there is kept only if nothing was heard meanwhile.
 */
uint64_t sl_document_cache_era(struct sl_document_cache *cache);

/** Keeps a document that the database has just told, or takes note that it still holds. */
void sl_document_cache_keep(struct sl_document_cache *cache, uint64_t era, const char *video_id,
	const char *document, struct sl_content *content);

/** Forgets a video's; for this process' own changes, which need not wait for the notification. */
void sl_document_cache_forget(struct sl_document_cache *cache, const char *video_id);

#endif
