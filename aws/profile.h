/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROFILE_H
#define SL_PROFILE_H

/*
 * The shared files as one profile sees them: AWS_PROFILE (or AWS_DEFAULT_PROFILE, or "default") in
 * AWS_CONFIG_FILE
 * (~/.aws/config) and AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). A file that is missing is
 * an empty one, unless its variable names it.
 */

#include <stdbool.h>

#include "defs.h"
#include "err.h"

struct sl_profile;

/** Reads both files. CONFIG when one is malformed, or AWS_PROFILE names a profile that is in
 *  neither. */
SL_MUST_CHECK enum sl_err sl_profile_load(struct sl_profile **ret, struct sl_error *reterr);

/** As if both files were empty. */
struct sl_profile *sl_profile_empty(void);
void sl_profile_destroy(struct sl_profile *profile);
void sl_profile_destroyp(struct sl_profile **profile);

const char *sl_profile_name(const struct sl_profile *profile);

/** A setting of the profile in the config file, borrowed, or NULL. */
const char *sl_profile_config(const struct sl_profile *profile, const char *key);

/** A setting of the profile in the credentials file, borrowed, or NULL. */
const char *sl_profile_credential(const struct sl_profile *profile, const char *key);

/** The same of any profile by its name. */
const char *sl_profile_config_of(
	const struct sl_profile *profile, const char *name, const char *key);
const char *sl_profile_credential_of(
	const struct sl_profile *profile, const char *name, const char *key);

/** From the credentials file, else the config file: as the SDKs merge them. */
const char *sl_profile_value_of(
	const struct sl_profile *profile, const char *name, const char *key);

/** Whether either file has a profile of this name. */
bool sl_profile_has(const struct sl_profile *profile, const char *name);

/** Where the files are, borrowed; NULL when there is no HOME. */
const char *sl_profile_config_path(const struct sl_profile *profile);
const char *sl_profile_credentials_path(const struct sl_profile *profile);

/** A setting of the [services NAME] section that the profile names, e.g. ("s3", "endpoint_url"). */
const char *sl_profile_service(
	const struct sl_profile *profile, const char *service, const char *key);

#endif
