/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_CHUNKED_H
#define LC_CHUNKED_H

/*
 * The aws-chunked content coding of S3 uploads: "hex-size[;chunk-signature=…]\r\n data \r\n",
 * ended by a chunk of size 0 and trailer lines. A push decoder: bytes in as they come, decoded
 * bytes out through callbacks. One per request, not thread-safe.
 */

#include <stdbool.h>

#include "buf.h"

#define LC_CHUNKED_SIGNATURE_SIZE 65

enum lc_chunked_state {
	LC_CHUNKED_SIZE_LINE,
	LC_CHUNKED_DATA,
	LC_CHUNKED_DATA_END, /* the CRLF behind the data */
	LC_CHUNKED_TRAILER,
	LC_CHUNKED_DONE,
	LC_CHUNKED_BROKEN,
};

struct lc_chunked_sink {
	void *context;
	/** Decoded bytes. */
	void (*data)(void *context, const void *bytes, size_t len);
	/** A chunk is complete, the last one (of size 0) included; `signature` is "" when none. */
	void (*chunk_end)(void *context, const char *signature);
	/** A trailer line; the name is lower case. */
	void (*trailer)(void *context, const char *name, const char *value);
};

struct lc_chunked {
	enum lc_chunked_state state;
	uint64_t remaining; /* bytes of the chunk still to come */
	char signature[LC_CHUNKED_SIGNATURE_SIZE];
	char line[1024]; /* of a size or trailer line, so far */
	size_t line_len;
	unsigned trailers;
	struct lc_chunked_sink sink;
};

void lc_chunked_init(struct lc_chunked *chunked, const struct lc_chunked_sink *sink);

/** Decodes; false once the coding is broken. Bytes behind the end are broken coding too. */
bool lc_chunked_feed(struct lc_chunked *chunked, const char *bytes, size_t len);

/** Whether the end was seen. */
bool lc_chunked_done(const struct lc_chunked *chunked);

#endif
