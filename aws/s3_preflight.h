/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_S3_PREFLIGHT_H
#define SL_S3_PREFLIGHT_H

/*
 * Many HeadObject requests in flight at once on one thread with a curl_multi handle, so that
 * HTTP threads never wait for S3. Handing over: a mutex-guarded queue and curl_multi_wakeup(),
 * the only curl call that may come from another thread.
 */

#include "s3.h"

struct sl_s3_preflight;

/** Called once per submission, on the preflight thread. `object` and `error` are borrowed. */
typedef void sl_s3_preflight_done(void *context, enum sl_err err, const struct sl_s3_object *object,
	const struct sl_error *error);

/** Starts the thread. `deadline_ms` bounds each check from submission on, retries included. */
struct sl_s3_preflight *sl_s3_preflight_create(struct sl_aws *aws, int64_t deadline_ms);

/** Asks for a HeadObject; copies its arguments; thread-safe. After sl_s3_preflight_stop(), or
 *  with more than 4,096 waiting, `done` is called at once on the calling thread with
 *  SL_ERR_SHUTTING_DOWN or SL_ERR_OVERLOADED. */
void sl_s3_preflight_submit(struct sl_s3_preflight *preflight, const char *bucket, const char *key,
	sl_s3_preflight_done *done, void *context);

/**
 * Looks at a piece of the object, and tells whether another one is wanted and from where. On the
 * preflight thread.
 */
typedef bool sl_s3_preflight_look(
	void *context, const struct sl_buf *piece, int64_t offset, int64_t *ret_offset);

/** The same as sl_s3_preflight_submit(), and when there is such an object, at most `pieces` pieces
 *  of `piece_bytes` of it are read for `look`, the first from its beginning. What cannot be read is
 *  no error: `look` is then not called again. */
void sl_s3_preflight_probe(struct sl_s3_preflight *preflight, const char *bucket, const char *key,
	sl_s3_preflight_look *look, int64_t piece_bytes, int pieces, sl_s3_preflight_done *done,
	void *context);

/** Ends everything in flight with SL_ERR_SHUTTING_DOWN and joins the thread. */
void sl_s3_preflight_stop(struct sl_s3_preflight *preflight);

/** Stops when needed, and frees. NULL is fine. */
void sl_s3_preflight_destroy(struct sl_s3_preflight *preflight);

#endif
