/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles with a role: role_arn with source_profile or credential_source, sl_credentials_role();
 * and with a web identity, sl_credentials_web_identity(). Any thread. */

#include <openssl/crypto.h>
#include <string.h>

#include "credentials_internal.h"
#include "mem.h"
#include "sts_assume.h"
#include "text.h"

#define MAX_CHAIN       16
#define MIN_DURATION_S  900
#define MAX_DURATION_S  43200
#define MAX_TOKEN_BYTES 20000 /* STS's own limit for a web identity token */

/* The profiles that one was led through, to find loops. */
struct visit {
	const char *names[MAX_CHAIN];
	size_t count;
};

static const char *value_of(const struct sl_profile *profile, const char *name, const char *key)
{
	const char *value = sl_profile_value_of(profile, name, key);
	return value && *value ? value : NULL;
}

static bool has_keys(const struct sl_profile *profile, const char *name)
{
	return value_of(profile, name, "aws_access_key_id") ||
		value_of(profile, name, "aws_secret_access_key");
}

static bool has_role(const struct sl_profile *profile, const char *name)
{
	return value_of(profile, name, "role_arn") &&
		!value_of(profile, name, "web_identity_token_file");
}

static enum sl_err wrong(const char *name, const char *what, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS, "profile %s: %s", name, what);
}

/* What a profile gives that is no role: as it would by itself, but not from the environment. */
static enum sl_err keys_of_profile(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	static sl_credentials_fn *const sources[] = {
		sl_credentials_web_identity_of_profile,
		sl_credentials_sso,
		sl_credentials_shared_file,
		sl_credentials_process,
		sl_credentials_config_file,
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(sources); i++) {
		enum sl_err err = sources[i](aws, profile, name, ret, reterr);
		if (err != SL_ERR_AWS_NOT_FOUND) {
			return err;
		}
	}
	return wrong(name, "it is a source_profile and has no credentials", reterr);
}

static enum sl_err keys_of_source(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, const char *source, struct sl_credentials *ret, struct sl_error *reterr)
{
	static const struct {
		const char *name;
		sl_credentials_fn *get;
	} sources[] = {
		{"Environment", sl_credentials_environment},
		{"Ec2InstanceMetadata", sl_credentials_instance},
		{"EcsContainer", sl_credentials_container},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(sources); i++) {
		if (strcasecmp(source, sources[i].name) != 0) {
			continue;
		}
		enum sl_err err = sources[i].get(aws, profile, name, ret, reterr);
		return err != SL_ERR_AWS_NOT_FOUND
			? err
			: sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
				  "profile %s: credential_source %s has no credentials", name,
				  sources[i].name);
	}
	return wrong(name,
		"credential_source must be Environment, Ec2InstanceMetadata or EcsContainer",
		reterr);
}

static enum sl_err role_of(struct sl_aws *aws, const struct sl_profile *profile, const char *name,
	struct visit *visit, struct sl_credentials *ret, struct sl_error *reterr);

/* The keys that AssumeRole is signed with. */
static enum sl_err base_keys(struct sl_aws *aws, const struct sl_profile *profile, const char *name,
	struct visit *visit, struct sl_credentials *ret, struct sl_error *reterr)
{
	const char *next = value_of(profile, name, "source_profile");
	const char *source = value_of(profile, name, "credential_source");
	if ((next != NULL) == (source != NULL)) {
		return wrong(name,
			"role_arn needs either source_profile or credential_source beside it",
			reterr);
	}
	if (source) {
		return keys_of_source(aws, profile, name, source, ret, reterr);
	}
	if (!sl_profile_has(profile, next)) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"profile %s: its source_profile \"%s\" is in neither of the shared files",
			name, next);
	}
	for (size_t i = 0; i < visit->count; i++) {
		bool itself = strcmp(name, next) == 0 && has_keys(profile, name);
		if (!itself && strcmp(visit->names[i], next) == 0) {
			return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
				"profile %s: source_profile leads back to \"%s\"", name, next);
		}
	}
	if (has_keys(profile, next) || !has_role(profile, next)) {
		return keys_of_profile(aws, profile, next, ret, reterr);
	}
	return role_of(aws, profile, next, visit, ret, reterr);
}

