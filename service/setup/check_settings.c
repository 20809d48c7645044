/* SPDX-License-Identifier: Apache-2.0 */
/* What can be told of the settings by themselves, and of this machine's `spotlist serve`:
 * settings, region, webhooks, server. The doctor's threads. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call_internal.h"
#include "checkup.h"
#include "mem.h"
#include "probe.h"
#include "text.h"
#include "webhook.h"

#define PROBE_MS 2000

/* --- settings ------------------------------------------------------------------------------- */

static void check_role(struct sl_findings *findings, const char *name, const char *value)
{
	SL_AUTO(sl_arn_finish)
	struct sl_arn arn = {0};
	if (*value == '\0') {
		return; /* told already where it must be there */
	}
	if (!sl_arn_parse(value, &arn) || strcmp(arn.service, "iam") != 0 ||
		strlen(arn.account) != 12 || !sl_text_starts_with(arn.resource, "role/")) {
		sl_find(findings, SL_FOUND_FAIL,
			"Give the ARN of a role: arn:aws:iam::123456789012:role/NAME",
			"%s is \"%s\"", name, value);
	}
}

static void check_topic(struct sl_findings *findings, const char *name, const char *value)
{
	SL_AUTO(sl_arn_finish)
	struct sl_arn arn = {0};
	if (!sl_arn_parse(value, &arn) || strcmp(arn.service, "sns") != 0 || *arn.region == '\0' ||
		strlen(arn.account) != 12 || strchr(arn.resource, ':') != NULL) {
		sl_find(findings, SL_FOUND_FAIL,
			"Give the ARN of a topic: arn:aws:sns:REGION:123456789012:NAME",
			"%s has \"%s\"", name, value);
	}
}

static void check_rekognition_pair(struct sl_findings *findings, const struct sl_config *config)
{
	bool topic = *config->rekognition_topic_arn != '\0';
	bool role = *config->rekognition_role_arn != '\0';
	if (topic != role) {
		sl_find(findings, SL_FOUND_FAIL,
			"Set both or neither: Rekognition publishes to the topic as the role",
			"%s is set and %s is not",
			topic ? "SPOTLIST_REKOGNITION_TOPIC_ARN" : "SPOTLIST_REKOGNITION_ROLE_ARN",
			topic ? "SPOTLIST_REKOGNITION_ROLE_ARN" : "SPOTLIST_REKOGNITION_TOPIC_ARN");
	}
	bool listed = !topic;
	for (size_t i = 0; i < config->sns_topic_arns.count; i++) {
		listed = listed ||
			strcmp(config->sns_topic_arns.items[i], config->rekognition_topic_arn) == 0;
	}
	if (!listed) {
		sl_find(findings, SL_FOUND_WARN,
			"Add it there, or its messages are refused (sns_topic_foreign)",
			"SPOTLIST_REKOGNITION_TOPIC_ARN is not among SPOTLIST_SNS_TOPIC_ARNS");
	}
}

void sl_check_settings(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	const struct sl_findings *problems = &checkup->setting_problems;
	for (size_t i = 0; i < problems->count; i++) {
		sl_find(findings, problems->items[i].kind, problems->items[i].remedy, "%s",
			problems->items[i].found);
	}
	check_role(findings, "SPOTLIST_MEDIACONVERT_ROLE_ARN", config->mediaconvert_role_arn);
	check_role(findings, "SPOTLIST_REKOGNITION_ROLE_ARN", config->rekognition_role_arn);
	if (*config->rekognition_topic_arn != '\0') {
		check_topic(
			findings, "SPOTLIST_REKOGNITION_TOPIC_ARN", config->rekognition_topic_arn);
	}
	for (size_t i = 0; i < config->sns_topic_arns.count; i++) {
		check_topic(findings, "SPOTLIST_SNS_TOPIC_ARNS", config->sns_topic_arns.items[i]);
	}
	check_rekognition_pair(findings, config);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "all of them can be read");
	}
}

