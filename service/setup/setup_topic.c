/* SPDX-License-Identifier: Apache-2.0 */
/* SNS: topics, their policies, subscriptions. */

#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "setup.h"
#include "sns_topic.h"
#include "text.h"

/* --- topics --------------------------------------------------------------------------------- */

/* The properties that are attributes; owned. */
static json_t *wanted_attributes(const struct sl_resource *resource)
{
	json_t *wanted = json_object();
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)resource->properties, name, value) {
		if (strcmp(name, "TopicName") != 0) {
			SL_AUTO(sl_freep)
			char *text = sl_property_text(value);
			json_object_set_new(wanted, name, json_string(text != NULL ? text : ""));
		}
	}
	return wanted;
}

/* What a topic has of an attribute; SNS does not tell some that were never set. */
static const char *topic_attribute(const json_t *attributes, const char *name)
{
	const char *value = json_string_value(json_object_get(attributes, name));
	if (value == NULL) {
		return strcmp(name, "SignatureVersion") == 0 ? "1" : "";
	}
	return value;
}

enum sl_err sl_setup_topic(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup(sl_property(resource, "TopicName"));
	resource->ref = sl_setup_arn(setup, "sns", resource->name);
	json_auto_t *wanted = wanted_attributes(resource);
	json_auto_t *there = NULL;
	enum sl_err err = sl_sns_get_topic_attributes(setup->client, resource->ref, &there, reterr);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		SL_AUTO(sl_freep)
		char *arn = NULL;
		err = setup->dry_run
			? SL_ERR_OK
			: sl_sns_create_topic(setup->client, resource->name, wanted, &arn, reterr);
		if (err == SL_ERR_OK) {
			sl_setup_created(setup, resource);
		}
		return err;
	}
	const char *name;
	json_t *value;
	json_object_foreach (wanted, name, value) {
		const char *from = topic_attribute(there, name);
		const char *to = json_string_value(value);
		if (err != SL_ERR_OK || strcmp(from, to) == 0) {
			continue;
		}
		err = setup->dry_run ? SL_ERR_OK
				     : sl_sns_set_topic_attribute(
					       setup->client, resource->ref, name, to, reterr);
		if (err == SL_ERR_OK) {
			sl_setup_changed(setup, resource, name, from, to);
		}
	}
	return err;
}

static enum sl_err topic_policy(struct sl_setup *setup, struct sl_resource *resource,
	const char *arn, struct sl_error *reterr)
{
	const json_t *wanted = json_object_get(resource->properties, "PolicyDocument");
	json_auto_t *attributes = NULL;
	enum sl_err err = sl_sns_get_topic_attributes(setup->client, arn, &attributes, reterr);
	if (err != SL_ERR_OK && !sl_setup_not_yet(setup, err)) {
		return err;
	}
	json_auto_t *there =
		sl_setup_json(json_string_value(json_object_get(attributes, "Policy")));
	if (sl_policy_includes(there, wanted)) {
		return SL_ERR_OK;
	}
	json_auto_t *merged = sl_policy_merge(there, wanted);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(merged);
	err = setup->dry_run
		? SL_ERR_OK
		: sl_sns_set_topic_attribute(setup->client, arn, "Policy", text, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_changed_json(setup, resource, "Statement",
			json_object_get(there, "Statement"), json_object_get(merged, "Statement"));
	}
	return err;
}

enum sl_err sl_setup_topic_policy(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	resource->name = sl_strdup("");
	enum sl_err err = SL_ERR_OK;
	size_t i;
	const json_t *topic;
	json_array_foreach (json_object_get(resource->properties, "Topics"), i, topic) {
		const char *arn = json_string_value(topic);
		free(resource->name);
		resource->name = sl_strdup(arn != NULL ? strrchr(arn, ':') + 1 : "");
		err = err != SL_ERR_OK ? err : topic_policy(setup, resource, arn, reterr);
	}
	return err;
}

/* --- subscriptions -------------------------------------------------------------------------- */

/* The attributes of a subscription that are JSON. */
static const char *const documents[] = {"DeliveryPolicy", "RedrivePolicy"};

/* The topic's subscription to our endpoint, borrowed from `list`; NULL when there is none. */
static const json_t *find_subscription(const struct sl_resource *resource, const json_t *list)
{
	size_t i;
	const json_t *one;
	json_array_foreach (list, i, one) {
		if (sl_text_equal(json_string_value(json_object_get(one, "Endpoint")),
			    sl_property(resource, "Endpoint"))) {
			return one;
		}
	}
	return NULL;
}

static const char *arn_of(const json_t *subscription)
{
	const char *arn = json_string_value(json_object_get(subscription, "SubscriptionArn"));
	return arn != NULL ? arn : "";
}

static bool is_confirmed(const json_t *subscription)
{
	return sl_text_starts_with(arn_of(subscription), "arn:");
}

static enum sl_err list(const struct sl_setup *setup, const struct sl_resource *resource,
	json_t **ret, struct sl_error *reterr)
{
	enum sl_err err = sl_sns_list_subscriptions(
		setup->client, sl_property(resource, "TopicArn"), ret, reterr);
	if (sl_setup_not_yet(setup, err)) {
		*ret = json_array();
		err = SL_ERR_OK;
	}
	return err;
}