static enum sl_err session_name(
	const char *name, const char *given, const char **ret, struct sl_error *reterr)
{
	*ret = given ? given : "spotlist";
	size_t len = strlen(*ret);
	bool good = len >= 2 && len <= 64 &&
		strspn(*ret,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"_+=,.@-") == len;
	return good
		? SL_ERR_OK
		: wrong(name, "role_session_name must be 2 to 64 letters, digits or any of +=,.@_-",
			  reterr);
}

static enum sl_err load_assume(const struct sl_profile *profile, const char *name,
	struct sl_sts_assume *ret, struct sl_error *reterr)
{
	const char *duration = value_of(profile, name, "duration_seconds");
	if (value_of(profile, name, "mfa_serial")) {
		return wrong(name,
			"it has an mfa_serial, and a service cannot be asked for a code: use a "
			"role "
			"without MFA",
			reterr);
	}
	if (duration &&
		!sl_text_parse_i64(duration, MIN_DURATION_S, MAX_DURATION_S, &ret->duration_s)) {
		return wrong(name, "duration_seconds must be a number from 900 to 43200", reterr);
	}
	ret->role_arn = value_of(profile, name, "role_arn");
	ret->external_id = value_of(profile, name, "external_id");
	return session_name(
		name, value_of(profile, name, "role_session_name"), &ret->session_name, reterr);
}

static enum sl_err role_of(struct sl_aws *aws, const struct sl_profile *profile, const char *name,
	struct visit *visit, struct sl_credentials *ret, struct sl_error *reterr)
{
	if (visit->count == MAX_CHAIN) {
		return wrong(name, "the chain of source_profile is too long", reterr);
	}
	visit->names[visit->count++] = name;
	struct sl_sts_assume assume = {0};
	enum sl_err err = load_assume(profile, name, &assume, reterr);
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials keys = {0};
	if (!err) {
		err = base_keys(aws, profile, name, visit, &keys, reterr);
	}
	if (!err) {
		err = sl_sts_assume_role(aws, &keys, &assume, ret, reterr);
	}
	if (!err) {
		ret->source = sl_asprintf("role %s, by profile %s", assume.role_arn, name);
	}
	return err;
}

enum sl_err sl_credentials_role(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	if (!has_role(profile, name)) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	struct visit visit = {.count = 0};
	return role_of(aws, profile, name, &visit, ret, reterr);
}

static void wipep(char **secret)
{
	if (*secret) {
		OPENSSL_cleanse(*secret, strlen(*secret));
	}
	free(*secret);
}

/* The file is read each time: the cluster renews it. */
static enum sl_err by_web_identity(struct sl_aws *aws, const char *where, const char *path,
	const char *role_arn, const char *session, struct sl_credentials *ret,
	struct sl_error *reterr)
{
	if (!path) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	if (!role_arn) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: a web identity token file needs a role: set AWS_ROLE_ARN (or "
			"role_arn)",
			where);
	}
	struct sl_sts_assume assume = {.role_arn = role_arn};
	SL_AUTO(wipep)
	char *token = NULL;
	enum sl_err err = session_name(where, session, &assume.session_name, reterr);
	if (!err) {
		err = sl_credentials_read_token(where, path, MAX_TOKEN_BYTES, &token, reterr);
	}
	if (!err) {
		assume.web_token = token;
		err = sl_sts_assume_role(aws, NULL, &assume, ret, reterr);
	}
	if (!err) {
		ret->source =
			sl_asprintf("role %s, by the web identity token in %s", role_arn, path);
	}
	return err;
}

enum sl_err sl_credentials_web_identity_of_profile(struct sl_aws *aws,
	const struct sl_profile *profile, const char *name, struct sl_credentials *ret,
	struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *where = sl_asprintf("%s (web_identity_token_file)", name);
	return by_web_identity(aws, where, value_of(profile, name, "web_identity_token_file"),
		value_of(profile, name, "role_arn"), value_of(profile, name, "role_session_name"),
		ret, reterr);
}

/* Of the three settings each is the environment's, else the profile's. */
enum sl_err sl_credentials_web_identity(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	static const char *const names[][2] = {
		{"AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"},
		{"AWS_ROLE_ARN", "role_arn"},
		{"AWS_ROLE_SESSION_NAME", "role_session_name"},
	};
	const char *values[SL_ARRAY_SIZE(names)];
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i][0]);
		values[i] = value && *value ? value : value_of(profile, name, names[i][1]);
	}
	return by_web_identity(
		aws, "AWS_WEB_IDENTITY_TOKEN_FILE", values[0], values[1], values[2], ret, reterr);
}
