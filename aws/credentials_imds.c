/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's metadata service (IMDSv2): its role's keys, sl_credentials_instance(), and its
 * region, sl_imds_region(). Any thread. */

#include <openssl/crypto.h>
#include <string.h>

#include "credentials_internal.h"
#include "mem.h"
#include "text.h"

#define MAX_ATTEMPTS   10
#define MAX_TIMEOUT_S  60
#define MAX_NAME_BYTES 256
#define ROLE_PATH      "/latest/meta-data/iam/security-credentials/"

struct imds {
	char *endpoint; /* without a '/' at its end */
	bool v1_disabled;
	int64_t timeout_ms;
	int64_t attempts;
	char *token; /* the header line, once it was given; NULL: version 1 */
};

static void imds_finish(struct imds *imds)
{
	free(imds->endpoint);
	if (imds->token) {
		OPENSSL_cleanse(imds->token, strlen(imds->token));
	}
	free(imds->token);
}

static const char *setting(const struct sl_profile *profile, const char *variable, const char *key)
{
	const char *value = getenv(variable);
	if ((!value || !*value) && key && profile) {
		value = sl_profile_config(profile, key);
	}
	return value && *value ? value : NULL;
}

static bool is_true(const char *value)
{
	return value && strcasecmp(value, "true") == 0;
}

static enum sl_err find_endpoint(
	const struct sl_profile *profile, struct imds *imds, struct sl_error *reterr)
{
	const char *endpoint = setting(
		profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	const char *mode = setting(profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
		"ec2_metadata_service_endpoint_mode");
	bool six = mode && strcasecmp(mode, "ipv6") == 0;
	if (mode && !six && strcasecmp(mode, "ipv4") != 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6, not \"%s\"",
			mode);
	}
	if (endpoint && !sl_text_starts_with(endpoint, "http://") &&
		!sl_text_starts_with(endpoint, "https://")) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"AWS_EC2_METADATA_SERVICE_ENDPOINT must be an http or https URL");
	}
	imds->endpoint = sl_strdup(endpoint ? endpoint
			: six               ? "http://[fd00:ec2::254]"
					    : "http://169.254.169.254");
	size_t len = strlen(imds->endpoint);
	while (len > 0 && imds->endpoint[len - 1] == '/') {
		imds->endpoint[--len] = '\0';
	}
	return SL_ERR_OK;
}

/* AWS_NOT_FOUND when it is switched off. */
static enum sl_err imds_load(
	const struct sl_profile *profile, struct imds *imds, struct sl_error *reterr)
{
	if (is_true(setting(NULL, "AWS_EC2_METADATA_DISABLED", NULL))) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	int64_t timeout_s = 1;
	imds->attempts = 1;
	const char *timeout =
		setting(profile, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout");
	const char *attempts = setting(
		profile, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts");
	if ((timeout && !sl_text_parse_i64(timeout, 1, MAX_TIMEOUT_S, &timeout_s)) ||
		(attempts && !sl_text_parse_i64(attempts, 1, MAX_ATTEMPTS, &imds->attempts))) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"AWS_METADATA_SERVICE_TIMEOUT must be a number of seconds from 1 to %d and "
			"AWS_METADATA_SERVICE_NUM_ATTEMPTS a number from 1 to %d",
			MAX_TIMEOUT_S, MAX_ATTEMPTS);
	}
	imds->timeout_ms = timeout_s * 1000;
	imds->v1_disabled = is_true(
		setting(profile, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"));
	return find_endpoint(profile, imds, reterr);
}

/* AWS_NOT_FOUND: nobody is there. */
static enum sl_err fetch(const struct imds *imds, const char *method, const char *path,
	const char *header, struct sl_metadata_answer *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *url = sl_asprintf("%s%s", imds->endpoint, path);
	const struct sl_metadata_call call = {method, url, {header, NULL}, imds->timeout_ms, NULL};
	enum sl_err err = SL_ERR_OK;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	for (int64_t i = 0; i < imds->attempts; i++) {
		sl_metadata_answer_finish(ret);
		err = sl_metadata_fetch(&call, ret, &error);
		if (!err && ret->status < 500) {
			return SL_ERR_OK;
		}
	}
	if (!err) {
		return SL_ERR_OK;
	}
	return ret->connected
		? sl_error_set(reterr, err, "the metadata service (%s): %s", url, error.detail)
		: SL_ERR_AWS_NOT_FOUND;
}

/* Where tokens are not known, or their answer is lost beyond a hop, version 1 may do. */
static enum sl_err take_token(struct imds *imds, struct sl_error *reterr)
{
	SL_AUTO(sl_metadata_answer_finish)
	struct sl_metadata_answer answer = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = fetch(imds, "PUT", "/latest/api/token",
		"x-aws-ec2-metadata-token-ttl-seconds: 21600", &answer, &error);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		return err;
	}
	const char *token = sl_buf_str(&answer.body);
	if (!err && answer.status == 200 && *token && strlen(token) == answer.body.len &&
		!strpbrk(token, "\r\n")) {
		imds->token = sl_asprintf("x-aws-ec2-metadata-token: %s", token);
		return SL_ERR_OK;
	}
	bool unknown = answer.status == 403 || answer.status == 404 || answer.status == 405;
	if (imds->v1_disabled || (!err && !unknown)) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
			"the metadata service gives no token (status %d)%s", answer.status,
			imds->v1_disabled ? ", and AWS_EC2_METADATA_V1_DISABLED is set" : "");
	}
	return SL_ERR_OK;
}

