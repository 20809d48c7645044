/* SPDX-License-Identifier: Apache-2.0 */
/* DynamoDB: the table. */

#include <string.h>

#include "dynamodb_table.h"
#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "setup.h"
#include "text.h"

static const char recovery[] = "PointInTimeRecoverySpecification";

static enum sl_err await_active(
	const struct sl_setup *setup, const char *table, struct sl_error *reterr)
{
	int64_t deadline_ms = 0;
	for (;;) {
		json_auto_t *there = NULL;
		enum sl_err err = sl_dynamodb_describe_table(setup->client, table, &there, reterr);
		const char *status = json_string_value(json_object_get(there, "TableStatus"));
		/* DescribeTable may not know yet what CreateTable has just made. */
		bool settled = err != SL_ERR_TABLE_MISSING &&
			(err != SL_ERR_OK || sl_text_equal(status, "ACTIVE"));
		if (settled) {
			return err;
		}
		if (!sl_setup_wait(setup, setup->wait_s, &deadline_ms)) {
			return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
				"it was not ACTIVE within %lld s: run this again",
				(long long)setup->wait_s);
		}
	}
}

static enum sl_err create(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	json_auto_t *request = json_copy((json_t *)(uintptr_t)resource->properties);
	json_object_del(request, recovery);
	enum sl_err err = setup->dry_run ? SL_ERR_OK
					 : sl_dynamodb_create_table(setup->client, request, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_created(setup, resource);
		err = setup->dry_run ? SL_ERR_OK : await_active(setup, resource->name, reterr);
	}
	return err;
}

static enum sl_err compare(struct sl_setup *setup, struct sl_resource *resource,
	const json_t *there, struct sl_error *reterr)
{
	const json_t *key = json_object_get(there, "KeySchema");
	const json_t *wanted_key = json_object_get(resource->properties, "KeySchema");
	if (!sl_policy_equal(key, wanted_key)) {
		SL_AUTO(sl_freep)
		char *has = key != NULL ? sl_json_text(key) : sl_strdup("unknown");
		return sl_error_set(reterr, SL_ERR_AWS_CONFLICT,
			"there is one whose key is %s, which cannot be changed: choose another "
			"name (--table), or delete that table if nothing needs it",
			has);
	}
	const char *mode = json_string_value(
		json_object_get(json_object_get(there, "BillingModeSummary"), "BillingMode"));
	const char *wanted = sl_property(resource, "BillingMode");
	mode = mode != NULL ? mode : "PROVISIONED"; /* which a table says by saying nothing */
	if (strcmp(mode, wanted) == 0) {
		return SL_ERR_OK;
	}
	json_auto_t *request =
		json_pack("{s:s, s:s}", "TableName", resource->name, "BillingMode", wanted);
	enum sl_err err = setup->dry_run ? SL_ERR_OK
					 : sl_dynamodb_update_table(setup->client, request, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_changed(setup, resource, "BillingMode", mode, wanted);
		err = setup->dry_run ? SL_ERR_OK : await_active(setup, resource->name, reterr);
	}
	return err;
}

/* Right behind CreateTable DynamoDB has no backups to switch yet: that is asked again. */
static enum sl_err set_recovery(
	const struct sl_setup *setup, const char *table, bool wanted, struct sl_error *reterr)
{
	int64_t deadline_ms = 0;
	for (;;) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_dynamodb_set_recovery(setup->client, table, wanted, &error);
		bool later =
			sl_text_equal(error.provider.code, "ContinuousBackupsUnavailableException");
		if (err == SL_ERR_OK || !later ||
			!sl_setup_wait(setup, setup->wait_s, &deadline_ms)) {
			if (err != SL_ERR_OK) {
				sl_error_move(reterr, &error);
			}
			return err;
		}
	}
}

static enum sl_err point_in_time(
	struct sl_setup *setup, struct sl_resource *resource, bool is_new, struct sl_error *reterr)
{
	const json_t *wanted = json_object_get(
		json_object_get(resource->properties, recovery), "PointInTimeRecoveryEnabled");
	bool enabled = false;
	enum sl_err err = is_new && setup->dry_run
		? SL_ERR_OK
		: sl_dynamodb_get_recovery(setup->client, resource->name, &enabled, reterr);
	if (err != SL_ERR_OK || enabled == json_is_true(wanted)) {
		return err;
	}
	err = setup->dry_run ? SL_ERR_OK
			     : set_recovery(setup, resource->name, json_is_true(wanted), reterr);
	if (err == SL_ERR_OK && !is_new) {
		sl_setup_changed(setup, resource, "PointInTimeRecoveryEnabled",
			enabled ? "true" : "false", enabled ? "false" : "true");
	}
	return err;
}

enum sl_err sl_setup_table(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "TableName"));
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("table/%s", resource->name);
	resource->arn = sl_setup_arn(setup, "dynamodb", path);
	json_auto_t *there = NULL;
	enum sl_err err = sl_dynamodb_describe_table(setup->client, resource->name, &there, reterr);
	bool is_new = err == SL_ERR_TABLE_MISSING;
	if (is_new) {
		err = create(setup, resource, reterr);
	} else if (err == SL_ERR_OK) {
		err = compare(setup, resource, there, reterr);
	}
	return err != SL_ERR_OK ? err : point_in_time(setup, resource, is_new, reterr);
}
