/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CREDENTIALS_INTERNAL_H
#define SL_CREDENTIALS_INTERNAL_H

/* What the files of the sources share. */

#include "buf.h"
#include "call_internal.h"
#include "credentials.h"
#include "profile.h"

/** What a source found as text: AWS_NOT_FOUND for nothing, AWS_CREDENTIALS for half of a pair or
 *  for what cannot be keys. `where` is for error texts; `expiration` is RFC 3339 or NULL. */
SL_MUST_CHECK enum sl_err sl_credentials_from_strings(const char *where, const char *id,
	const char *secret, const char *token, const char *expiration, struct sl_credentials *ret,
	struct sl_error *reterr);

enum sl_credentials_json {
	SL_CREDENTIALS_JSON_PROCESS,  /* Version 1, SessionToken */
	SL_CREDENTIALS_JSON_METADATA, /* Token, Expiration; or Code and Message of an error */
};

/** AWS_CREDENTIALS, without a word of the text, when it is not what it should be. Pure. */
SL_MUST_CHECK enum sl_err sl_credentials_from_json(const char *where, const char *text, size_t len,
	enum sl_credentials_json kind, struct sl_credentials *ret, struct sl_error *reterr);

/** A command line split as the SDKs do, after Python's shlex: white space, quotes, backslashes; no
 *  variables, no patterns. NULL-terminated; NULL when a quote or an escape has no end. Pure. */
char **sl_credentials_split_command(const char *command);
void sl_credentials_free_words(char ***words);

/** The text of a token's file, without white space at its end; the caller wipes and frees it.
 *  AWS_CREDENTIALS names `setting` and the file. */
SL_MUST_CHECK enum sl_err sl_credentials_read_token(
	const char *setting, const char *path, size_t max, char **ret, struct sl_error *reterr);

/* A source by the name of a profile: what source_profile may lead to. AWS_NOT_FOUND: the profile
 * has nothing of the kind. */
typedef enum sl_err sl_credentials_fn(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr);

sl_credentials_fn sl_credentials_environment, sl_credentials_role, sl_credentials_web_identity,
	sl_credentials_web_identity_of_profile, sl_credentials_sso, sl_credentials_shared_file,
	sl_credentials_process, sl_credentials_config_file, sl_credentials_container,
	sl_credentials_instance;

/* --- the metadata services of machine and container: plain HTTP, past any proxy --- */

struct sl_metadata_call {
	const char *method; /* "GET" */
	const char *url;
	const char *headers[2]; /* whole lines; NULL: none */
	int64_t timeout_ms;
	const char *ca_bundle; /* for https; or NULL */
};

struct sl_metadata_answer {
	int status;     /* 0: none */
	bool connected; /* somebody is there, even when no answer came */
	struct sl_buf body;
};
void sl_metadata_answer_finish(struct sl_metadata_answer *answer);

/** AWS_UNAVAILABLE when there is no whole answer; any status is a success. */
SL_MUST_CHECK enum sl_err sl_metadata_fetch(const struct sl_metadata_call *call,
	struct sl_metadata_answer *ret, struct sl_error *reterr);

/** The machine's region by its metadata service; AWS_NOT_FOUND when it is disabled or not there.
 *  Bounded by twice its time-out. The caller owns `*ret`. */
SL_MUST_CHECK enum sl_err sl_imds_region(
	const struct sl_profile *profile, char **ret, struct sl_error *reterr);

#endif