/* --- region --------------------------------------------------------------------------------- */

void sl_check_region(struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (checkup->aws == NULL) {
		sl_find(findings, SL_FOUND_FAIL,
			"Correct it in the environment or the shared config file; docs/aws.md",
			"%s", checkup->aws_error.detail);
		return;
	}
	const char *region = sl_aws_region(checkup->aws);
	const struct sl_endpoint_settings *settings = sl_aws_endpoints(checkup->aws);
	SL_AUTO(sl_buf_finish)
	struct sl_buf custom = SL_BUF_INIT;
	for (size_t i = 0; i < SL_SERVICE_COUNT_; i++) {
		if (settings->urls[i] != NULL) {
			sl_buf_printf(&custom, "%s%s", custom.len > 0 ? ", " : "",
				sl_service_name((enum sl_service)i));
		}
	}
	sl_find(findings, SL_FOUND_OK, NULL, "%s (partition %s)%s%s%s%s", region,
		sl_partition_of(region)->name, settings->fips ? ", FIPS endpoints" : "",
		settings->dualstack ? ", dual-stack endpoints" : "",
		custom.len > 0 ? "; not AWS's own endpoints, but those of AWS_ENDPOINT_URL*, for "
			       : "",
		sl_buf_str(&custom));
}

/* --- webhooks ------------------------------------------------------------------------------- */

void sl_check_webhooks(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	struct sl_webhook_settings settings = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_webhook_settings_read(config, &settings, &error) != SL_ERR_OK) {
		sl_find(findings, SL_FOUND_FAIL, "docs/webhooks.md tells how to make a key", "%s",
			error.detail);
		return;
	}
	size_t keys = settings.key_count;
	sl_webhook_settings_finish(&settings);
	if (keys == 0) {
		sl_find(findings, SL_FOUND_OK, NULL,
			"no callbacks, since SPOTLIST_WEBHOOK_SECRET is empty");
		return;
	}
	const char *bundle = config->webhook_ca_bundle;
	FILE *file = *bundle != '\0' ? fopen(bundle, "re") : NULL;
	if (*bundle != '\0' && file == NULL) {
		sl_find(findings, SL_FOUND_FAIL, "Correct SPOTLIST_WEBHOOK_CA_BUNDLE",
			"SPOTLIST_WEBHOOK_CA_BUNDLE names %s, which cannot be read", bundle);
	}
	if (file != NULL) {
		fclose(file);
	}
	if (config->webhook_allow_http) {
		sl_find(findings, SL_FOUND_WARN,
			"Set SPOTLIST_WEBHOOK_ALLOW_HTTP=no unless receivers are on this network",
			"callbacks may go out unencrypted");
	}
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "%zu key%s, %zu attempts each", keys,
			keys == 1 ? "" : "s", config->webhook_retry_ms.count + 1);
	}
}

/* --- the server of this machine ------------------------------------------------------------- */

void sl_check_server(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const char *address = checkup->config.admin_listen;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_text_ends_with(address, ":0")) {
		sl_find(findings, SL_FOUND_SKIP, NULL,
			"not looked at: SPOTLIST_ADMIN_LISTEN takes any free port");
		return;
	}
	enum sl_err err = sl_probe(address, "/readyz", PROBE_MS, &error);
	if (err == SL_ERR_OK) {
		sl_find(findings, SL_FOUND_OK, NULL, "`serve` runs at %s and is ready", address);
	} else if (err == SL_ERR_CONFIG) {
		sl_find(findings, SL_FOUND_FAIL, "Correct SPOTLIST_ADMIN_LISTEN", "%s",
			error.detail);
	} else if (strstr(error.detail, strerror(ECONNREFUSED)) != NULL) {
		sl_find(findings, SL_FOUND_SKIP, NULL, "no `serve` runs at %s of this machine",
			address);
	} else {
		sl_find(findings, SL_FOUND_WARN,
			"docs/operations.md, Bad days; or another program has this port", "%s",
			error.detail);
	}
}
