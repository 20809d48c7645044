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
	char *source;        /* which source gave them, for people: "the environment" */
};
void sl_credentials_finish(struct sl_credentials *credentials);
void sl_credentials_copy(const struct sl_credentials *from, struct sl_credentials *ret);

struct sl_credentials_source {
	const char *name; /* "the environment": for error texts */
	/** AWS_NOT_FOUND: this source is not configured, the next one is asked. Any other error
	 * ends the search. One call at a time, on the thread of whoever needs keys; bounded. */
	enum sl_err (*get)(struct sl_credentials_source *self, struct sl_credentials *ret,
		struct sl_error *reterr);
	void (*destroy)(struct sl_credentials_source *self);
	bool outlives; /* its keys are used beyond their expiry while it does not answer */
};

/* In the order in which they are asked. */
enum sl_credentials_kind {
	SL_CREDENTIALS_ENVIRONMENT,  /* AWS_ACCESS_KEY_ID, … */
	SL_CREDENTIALS_ROLE,         /* the profile's role_arn */
	SL_CREDENTIALS_WEB_IDENTITY, /* AWS_WEB_IDENTITY_TOKEN_FILE, or the profile's */
	SL_CREDENTIALS_SSO,          /* only says that it cannot be done here */
	SL_CREDENTIALS_SHARED_FILE,
	SL_CREDENTIALS_PROCESS,
	SL_CREDENTIALS_CONFIG_FILE,
	SL_CREDENTIALS_CONTAINER,
	SL_CREDENTIALS_INSTANCE,
	SL_CREDENTIALS_KIND_COUNT_
};

struct sl_aws;

/** Each reads its variables and files again when it is asked, so that rotated keys are found.
 *  `aws` (region, endpoints, CA bundle, clock) must outlive it; the environment and the files
 *  do without. */
struct sl_credentials_source *sl_credentials_source_create(
	struct sl_aws *aws, enum sl_credentials_kind kind);

struct sl_credentials_chain;

/** The chain of all kinds above. */
struct sl_credentials_chain *sl_credentials_chain_default(struct sl_aws *aws);

/** Takes ownership of the sources. */
struct sl_credentials_chain *sl_credentials_chain_create(
	struct sl_credentials_source **sources, size_t count);
void sl_credentials_chain_destroy(struct sl_credentials_chain *chain);

/**
 * A copy of the current credentials. AWS_CREDENTIALS when no source has any. Thread-safe; no lock
 * is held while a source is asked. One thread at a time asks: 15 minutes before the keys expire,
 * while all others keep getting the old ones, and in the last 10 minutes, when they wait for it. A
 * source that fails is logged and asked again after a pause; its old keys serve until they
 * expire.
 */
SL_MUST_CHECK enum sl_err sl_credentials_chain_get(struct sl_credentials_chain *chain,
	int64_t now_ms, struct sl_credentials *ret, struct sl_error *reterr);

/** The keys were refused as expired: ask the sources again next time. Thread-safe. */
void sl_credentials_chain_forget(struct sl_credentials_chain *chain);

#endif
