/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CREDENTIALS_H
#define SL_CREDENTIALS_H

/*
 * Where keys come from. Each source (environment, shared files, …) is one small object behind one
 * interface; a chain asks them in order and keeps the answer until it is about to expire.
 */

#include <stdbool.h>

#include "defs.h"
#include "err.h"

/* Strings are owned; secrets are wiped when freed and never logged. */
struct sl_credentials {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* or NULL */
	int64_t expires_ms;  /* since 1970; 0: never */
};
void sl_credentials_finish(struct sl_credentials *credentials);
void sl_credentials_copy(const struct sl_credentials *from, struct sl_credentials *ret);

struct sl_credentials_source {
	const char *name; /* "environment": for error texts */
	/** AWS_NOT_FOUND: this source is not configured, the next one is asked. Any other error
	 * ends the search. One call at a time. */
	enum sl_err (*get)(struct sl_credentials_source *self, struct sl_credentials *ret,
		struct sl_error *reterr);
	void (*destroy)(struct sl_credentials_source *self);
};

struct sl_profile;

/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. */
struct sl_credentials_source *sl_credentials_environment_create(void);

/** The profile's keys in the shared credentials file, then in the config file. Reads the files
 *  again each time it is asked, so that rotated keys are found. */
struct sl_credentials_source *sl_credentials_files_create(void);

struct sl_credentials_chain;

/** Takes ownership of the sources. */
struct sl_credentials_chain *sl_credentials_chain_create(
	struct sl_credentials_source **sources, size_t count);
void sl_credentials_chain_destroy(struct sl_credentials_chain *chain);

/** A copy of the current credentials. AWS_CREDENTIALS when no source has any. Thread-safe. */
SL_MUST_CHECK enum sl_err sl_credentials_chain_get(struct sl_credentials_chain *chain,
	int64_t now_ms, struct sl_credentials *ret, struct sl_error *reterr);

/** The keys were refused as expired: ask the sources again next time. Thread-safe. */
void sl_credentials_chain_forget(struct sl_credentials_chain *chain);

#endif
