/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon SNS, for administration: topics, subscriptions and their attributes. On the thread of the
 * client. */

#include "sns_topic.h"

#include "json_spec.h"
#include "mem.h"
#include "query_internal.h"
#include "xml_tree.h"

#define MAX_PAGES 1000 /* of 100 subscriptions: far more than a topic of ours has */

static enum sl_err call(struct sl_client *client, const char *operation, struct sl_form *form,
	json_t **ret_result, struct sl_error *reterr)
{
	return sl_query_call(client, SL_SERVICE_SNS, operation, form, ret_result, reterr);
}

/* Calls, and takes an ARN out of the answer. */
static enum sl_err call_for(struct sl_client *client, const char *operation, struct sl_form *form,
	const char *member, char **ret, struct sl_error *reterr)
{
	json_auto_t *result = NULL;
	enum sl_err err = call(client, operation, form, &result, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *text = sl_xml_tree_text(result, member);
	if (text == NULL) {
		return sl_query_lacks(SL_SERVICE_SNS, operation, member, reterr);
	}
	*ret = sl_strdup(text);
	return SL_ERR_OK;
}

/* Calls, and takes the map out of the answer. */
static enum sl_err call_for_attributes(struct sl_client *client, const char *operation,
	struct sl_form *form, json_t **ret, struct sl_error *reterr)
{
	json_auto_t *result = NULL;
	enum sl_err err = call(client, operation, form, &result, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const json_t *entries = sl_xml_tree_list(result, "Attributes/entry");
	if (entries == NULL) {
		return sl_query_lacks(SL_SERVICE_SNS, operation, "Attributes", reterr);
	}
	json_t *attributes = json_object();
	size_t i;
	const json_t *entry;
	json_array_foreach (entries, i, entry) {
		const char *key = sl_xml_tree_text(entry, "key");
		const char *value = sl_xml_tree_text(entry, "value");
		if (key != NULL && value != NULL) {
			json_object_set_new(attributes, key, json_string(value));
		}
	}
	*ret = attributes;
	return SL_ERR_OK;
}

enum sl_err sl_sns_create_topic(struct sl_client *client, const char *topic,
	const json_t *attributes, char **ret_arn, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "Name", topic);
	sl_form_add_map(&form, "Attributes", attributes);
	return call_for(client, "CreateTopic", &form, "TopicArn", ret_arn, reterr);
}

enum sl_err sl_sns_get_topic_attributes(struct sl_client *client, const char *topic_arn,
	json_t **ret_attributes, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "TopicArn", topic_arn);
	return call_for_attributes(client, "GetTopicAttributes", &form, ret_attributes, reterr);
}

enum sl_err sl_sns_set_topic_attribute(struct sl_client *client, const char *topic_arn,
	const char *name, const char *value, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "TopicArn", topic_arn);
	sl_form_add(&form, "AttributeName", name);
	sl_form_add(&form, "AttributeValue", value);
	return call(client, "SetTopicAttributes", &form, NULL, reterr);
}

static json_t *subscription_of(const json_t *member)
{
	return json_pack("{s:s*, s:s*, s:s*, s:s*}", "SubscriptionArn",
		sl_xml_tree_text(member, "SubscriptionArn"), "Protocol",
		sl_xml_tree_text(member, "Protocol"), "Endpoint",
		sl_xml_tree_text(member, "Endpoint"), "Owner", sl_xml_tree_text(member, "Owner"));
}

enum sl_err sl_sns_list_subscriptions(struct sl_client *client, const char *topic_arn,
	json_t **ret_subscriptions, struct sl_error *reterr)
{
	json_auto_t *all = json_array();
	SL_AUTO(sl_freep)
	char *token = NULL;
	for (int page = 0; page < MAX_PAGES; page++) {
		struct sl_form form = {0};
		sl_form_add(&form, "TopicArn", topic_arn);
		sl_form_add(&form, "NextToken", token);
		json_auto_t *result = NULL;
		enum sl_err err = call(client, "ListSubscriptionsByTopic", &form, &result, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		size_t i;
		const json_t *member;
		json_array_foreach (sl_xml_tree_list(result, "Subscriptions/member"), i, member) {
			json_array_append_new(all, subscription_of(member));
		}
		free(token);
		token = sl_strdup(sl_xml_tree_text(result, "NextToken"));
		if (token == NULL || *token == '\0') {
			break;
		}
	}
	*ret_subscriptions = json_incref(all);
	return SL_ERR_OK;
}

enum sl_err sl_sns_subscribe(struct sl_client *client, const char *topic_arn, const char *protocol,
	const char *endpoint, const json_t *attributes, char **ret_arn, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "TopicArn", topic_arn);
	sl_form_add(&form, "Protocol", protocol);
	sl_form_add(&form, "Endpoint", endpoint);
	sl_form_add_map(&form, "Attributes", attributes);
	sl_form_add(&form, "ReturnSubscriptionArn", "true");
	return call_for(client, "Subscribe", &form, "SubscriptionArn", ret_arn, reterr);
}

enum sl_err sl_sns_get_subscription_attributes(struct sl_client *client,
	const char *subscription_arn, json_t **ret_attributes, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "SubscriptionArn", subscription_arn);
	return call_for_attributes(
		client, "GetSubscriptionAttributes", &form, ret_attributes, reterr);
}

enum sl_err sl_sns_set_subscription_attribute(struct sl_client *client,
	const char *subscription_arn, const char *name, const char *value, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "SubscriptionArn", subscription_arn);
	sl_form_add(&form, "AttributeName", name);
	sl_form_add(&form, "AttributeValue", value);
	return call(client, "SetSubscriptionAttributes", &form, NULL, reterr);
}

enum sl_err sl_sns_unsubscribe(
	struct sl_client *client, const char *subscription_arn, struct sl_error *reterr)
{
	struct sl_form form = {0};
	sl_form_add(&form, "SubscriptionArn", subscription_arn);
	return call(client, "Unsubscribe", &form, NULL, reterr);
}
