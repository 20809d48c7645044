/* SPDX-License-Identifier: Apache-2.0 */
/* STS AssumeRole and AssumeRoleWithWebIdentity: sl_sts_assume_role(), with a client of its own; any
 * thread. */

#include "sts_assume.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "credentials_internal.h"
#include "mem.h"
#include "xml.h"

#define DEADLINE_MS 20000
#define MAX_PAIRS   5

/* Has the keys that it was made with, once; when they are refused there are none. */
struct fixed_source {
	struct sl_credentials_source base;
	const struct sl_credentials *keys;
};

static enum sl_err fixed_get(
	struct sl_credentials_source *self, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)reterr;
	const struct fixed_source *fixed = (const struct fixed_source *)self;
	if (!fixed->keys) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	sl_credentials_copy(fixed->keys, ret);
	return SL_ERR_OK;
}

static void fixed_destroy(struct sl_credentials_source *self)
{
	(void)self;
}

static int64_t outer_clock(void *context)
{
	return sl_aws_now_ms(context);
}

static enum sl_err read_answer(const char *operation, const struct sl_answer *answer,
	struct sl_credentials *ret, struct sl_error *reterr)
{
	static const char *const names[] = {
		"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
	char *values[SL_ARRAY_SIZE(names)];
	bool whole = true;
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		SL_AUTO(sl_freep)
		char *path = sl_asprintf("%sResult/Credentials/%s", operation, names[i]);
		values[i] = sl_xml_find(sl_buf_str(&answer->body), answer->body.len, path);
		whole = whole && values[i] && *values[i];
	}
	enum sl_err err = whole
		? sl_credentials_from_strings(
			  "STS", values[0], values[1], values[2], values[3], ret, reterr)
		: sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			  "STS's answer to %s is not understood: it lacks keys", operation);
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (values[i]) {
			OPENSSL_cleanse(values[i], strlen(values[i]));
		}
		free(values[i]);
	}
	return err;
}

/* Whoever wanted to read an object must not hear that the object is forbidden. */
static enum sl_err explain(const char *operation, const char *role_arn, struct sl_error *error,
	struct sl_error *reterr)
{
	bool passes = sl_err_retryable(error->code);
	enum sl_err code = passes ? error->code : SL_ERR_AWS_CREDENTIALS;
	return sl_error_set(reterr, code, "%s of %s: %s%s%s%s%s", operation, role_arn,
		error->detail ? error->detail : sl_err_title(error->code),
		error->provider.code ? " (" : "", error->provider.code ? error->provider.code : "",
		error->provider.code && error->provider.message ? ": " : "",
		error->provider.code && error->provider.message ? error->provider.message : "");
}

static enum sl_err call_sts(struct sl_aws *inner, const struct sl_sts_assume *assume,
	struct sl_credentials *ret, struct sl_error *reterr)
{
	char duration[24];
	snprintf(duration, sizeof(duration), "%lld", (long long)assume->duration_s);
	struct sl_pair pairs[MAX_PAIRS] = {
		{"RoleArn", assume->role_arn}, {"RoleSessionName", assume->session_name}};
	size_t count = 2;
	if (assume->external_id) {
		pairs[count++] = (struct sl_pair){"ExternalId", assume->external_id};
	}
	if (assume->duration_s > 0) {
		pairs[count++] = (struct sl_pair){"DurationSeconds", duration};
	}
	if (assume->web_token) {
		pairs[count++] = (struct sl_pair){"WebIdentityToken", assume->web_token};
	}
	const char *operation = assume->web_token ? "AssumeRoleWithWebIdentity" : "AssumeRole";
	const struct sl_call call = {
		.service = SL_SERVICE_STS,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.query = pairs,
		.query_count = count,
		.idempotent = true,
		.unsigned_ = assume->web_token != NULL,
		.max_answer = 65536,
	};
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_client_create(inner);
	sl_client_set_deadline(client, DEADLINE_MS);
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_call(client, &call, &answer, &error) != SL_ERR_OK) {
		return explain(operation, assume->role_arn, &error, reterr);
	}
	enum sl_err err = read_answer(operation, &answer, ret, reterr);
	OPENSSL_cleanse(answer.body.data, answer.body.len);
	return err;
}

enum sl_err sl_sts_assume_role(struct sl_aws *aws, const struct sl_credentials *keys,
	const struct sl_sts_assume *assume, struct sl_credentials *ret, struct sl_error *reterr)
{
	if (!aws || !aws->settings.region) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"role %s cannot be assumed without a region: set AWS_REGION",
			assume->role_arn);
	}
	struct fixed_source fixed = {{"keys for STS", fixed_get, fixed_destroy, false}, keys};
	struct sl_credentials_source *source = &fixed.base;
	struct sl_aws inner = {
		.settings = aws->settings, /* borrowed */
		.credentials = sl_credentials_chain_create(&source, 1),
		.clock = outer_clock,
		.clock_context = aws,
	};
	sl_retry_quota_init(&inner.quota);
	enum sl_err err = call_sts(&inner, assume, ret, reterr);
	sl_credentials_chain_destroy(inner.credentials);
	return err;
}
