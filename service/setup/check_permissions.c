/* SPDX-License-Identifier: Apache-2.0 */
/* Whether our role may do what it has to: IAM is asked to simulate, and where it does not tell us,
 * each action is tried that can be without an effect. A thread of the doctor's. */

#include <string.h>

#include "clock.h"
#include "endpoints.h"
#include "iam.h"
#include "mem.h"
#include "permissions.h"
#include "text.h"

#define RESERVE_MS 1500 /* of the doctor's time, which the last question must leave */
#define REMEDY     "`spotlist provision` writes the role's policy; docs/aws.md"

/* The role or user behind "arn:aws:sts::account:assumed-role/name/session"; NULL: that is the root,
 * or a federated user. The caller owns it. */
static char *principal_of(const struct sl_sts_identity *identity, struct sl_client *client)
{
	SL_AUTO(sl_arn_finish)
	struct sl_arn arn = {0};
	if (!sl_arn_parse(identity->arn, &arn)) {
		return NULL;
	}
	if (sl_text_starts_with(arn.resource, "user/")) {
		return sl_strdup(identity->arn);
	}
	if (!sl_text_starts_with(arn.resource, "assumed-role/")) {
		return NULL;
	}
	const char *name = arn.resource + strlen("assumed-role/");
	SL_AUTO(sl_freep)
	char *role = sl_strndup(name, strcspn(name, "/"));
	/* The session's ARN leaves the role's path out. */
	json_auto_t *found = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_iam_get_role(client, role, &found, &error) == SL_ERR_OK) {
		return sl_strdup(json_string_value(json_object_get(found, "Arn")));
	}
	return sl_asprintf("arn:%s:iam::%s:role/%s", arn.partition, arn.account, role);
}

/* --- by simulation -------------------------------------------------------------------------- */

static enum sl_err simulate(struct sl_client *client, const char *principal,
	const struct sl_permission *permission, const char *resource, const char *condition_value,
	const char **ret_decision, json_t **ret_results, struct sl_error *reterr)
{
	const struct sl_pair context[] = {{permission->condition, condition_value}};
	const struct sl_iam_question question = {
		.principal_arn = principal,
		.actions = &permission->action,
		.action_count = 1,
		.resource_arn = strcmp(resource, "*") == 0 ? NULL : resource,
		.context = context,
		.context_count = permission->condition != NULL ? 1 : 0,
	};
	enum sl_err err = sl_iam_simulate(client, &question, ret_results, reterr);
	const char *decision =
		json_string_value(json_object_get(json_array_get(*ret_results, 0), "EvalDecision"));
	*ret_decision = decision != NULL ? decision : "no decision";
	return err;
}

static bool is_late(const struct sl_checkup *checkup)
{
	return checkup->deadline_ms - sl_clock_monotonic_ms() < RESERVE_MS;
}

/* False when IAM would not tell, and nothing was added. */
static bool ask_iam(const struct sl_checkup *checkup, struct sl_client *client,
	const char *principal, struct sl_findings *findings)
{
	size_t asked = 0;
	for (size_t i = 0; i < sl_permission_count && !is_late(checkup); i++) {
		const struct sl_permission *permission = &sl_permissions[i];
		SL_AUTO(sl_freep)
		char *resource = sl_permission_fill(checkup, permission->resource);
		SL_AUTO(sl_freep)
		char *value = permission->condition != NULL
			? sl_permission_fill(checkup, permission->condition_value)
			: NULL;
		if (resource == NULL || (permission->condition != NULL && value == NULL)) {
			continue; /* a setting is missing, or we do without */
		}
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		json_auto_t *results = NULL;
		const char *decision = NULL;
		if (simulate(client, principal, permission, resource, value, &decision, &results,
			    &error) != SL_ERR_OK) {
			if (asked > 0) {
				sl_find_error(findings, &error, NULL);
			}
			return asked > 0;
		}
		asked++;
		if (strcmp(decision, "allowed") != 0) {
			sl_find(findings, SL_FOUND_FAIL, REMEDY, "%s may not %s on %s (%s): %s",
				principal, permission->action, resource, decision, permission->use);
		}
	}
	if (is_late(checkup)) {
		sl_find(findings, SL_FOUND_WARN, "Run doctor again",
			"IAM is too slow to ask for all");
	} else if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL,
			"%s may do all that it has to (IAM's simulation)", principal);
	}
	return true;
}

