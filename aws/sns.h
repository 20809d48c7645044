/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNS_H
#define SL_SNS_H

/* Amazon SNS calls: https://docs.aws.amazon.com/sns/latest/api/. Messages:
 * sns_message.h; topics: sns_topic.h. */

#include "client.h"

/** ConfirmSubscription from the topic and token of a verified SubscriptionConfirmation; the URL
 *  in the message is never followed. The caller owns `*ret_subscription_arn`. */
SL_MUST_CHECK enum sl_err sl_sns_confirm_subscription(struct sl_client *client,
	const char *topic_arn, const char *token, char **ret_subscription_arn,
	struct sl_error *reterr);

#endif
