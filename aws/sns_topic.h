/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_TOPIC_H
#define SL_SNS_TOPIC_H

/*
 * Amazon SNS, for administration: topics and subscriptions. Attributes are objects of strings;
 * policies inside of them are JSON text. What does not exist is AWS_NOT_FOUND. The caller owns what
 * is returned. One thread per client.
 */

#include "client.h"

/** CreateTopic; an existing topic of that name is returned, or refused (AWS_REJECTED) when it has
 *  other attributes than these. `attributes` may be NULL. */
SL_MUST_CHECK enum sl_err sl_sns_create_topic(struct sl_client *client, const char *topic,
	const json_t *attributes, char **ret_arn, struct sl_error *reterr);

/** GetTopicAttributes. */
SL_MUST_CHECK enum sl_err sl_sns_get_topic_attributes(struct sl_client *client,
	const char *topic_arn, json_t **ret_attributes, struct sl_error *reterr);

/** SetTopicAttributes, which sets one. */
SL_MUST_CHECK enum sl_err sl_sns_set_topic_attribute(struct sl_client *client,
	const char *topic_arn, const char *name, const char *value, struct sl_error *reterr);

/** ListSubscriptionsByTopic, all pages: [{"SubscriptionArn", "Protocol", "Endpoint", "Owner"}, …].
 *  The ARN is "PendingConfirmation" until confirmed. */
SL_MUST_CHECK enum sl_err sl_sns_list_subscriptions(struct sl_client *client, const char *topic_arn,
	json_t **ret_subscriptions, struct sl_error *reterr);

/** Subscribe. `*ret_arn` is the ARN that it will have, confirmed or not. Subscribing an endpoint
 *  again gives the same subscription. `attributes` may be NULL. */
SL_MUST_CHECK enum sl_err sl_sns_subscribe(struct sl_client *client, const char *topic_arn,
	const char *protocol, const char *endpoint, const json_t *attributes, char **ret_arn,
	struct sl_error *reterr);

/** GetSubscriptionAttributes. */
SL_MUST_CHECK enum sl_err sl_sns_get_subscription_attributes(struct sl_client *client,
	const char *subscription_arn, json_t **ret_attributes, struct sl_error *reterr);

/** SetSubscriptionAttributes, which sets one. */
SL_MUST_CHECK enum sl_err sl_sns_set_subscription_attribute(struct sl_client *client,
	const char *subscription_arn, const char *name, const char *value, struct sl_error *reterr);

/** Unsubscribe. */
SL_MUST_CHECK enum sl_err sl_sns_unsubscribe(
	struct sl_client *client, const char *subscription_arn, struct sl_error *reterr);

#endif
