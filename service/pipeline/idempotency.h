/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_IDEMPOTENCY_H
#define SL_IDEMPOTENCY_H

/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same key with the same request
 * is answered by the same video, for a day. A key belongs to method, target and body together;
 * with anything else it is IDEMPOTENCY_KEY_REUSED. Any thread.
 */

#include <jansson.h>

#include "pg.h"
#include "sigv4.h"
#include "uuid.h"

struct sl_idempotency {
	char *key; /* NULL: the request has none */
	char request_sha256[SL_SIGV4_HASH_SIZE];
};
void sl_idempotency_finish(struct sl_idempotency *idempotency);

/** Reads the header (NULL: absent), a structured-field string or, as most clients send it, bare.
 *  BAD_REQUEST when it is neither. `body` is borrowed: spelling and order of members do not
 *  matter. */
SL_MUST_CHECK enum sl_err sl_idempotency_read(const char *header, const char *method,
	const char *target, const json_t *body, struct sl_idempotency *ret,
	struct sl_error *reterr);

/** The video that the key stands for; "" when there is none, or no key. */
SL_MUST_CHECK enum sl_err sl_idempotency_find(struct sl_pg *pg,
	const struct sl_idempotency *idempotency, char ret_id[static SL_UUID_SIZE],
	struct sl_error *reterr);

/** The same inside a transaction, which then holds the key to its end: of two that come at once,
 *  the second waits here and finds what the first one made. */
SL_MUST_CHECK enum sl_err sl_idempotency_hold(struct sl_pg *pg,
	const struct sl_idempotency *idempotency, char ret_id[static SL_UUID_SIZE],
	struct sl_error *reterr);

/** Writes down what the key stands for, in the transaction that held it. */
SL_MUST_CHECK enum sl_err sl_idempotency_keep(struct sl_pg *pg,
	const struct sl_idempotency *idempotency, const char *video_id, struct sl_error *reterr);

#endif
