/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EVENTS_H
#define SL_EVENTS_H

/*
 * Amazon EventBridge, for administration, on the default bus: https://docs.aws.amazon.com/
 * eventbridge/latest/APIReference/. JSON as there. One thread per client.
 */

#include "client.h"

/** DescribeRule: {"Name", "Arn", "EventPattern": text, "State", …}; AWS_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_events_describe_rule(
	struct sl_client *client, const char *rule, json_t **ret_rule, struct sl_error *reterr);

/** PutRule: makes it or replaces it. */
SL_MUST_CHECK enum sl_err sl_events_put_rule(
	struct sl_client *client, const json_t *request, char **ret_arn, struct sl_error *reterr);

/** ListTargetsByRule, all pages: [{"Id", "Arn", …}, …]. */
SL_MUST_CHECK enum sl_err sl_events_list_targets(
	struct sl_client *client, const char *rule, json_t **ret_targets, struct sl_error *reterr);

/** PutTargets: adds them, or replaces those with the same Id. */
SL_MUST_CHECK enum sl_err sl_events_put_targets(
	struct sl_client *client, const char *rule, const json_t *targets, struct sl_error *reterr);

#endif
