/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the standard SDK settings once, at start: sl_settings_load(). */

#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "profile.h"
#include "retry.h"
#include "text.h"

/* The environment's value, else the profile's; NULL when neither has any. `ret_where` names what
 * it came from. */
static const char *setting(const struct sl_profile *profile, const char *variable, const char *key,
	const char **ret_where)
{
	const char *value = getenv(variable);
	*ret_where = variable;
	if (!value || !*value) {
		value = sl_profile_config(profile, key);
		*ret_where = key;
	}
	return value && *value ? value : NULL;
}

static enum sl_err load_flag(const struct sl_profile *profile, const char *variable,
	const char *key, bool *ret, struct sl_error *reterr)
{
	const char *where = NULL;
	const char *value = setting(profile, variable, key, &where);
	bool on = value && strcasecmp(value, "true") == 0;
	if (value && !on && strcasecmp(value, "false") != 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "%s must be true or false, not \"%s\"",
			where, value);
	}
	*ret = on;
	return SL_ERR_OK;
}

/* The region becomes part of host names and of the signature. */
static enum sl_err load_region(
	const struct sl_profile *profile, struct sl_settings *settings, struct sl_error *reterr)
{
	const char *where = NULL;
	const char *region = getenv("AWS_REGION");
	if (!region || !*region) {
		region = setting(profile, "AWS_DEFAULT_REGION", "region", &where);
	}
	if (!region) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"No AWS region is set: set AWS_REGION, e.g. AWS_REGION=eu-west-1");
	}
	size_t len = strlen(region);
	if (len > 63 || strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len ||
		region[0] == '-' || region[len - 1] == '-') {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"\"%s\" cannot be the name of an AWS region", region);
	}
	settings->region = sl_strdup(region);
	settings->endpoints.region = settings->region;
	return SL_ERR_OK;
}

/* AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, [services] of the profile, the profile: in this order. */
static const char *service_url(const struct sl_profile *profile, const char *service)
{
	SL_AUTO(sl_freep)
	char *variable = sl_asprintf("AWS_ENDPOINT_URL_%s", service);
	for (char *at = variable; *at; at++) {
		*at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
	}
	const char *const candidates[] = {
		getenv(variable),
		getenv("AWS_ENDPOINT_URL"),
		sl_profile_service(profile, service, "endpoint_url"),
		sl_profile_config(profile, "endpoint_url"),
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(candidates); i++) {
		if (candidates[i] && *candidates[i]) {
			return candidates[i];
		}
	}
	return NULL;
}

static enum sl_err load_endpoints(
	const struct sl_profile *profile, struct sl_settings *settings, struct sl_error *reterr)
{
	bool ignore = false;
	enum sl_err err = load_flag(profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint",
		&settings->endpoints.fips, reterr);
	if (!err) {
		err = load_flag(profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
			&settings->endpoints.dualstack, reterr);
	}
	if (!err) {
		err = load_flag(profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
			"ignore_configured_endpoint_urls", &ignore, reterr);
	}
	for (int i = 0; !err && i < SL_SERVICE_COUNT_; i++) {
		enum sl_service service = (enum sl_service)i;
		const char *url = ignore ? NULL : service_url(profile, sl_service_id(service));
		settings->urls[i] = sl_strdup(url);
		settings->endpoints.urls[i] = settings->urls[i];
		struct sl_endpoint endpoint = {0};
		err = sl_endpoint_resolve(&settings->endpoints, service, NULL, &endpoint, reterr);
		sl_endpoint_finish(&endpoint);
	}
	return err;
}

static enum sl_err load_retries(
	const struct sl_profile *profile, struct sl_settings *settings, struct sl_error *reterr)
{
	const char *where = NULL;
	const char *mode = setting(profile, "AWS_RETRY_MODE", "retry_mode", &where);
	if (mode && strcmp(mode, "standard") != 0 && strcmp(mode, "legacy") != 0 &&
		strcmp(mode, "adaptive") != 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"%s must be standard (legacy and adaptive are taken as that), not \"%s\"",
			where, mode);
	}
	settings->max_attempts = SL_RETRY_MAX_ATTEMPTS;
	const char *attempts = setting(profile, "AWS_MAX_ATTEMPTS", "max_attempts", &where);
	if (attempts && !sl_text_parse_i64(attempts, 1, 100, &settings->max_attempts)) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"%s must be a number from 1 to 100, not \"%s\"", where, attempts);
	}
	return SL_ERR_OK;
}

static enum sl_err load_ca_bundle(
	const struct sl_profile *profile, struct sl_settings *settings, struct sl_error *reterr)
{
	const char *where = NULL;
	const char *path = setting(profile, "AWS_CA_BUNDLE", "ca_bundle", &where);
	if (path && access(path, R_OK) != 0) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "%s: cannot read %s", where, path);
	}
	settings->ca_bundle = sl_strdup(path);
	return SL_ERR_OK;
}

enum sl_err sl_settings_load(struct sl_settings *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_profile_destroyp)
	struct sl_profile *profile = NULL;
	enum sl_err err = sl_profile_load(&profile, reterr);
	if (err) {
		return err;
	}
	static enum sl_err (*const loaders[])(const struct sl_profile *profile,
		struct sl_settings *settings, struct sl_error *reterr) = {
		load_region, load_endpoints, load_retries, load_ca_bundle};
	struct sl_settings settings = {0};
	for (size_t i = 0; i < SL_ARRAY_SIZE(loaders); i++) {
		err = loaders[i](profile, &settings, reterr);
		if (err) {
			sl_settings_finish(&settings);
			return err;
		}
	}
	*ret = settings;
	return SL_ERR_OK;
}

void sl_settings_finish(struct sl_settings *settings)
{
	free(settings->region);
	free(settings->ca_bundle);
	for (int i = 0; i < SL_SERVICE_COUNT_; i++) {
		free(settings->urls[i]);
	}
	*settings = (struct sl_settings){0};
}
