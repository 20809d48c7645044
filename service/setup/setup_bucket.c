/* SPDX-License-Identifier: Apache-2.0 */
/* S3: the bucket, its configuration, its policy. What others have configured beside ours stays:
 * rules with other ids, notifications to other topics. */

#include <ctype.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "s3_bucket.h"
#include "setup.h"
#include "text.h"
#include "xml_tree.h"

/* Lifecycle rules with such ids are ours, so those that are no longer wanted go. */
#define OUR_RULES "spotlist-"

/* A part of the configuration: which, what the template calls it, and how to make S3's of it. */
struct part {
	enum sl_s3_subresource which;
	const char *property;
	/* What S3 shall have, given what it has (or NULL); NULL: leave it. The caller owns it. */
	json_t *(*merge)(const json_t *wanted, const json_t *there);
};

/* --- small helpers -------------------------------------------------------------------------- */

static const json_t *at(const json_t *value, const char *first, const char *second)
{
	const json_t *inner = json_object_get(value, first);
	return second != NULL ? json_object_get(inner, second) : inner;
}

/* The list of a name in what S3 has; a new one when there is none. The caller owns it. */
static json_t *list_of(const json_t *there, const char *name)
{
	json_t *list = json_object_get(there, name);
	return list != NULL ? json_incref(list) : json_array();
}

/* `there` with another list. */
static json_t *with_list(const json_t *there, const char *name, json_t *list)
{
	json_t *whole = there != NULL ? json_copy((json_t *)(uintptr_t)there) : json_object();
	json_object_set_new(whole, name, list);
	return whole;
}

/* --- encryption, public access, ownership: they have one value -------------------------------- */

static json_t *merge_encryption(const json_t *wanted, const json_t *there)
{
	const json_t *rule =
		json_array_get(json_object_get(wanted, "ServerSideEncryptionConfiguration"), 0);
	const json_t *algorithm = at(rule, "ServerSideEncryptionByDefault", "SSEAlgorithm");
	const char *has =
		sl_xml_tree_text(there, "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm");
	if (sl_text_equal(has, json_string_value(algorithm))) {
		return NULL;
	}
	return json_pack("{s:{s:{s:O}}}", "Rule", "ApplyServerSideEncryptionByDefault",
		"SSEAlgorithm", algorithm);
}

static json_t *merge_public_access(const json_t *wanted, const json_t *there)
{
	return sl_policy_equal(there, wanted) ? NULL : json_incref((json_t *)(uintptr_t)wanted);
}

static json_t *merge_ownership(const json_t *wanted, const json_t *there)
{
	const json_t *rule = json_array_get(json_object_get(wanted, "Rules"), 0);
	const json_t *ownership = json_object_get(rule, "ObjectOwnership");
	if (sl_text_equal(sl_xml_tree_text(there, "Rule/ObjectOwnership"),
		    json_string_value(ownership))) {
		return NULL;
	}
	return json_pack("{s:{s:O}}", "Rule", "ObjectOwnership", ownership);
}

/* --- rules with ids --------------------------------------------------------------------------- */

/* Takes those out of a list whose id is ours. */
static json_t *without(
	const json_t *list, const char *member, bool (*ours)(const char *, void *), void *context)
{
	json_t *kept = json_array();
	size_t i;
	json_t *one;
	json_array_foreach (list, i, one) {
		const char *text = sl_xml_tree_text(one, member);
		if (text == NULL || !ours(text, context)) {
			json_array_append(kept, one);
		}
	}
	return kept;
}

static bool has_our_prefix(const char *id, void *context)
{
	(void)context;
	return sl_text_starts_with(id, OUR_RULES);
}

/* S3's lifecycle rule of CloudFormation's. */
static json_t *lifecycle_rule(const json_t *wanted)
{
	const char *prefix = json_string_value(json_object_get(wanted, "Prefix"));
	json_t *rule = json_pack("{s:O, s:{s:s}, s:O}", "ID", json_object_get(wanted, "Id"),
		"Filter", "Prefix", prefix != NULL ? prefix : "", "Status",
		json_object_get(wanted, "Status"));
	json_t *days = json_object_get(wanted, "ExpirationInDays");
	if (days != NULL) {
		json_object_set_new(rule, "Expiration", json_pack("{s:O}", "Days", days));
	}
	json_t *abort = json_object_get(wanted, "AbortIncompleteMultipartUpload");
	if (abort != NULL) {
		json_object_set(rule, "AbortIncompleteMultipartUpload", abort);
	}
	return rule;
}

