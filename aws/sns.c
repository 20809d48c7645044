/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon SNS: ConfirmSubscription and Subscribe. Everything runs on the thread of the client. */
#include "sns.h"

#include <string.h>

#include "call.h"
#include "xml.h"

/* Sends, and takes the SubscriptionArn out of the answer. */
static enum sl_err call_for_arn(struct sl_client *client, const struct sl_call *call,
	const char *path, char **ret_arn, struct sl_error *reterr)
{
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, call, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	char *arn = sl_xml_find(sl_buf_str(&answer.body), answer.body.len, path);
	if (arn == NULL) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "SNS's %s has no SubscriptionArn",
			call->operation);
	}
	*ret_arn = arn;
	return SL_ERR_OK;
}

enum sl_err sl_sns_confirm_subscription(struct sl_client *client, const char *topic_arn,
	const char *token, char **ret_subscription_arn, struct sl_error *reterr)
{
	const struct sl_pair query[] = {{"TopicArn", topic_arn}, {"Token", token}};
	const struct sl_call call = {
		.service = SL_SERVICE_SNS,
		.operation = "ConfirmSubscription",
		.method = "POST",
		.path = "/",
		.query = query,
		.query_count = SL_ARRAY_SIZE(query),
		/* The token is the authority: the caller needs no permission on the topic. */
		.unsigned_ = true,
		.idempotent = true,
	};
	return call_for_arn(client, &call, "ConfirmSubscriptionResult/SubscriptionArn",
		ret_subscription_arn, reterr);
}

enum sl_err sl_sns_subscribe(struct sl_client *client, const char *topic_arn, const char *protocol,
	const char *endpoint, char **ret_subscription_arn, struct sl_error *reterr)
{
	const struct sl_pair query[] = {
		{"TopicArn", topic_arn},
		{"Protocol", protocol},
		{"Endpoint", endpoint},
		{"ReturnSubscriptionArn", "false"},
	};
	const struct sl_call call = {
		.service = SL_SERVICE_SNS,
		.operation = "Subscribe",
		.method = "POST",
		.path = "/",
		.query = query,
		.query_count = SL_ARRAY_SIZE(query),
		/* Subscribing the same endpoint again gives the same subscription. */
		.idempotent = true,
	};
	return call_for_arn(
		client, &call, "SubscribeResult/SubscriptionArn", ret_subscription_arn, reterr);
}
