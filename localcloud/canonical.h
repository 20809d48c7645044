/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_CANONICAL_H
#define LC_CANONICAL_H

/* The canonical request of Signature Version 4, from a request as it was received. Pure. */

#include "cloud.h"

struct lc_canonical_options {
	const char *signed_headers; /* "host;x-amz-date" */
	const char *payload_hash;
	bool s3;        /* the path is encoded once and not normalised */
	bool presigned; /* X-Amz-Signature is not part of the query */
};

/** Appends the canonical request. */
void lc_canonical_request(const struct lc_request *request,
	const struct lc_canonical_options *options, struct sl_buf *ret);

/** Whether the list "a;b;c" has this name. */
bool lc_canonical_lists(const char *signed_headers, const char *name);

#endif