/* Whether a document has all that is wanted of it: SNS adds defaults. */
static bool document_fits(const json_t *there, const json_t *wanted)
{
	if (!json_is_object(wanted)) {
		return sl_policy_equal(there, wanted);
	}
	const char *name;
	json_t *member;
	json_object_foreach ((json_t *)(uintptr_t)wanted, name, member) {
		if (!document_fits(json_object_get(there, name), member)) {
			return false;
		}
	}
	return true;
}

/* Makes the attributes of a subscription right. */
static enum sl_err set_attributes(struct sl_setup *setup, struct sl_resource *resource,
	const char *arn, struct sl_error *reterr)
{
	json_auto_t *there = NULL;
	enum sl_err err = sl_sns_get_subscription_attributes(setup->client, arn, &there, reterr);
	for (size_t i = 0; err == SL_ERR_OK && i < SL_ARRAY_SIZE(documents); i++) {
		const json_t *wanted = json_object_get(resource->properties, documents[i]);
		json_auto_t *have =
			sl_setup_json(json_string_value(json_object_get(there, documents[i])));
		if (wanted == NULL || document_fits(have, wanted)) {
			continue;
		}
		SL_AUTO(sl_freep)
		char *text = sl_json_text(wanted);
		err = setup->dry_run ? SL_ERR_OK
				     : sl_sns_set_subscription_attribute(
					       setup->client, arn, documents[i], text, reterr);
		if (err == SL_ERR_OK) {
			sl_setup_changed_json(setup, resource, documents[i], have, wanted);
		}
	}
	return err;
}

/* Subscribes, or asks SNS for another confirmation message. A subscription that waits with other
 * attributes is refused with these: then it is subscribed without, and they are set. */
static enum sl_err subscribe(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	json_auto_t *attributes = json_object();
	for (size_t i = 0; i < SL_ARRAY_SIZE(documents); i++) {
		const json_t *wanted = json_object_get(resource->properties, documents[i]);
		if (wanted != NULL) {
			SL_AUTO(sl_freep)
			char *text = sl_json_text(wanted);
			json_object_set_new(attributes, documents[i], json_string(text));
		}
	}
	const char *topic = sl_property(resource, "TopicArn");
	const char *protocol = sl_property(resource, "Protocol");
	const char *endpoint = sl_property(resource, "Endpoint");
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err = sl_sns_subscribe(
		setup->client, topic, protocol, endpoint, attributes, &arn, reterr);
	if (err != SL_ERR_AWS_REJECTED) {
		return err;
	}
	err = sl_sns_subscribe(setup->client, topic, protocol, endpoint, NULL, &arn, reterr);
	return err != SL_ERR_OK ? err : set_attributes(setup, resource, arn, reterr);
}

static enum sl_err remove_others(struct sl_setup *setup, struct sl_resource *resource,
	const json_t *subscriptions, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	const json_t *ours = find_subscription(resource, subscriptions);
	size_t i;
	const json_t *one;
	json_array_foreach (subscriptions, i, one) {
		const char *protocol = json_string_value(json_object_get(one, "Protocol"));
		const char *endpoint = json_string_value(json_object_get(one, "Endpoint"));
		bool http = protocol != NULL && sl_text_starts_with(protocol, "http");
		if (err != SL_ERR_OK || one == ours || !http || !is_confirmed(one)) {
			continue;
		}
		err = setup->dry_run ? SL_ERR_OK
				     : sl_sns_unsubscribe(setup->client, arn_of(one), reterr);
		if (err == SL_ERR_OK) {
			sl_setup_changed(setup, resource, "other subscriptions",
				endpoint != NULL ? endpoint : "", "nothing");
		}
	}
	return err;
}

enum sl_err sl_setup_subscription(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	const char *topic = sl_property(resource, "TopicArn");
	const char *bare = strrchr(topic, ':');
	resource->name = sl_asprintf(
		"%s → %s", bare != NULL ? bare + 1 : topic, sl_property(resource, "Endpoint"));
	json_auto_t *subscriptions = NULL;
	enum sl_err err = list(setup, resource, &subscriptions, reterr);
	if (err == SL_ERR_OK && setup->replace) {
		err = remove_others(setup, resource, subscriptions, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	const json_t *ours = find_subscription(resource, subscriptions);
	if (ours != NULL && is_confirmed(ours)) {
		return set_attributes(setup, resource, arn_of(ours), reterr);
	}
	err = setup->dry_run ? SL_ERR_OK : subscribe(setup, resource, reterr);
	if (err == SL_ERR_OK) {
		sl_setup_created(setup, resource);
	}
	return err;
}

enum sl_err sl_setup_await_subscription(
	struct sl_setup *setup, struct sl_resource *resource, struct sl_error *reterr)
{
	int64_t deadline_ms = 0;
	for (;;) {
		json_auto_t *subscriptions = NULL;
		enum sl_err err = list(setup, resource, &subscriptions, reterr);
		if (err != SL_ERR_OK || is_confirmed(find_subscription(resource, subscriptions))) {
			return err;
		}
		if (!sl_setup_wait(setup, setup->wait_s, &deadline_ms)) {
			return sl_error_set(reterr, SL_ERR_AWS_REJECTED,
				"it was not confirmed within %lld s: is spotlist running, does "
				"SNS reach it at this address, and does SPOTLIST_SNS_TOPIC_ARNS "
				"name this topic? Its log says what became of the message. Then "
				"run this again",
				(long long)setup->wait_s);
		}
	}
}
