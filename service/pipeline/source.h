/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SOURCE_H
#define SL_SOURCE_H

/* Where a video comes from: S3 URIs and what an object must be like. Pure. */

#include "err.h"

/** Rekognition takes stored video of up to 10 GB.
 *  https://docs.aws.amazon.com/rekognition/latest/dg/limits.html */
#define SL_SOURCE_MAX_BYTES (INT64_C(10) * 1024 * 1024 * 1024)

/**
 * Splits "s3://bucket/key". The key is everything behind the first '/', raw: nothing is decoded.
 * The caller owns both strings. UNSUPPORTED_SCHEME or BAD_SOURCE, at /source, say what is wrong.
 */
SL_MUST_CHECK enum sl_err sl_source_parse(
	const char *uri, char **ret_bucket, char **ret_key, struct sl_error *reterr);

/** SOURCE_EMPTY or SOURCE_TOO_LARGE. */
SL_MUST_CHECK enum sl_err sl_source_check_size(int64_t size_bytes, struct sl_error *reterr);

#endif