/* What a rule of S3's says; a prefix stands in one of two places, or in none. */
static json_t *lifecycle_meaning(const json_t *rule)
{
	const char *prefix = sl_xml_tree_text(rule, "Filter/Prefix");
	prefix = prefix != NULL ? prefix : sl_xml_tree_text(rule, "Prefix");
	return json_pack("{s:s*, s:s*, s:s, s:s*, s:s*}", "id", sl_xml_tree_text(rule, "ID"),
		"status", sl_xml_tree_text(rule, "Status"), "prefix", prefix != NULL ? prefix : "",
		"days", sl_xml_tree_text(rule, "Expiration/Days"), "abort",
		sl_xml_tree_text(rule, "AbortIncompleteMultipartUpload/DaysAfterInitiation"));
}

/* A tree as S3 would send it of what we would send. */
static json_t *as_read(const json_t *tree)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf xml = SL_BUF_INIT;
	return sl_xml_tree_write(&xml, "x", tree) ? sl_xml_tree_read(sl_buf_str(&xml), xml.len, "x")
						  : json_null();
}

/* Our rules of a list, by what they say. */
static json_t *meanings(const json_t *list)
{
	json_t *found = json_array();
	size_t i;
	const json_t *rule;
	json_array_foreach (list, i, rule) {
		const char *id = sl_xml_tree_text(rule, "ID");
		if (id != NULL && has_our_prefix(id, NULL)) {
			json_array_append_new(found, lifecycle_meaning(rule));
		}
	}
	return found;
}

static json_t *merge_lifecycle(const json_t *wanted, const json_t *there)
{
	json_auto_t *rules = json_array();
	size_t i;
	const json_t *one;
	json_array_foreach (json_object_get(wanted, "Rules"), i, one) {
		json_auto_t *rule = lifecycle_rule(one);
		json_array_append_new(rules, as_read(rule));
	}
	json_auto_t *have = list_of(there, "Rule");
	json_auto_t *old = meanings(have);
	json_auto_t *new = meanings(rules);
	if (sl_policy_equal(old, new)) {
		return NULL;
	}
	json_t *merged = without(have, "ID", has_our_prefix, NULL);
	json_array_extend(merged, rules);
	return with_list(there, "Rule", merged);
}

static json_t *cors_rule(const json_t *wanted)
{
	return json_pack("{s:O, s:O, s:O, s:O, s:O, s:O}", "ID", json_object_get(wanted, "Id"),
		"AllowedOrigin", json_object_get(wanted, "AllowedOrigins"), "AllowedMethod",
		json_object_get(wanted, "AllowedMethods"), "AllowedHeader",
		json_object_get(wanted, "AllowedHeaders"), "ExposeHeader",
		json_object_get(wanted, "ExposedHeaders"), "MaxAgeSeconds",
		json_object_get(wanted, "MaxAge"));
}

static bool is_id(const char *id, void *context)
{
	return sl_text_equal(id, context);
}

/* Whether a rule is there, under whatever id: not every maker of buckets keeps ids. */
static bool has_cors(const json_t *list, const json_t *wanted)
{
	json_auto_t *bare = json_copy((json_t *)(uintptr_t)wanted);
	json_object_del(bare, "ID");
	size_t i;
	const json_t *one;
	json_array_foreach (list, i, one) {
		json_auto_t *other = json_copy((json_t *)(uintptr_t)one);
		json_object_del(other, "ID");
		if (sl_policy_equal(other, bare)) {
			return true;
		}
	}
	return false;
}

static json_t *merge_cors(const json_t *wanted, const json_t *there)
{
	json_auto_t *have = list_of(there, "CORSRule");
	json_auto_t *rule = cors_rule(json_array_get(json_object_get(wanted, "CorsRules"), 0));
	if (has_cors(have, rule)) {
		return NULL;
	}
	const char *id = json_string_value(json_object_get(rule, "ID"));
	json_t *merged = without(have, "ID", is_id, (void *)(uintptr_t)id);
	json_array_append(merged, rule);
	return with_list(there, "CORSRule", merged);
}

/* --- notifications -------------------------------------------------------------------------- */

