/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the standard SDK settings once, at start: sl_settings_load(); or tells all of them and
 * where they come from: sl_settings_survey(). */

#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credentials_internal.h"
#include "mem.h"
#include "profile.h"
#include "retry.h"
#include "text.h"

struct loading {
	const struct sl_profile *profile;
	struct sl_settings *settings;
	sl_settings_note_fn *note; /* or NULL */
	void *context;
	enum sl_err err; /* the first */
	struct sl_error *reterr;
};

/* A value as it was found. */
struct found {
	const char *value; /* borrowed; NULL: nowhere */
	const char *name;  /* the variable or key that has it */
	char *where;       /* owned: for people */
};

static void found_finish(struct found *found)
{
	free(found->where);
}

static char *in_file(const struct sl_profile *profile, const char *key)
{
	const char *path = sl_profile_config_path(profile);
	return sl_asprintf(
		"%s, profile %s, %s", path ? path : "no file", sl_profile_name(profile), key);
}

static const char *variable_value(const char *name)
{
	const char *value = name ? getenv(name) : NULL;
	return value && *value ? value : NULL;
}

/* The environment's value, else the profile's. */
static struct found find(const struct sl_profile *profile, const char *variable, const char *key)
{
	const char *value = variable_value(variable);
	if (value) {
		return (struct found){value, variable, sl_asprintf("environment, %s", variable)};
	}
	value = key ? sl_profile_config(profile, key) : NULL;
	if (value && *value) {
		return (struct found){value, key, in_file(profile, key)};
	}
	return (struct found){NULL, variable, sl_strdup("default")};
}

static void tell(struct loading *loading, const char *name, const char *value, const char *where,
	const char *problem)
{
	if (problem && !loading->err) {
		loading->err = sl_error_set(loading->reterr, SL_ERR_CONFIG, "%s", problem);
	}
	if (loading->note) {
		loading->note(loading->context, name, value, where, problem);
	}
}

static bool load_flag(struct loading *loading, const char *variable, const char *key)
{
	SL_AUTO(found_finish)
	struct found found = find(loading->profile, variable, key);
	bool on = found.value && strcasecmp(found.value, "true") == 0;
	bool good = !found.value || on || strcasecmp(found.value, "false") == 0;
	SL_AUTO(sl_freep)
	char *problem = good ? NULL
			     : sl_asprintf("%s must be true or false, not \"%s\" (%s)", found.name,
				       found.value, found.where);
	tell(loading, variable, found.value ? found.value : "false", found.where, problem);
	return on;
}

static bool is_region(const char *region)
{
	size_t len = strlen(region);
	return len > 0 && len <= 63 &&
		strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
		region[0] != '-' && region[len - 1] != '-';
}

/* The region becomes part of host names and of the signature. */
static void load_region(struct loading *loading)
{
	SL_AUTO(found_finish)
	struct found found = find(loading->profile,
		variable_value("AWS_REGION") ? "AWS_REGION" : "AWS_DEFAULT_REGION", "region");
	SL_AUTO(sl_freep)
	char *region = sl_strdup(found.value);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	const char *where = found.where;
	if (!region && sl_imds_region(loading->profile, &region, &error) == SL_ERR_OK) {
		where = "the machine's metadata service (IMDS)";
	}
	SL_AUTO(sl_freep)
	char *problem = NULL;
	if (!region) {
		problem = sl_asprintf(
			"No AWS region is set: set AWS_REGION, e.g. AWS_REGION=eu-west-1%s%s",
			error.detail ? "; the machine tells none: " : "",
			error.detail ? error.detail : "");
	} else if (!is_region(region)) {
		problem = sl_asprintf(
			"\"%s\" cannot be the name of an AWS region (%s)", region, where);
	}
	tell(loading, "AWS_REGION", region, region ? where : "nowhere", problem);
	if (!problem) {
		loading->settings->region = sl_take(&region);
		loading->settings->endpoints.region = loading->settings->region;
	}
}

static char *url_variable(const char *service)
{
	char *variable = sl_asprintf("AWS_ENDPOINT_URL_%s", service);
	for (char *at = variable; *at; at++) {
		*at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
	}
	return variable;
}

/* AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, [services] of the profile, the profile: in this order. */
static struct found find_url(
	const struct sl_profile *profile, const char *variable, const char *service)
{
	if (variable_value(variable)) {
		return find(profile, variable, NULL);
	}
	if (variable_value("AWS_ENDPOINT_URL")) {
		return find(profile, "AWS_ENDPOINT_URL", NULL);
	}
	const char *value = sl_profile_service(profile, service, "endpoint_url");
	if (value && *value) {
		const char *path = sl_profile_config_path(profile);
		return (struct found){value, "endpoint_url",
			sl_asprintf("%s, services %s, %s, endpoint_url", path ? path : "no file",
				sl_profile_config(profile, "services"), service)};
	}
	return find(profile, NULL, "endpoint_url");
}

static void load_endpoint(struct loading *loading, enum sl_service service, bool ignore)
{
	struct sl_settings *settings = loading->settings;
	SL_AUTO(sl_freep)
	char *variable = url_variable(sl_service_id(service));
	SL_AUTO(found_finish)
	struct found found = ignore
		? (struct found){NULL, NULL,
			  sl_strdup("default: AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")}
		: find_url(loading->profile, variable, sl_service_id(service));
	settings->urls[service] = sl_strdup(found.value);
	settings->endpoints.urls[service] = settings->urls[service];
	if (!settings->region) {
		tell(loading, variable, found.value, found.where,
			"the endpoint cannot be told without a region");
		return;
	}
	struct sl_endpoint endpoint = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err =
		sl_endpoint_resolve(&settings->endpoints, service, NULL, &endpoint, &error);
	SL_AUTO(sl_freep)
	char *shown = err ? sl_strdup(found.value)
			  : sl_asprintf("http%s://%s%s", endpoint.https ? "s" : "", endpoint.host,
				    endpoint.base_path);
	tell(loading, variable, shown, found.where, err ? error.detail : NULL);
	sl_endpoint_finish(&endpoint);
}

