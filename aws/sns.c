/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon SNS: ConfirmSubscription. Everything runs on the thread of the client. */
#include "sns.h"

#include <string.h>

#include "call.h"
#include "xml.h"

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
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, &call, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	char *arn = sl_xml_find(sl_buf_str(&answer.body), answer.body.len,
		"ConfirmSubscriptionResult/SubscriptionArn");
	if (arn == NULL) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"SNS's ConfirmSubscription has no SubscriptionArn");
	}
	*ret_subscription_arn = arn;
	return SL_ERR_OK;
}
