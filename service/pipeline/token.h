/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TOKEN_H
#define SL_TOKEN_H

/*
 * Access tokens by themselves: "spotlist_", 43 random characters of [0-9A-Za-z] (256 bits) and six
 * that check them (CRC-32 of all before, in base 62), so that scanners recognise one that was
 * published, and a mistyped one is refused without asking anybody. Only SHA-256 of it is stored.
 * Pure, thread-safe.
 */

#include <stdbool.h>

#include "defs.h"

#define SL_TOKEN_PREFIX    "spotlist_"
#define SL_TOKEN_LEN       58
#define SL_TOKEN_SIZE      (SL_TOKEN_LEN + 1)
#define SL_TOKEN_HASH_LEN  32
#define SL_TOKEN_NAME_MAX  64
#define SL_TOKEN_NAME_SIZE (SL_TOKEN_NAME_MAX + 1)

/* What a token is good for; each includes those before it. */
enum sl_scope {
	SL_SCOPE_NONE,
	SL_SCOPE_READ,
	SL_SCOPE_SUBMIT,
	SL_SCOPE_ADMIN,
};

/** "read", "submit", "admin"; NONE when it is none of them. */
enum sl_scope sl_scope_parse(const char *name);
const char *sl_scope_name(enum sl_scope scope);

/** A new one. */
void sl_token_create(char ret[static SL_TOKEN_SIZE]);

/** Whether it could be one: form and checksum. */
bool sl_token_plausible(const char *text, size_t len);

/** Whether a token stands anywhere in the text, well checked or not. */
bool sl_token_occurs(const char *text);

void sl_token_hash(const char *text, size_t len, unsigned char ret[static SL_TOKEN_HASH_LEN]);

/** What people may call one: 1 to 64 of [0-9A-Za-z._@:/+-]. A token is no name. */
bool sl_token_name_valid(const char *name);

enum sl_bearer {
	SL_BEARER_ABSENT, /* no header, or another scheme's */
	SL_BEARER_MALFORMED,
	SL_BEARER_GIVEN,
};

/** Finds the credentials in the value of an Authorization header (RFC 6750 §2.1), which may be
 *  NULL. They point into it. */
enum sl_bearer sl_bearer_parse(const char *header, const char **ret_token, size_t *ret_len);

#endif
