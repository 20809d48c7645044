/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DOCUMENT_H
#define SL_DOCUMENT_H

/*
 * The metadata document of a video. A long video's has hundreds of megabytes, so nobody holds one:
 * PostgreSQL makes and stores it in parts of about half a megabyte, and a reader has one of them.
 */

#include <sys/types.h>

#include "app.h"
#include "buf.h"
#include "content.h"
#include "uuid.h"

/* --- making: one thread --------------------------------------------------------------------- */

/**
 * Makes the document as it will be once the video is in `state` since `at` (RFC 3339), and stores
 * its parts, in a transaction of its own: that may take many seconds, in which nothing is locked.
 * Readers see it once sl_document_publish() has named it. Whatever a crash or an earlier call left
 * is deleted.
 */
SL_MUST_CHECK enum sl_err sl_document_store(struct sl_pg *pg, const char *video_id,
	const char *state, const char *at, char ret_document[static SL_UUID_SIZE],
	struct sl_error *reterr);

/** For the transaction in which the video reaches that state. LEASE_LOST: someone else stored
 *  another one meanwhile. */
SL_MUST_CHECK enum sl_err sl_document_publish(
	struct sl_pg *pg, const char *video_id, const char *document, struct sl_error *reterr);

/** Both, inside the caller's transaction, for a video that is in its final state already. */
SL_MUST_CHECK enum sl_err sl_document_replace(
	struct sl_pg *pg, const char *video_id, struct sl_error *reterr);

/* --- reading: HTTP threads, one at a time --------------------------------------------------- */

struct sl_document;

/** The stored document of a finished video, else what is known so far. A small stored one costs
 *  no statement when it was asked for lately. No connection is held when this has returned.
 *  VIDEO_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_document_open(struct sl_app *app, const char *video_id,
	struct sl_document **ret, struct sl_error *reterr);

uint64_t sl_document_size(const struct sl_document *document); /* bytes */

/** What differs whenever a stored document does; NULL for one that was made for the reader. */
const char *sl_document_etag(const struct sl_document *document);

/** The whole of a small stored document, which the caller releases; NULL for any other. */
struct sl_content *sl_document_content(const struct sl_document *document);

/** Moves the whole of a small document that was made for the reader into `out`, which is empty. */
bool sl_document_take(struct sl_document *document, struct sl_buf *out);

/** Up to `max` bytes from `offset` on; -1 when that is not possible any more, which is logged.
 *  Takes a connection from the pool for each part. */
ssize_t sl_document_read(struct sl_document *document, uint64_t offset, char *out, size_t max);

void sl_document_destroy(struct sl_document *document); /* NULL is fine */
void sl_document_destroyp(struct sl_document **document);

#endif
