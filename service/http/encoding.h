/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ENCODING_H
#define SL_ENCODING_H

/* Private to service/http: content codings and validators, as RFC 9110 has them. zlib's only box.
 */

#include <stdbool.h>

#include "buf.h"
#include "request.h"

/** Whether a client with this Accept-Encoding (NULL: none) takes gzip (RFC 9110, 12.5.3). Pure. */
bool sl_encoding_takes_gzip(const char *accept_encoding);

/**
 * Whether If-None-Match (NULL: none) names `etag`, which comes with its quotes: weak comparison,
 * "*" names any (RFC 9110, 13.1.2). Pure.
 */
bool sl_encoding_etag_matches(const char *if_none_match, const char *etag);

/** Appends the gzip form of `len` bytes. */
void sl_encoding_gzip(const void *bytes, size_t len, struct sl_buf *out);

/** A stream of unknown size whose bytes are those of `source` through gzip; takes its context. */
struct sl_reply_stream sl_encoding_gzip_stream(const struct sl_reply_stream *source);

#endif
