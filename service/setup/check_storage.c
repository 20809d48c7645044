/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are kept: bucket, bucket set-up, table. The doctor's threads. */

#include <string.h>

#include "checkup.h"
#include "dynamodb.h"
#include "dynamodb_table.h"
#include "mem.h"
#include "s3.h"
#include "s3_bucket.h"
#include "text.h"
#include "xml_tree.h"

#define RESERVED_PREFIX "spotlist-doctor/"
#define PARTITION_KEY   "fileName"

/* --- bucket --------------------------------------------------------------------------------- */

static bool is_elsewhere(const struct sl_checkup *checkup, struct sl_findings *findings)
{
	const char *region = sl_aws_region(checkup->aws);
	for (size_t i = 0; i < SL_ARRAY_SIZE(checkup->endpoints); i++) {
		const char *its = checkup->endpoints[i].bucket_region;
		if (its != NULL && strcmp(its, region) != 0) {
			sl_find(findings, SL_FOUND_FAIL,
				"Set AWS_REGION to the bucket's, or SPOTLIST_BUCKET to one of "
				"ours: "
				"Rekognition reads objects of its own region only",
				"%s is in %s, and spotlist works in %s", checkup->config.bucket,
				its, region);
			return true;
		}
	}
	return false;
}

/* Only who may GetBucketLocation can see it. */
static bool is_somebody_elses(const struct sl_checkup *checkup, struct sl_client *client)
{
	const char *bucket = checkup->config.bucket;
	const char *account = checkup->identity.account;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_freep)
	char *region = NULL;
	if (account == NULL ||
		sl_s3_get_bucket_location(client, bucket, account, &region, &error) !=
			SL_ERR_AWS_FORBIDDEN) {
		return false;
	}
	return sl_s3_get_bucket_location(client, bucket, NULL, &region, &error) == SL_ERR_OK;
}

void sl_check_bucket(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const char *bucket = checkup->config.bucket;
	if (*bucket == '\0') {
		sl_find(findings, SL_FOUND_SKIP, NULL, "not looked at, because of *settings*");
		return;
	}
	if (!sl_checkup_reaches(checkup, SL_SERVICE_S3, findings) ||
		is_elsewhere(checkup, findings)) {
		checkup->bucket_missing = true;
		return;
	}
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_s3_listing_finish)
	struct sl_s3_listing listing = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_s3_list_objects(client, bucket, RESERVED_PREFIX, NULL, NULL, &listing, &error) !=
		SL_ERR_OK) {
		sl_find_error(findings, &error,
			"`spotlist provision` makes it, or correct SPOTLIST_BUCKET");
		checkup->bucket_missing = error.code != SL_ERR_AWS_FORBIDDEN;
	} else if (is_somebody_elses(checkup, client)) {
		sl_find(findings, SL_FOUND_WARN,
			"Correct SPOTLIST_BUCKET, unless that is meant: then its policy and those "
			"of "
			"the roles must allow it",
			"%s belongs to another account than %s", bucket, checkup->identity.account);
	} else {
		sl_find(findings, SL_FOUND_OK, NULL, "s3://%s is there, in %s", bucket,
			sl_aws_region(checkup->aws));
	}
}

/* --- its set-up ----------------------------------------------------------------------------- */

