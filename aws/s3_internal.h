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

/** Reads what a HeadObject answered. AWS_PROTOCOL without a length. */
SL_MUST_CHECK enum sl_err sl_s3_read_head(
	const struct sl_answer *answer, struct sl_s3_object *ret, struct sl_error *reterr);

#endif
