/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon EventBridge, for administration: rules and targets. On the thread of the client. */

#include "events.h"

#include "call.h"
#include "json_spec.h"
#include "mem.h"

#define MAX_PAGES 100

/* Takes over `body`. */
static enum sl_err call(struct sl_client *client, const char *operation, json_t *body,
	json_t **ret_answer, struct sl_error *reterr)
{
	json_auto_t *owned = body;
	const struct sl_call request = {
		.service = SL_SERVICE_EVENTS,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.idempotent = true,
	};
	return sl_call_json(client, &request, owned, ret_answer, reterr);
}

enum sl_err sl_events_describe_rule(
	struct sl_client *client, const char *rule, json_t **ret_rule, struct sl_error *reterr)
{
	return call(client, "DescribeRule", json_pack("{s:s}", "Name", rule), ret_rule, reterr);
}

enum sl_err sl_events_put_rule(
	struct sl_client *client, const json_t *request, char **ret_arn, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err =
		call(client, "PutRule", json_incref((json_t *)(uintptr_t)request), &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *arn = json_string_value(json_object_get(answer, "RuleArn"));
	if (arn == NULL) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "EventBridge's PutRule has no RuleArn");
	}
	*ret_arn = sl_strdup(arn);
	return SL_ERR_OK;
}

enum sl_err sl_events_list_targets(
	struct sl_client *client, const char *rule, json_t **ret_targets, struct sl_error *reterr)
{
	json_auto_t *all = json_array();
	SL_AUTO(sl_freep)
	char *token = NULL;
	for (int page = 0; page < MAX_PAGES; page++) {
		json_auto_t *answer = NULL;
		enum sl_err err = call(client, "ListTargetsByRule",
			json_pack("{s:s, s:s*}", "Rule", rule, "NextToken", token), &answer,
			reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		json_array_extend(all, json_object_get(answer, "Targets"));
		free(token);
		token = sl_strdup(json_string_value(json_object_get(answer, "NextToken")));
		if (token == NULL || *token == '\0') {
			break;
		}
	}
	*ret_targets = json_incref(all);
	return SL_ERR_OK;
}

enum sl_err sl_events_put_targets(
	struct sl_client *client, const char *rule, const json_t *targets, struct sl_error *reterr)
{
	json_auto_t *answer = NULL;
	enum sl_err err = call(client, "PutTargets",
		json_pack("{s:s, s:O}", "Rule", rule, "Targets", targets), &answer, reterr);
	if (err != SL_ERR_OK ||
		json_integer_value(json_object_get(answer, "FailedEntryCount")) == 0) {
		return err;
	}
	const json_t *failed = json_array_get(json_object_get(answer, "FailedEntries"), 0);
	const char *code = json_string_value(json_object_get(failed, "ErrorCode"));
	const char *message = json_string_value(json_object_get(failed, "ErrorMessage"));
	return sl_error_set(reterr, SL_ERR_AWS_REJECTED,
		"EventBridge did not take a target of rule %s: %s: %s", rule,
		code != NULL ? code : "", message != NULL ? message : "");
}
