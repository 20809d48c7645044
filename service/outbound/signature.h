/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SIGNATURE_H
#define SL_SIGNATURE_H

/* Standard Webhooks signatures (https://www.standardwebhooks.com): HMAC-SHA256. Pure functions. */

#include <stdbool.h>

#include "buf.h"

#define SL_SIGNATURE_KEY_MIN 24
#define SL_SIGNATURE_KEY_MAX 64

struct sl_signature_key {
	unsigned char bytes[SL_SIGNATURE_KEY_MAX];
	size_t len;
};

/** Reads "whsec_" and the base64 of 24 to 64 bytes. False when it is not that. */
SL_MUST_CHECK bool sl_signature_key_parse(const char *secret, struct sl_signature_key *ret);

/** Forgets a key, leaving nothing of it in memory. */
void sl_signature_key_finish(struct sl_signature_key *key);

/** Appends the value of webhook-signature: "v1,<base64>" for each key, with spaces between. */
void sl_signature_add(struct sl_buf *out, const struct sl_signature_key *keys, size_t count,
	const char *id, int64_t timestamp_s, const char *body, size_t body_len);

#endif