static json_t *topic_configuration(const json_t *wanted)
{
	const json_t *rules = at(json_object_get(wanted, "Filter"), "S3Key", "Rules");
	return json_pack("{s:s, s:O, s:O, s:{s:{s:O}}}", "Id", "spotlist-uploads", "Topic",
		json_object_get(wanted, "Topic"), "Event", json_object_get(wanted, "Event"),
		"Filter", "S3Key", "FilterRule", rules);
}

/* What a configuration says; S3 writes names of filter rules as it likes. */
static json_t *notification_meaning(const json_t *configuration)
{
	json_t *rules = json_array();
	size_t i;
	const json_t *rule;
	json_array_foreach (sl_xml_tree_list(configuration, "Filter/S3Key/FilterRule"), i, rule) {
		const char *name = sl_xml_tree_text(rule, "Name");
		SL_AUTO(sl_freep)
		char *lower = sl_strdup(name != NULL ? name : "");
		for (char *c = lower; *c != '\0'; c++) {
			*c = (char)tolower((unsigned char)*c);
		}
		json_array_append_new(rules,
			json_pack("{s:s, s:s*}", "name", lower, "value",
				sl_xml_tree_text(rule, "Value")));
	}
	return json_pack(
		"{s:O*, s:o}", "event", json_object_get(configuration, "Event"), "rules", rules);
}

static json_t *merge_notifications(const json_t *wanted, const json_t *there)
{
	json_auto_t *written = topic_configuration(
		json_array_get(json_object_get(wanted, "TopicConfigurations"), 0));
	json_auto_t *ours = as_read(written);
	const char *topic = sl_xml_tree_text(ours, "Topic");
	json_auto_t *have = list_of(there, "TopicConfiguration");
	json_auto_t *meaning = notification_meaning(ours);
	size_t same = 0;
	size_t count = 0;
	size_t i;
	const json_t *one;
	json_array_foreach (have, i, one) {
		if (sl_text_equal(sl_xml_tree_text(one, "Topic"), topic)) {
			json_auto_t *other = notification_meaning(one);
			count++;
			same += sl_policy_equal(other, meaning) ? 1 : 0;
		}
	}
	if (same == 1 && count == 1) {
		return NULL;
	}
	json_auto_t *others = without(have, "Topic", is_id, (void *)(uintptr_t)topic);
	json_t *merged = without(others, "Id", is_id, (char[]){"spotlist-uploads"});
	json_array_append(merged, ours);
	return with_list(there, "TopicConfiguration", merged);
}

/* --- the bucket ----------------------------------------------------------------------------- */

static const struct part parts[] = {
	{SL_S3_PUBLIC_ACCESS_BLOCK, "PublicAccessBlockConfiguration", merge_public_access},
	{SL_S3_OWNERSHIP_CONTROLS, "OwnershipControls", merge_ownership},
	{SL_S3_ENCRYPTION, "BucketEncryption", merge_encryption},
	{SL_S3_LIFECYCLE, "LifecycleConfiguration", merge_lifecycle},
	{SL_S3_CORS, "CorsConfiguration", merge_cors},
	{SL_S3_NOTIFICATION, "NotificationConfiguration", merge_notifications},
};

/* S3 tries whether it may publish to the topics of a notification; that their policy allows it gets
 * around some seconds after it was set. AWS_UNAVAILABLE says to try again. */
static enum sl_err put(const struct sl_setup *setup, const char *bucket,
	enum sl_s3_subresource which, const json_t *value, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err =
		sl_s3_put_subresource(setup->client, bucket, setup->account, which, value, &error);
	const char *message = error.provider.message != NULL ? error.provider.message : "";
	if (err == SL_ERR_AWS_REJECTED && strstr(message, "Unable to validate") != NULL) {
		return sl_error_set(reterr, SL_ERR_AWS_UNAVAILABLE,
			"S3 may not publish to every topic, queue or function that the bucket "
			"notifies (%s): mend the policy of the one that it names, or remove it "
			"from the bucket's notifications",
			message);
	}
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &error);
	}
	return err;
}

