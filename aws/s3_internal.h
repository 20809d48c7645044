/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_S3_INTERNAL_H
#define SL_S3_INTERNAL_H

/* Inside aws/: HeadObject in parts, for s3.c (one at a time) and s3_preflight.c (many). */

#include "call.h"
#include "s3.h"

/** The path of an object, "/" + key; owned by the caller. */
char *sl_s3_object_path(const char *key);

/** HeadObject. `bucket` and `path` are borrowed for as long as the call is used. */
struct sl_call sl_s3_head_call(const char *bucket, const char *path);

/* A refused HEAD has no body, so it does not tell whether permission is lacking or the credentials
 * have expired. The first byte of the object, asked for with GET, is refused with a reason. */

/** Whether that is the error of a HeadObject. */
bool sl_s3_head_is_unclear(const struct sl_error *error);
/** GetObject of one byte; borrows as sl_s3_head_call() does. */
struct sl_call sl_s3_why_call(const char *bucket, const char *path);
/** Whether its outcome says that nothing is refused any more: ask with HEAD again. */
bool sl_s3_why_is_past(enum sl_err err, const struct sl_error *error);

/** Reads what a HeadObject answered. AWS_PROTOCOL without a length. */
SL_MUST_CHECK enum sl_err sl_s3_read_head(
	const struct sl_answer *answer, struct sl_s3_object *ret, struct sl_error *reterr);

/** The value of Content-MD5. What S3 replaces or deletes by a list it wants a digest of, and this
 * is the one that every S3 takes; newer checksums are unknown to older stand-ins. */
SL_MUST_CHECK enum sl_err sl_s3_content_md5(
	const struct sl_buf *body, char **ret, struct sl_error *reterr);

#endif
