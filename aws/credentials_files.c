/* SPDX-License-Identifier: Apache-2.0 */
/* Keys written in the shared files: sl_credentials_shared_file(), sl_credentials_config_file(); and
 * profiles of kinds that spotlist leaves to the AWS CLI: sl_credentials_sso(). Any thread. */

#include <stdlib.h>

#include "credentials_internal.h"
#include "mem.h"

typedef const char *lookup_fn(const struct sl_profile *profile, const char *name, const char *key);

static enum sl_err from_file(const struct sl_profile *profile, const char *name, lookup_fn *lookup,
	const char *path, struct sl_credentials *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *where = sl_asprintf("profile %s in %s", name, path ? path : "no file");
	return sl_credentials_from_strings(where, lookup(profile, name, "aws_access_key_id"),
		lookup(profile, name, "aws_secret_access_key"),
		lookup(profile, name, "aws_session_token"), NULL, ret, reterr);
}

enum sl_err sl_credentials_shared_file(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)aws;
	return from_file(profile, name, sl_profile_credential_of,
		sl_profile_credentials_path(profile), ret, reterr);
}

enum sl_err sl_credentials_config_file(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)aws;
	return from_file(
		profile, name, sl_profile_config_of, sl_profile_config_path(profile), ret, reterr);
}

enum sl_err sl_credentials_sso(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)aws;
	(void)ret;
	static const char *const keys[] = {"sso_account_id", "sso_role_name", "login_session"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(keys); i++) {
		bool has_process = sl_profile_value_of(profile, name, "credential_process") != NULL;
		if (sl_profile_value_of(profile, name, keys[i]) && !has_process) {
			return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
				"profile %s signs in by the AWS CLI (%s), which spotlist does not "
				"do: use a profile with credential_process = aws configure "
				"export-credentials --profile %s --format process",
				name, keys[i], name);
		}
	}
	return SL_ERR_AWS_NOT_FOUND;
}
