/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CONTENT_INTERNAL_H
#define SL_CONTENT_INTERNAL_H

/* Private to service/http: what reply.c needs of a content. */

#include <stdbool.h>

#include "content.h"

/* One of its forms; borrowed. */
struct sl_content_form {
	const char *bytes;
	size_t len;
	const char *etag; /* with quotes */
	bool gzip;
};

/** The form for a client that takes gzip or does not. What is small or does not shrink has one. */
struct sl_content_form sl_content_form(struct sl_content *content, bool gzip);

/** "uuid" → "\"uuid\"", with "-gzip" inside for the other form, whose bytes are different ones. */
void sl_content_etag(char out[static SL_ETAG_SIZE], const char *opaque, bool gzip);

#endif
