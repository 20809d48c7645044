/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STS_ASSUME_H
#define SL_STS_ASSUME_H

/* Temporary keys from AWS STS: https://docs.aws.amazon.com/STS/latest/APIReference/. */

#include "client.h"
#include "credentials.h"

struct sl_sts_assume {
	const char *role_arn;
	const char *session_name;
	const char *external_id; /* or NULL */
	int64_t duration_s;      /* 0: an hour */
	const char *web_token;   /* AssumeRoleWithWebIdentity, without keys; or NULL */
};

/** By the region's own STS, within 20 s. `keys` sign; they may be NULL with a web token. Errors are
 *  AWS_CREDENTIALS, or of a kind that can pass. */
SL_MUST_CHECK enum sl_err sl_sts_assume_role(struct sl_aws *aws, const struct sl_credentials *keys,
	const struct sl_sts_assume *assume, struct sl_credentials *ret, struct sl_error *reterr);

#endif
