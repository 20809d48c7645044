/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SimulatePrincipalPolicy: the same decisions that requests meet, asked for. Entry point:
 * lc_iam_simulate. On the HTTP thread.
 */
#include <ctype.h>
#include <string.h>

#include "lc_iam.h"
#include "text.h"

#define ROOT_PREFIX "arn:aws:iam::" LC_ACCOUNT ":"

/* ContextEntries.member.N as a context, owned by the caller. */
static json_t *read_context(struct lc_query *query)
{
	json_t *context = json_object();
	for (int n = 1;; n++) {
		SL_AUTO(sl_freep)
		char *key_name = sl_asprintf("ContextEntries.member.%d.ContextKeyName", n);
		SL_AUTO(sl_freep)
		char *values_name = sl_asprintf("ContextEntries.member.%d.ContextKeyValues", n);
		SL_AUTO(sl_freep)
		char *key = lc_query_param(query, key_name);
		if (!key) {
			return context;
		}
		for (char *c = key; *c; c++) {
			*c = (char)tolower((unsigned char)*c);
		}
		json_t *values = json_array();
		for (int i = 1;; i++) {
			SL_AUTO(sl_freep)
			char *value = lc_query_member(query, values_name, i);
			if (!value) {
				break;
			}
			json_array_append_new(values, json_string(value));
		}
		json_object_set_new(context, key, values);
	}
}

static void simulate_one(struct lc_query *query, const char *role, const char *action,
	const char *resource, const json_t *context)
{
	static const char *const decisions[] = {"implicitDeny", "allowed", "explicitDeny"};
	struct lc_policy_question question = {
		.action = action, .resource = resource, .context = context};
	/* Without a role it is the key pair that may do everything. */
	enum lc_verdict verdict = role ? lc_iam_decide(role, NULL, &question) : LC_ALLOW;

	lc_query_tag(query, "<member>");
	lc_query_element(query, "EvalActionName", action);
	lc_query_element(query, "EvalResourceName", resource);
	lc_query_element(query, "EvalDecision", decisions[verdict]);
	lc_query_tag(query, "<MatchedStatements/><MissingContextValues/></member>");
}

static void simulate(struct lc_query *query, const char *role, const json_t *context)
{
	for (int i = 1;; i++) {
		SL_AUTO(sl_freep)
		char *action = lc_query_member(query, "ActionNames", i);
		if (!action) {
			return;
		}
		for (int j = 1;; j++) {
			SL_AUTO(sl_freep)
			char *resource = lc_query_member(query, "ResourceArns", j);
			if (!resource && j > 1) {
				break;
			}
			simulate_one(query, role, action, resource ? resource : "*", context);
			if (!resource) {
				break;
			}
		}
	}
}

void lc_iam_simulate(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *source = lc_query_required(query, "PolicySourceArn");
	SL_AUTO(sl_freep)
	char *first = source ? lc_query_member(query, "ActionNames", 1) : NULL;
	if (!source) {
		return;
	}
	const char *role = lc_iam_role_name(source);
	if (!first || (!role && !sl_text_starts_with(source, ROOT_PREFIX))) {
		lc_query_error(query, 400, "InvalidInput",
			first ? "Invalid Entity Arn: %s does not clearly define entity type and "
				"name."
			      : "Value for actionNames is required (%s)",
			source);
		return;
	}
	if (role && !lc_iam_role_known(source)) {
		lc_iam_no_role(query, role);
		return;
	}
	json_auto_t *context = read_context(query);
	if (!json_object_get(context, "aws:principalarn")) {
		json_object_set_new(context, "aws:principalarn", json_string(source));
	}
	lc_query_open(query);
	lc_iam_whole(query);
	lc_query_tag(query, "<EvaluationResults>");
	simulate(query, role, context);
	lc_query_tag(query, "</EvaluationResults>");
	lc_query_close(query);
}
