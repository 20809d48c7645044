/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of an ECS task or EKS pod, by its agent: sl_credentials_container(). Any thread. */

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "credentials_internal.h"
#include "mem.h"
#include "text.h"

#define ATTEMPTS        3
#define TIMEOUT_MS      2000
#define PAUSE_MS        200
#define MAX_TOKEN_BYTES 16384

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static void cleanup_urlp(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void free_curlp(char **text)
{
	curl_free(*text);
}

static void wipep(char **secret)
{
	if (*secret) {
		OPENSSL_cleanse(*secret, strlen(*secret));
	}
	free(*secret);
}

/* Loopback, the agents of ECS and EKS: plain HTTP never leaves the machine. */
static bool is_local(const char *host)
{
	static const char *const names[] = {
		"localhost", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "[::1]"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (strcasecmp(host, names[i]) == 0) {
			return true;
		}
	}
	struct in_addr address;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static enum sl_err check_full_uri(const char *uri, struct sl_error *reterr)
{
	SL_AUTO(cleanup_urlp)
	CURLU *url = curl_url();
	SL_AUTO(free_curlp)
	char *scheme = NULL;
	SL_AUTO(free_curlp)
	char *host = NULL;
	bool parsed = url && curl_url_set(url, CURLUPART_URL, uri, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;
	bool https = parsed && strcmp(scheme, "https") == 0;
	if (!parsed || (!https && strcmp(scheme, "http") != 0)) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI is no http or https URL");
	}
	if (!https && !is_local(host)) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI: the host \"%s\" is not allowed with "
			"http, which is for localhost, 169.254.170.2, 169.254.170.23 and "
			"[fd00:ec2::23]; use https",
			host);
	}
	return SL_ERR_OK;
}

static enum sl_err find_uri(char **ret, struct sl_error *reterr)
{
	const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (relative && relative[0] != '/') {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with '/'");
	}
	if (relative) {
		*ret = sl_asprintf("http://169.254.170.2%s", relative);
		return SL_ERR_OK;
	}
	if (!full) {
		return SL_ERR_AWS_NOT_FOUND;
	}
	enum sl_err err = check_full_uri(full, reterr);
	if (!err) {
		*ret = sl_strdup(full);
	}
	return err;
}

/* NULL without one: the whole header line. The file is read each time, as it is renewed. */
static enum sl_err find_authorization(char **ret, struct sl_error *reterr)
{
	const char *path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *given = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *by = path ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
			      : "AWS_CONTAINER_AUTHORIZATION_TOKEN";
	SL_AUTO(wipep)
	char *token = NULL;
	if (path) {
		enum sl_err err =
			sl_credentials_read_token(by, path, MAX_TOKEN_BYTES, &token, reterr);
		if (err) {
			return err;
		}
	} else if (given) {
		token = sl_strdup(given);
	}
	if (token && strpbrk(token, "\r\n")) {
		return sl_error_set(reterr, SL_ERR_AWS_CREDENTIALS,
			"%s: the token holds a line break, which no header may", by);
	}
	*ret = token ? sl_asprintf("Authorization: %s", token) : NULL;
	return SL_ERR_OK;
}

static bool worth_again(enum sl_err err, int status)
{
	return err == SL_ERR_AWS_UNAVAILABLE || status >= 500 || status == 429;
}

static enum sl_err attempt(const struct sl_metadata_call *call, int *ret_status,
	struct sl_credentials *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_metadata_answer_finish)
	struct sl_metadata_answer answer = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_metadata_fetch(call, &answer, &error);
	*ret_status = answer.status;
	if (err) {
		return sl_error_set(reterr, err, "the container's credentials (%s): %s", call->url,
			error.detail);
	}
	if (answer.status != 200) {
		return sl_error_set(reterr,
			answer.status >= 500 ? SL_ERR_AWS_UNAVAILABLE : SL_ERR_AWS_CREDENTIALS,
			"the container's credentials (%s): status %d%s", call->url, answer.status,
			answer.status == 401 || answer.status == 403
				? "; is the authorization token the right one?"
				: "");
	}
	return sl_credentials_from_json("the container's credentials service",
		sl_buf_str(&answer.body), answer.body.len, SL_CREDENTIALS_JSON_METADATA, ret,
		reterr);
}

enum sl_err sl_credentials_container(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)profile;
	(void)name;
	SL_AUTO(sl_freep)
	char *uri = NULL;
	enum sl_err err = find_uri(&uri, reterr);
	if (err) {
		return err;
	}
	SL_AUTO(wipep)
	char *authorization = NULL;
	err = find_authorization(&authorization, reterr);
	if (err) {
		return err;
	}
	const struct sl_metadata_call call = {"GET", uri, {authorization, NULL}, TIMEOUT_MS,
		aws ? aws->settings.ca_bundle : NULL};
	int status = 0;
	for (int i = 1; i <= ATTEMPTS; i++) {
		err = attempt(&call, &status, ret, reterr);
		if (!err || !worth_again(err, status)) {
			break;
		}
		sl_clock_sleep(i < ATTEMPTS ? PAUSE_MS : 0);
	}
	return err;
}