/* --- by trial ------------------------------------------------------------------------------- */

struct trial {
	size_t allowed;
	struct sl_buf untried; /* actions, with commas between */
};

static void trial_finish(struct trial *trial)
{
	sl_buf_finish(&trial->untried);
}

static void try_one(const struct sl_checkup *checkup, struct sl_client *client,
	const struct sl_permission *permission, struct trial *trial, struct sl_findings *findings)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = permission->try_it(checkup, client, &error);
	switch (err) {
	case SL_ERR_OK:
		trial->allowed++;
		break;
	case SL_ERR_AWS_FORBIDDEN:
		sl_find(findings, SL_FOUND_FAIL, REMEDY, "%s is denied, which is needed for %s: %s",
			permission->action, permission->use,
			error.provider.message != NULL ? error.provider.message : error.detail);
		break;
	case SL_ERR_AWS_NOT_FOUND:
	case SL_ERR_TABLE_MISSING:
		break; /* bucket, table or queue: told elsewhere */
	default:
		sl_find(findings, SL_FOUND_WARN, "Run doctor again", "%s could not be tried: %s",
			permission->action, error.detail);
	}
}

static void note_untried(struct trial *trial, const char *action)
{
	if (strstr(sl_buf_str(&trial->untried), action) == NULL) {
		sl_buf_printf(&trial->untried, "%s%s", trial->untried.len > 0 ? ", " : "", action);
	}
}

/* Whether another row tries the same action on another resource. */
static bool is_tried_elsewhere(const struct sl_permission *permission)
{
	for (size_t i = 0; i < sl_permission_count; i++) {
		const struct sl_permission *other = &sl_permissions[i];
		if (other->try_it != NULL && strcmp(other->action, permission->action) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether trying it leads anywhere; where not, that is told by *endpoints* or *bucket*. */
static bool is_within_reach(
	const struct sl_checkup *checkup, const struct sl_permission *permission)
{
	size_t len = strcspn(permission->action, ":");
	if (checkup->bucket_missing && strncmp(permission->action, "s3", len) == 0) {
		return false;
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkup->endpoints); i++) {
		const struct sl_reach *reach = &checkup->endpoints[i];
		if (strncmp(sl_service_name(reach->service), permission->action, len) == 0 &&
			!reach->reached) {
			return false;
		}
	}
	return true;
}

static void try_all(
	const struct sl_checkup *checkup, struct sl_client *client, struct sl_findings *findings)
{
	SL_AUTO(trial_finish)
	struct trial trial = {0};
	for (size_t i = 0; i < sl_permission_count; i++) {
		const struct sl_permission *permission = &sl_permissions[i];
		SL_AUTO(sl_freep)
		char *resource = sl_permission_fill(checkup, permission->resource);
		if (!is_within_reach(checkup, permission)) {
			continue;
		}
		if (permission->try_it == NULL || resource == NULL || is_late(checkup)) {
			if (!is_tried_elsewhere(permission) || is_late(checkup)) {
				note_untried(&trial, permission->action);
			}
			continue;
		}
		try_one(checkup, client, permission, &trial, findings);
	}
	if (sl_findings_worst(findings) == SL_FOUND_OK) {
		sl_find(findings, SL_FOUND_OK, NULL, "%zu actions were tried and are allowed",
			trial.allowed);
	}
	if (trial.untried.len > 0) {
		sl_find(findings, SL_FOUND_SKIP,
			"To have them checked allow iam:SimulatePrincipalPolicy, or submit a short "
			"video",
			"not tried, because they would start something: %s",
			sl_buf_str(&trial.untried));
	}
}

void sl_check_permissions(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_sts_identity *identity = &checkup->identity;
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	if (identity->arn != NULL && sl_text_ends_with(identity->arn, ":root")) {
		sl_find(findings, SL_FOUND_SKIP, NULL, "the account's root may do everything");
		return;
	}
	SL_AUTO(sl_findings_finish)
	struct sl_findings ignored = {0};
	bool iam = sl_checkup_reaches(checkup, SL_SERVICE_IAM, &ignored);
	SL_AUTO(sl_freep)
	char *principal = iam && identity->arn != NULL ? principal_of(identity, client) : NULL;
	if (principal == NULL || !ask_iam(checkup, client, principal, findings)) {
		try_all(checkup, client, findings);
	}
}