static enum sl_err configure(struct sl_setup *setup, struct sl_resource *resource,
	const struct part *part, bool is_new, struct sl_error *reterr)
{
	const json_t *wanted = json_object_get(resource->properties, part->property);
	json_auto_t *there = NULL;
	enum sl_err err = is_new && setup->dry_run
		? SL_ERR_OK
		: sl_s3_get_subresource(setup->client, resource->name, setup->account, part->which,
			  &there, reterr);
	if (err != SL_ERR_OK || wanted == NULL) {
		return err;
	}
	json_auto_t *merged = part->merge(wanted, there);
	if (merged == NULL) {
		return SL_ERR_OK;
	}
	int64_t deadline_ms = 0;
	do {
		err = setup->dry_run ? SL_ERR_OK
				     : put(setup, resource->name, part->which, merged, reterr);
	} while (err == SL_ERR_AWS_UNAVAILABLE &&
		sl_setup_wait(setup, SL_SETUP_PROPAGATION_S, &deadline_ms));
	if (err == SL_ERR_OK && !is_new) {
		sl_setup_changed_json(setup, resource, part->property, there, merged);
	}
	return err;
}

static enum sl_err create(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = setup->dry_run
		? SL_ERR_OK
		: sl_s3_create_bucket(setup->client, resource->name, &error);
	if (err == SL_ERR_OK) {
		sl_setup_created(setup, resource);
	} else if (err == SL_ERR_AWS_CONFLICT) {
		err = sl_error_set(reterr, err,
			"somebody else has a bucket of this name, and names are shared by all of "
			"AWS: choose another (--bucket)");
	} else {
		sl_error_move(reterr, &error);
	}
	return err;
}

/* Why a bucket cannot be had. */
static enum sl_err explain(const struct sl_setup *setup, enum sl_err err, struct sl_error *error,
	struct sl_error *reterr)
{
	const char *code = error->provider.code != NULL ? error->provider.code : "";
	const char *message = error->provider.message != NULL ? error->provider.message : "";
	if (strcmp(code, "PermanentRedirect") == 0 ||
		strcmp(code, "AuthorizationHeaderMalformed") == 0 ||
		strcmp(code, "IllegalLocationConstraintException") == 0) {
		return sl_error_set(reterr, err,
			"it is in another region than %s (S3 says: %s), and Rekognition reads "
			"objects of its own region only: set AWS_REGION to the bucket's, or choose "
			"another bucket (--bucket)",
			setup->region, message);
	}
	if (err == SL_ERR_AWS_FORBIDDEN) {
		return sl_error_set(reterr, err,
			"S3 refuses to tell about it (%s). Either it belongs to another account "
			"than %s: then choose another name (--bucket), or use that account's "
			"credentials; or your policy lacks s3:GetBucketLocation on it: see "
			"docs/policy-provision.json",
			message, setup->account);
	}
	sl_error_move(reterr, error);
	return err;
}

enum sl_err sl_setup_bucket(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "BucketName"));
	resource->arn = sl_asprintf("arn:%s:s3:::%s", setup->partition, resource->name);
	SL_AUTO(sl_freep)
	char *region = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = sl_s3_get_bucket_location(
		setup->client, resource->name, setup->account, &region, &error);
	bool is_new = err == SL_ERR_AWS_NOT_FOUND;
	if (is_new) {
		err = create(setup, resource, reterr);
	} else if (err != SL_ERR_OK) {
		err = explain(setup, err, &error, reterr);
	} else if (strcmp(region, setup->region) != 0) {
		err = sl_error_set(reterr, SL_ERR_AWS_CONFLICT,
			"it is in %s and not in %s, and Rekognition reads objects of its own "
			"region only: set AWS_REGION=%s, or choose another bucket (--bucket)",
			region, setup->region, region);
	}
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(parts); i++) {
		err = configure(setup, resource, &parts[i], is_new, reterr);
	}
	return err;
}

enum sl_err sl_setup_bucket_policy(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "Bucket"));
	const json_t *wanted = json_object_get(resource->properties, "PolicyDocument");
	json_auto_t *there = NULL;
	enum sl_err err = sl_s3_get_bucket_policy(
		setup->client, resource->name, setup->account, &there, reterr);
	if (err != SL_ERR_OK && !sl_setup_not_yet(setup, err)) {
		return err;
	}
	if (sl_policy_includes(there, wanted)) {
		return SL_ERR_OK;
	}
	json_auto_t *merged = sl_policy_merge(there, wanted);
	err = setup->dry_run ? SL_ERR_OK
			     : sl_s3_put_bucket_policy(setup->client, resource->name,
				       setup->account, merged, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_changed_json(setup, resource, "Statement",
			json_object_get(there, "Statement"), json_object_get(merged, "Statement"));
	}
	return err;
}