static bool is_ours(const struct sl_config *config, const char *topic)
{
	for (size_t i = 0; topic != NULL && i < config->sns_topic_arns.count; i++) {
		if (strcmp(config->sns_topic_arns.items[i], topic) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether a configuration tells of uploads. */
static bool tells_uploads(const json_t *configuration)
{
	size_t i;
	const json_t *event;
	json_array_foreach (sl_xml_tree_list(configuration, "Event"), i, event) {
		const char *name = json_string_value(event);
		if (name != NULL && sl_text_starts_with(name, "s3:ObjectCreated:")) {
			return true;
		}
	}
	return false;
}

static void judge_notifications(
	const struct sl_config *config, const json_t *notification, struct sl_findings *findings)
{
	const char *remedy =
		"`spotlist provision` sets it; until then uploads are found by asking, "
		"within SPOTLIST_POLL_INTERVAL_MS";
	const char *foreign = NULL;
	size_t i;
	const json_t *one;
	json_array_foreach (sl_xml_tree_list(notification, "TopicConfiguration"), i, one) {
		const char *topic = sl_xml_tree_text(one, "Topic");
		if (tells_uploads(one) && is_ours(config, topic)) {
			return;
		}
		foreign = tells_uploads(one) ? topic : foreign;
	}
	if (foreign != NULL) {
		sl_find(findings, SL_FOUND_WARN,
			"Add the topic to SPOTLIST_SNS_TOPIC_ARNS, or `spotlist provision` sets "
			"the "
			"right one",
			"uploads are told to %s, which is not among SPOTLIST_SNS_TOPIC_ARNS",
			foreign);
	} else {
		sl_find(findings, SL_FOUND_WARN, remedy, "no topic is told of uploads");
	}
}

static void judge_public_access(const json_t *block, struct sl_findings *findings)
{
	static const char *const names[] = {"BlockPublicAcls", "IgnorePublicAcls",
		"BlockPublicPolicy", "RestrictPublicBuckets"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		const char *value = block != NULL ? sl_xml_tree_text(block, names[i]) : NULL;
		if (!sl_text_equal(value, "true")) {
			sl_find(findings, SL_FOUND_WARN,
				"`spotlist provision` blocks it, or the account does for all "
				"buckets",
				"the bucket does not block all public access (%s)", names[i]);
			return;
		}
	}
}

/* NULL: it has none, or that could not be seen. */
static json_t *get(const struct sl_checkup *checkup, struct sl_client *client,
	enum sl_s3_subresource which, const char *action, struct sl_unseen *unseen, bool *ret_seen,
	struct sl_findings *findings)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	json_t *value = NULL;
	*ret_seen = sl_s3_get_subresource(client, checkup->config.bucket, NULL, which, &value,
			    &error) == SL_ERR_OK;
	if (!*ret_seen) {
		sl_find_unseen(findings, unseen, action, &error, NULL);
	}
	return value;
}

void sl_check_bucket_setup(struct sl_checkup *checkup, struct sl_findings *findings)
{
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	bool seen = false;
	json_auto_t *block = get(checkup, client, SL_S3_PUBLIC_ACCESS_BLOCK,
		"s3:GetBucketPublicAccessBlock", &unseen, &seen, findings);
	if (seen) {
		judge_public_access(block, findings);
	}
	json_auto_t *cors =
		get(checkup, client, SL_S3_CORS, "s3:GetBucketCORS", &unseen, &seen, findings);
	if (seen && cors == NULL) {
		sl_find(findings, SL_FOUND_WARN, "`spotlist provision` sets it",
			"no CORS rule: pages in a browser cannot upload");
	}
	json_auto_t *lifecycle = get(checkup, client, SL_S3_LIFECYCLE,
		"s3:GetLifecycleConfiguration", &unseen, &seen, findings);
	if (seen && lifecycle == NULL) {
		sl_find(findings, SL_FOUND_WARN, "`spotlist provision` sets some",
			"no lifecycle rule: what uploads left unfinished is kept, and paid, for "
			"ever");
	}
	json_auto_t *notification = get(checkup, client, SL_S3_NOTIFICATION,
		"s3:GetBucketNotification", &unseen, &seen, findings);
	if (seen) {
		judge_notifications(&checkup->config, notification, findings);
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL,
			"not public; CORS and lifecycle rules; uploads are told to a topic of "
			"ours");
	}
}

/* --- table ---------------------------------------------------------------------------------- */

static bool has_our_key(const json_t *table)
{
	const json_t *schema = json_object_get(table, "KeySchema");
	const json_t *key = json_array_get(schema, 0);
	if (json_array_size(schema) != 1 ||
		!sl_text_equal(
			json_string_value(json_object_get(key, "AttributeName")), PARTITION_KEY)) {
		return false;
	}
	size_t i;
	const json_t *attribute;
	json_array_foreach (json_object_get(table, "AttributeDefinitions"), i, attribute) {
		const char *name = json_string_value(json_object_get(attribute, "AttributeName"));
		const char *type = json_string_value(json_object_get(attribute, "AttributeType"));
		if (sl_text_equal(name, PARTITION_KEY)) {
			return sl_text_equal(type, "S");
		}
	}
	return false;
}

static void judge_recovery(struct sl_client *client, const char *name, struct sl_findings *findings)
{
	bool enabled = true;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_dynamodb_get_recovery(client, name, &enabled, &error) == SL_ERR_OK && !enabled) {
		sl_find(findings, SL_FOUND_WARN, "`spotlist provision` switches it on",
			"point-in-time recovery of %s is off, and the results are nowhere else",
			name);
	}
}

/* What `serve` itself may do tells as much: a table that has another key refuses ours. */
static void judge_by_reading(
	struct sl_client *client, const char *name, struct sl_findings *findings)
{
	bool exists = false;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_dynamodb_item_exists(
		client, name, PARTITION_KEY, RESERVED_PREFIX "absent", &exists, &error);
	if (err == SL_ERR_OK) {
		sl_find(findings, SL_FOUND_OK, NULL,
			"%s is there, with our key (its state cannot be seen without "
			"dynamodb:DescribeTable)",
			name);
	} else if (err == SL_ERR_AWS_REJECTED) {
		sl_find(findings, SL_FOUND_FAIL,
			"Name another table in SPOTLIST_TABLE; `spotlist provision` makes one",
			"%s has another key than " PARTITION_KEY " (S) alone: %s", name,
			error.detail);
	} else {
		sl_find_error(findings, &error,
			"`spotlist provision` makes it, or correct SPOTLIST_TABLE");
	}
}

void sl_check_table(struct sl_checkup *checkup, struct sl_findings *findings)
{
	if (!sl_checkup_reaches(checkup, SL_SERVICE_DYNAMODB, findings)) {
		return;
	}
	const char *name = checkup->config.table;
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	json_auto_t *table = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_dynamodb_describe_table(client, name, &table, &error);
	if (err == SL_ERR_AWS_FORBIDDEN) {
		judge_by_reading(client, name, findings);
		return;
	}
	if (err != SL_ERR_OK) {
		sl_find_error(findings, &error,
			"`spotlist provision` makes it, or correct SPOTLIST_TABLE");
		return;
	}
	const char *status = json_string_value(json_object_get(table, "TableStatus"));
	if (!has_our_key(table)) {
		sl_find(findings, SL_FOUND_FAIL,
			"Name another table in SPOTLIST_TABLE; `spotlist provision` makes one",
			"%s has another key than " PARTITION_KEY " (S) alone", name);
	} else if (!sl_text_equal(status, "ACTIVE") && !sl_text_equal(status, "UPDATING")) {
		sl_find(findings, SL_FOUND_FAIL, "Wait, or look at it in the DynamoDB console",
			"%s is %s, not ACTIVE", name, status != NULL ? status : "without a status");
	} else {
		sl_find(findings, SL_FOUND_OK, NULL, "%s is there and %s", name, status);
		judge_recovery(client, name, findings);
	}
}
