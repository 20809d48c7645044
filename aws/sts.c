/* SPDX-License-Identifier: Apache-2.0 */
/* AWS STS: GetCallerIdentity, on the thread of the client. */
#include "sts.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "xml.h"

void sl_sts_identity_finish(struct sl_sts_identity *identity)
{
	free(identity->account);
	free(identity->arn);
	free(identity->user_id);
	memset(identity, 0, sizeof *identity);
}

enum sl_err sl_sts_get_caller_identity(
	struct sl_client *client, struct sl_sts_identity *ret, struct sl_error *reterr)
{
	const struct sl_call call = {
		.service = SL_SERVICE_STS,
		.operation = "GetCallerIdentity",
		.method = "POST",
		.path = "/",
		.idempotent = true,
	};
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, &call, &answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *body = sl_buf_str(&answer.body);
	struct sl_sts_identity identity = {
		.account = sl_xml_find(body, answer.body.len, "GetCallerIdentityResult/Account"),
		.arn = sl_xml_find(body, answer.body.len, "GetCallerIdentityResult/Arn"),
		.user_id = sl_xml_find(body, answer.body.len, "GetCallerIdentityResult/UserId"),
	};
	if (identity.account == NULL || identity.arn == NULL || identity.user_id == NULL) {
		sl_sts_identity_finish(&identity);
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "STS's GetCallerIdentity is not understood");
	}
	*ret = identity;
	return SL_ERR_OK;
}
