/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from the environment: sl_credentials_environment(). Any thread. */

#include <stdlib.h>

#include "credentials_internal.h"

enum sl_err sl_credentials_environment(struct sl_aws *aws, const struct sl_profile *profile,
	const char *name, struct sl_credentials *ret, struct sl_error *reterr)
{
	(void)aws;
	(void)profile;
	(void)name;
	return sl_credentials_from_strings("the environment", getenv("AWS_ACCESS_KEY_ID"),
		getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"),
		getenv("AWS_CREDENTIAL_EXPIRATION"), ret, reterr);
}
