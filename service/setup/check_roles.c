/* SPDX-License-Identifier: Apache-2.0 */
/* Those who work for us in the account: mediaconvert, rekognition. Whether their roles are there,
 * trust them, and may do what they have to. The doctor's threads. */

#include <string.h>

#include "checkup.h"
#include "endpoints.h"
#include "iam.h"
#include "mediaconvert.h"
#include "mem.h"
#include "text.h"

/* What a role must be able to do. */
struct duty {
	const char *setting;
	const char *role_arn;
	const char *service; /* that takes it */
	const char *action;
	const char *const *resources; /* up to NULL */
};

/* Whether a trust policy lets the service take the role. */
static bool trusts(const json_t *role, const char *service)
{
	const json_t *policy = json_object_get(role, "AssumeRolePolicyDocument");
	const json_t *statements = json_object_get(policy, "Statement");
	size_t count = json_is_array(statements) ? json_array_size(statements) : 1;
	for (size_t i = 0; i < count; i++) {
		const json_t *one =
			json_is_array(statements) ? json_array_get(statements, i) : statements;
		SL_AUTO(sl_freep)
		char *who =
			json_dumps(json_object_get(json_object_get(one, "Principal"), "Service"),
				JSON_ENCODE_ANY);
		const char *effect = json_string_value(json_object_get(one, "Effect"));
		if (who != NULL && strstr(who, service) != NULL && sl_text_equal(effect, "Allow")) {
			return true;
		}
	}
	return false;
}

static void judge_rights(struct sl_client *client, const struct duty *duty,
	struct sl_unseen *unseen, struct sl_findings *findings)
{
	for (const char *const *resource = duty->resources; *resource != NULL; resource++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		json_auto_t *results = NULL;
		const struct sl_iam_question question = {
			.principal_arn = duty->role_arn,
			.actions = &duty->action,
			.action_count = 1,
			.resource_arn = *resource,
		};
		if (sl_iam_simulate(client, &question, &results, &error) != SL_ERR_OK) {
			sl_find_unseen(
				findings, unseen, "iam:SimulatePrincipalPolicy", &error, NULL);
			return;
		}
		const char *decision = json_string_value(
			json_object_get(json_array_get(results, 0), "EvalDecision"));
		if (!sl_text_equal(decision, "allowed")) {
			sl_find(findings, SL_FOUND_FAIL,
				"`spotlist provision` writes the role's policy; docs/aws.md",
				"%s may not %s on %s (%s)", duty->role_arn, duty->action, *resource,
				decision != NULL ? decision : "no decision");
		}
	}
}

static void check_duty(const struct sl_checkup *checkup, struct sl_client *client,
	const struct duty *duty, struct sl_unseen *unseen, struct sl_findings *findings)
{
	if (!sl_checkup_reaches(checkup, SL_SERVICE_IAM, findings)) {
		return;
	}
	const char *slash = strrchr(duty->role_arn, '/');
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	json_auto_t *role = NULL;
	enum sl_err err =
		sl_iam_get_role(client, slash != NULL ? slash + 1 : duty->role_arn, &role, &error);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		sl_find(findings, SL_FOUND_FAIL,
			"`spotlist provision` makes it, or correct the setting",
			"%s: there is no role %s", duty->setting, duty->role_arn);
		return;
	}
	if (err != SL_ERR_OK) {
		sl_find_unseen(findings, unseen, "iam:GetRole", &error, NULL);
		return;
	}
	if (!trusts(role, duty->service)) {
		sl_find(findings, SL_FOUND_FAIL, "`spotlist provision` sets whom it trusts",
			"%s does not trust %s", duty->role_arn, duty->service);
	}
	judge_rights(client, duty, unseen, findings);
}

/* --- mediaconvert --------------------------------------------------------------------------- */

static void check_queue(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_findings *findings)
{
	const char *queue = checkup->config.mediaconvert_queue;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	json_auto_t *page = NULL;
	enum sl_err err = sl_mediaconvert_list_jobs(client, queue, NULL, NULL, &page, &error);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		sl_find(findings, SL_FOUND_FAIL,
			"Correct SPOTLIST_MEDIACONVERT_QUEUE; aws mediaconvert list-queues",
			"there is no queue %s: %s", queue, error.detail);
	} else if (err != SL_ERR_OK) {
		sl_find_error(findings, &error, NULL);
	}
}

void sl_check_mediaconvert(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	if (!sl_checkup_reaches(checkup, SL_SERVICE_MEDIACONVERT, findings)) {
		return;
	}
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	check_queue(checkup, client, findings);
	if (*config->mediaconvert_role_arn != '\0' && *config->bucket != '\0') {
		const char *partition = sl_partition_of(sl_aws_region(checkup->aws))->name;
		SL_AUTO(sl_freep)
		char *source = sl_asprintf("arn:%s:s3:::%s/uploads/x", partition, config->bucket);
		SL_AUTO(sl_freep)
		char *frames = sl_asprintf("arn:%s:s3:::%s/thumbs/x", partition, config->bucket);
		SL_AUTO(sl_freep)
		char *video = sl_asprintf("arn:%s:s3:::%s/mp4/x", partition, config->bucket);
		SL_AUTO(sl_freep)
		char *audio = sl_asprintf("arn:%s:s3:::%s/audio/x", partition, config->bucket);
		const char *const sources[] = {source, NULL};
		const char *const outputs[] = {frames, video, audio, NULL};
		struct duty duty = {
			.setting = "SPOTLIST_MEDIACONVERT_ROLE_ARN",
			.role_arn = config->mediaconvert_role_arn,
			.service = "mediaconvert.amazonaws.com",
			.action = "s3:GetObject",
			.resources = sources,
		};
		check_duty(checkup, client, &duty, &unseen, findings);
		duty.action = "s3:PutObject";
		duty.resources = outputs;
		if (findings->count == 0 && unseen.actions.len == 0) {
			judge_rights(client, &duty, &unseen, findings);
		}
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "queue %s; its role %s may read and write",
			config->mediaconvert_queue, config->mediaconvert_role_arn);
	}
}

/* --- rekognition ---------------------------------------------------------------------------- */

void sl_check_rekognition(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config *config = &checkup->config;
	if (*config->rekognition_topic_arn == '\0' || *config->rekognition_role_arn == '\0') {
		sl_find(findings, SL_FOUND_SKIP,
			"`spotlist provision` makes a topic and a role for it and prints the "
			"settings",
			"no topic is set: label detection jobs are only asked for");
		return;
	}
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	const char *const topics[] = {config->rekognition_topic_arn, NULL};
	const struct duty duty = {
		.setting = "SPOTLIST_REKOGNITION_ROLE_ARN",
		.role_arn = config->rekognition_role_arn,
		.service = "rekognition.amazonaws.com",
		.action = "sns:Publish",
		.resources = topics,
	};
	check_duty(checkup, client, &duty, &unseen, findings);
	const char *name = strrchr(config->rekognition_topic_arn, ':');
	if (unseen.actions.len > 0 && name != NULL &&
		!sl_text_starts_with(name + 1, "AmazonRekognition")) {
		sl_find(findings, SL_FOUND_WARN,
			"Name it AmazonRekognition…, or see that the role allows it",
			"AWS's own policy for such roles allows topics named AmazonRekognition… "
			"only, and this is %s",
			name + 1);
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "its role %s may publish to %s",
			config->rekognition_role_arn, config->rekognition_topic_arn);
	}
}
