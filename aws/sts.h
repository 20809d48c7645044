/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STS_H
#define SL_STS_H

/* AWS STS: https://docs.aws.amazon.com/STS/latest/APIReference/. */

#include "client.h"

struct sl_sts_identity {
	char *account;
	char *arn;
	char *user_id;
};
void sl_sts_identity_finish(struct sl_sts_identity *identity);

SL_MUST_CHECK enum sl_err sl_sts_get_caller_identity(
	struct sl_client *client, struct sl_sts_identity *ret, struct sl_error *reterr);

#endif
