/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SQS_H
#define SL_SQS_H

/*
 * Amazon SQS, for administration: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
 * APIReference/. Attributes are objects of strings. One thread per client.
 */

#include "client.h"

/** GetQueueUrl, of this account; AWS_NOT_FOUND when there is no such queue. */
SL_MUST_CHECK enum sl_err sl_sqs_get_queue_url(
	struct sl_client *client, const char *queue, char **ret_url, struct sl_error *reterr);

/** CreateQueue. A queue of that name with other attributes is AWS_REJECTED or AWS_CONFLICT. */
SL_MUST_CHECK enum sl_err sl_sqs_create_queue(struct sl_client *client, const char *queue,
	const json_t *attributes, char **ret_url, struct sl_error *reterr);

/** GetQueueAttributes, all of them; the caller owns it. */
SL_MUST_CHECK enum sl_err sl_sqs_get_queue_attributes(struct sl_client *client, const char *url,
	json_t **ret_attributes, struct sl_error *reterr);

/** SetQueueAttributes; those that are not named stay. */
SL_MUST_CHECK enum sl_err sl_sqs_set_queue_attributes(struct sl_client *client, const char *url,
	const json_t *attributes, struct sl_error *reterr);

#endif
