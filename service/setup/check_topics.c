/* SPDX-License-Identifier: Apache-2.0 */
/* How news of jobs comes to us: topics, event rules. The doctor's threads. */

#include <string.h>

#include "checkup.h"
#include "events.h"
#include "mem.h"
#include "sns_topic.h"
#include "text.h"

/* Made by docs/cloudformation.yaml. */
static const char *const rules[] = {"spotlist-mediaconvert", "spotlist-transcribe"};

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* --- topics --------------------------------------------------------------------------------- */

/* Whether `value`, a text or a list of texts, has this one. */
static bool has_text(const json_t *value, const char *text)
{
	if (json_is_string(value)) {
		return strcasecmp(json_string_value(value), text) == 0;
	}
	size_t i;
	const json_t *one;
	json_array_foreach (value, i, one) {
		if (has_text(one, text)) {
			return true;
		}
	}
	return false;
}

/* Whether a topic's policy has a statement that lets a service of AWS publish. Conditions are
 * taken to hold. */
static bool lets_publish(const json_t *attributes, const char *service)
{
	const char *text = text_of(attributes, "Policy");
	json_auto_t *policy = text != NULL ? json_loads(text, 0, NULL) : NULL;
	const json_t *statements = json_object_get(policy, "Statement");
	size_t count = json_is_array(statements) ? json_array_size(statements) : 1;
	for (size_t i = 0; i < count; i++) {
		const json_t *one =
			json_is_array(statements) ? json_array_get(statements, i) : statements;
		const json_t *who = json_object_get(json_object_get(one, "Principal"), "Service");
		const json_t *action = json_object_get(one, "Action");
		bool allows = sl_text_equal(text_of(one, "Effect"), "Allow");
		bool publish = has_text(action, "sns:Publish") || has_text(action, "sns:*") ||
			has_text(action, "*");
		if (allows && publish && has_text(who, service)) {
			return true;
		}
	}
	return false;
}

static void judge_topic(const struct sl_config *config, const char *arn, const json_t *attributes,
	struct sl_findings *findings)
{
	if (!sl_text_equal(text_of(attributes, "SignatureVersion"), "2")) {
		sl_find(findings, SL_FOUND_WARN,
			"`spotlist provision` sets SignatureVersion 2, which is SHA-256",
			"%s signs with SHA-1", arn);
	}
	bool is_rekognitions = strcmp(arn, config->rekognition_topic_arn) == 0;
	if (!is_rekognitions && !lets_publish(attributes, "events.amazonaws.com") &&
		!lets_publish(attributes, "s3.amazonaws.com")) {
		sl_find(findings, SL_FOUND_WARN, "`spotlist provision` writes its policy",
			"%s lets neither EventBridge nor S3 publish", arn);
	}
}

/* False when nothing can be looked at, which is told. */
static bool has_topics(const struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (checkup->config.sns_topic_arns.count == 0) {
		sl_find(findings, SL_FOUND_SKIP,
			"`spotlist provision` makes topics and prints the setting",
			"SPOTLIST_SNS_TOPIC_ARNS is empty: jobs are only asked for, every "
			"SPOTLIST_POLL_INTERVAL_MS");
		return false;
	}
	return sl_checkup_reaches(checkup, SL_SERVICE_SNS, findings);
}

void sl_check_topics(struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (!has_topics(checkup, findings)) {
		return;
	}
	const struct sl_config_list *topics = &checkup->config.sns_topic_arns;
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	for (size_t i = 0; i < topics->count; i++) {
		SL_AUTO(sl_client_destroyp)
		struct sl_client *client = sl_checkup_client(checkup);
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		json_t *attributes = NULL;
		enum sl_err err =
			sl_sns_get_topic_attributes(client, topics->items[i], &attributes, &error);
		if (err == SL_ERR_OK) {
			judge_topic(&checkup->config, topics->items[i], attributes, findings);
			json_object_set_new(
				checkup->topic_attributes, topics->items[i], attributes);
		} else if (err == SL_ERR_AWS_NOT_FOUND) {
			sl_find(findings, SL_FOUND_FAIL,
				"`spotlist provision` makes it, or correct SPOTLIST_SNS_TOPIC_ARNS",
				"there is no topic %s", topics->items[i]);
		} else {
			sl_find_unseen(findings, &unseen, "sns:GetTopicAttributes", &error, NULL);
		}
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "all %zu are there and sign with SHA-256",
			topics->count);
	}
}

/* --- event rules ---------------------------------------------------------------------------- */

static void judge_targets(const struct sl_checkup *checkup, const char *rule, const json_t *targets,
	struct sl_findings *findings)
{
	const struct sl_config_list *topics = &checkup->config.sns_topic_arns;
	size_t i;
	const json_t *target;
	json_array_foreach (targets, i, target) {
		const char *arn = text_of(target, "Arn");
		for (size_t k = 0; arn != NULL && k < topics->count; k++) {
			if (strcmp(arn, topics->items[k]) != 0) {
				continue;
			}
			const json_t *attributes = json_object_get(checkup->topic_attributes, arn);
			if (attributes != NULL &&
				!lets_publish(attributes, "events.amazonaws.com")) {
				sl_find(findings, SL_FOUND_FAIL,
					"`spotlist provision` writes its policy",
					"%s sends to %s, whose policy does not let EventBridge "
					"publish",
					rule, arn);
			}
			return;
		}
	}
	sl_find(findings, SL_FOUND_WARN, "`spotlist provision` sets its target",
		"%s sends to no topic of SPOTLIST_SNS_TOPIC_ARNS", rule);
}

static void check_rule(const struct sl_checkup *checkup, struct sl_client *client, const char *rule,
	struct sl_unseen *unseen, struct sl_findings *findings)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	json_auto_t *description = NULL;
	json_auto_t *targets = NULL;
	const char *remedy = "`spotlist provision` makes it and switches it on; until then the end "
			     "of jobs is found by asking";
	enum sl_err err = sl_events_describe_rule(client, rule, &description, &error);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		sl_find(findings, SL_FOUND_WARN, remedy, "there is no rule %s", rule);
	} else if (err != SL_ERR_OK) {
		sl_find_unseen(findings, unseen, "events:DescribeRule", &error, remedy);
	} else if (!sl_text_equal(text_of(description, "State"), "ENABLED")) {
		sl_find(findings, SL_FOUND_WARN, remedy, "rule %s is %s", rule,
			text_of(description, "State"));
	} else if (sl_events_list_targets(client, rule, &targets, &error) == SL_ERR_OK) {
		judge_targets(checkup, rule, targets, findings);
	} else {
		sl_find_unseen(findings, unseen, "events:ListTargetsByRule", &error, remedy);
	}
}

void sl_check_rules(struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (!has_topics(checkup, findings) ||
		!sl_checkup_reaches(checkup, SL_SERVICE_EVENTS, findings)) {
		return;
	}
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rules); i++) {
		check_rule(checkup, client, rules[i], &unseen, findings);
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "%s and %s are on and send to a topic of ours",
			rules[0], rules[1]);
	}
}