static void load_endpoints(struct loading *loading)
{
	struct sl_endpoint_settings *endpoints = &loading->settings->endpoints;
	endpoints->fips = load_flag(loading, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
	endpoints->dualstack =
		load_flag(loading, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
	bool ignore = load_flag(
		loading, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
	for (int i = 0; i < SL_SERVICE_COUNT_; i++) {
		load_endpoint(loading, (enum sl_service)i, ignore);
	}
}

static void load_retries(struct loading *loading)
{
	SL_AUTO(found_finish)
	struct found mode = find(loading->profile, "AWS_RETRY_MODE", "retry_mode");
	bool good = !mode.value || strcmp(mode.value, "standard") == 0 ||
		strcmp(mode.value, "legacy") == 0 || strcmp(mode.value, "adaptive") == 0;
	SL_AUTO(sl_freep)
	char *mode_problem = good
		? NULL
		: sl_asprintf("%s must be standard (legacy and adaptive are taken as that), not "
			      "\"%s\" (%s)",
			  mode.name, mode.value, mode.where);
	tell(loading, "AWS_RETRY_MODE", mode.value ? mode.value : "standard", mode.where,
		mode_problem);
	SL_AUTO(found_finish)
	struct found attempts = find(loading->profile, "AWS_MAX_ATTEMPTS", "max_attempts");
	int64_t *max = &loading->settings->max_attempts;
	*max = SL_RETRY_MAX_ATTEMPTS;
	good = !attempts.value || sl_text_parse_i64(attempts.value, 1, 100, max);
	SL_AUTO(sl_freep)
	char *problem = good ? NULL
			     : sl_asprintf("%s must be a number from 1 to 100, not \"%s\" (%s)",
				       attempts.name, attempts.value, attempts.where);
	SL_AUTO(sl_freep)
	char *shown = sl_asprintf("%lld", (long long)*max);
	tell(loading, "AWS_MAX_ATTEMPTS", good ? shown : attempts.value, attempts.where, problem);
}

/* The regions' own STS is used whatever this says: only its spelling can be wrong. */
static void load_sts(struct loading *loading)
{
	SL_AUTO(found_finish)
	struct found found =
		find(loading->profile, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints");
	bool good = !found.value || strcasecmp(found.value, "regional") == 0 ||
		strcasecmp(found.value, "legacy") == 0;
	SL_AUTO(sl_freep)
	char *problem = good
		? NULL
		: sl_asprintf("%s must be regional (legacy is taken as that), not \"%s\" (%s)",
			  found.name, found.value, found.where);
	tell(loading, "AWS_STS_REGIONAL_ENDPOINTS", "regional", found.where, problem);
}

static void load_ca_bundle(struct loading *loading)
{
	SL_AUTO(found_finish)
	struct found found = find(loading->profile, "AWS_CA_BUNDLE", "ca_bundle");
	bool good = !found.value || access(found.value, R_OK) == 0;
	SL_AUTO(sl_freep)
	char *problem = good
		? NULL
		: sl_asprintf("%s: cannot read %s (%s)", found.name, found.value, found.where);
	tell(loading, "AWS_CA_BUNDLE", found.value ? found.value : "the system's", found.where,
		problem);
	loading->settings->ca_bundle = good ? sl_strdup(found.value) : NULL;
}

static void load_all(struct loading *loading)
{
	load_region(loading);
	load_endpoints(loading);
	load_retries(loading);
	load_sts(loading);
	load_ca_bundle(loading);
}

enum sl_err sl_settings_load(struct sl_settings *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_profile_destroyp)
	struct sl_profile *profile = NULL;
	enum sl_err err = sl_profile_load(&profile, reterr);
	if (err) {
		return err;
	}
	struct sl_settings settings = {0};
	struct loading loading = {profile, &settings, NULL, NULL, SL_ERR_OK, reterr};
	load_all(&loading);
	if (loading.err) {
		sl_settings_finish(&settings);
		return loading.err;
	}
	*ret = settings;
	return SL_ERR_OK;
}

/* libcurl reads these itself; they are only told. */
static void tell_proxies(struct loading *loading)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
		"ALL_PROXY", "no_proxy", "NO_PROXY"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (variable_value(names[i])) {
			SL_AUTO(sl_freep)
			char *where = sl_asprintf("environment, %s", names[i]);
			tell(loading, names[i], variable_value(names[i]), where, NULL);
		}
	}
}

bool sl_settings_survey(struct sl_settings *ret, sl_settings_note_fn *note, void *context)
{
	SL_AUTO(sl_profile_destroyp)
	struct sl_profile *profile = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	*ret = (struct sl_settings){0};
	struct loading loading = {NULL, ret, note, context, SL_ERR_OK, NULL};
	enum sl_err err = sl_profile_load(&profile, &error);
	if (err) {
		profile = sl_profile_empty();
	}
	const char *by = variable_value("AWS_PROFILE")  ? "environment, AWS_PROFILE"
		: variable_value("AWS_DEFAULT_PROFILE") ? "environment, AWS_DEFAULT_PROFILE"
							: "default";
	tell(&loading, "AWS_PROFILE",
		err ? variable_value("AWS_PROFILE") : sl_profile_name(profile), by,
		err ? error.detail : NULL);
	loading.profile = profile;
	load_all(&loading);
	tell_proxies(&loading);
	return loading.err == SL_ERR_OK;
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
