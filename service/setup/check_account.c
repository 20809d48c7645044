/* SPDX-License-Identifier: Apache-2.0 */
/* Whose keys we have, and whether the settings are of the same account: credentials, account. The
 * doctor's threads. */

#include <string.h>

#include "call_internal.h"
#include "checkup.h"
#include "clock.h"
#include "mem.h"
#include "text.h"

#define MS_PER_MINUTE INT64_C(60000)
#define SOON_MS       (10 * MS_PER_MINUTE)

/* --- credentials ---------------------------------------------------------------------------- */

static bool any_endpoint(const struct sl_checkup *checkup, enum sl_service service)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkup->endpoints); i++) {
		const struct sl_reach *reach = &checkup->endpoints[i];
		bool meant = service == SL_SERVICE_COUNT_ || reach->service == service;
		if (meant && reach->reached) {
			return true;
		}
	}
	return false;
}

/* "…WXYZ": which key it is, to whoever has it before him. */
static const char *tail_of(const char *key_id)
{
	size_t len = strlen(key_id);
	return len > 8 ? key_id + len - 4 : key_id;
}

/* "key id …WXYZ from the environment". The caller owns it. */
static char *key_of(const struct sl_credentials *credentials)
{
	const char *source = credentials->source;
	return sl_asprintf("key id …%s%s%s", tail_of(credentials->access_key_id),
		source != NULL ? " from " : "", source != NULL ? source : "");
}

static char *life_of(const struct sl_credentials *credentials)
{
	if (credentials->expires_ms == 0) {
		return sl_strdup(credentials->session_token != NULL
				? "; they are temporary, and do not tell until when"
				: "");
	}
	char until[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(credentials->expires_ms, until);
	return sl_asprintf("; they last until %s", until);
}

static void tell_identity(const struct sl_checkup *checkup,
	const struct sl_credentials *credentials, struct sl_findings *findings)
{
	const struct sl_sts_identity *identity = &checkup->identity;
	SL_AUTO(sl_freep)
	char *key = key_of(credentials);
	SL_AUTO(sl_freep)
	char *life = life_of(credentials);
	int64_t left_ms = credentials->expires_ms - sl_clock_now_ms();
	bool soon = credentials->expires_ms != 0 && left_ms < SOON_MS;
	bool root = sl_text_ends_with(identity->arn, ":root");
	const char *remedy = NULL;
	if (root) {
		remedy = "Use a role or user of its own, as docs/cloudformation.yaml makes it";
	} else if (soon) {
		remedy = "See that they are renewed where they come from";
	}
	sl_find(findings, remedy != NULL ? SL_FOUND_WARN : SL_FOUND_OK, remedy,
		"%s of account %s, %s%s%s", identity->arn, identity->account, key, life,
		root ? "; that is the account's root, which may do everything" : "");
}

static void tell_refusal(const struct sl_credentials *credentials, const struct sl_error *error,
	struct sl_findings *findings)
{
	SL_AUTO(sl_freep)
	char *key = key_of(credentials);
	SL_AUTO(sl_freep)
	char *life = life_of(credentials);
	bool about_keys = error->code == SL_ERR_AWS_CREDENTIALS;
	sl_find(findings, SL_FOUND_FAIL,
		about_keys ? "`spotlist config --explain` tells where they come from; "
			     "docs/operations.md, Credentials expired, or are wrong"
			   : "docs/operations.md, What the codes ask for",
		"%s%s: %s", key, life, error->detail);
}

void sl_check_credentials(struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (!any_endpoint(checkup, SL_SERVICE_COUNT_)) {
		sl_find(findings, SL_FOUND_SKIP, NULL, "not looked at, because of *endpoints*");
		return;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_credentials_finish)
	struct sl_credentials credentials = {0};
	if (sl_aws_credentials(checkup->aws, &credentials, &error) != SL_ERR_OK) {
		sl_find(findings, SL_FOUND_FAIL,
			"Give some as for any AWS SDK: a role of the machine or the container, a "
			"profile, AWS_ACCESS_KEY_ID; docs/aws.md",
			"%s", error.detail);
		return;
	}
	if (!any_endpoint(checkup, SL_SERVICE_STS)) {
		SL_AUTO(sl_freep)
		char *key = key_of(&credentials);
		sl_find(findings, SL_FOUND_WARN, "See *endpoints*",
			"there are some (%s), but STS cannot be asked whose they are", key);
		return;
	}
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	if (sl_sts_get_caller_identity(client, &checkup->identity, &error) == SL_ERR_OK) {
		tell_identity(checkup, &credentials, findings);
	} else {
		tell_refusal(&credentials, &error, findings);
	}
}

/* --- account -------------------------------------------------------------------------------- */

struct reference {
	const char *setting;
	const char *arn;
	const char *why; /* it has to be of our account */
};

static void compare(const struct sl_checkup *checkup, const struct reference *reference,
	struct sl_findings *findings)
{
	SL_AUTO(sl_arn_finish)
	struct sl_arn arn = {0};
	if (!sl_arn_parse(reference->arn, &arn)) {
		return; /* told by *settings* */
	}
	const char *region = sl_aws_region(checkup->aws);
	const char *partition = sl_partition_of(region)->name;
	if (strcmp(arn.account, checkup->identity.account) != 0) {
		sl_find(findings, SL_FOUND_FAIL,
			"Set it to what `spotlist provision` prints for this account, or use "
			"credentials of the other",
			"%s is of account %s, the credentials of %s: %s", reference->setting,
			arn.account, checkup->identity.account, reference->why);
	} else if (strcmp(arn.partition, partition) != 0) {
		sl_find(findings, SL_FOUND_FAIL, "Correct AWS_REGION or the setting",
			"%s is of partition %s, and region %s of %s", reference->setting,
			arn.partition, region, partition);
	} else if (*arn.region != '\0' && strcmp(arn.region, region) != 0) {
		sl_find(findings, SL_FOUND_FAIL,
			"Correct AWS_REGION or the setting: topics are used in one's own region",
			"%s is of region %s, and spotlist works in %s", reference->setting,
			arn.region, region);
	}
}

void sl_check_account(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	if (checkup->identity.account == NULL) {
		sl_find(findings, SL_FOUND_SKIP, NULL, "not known, see *credentials*");
		return;
	}
	const char *pass = "a role can only be passed within its account (iam:PassRole)";
	const char *foreign = "its policies would have to allow ours";
	const struct reference references[] = {
		{"SPOTLIST_MEDIACONVERT_ROLE_ARN", config->mediaconvert_role_arn, pass},
		{"SPOTLIST_REKOGNITION_ROLE_ARN", config->rekognition_role_arn, pass},
		{"SPOTLIST_REKOGNITION_TOPIC_ARN", config->rekognition_topic_arn, foreign},
		{"SPOTLIST_MEDIACONVERT_QUEUE", config->mediaconvert_queue,
			"a queue is used from its own account"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(references); i++) {
		compare(checkup, &references[i], findings);
	}
	for (size_t i = 0; i < config->sns_topic_arns.count; i++) {
		const char *arn = config->sns_topic_arns.items[i];
		const struct reference one = {"SPOTLIST_SNS_TOPIC_ARNS", arn, foreign};
		if (strcmp(arn, config->rekognition_topic_arn) != 0) {
			compare(checkup, &one, findings);
		}
	}
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL,
			"roles and topics of the settings are of account %s and region %s",
			checkup->identity.account, sl_aws_region(checkup->aws));
	}
}
