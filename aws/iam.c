/* SPDX-License-Identifier: Apache-2.0 */
/* AWS IAM, for administration: roles, their trust and inline policies, and what a principal may do.
 * On the thread of the client. */

#include "iam.h"

#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "query_internal.h"
#include "text.h"
#include "xml_tree.h"

static enum sl_err call(struct sl_client *client, const char *operation, struct sl_form *form,
	json_t **ret_result, struct sl_error *reterr)
{
	return sl_query_call(client, SL_SERVICE_IAM, operation, form, ret_result, reterr);
}

/* A document of an answer: percent-encoded JSON. */
static json_t *read_document(const char *text)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	if (text == NULL ||
		!sl_text_percent_decode(&decoded, text, strlen(text), /* plus_is_space= */ false)) {
		return NULL;
	}
	json_t *document = json_loadb(sl_buf_str(&decoded), decoded.len, 0, NULL);
	if (!json_is_object(document)) {
		json_decref(document);
		return NULL;
	}
	return document;
}

static void add_document(struct sl_form *form, const char *name, const json_t *document)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(document);
	sl_form_add(form, name, text);
}

enum sl_err sl_iam_get_role(
	struct sl_client *client, const char *role, json_t **ret_role, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "RoleName", role);
	json_auto_t *result = NULL;
	enum sl_err err = call(client, "GetRole", &form, &result, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *trust = read_document(sl_xml_tree_text(result, "Role/AssumeRolePolicyDocument"));
	json_t *got = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:o*}", "RoleName",
		sl_xml_tree_text(result, "Role/RoleName"), "RoleId",
		sl_xml_tree_text(result, "Role/RoleId"), "Arn",
		sl_xml_tree_text(result, "Role/Arn"), "Path", sl_xml_tree_text(result, "Role/Path"),
		"PermissionsBoundary",
		sl_xml_tree_text(result, "Role/PermissionsBoundary/PermissionsBoundaryArn"),
		"AssumeRolePolicyDocument", trust);
	if (json_object_get(got, "Arn") == NULL || trust == NULL) {
		json_decref(got);
		return sl_query_lacks(
			SL_SERVICE_IAM, "GetRole", "Arn and AssumeRolePolicyDocument", reterr);
	}
	*ret_role = got;
	return SL_ERR_OK;
}

enum sl_err sl_iam_create_role(struct sl_client *client, const char *role, const json_t *trust,
	const char *description, const char *boundary, char **ret_arn, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "RoleName", role);
	add_document(&form, "AssumeRolePolicyDocument", trust);
	sl_form_add(&form, "Description", description);
	sl_form_add(&form, "PermissionsBoundary", boundary);
	json_auto_t *result = NULL;
	enum sl_err err = call(client, "CreateRole", &form, &result, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *arn = sl_xml_tree_text(result, "Role/Arn");
	if (arn == NULL) {
		return sl_query_lacks(SL_SERVICE_IAM, "CreateRole", "Arn", reterr);
	}
	*ret_arn = sl_strdup(arn);
	return SL_ERR_OK;
}

enum sl_err sl_iam_update_trust(
	struct sl_client *client, const char *role, const json_t *trust, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "RoleName", role);
	add_document(&form, "PolicyDocument", trust);
	return call(client, "UpdateAssumeRolePolicy", &form, NULL, reterr);
}

enum sl_err sl_iam_get_role_policy(struct sl_client *client, const char *role, const char *policy,
	json_t **ret_document, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "RoleName", role);
	sl_form_add(&form, "PolicyName", policy);
	json_auto_t *result = NULL;
	enum sl_err err = call(client, "GetRolePolicy", &form, &result, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *document = read_document(sl_xml_tree_text(result, "PolicyDocument"));
	if (document == NULL) {
		return sl_query_lacks(SL_SERVICE_IAM, "GetRolePolicy", "PolicyDocument", reterr);
	}
	*ret_document = document;
	return SL_ERR_OK;
}

enum sl_err sl_iam_put_role_policy(struct sl_client *client, const char *role, const char *policy,
	const json_t *document, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "RoleName", role);
	sl_form_add(&form, "PolicyName", policy);
	add_document(&form, "PolicyDocument", document);
	return call(client, "PutRolePolicy", &form, NULL, reterr);
}

static void add_context(struct sl_form *form, const struct sl_pair *context, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sl_pair fields[] = {
			{"ContextKeyName", context[i].name},
			{"ContextKeyValues.member.1", context[i].value},
			{"ContextKeyType", "string"},
		};
		for (size_t j = 0; j < SL_ARRAY_SIZE(fields); j++) {
			SL_AUTO(sl_freep)
			char *name =
				sl_asprintf("ContextEntries.member.%zu.%s", i + 1, fields[j].name);
			sl_form_add(form, name, fields[j].value);
		}
	}
}

enum sl_err sl_iam_simulate(struct sl_client *client, const struct sl_iam_question *question,
	json_t **ret_results, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "PolicySourceArn", question->principal_arn);
	sl_form_add_list(&form, "ActionNames", question->actions, question->action_count);
	sl_form_add_list(&form, "ResourceArns", &question->resource_arn,
		question->resource_arn != NULL ? 1 : 0);
	add_context(&form, question->context, question->context_count);
	json_auto_t *result = NULL;
	enum sl_err err = call(client, "SimulatePrincipalPolicy", &form, &result, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_auto_t *results = json_array();
	size_t i;
	const json_t *one;
	json_array_foreach (sl_xml_tree_list(result, "EvaluationResults/member"), i, one) {
		json_array_append_new(results,
			json_pack("{s:s*, s:s*, s:s*}", "EvalActionName",
				sl_xml_tree_text(one, "EvalActionName"), "EvalDecision",
				sl_xml_tree_text(one, "EvalDecision"), "EvalResourceName",
				sl_xml_tree_text(one, "EvalResourceName")));
	}
	if (json_array_size(results) < question->action_count) {
		return sl_query_lacks(SL_SERVICE_IAM, "SimulatePrincipalPolicy",
			"result for each action", reterr);
	}
	*ret_results = json_incref(results);
	return SL_ERR_OK;
}
