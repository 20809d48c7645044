/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CONTENT_H
#define SL_CONTENT_H

/*
 * The bytes of a reply that may be sent many times: immutable, counted references, with a strong
 * ETag and, made when it is first asked for, a gzip form. Thread-safe.
 */

#include "buf.h"

#define SL_ETAG_SIZE 72 /* bytes of an ETag with its quotes, "-gzip" and NUL */

struct sl_content;

/** Takes `body`'s bytes. `etag` is opaque, without quotes, up to 64 characters of [0-9A-Za-z._-],
 *  and differs whenever the bytes do; NULL: a hash of them. One reference is the caller's. */
struct sl_content *sl_content_create(struct sl_buf *body, const char *etag);
struct sl_content *sl_content_ref(struct sl_content *content);
void sl_content_unref(struct sl_content *content); /* NULL is fine */

/** Bytes of memory that it may come to hold. */
size_t sl_content_cost(const struct sl_content *content);

#endif