static enum sl_err get(const struct imds *imds, const char *path, struct sl_metadata_answer *ret,
	struct sl_error *reterr)
{
	enum sl_err err = fetch(imds, "GET", path, imds->token, ret, reterr);
	if (!err && ret->status == 404) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	if (!err && ret->status != 200) {
		bool passes = ret->status >= 500 || ret->status == 429;
		return sl_error_set(reterr,
			passes ? SL_ERR_AWS_UNAVAILABLE : SL_ERR_AWS_CREDENTIALS,
			"the metadata service answers %s with status %d", path, ret->status);
	}
	return err;
}

static enum sl_err imds_open(
	const struct sl_profile *profile, struct imds *imds, struct sl_error *reterr)
{
	enum sl_err err = imds_load(profile, imds, reterr);
	return err ? err : take_token(imds, reterr);
}

/* A name that is put into a path, or taken from an answer: one line of plain characters. */
static bool is_name(const struct sl_buf *text)
{
	const char *name = sl_buf_str(text);
	return text->len > 0 && text->len <= MAX_NAME_BYTES &&
		strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"+=,.@_-") == text->len;
}

enum sl_err sl_credentials_instance(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)aws;
	(void)name;
	SL_AUTO(imds_finish)
	struct imds imds = {0};
	SL_AUTO(sl_metadata_answer_finish)
	struct sl_metadata_answer role = {0};
	SL_AUTO(sl_metadata_answer_finish)
	struct sl_metadata_answer answer = {0};
	enum sl_err err = imds_open(profile, &imds, reterr);
	if (!err) {
		err = get(&imds, ROLE_PATH, &role, reterr);
	}
	if (err) {
		return err;
	}
	while (role.body.len > 0 && strchr("\r\n ", role.body.data[role.body.len - 1])) {
		role.body.data[--role.body.len] = '\0';
	}
	if (!is_name(&role.body)) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
			"the metadata service tells no role's name where one belongs");
	}
	SL_AUTO(sl_freep)
	char *path = sl_asprintf(ROLE_PATH "%s", sl_buf_str(&role.body));
	err = get(&imds, path, &answer, reterr);
	if (!err) {
		err = sl_credentials_from_json("the machine's metadata service",
			sl_buf_str(&answer.body), answer.body.len, SL_CREDENTIALS_JSON_METADATA,
			ret, reterr);
	}
	return err;
}

enum sl_err sl_imds_region(const struct sl_profile *profile, char **ret, struct sl_error *reterr)
{
	SL_AUTO(imds_finish)
	struct imds imds = {0};
	SL_AUTO(sl_metadata_answer_finish)
	struct sl_metadata_answer answer = {0};
	enum sl_err err = imds_open(profile, &imds, reterr);
	if (!err) {
		err = get(&imds, "/latest/meta-data/placement/region", &answer, reterr);
	}
	if (!err && !is_name(&answer.body)) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
			"the metadata service tells no region where one belongs");
	}
	if (!err) {
		*ret = sl_buf_steal(&answer.body);
	}
	return err;
}
