/* SPDX-License-Identifier: Apache-2.0 */
/* STS: GetCallerIdentity. Entry points: lc_sts_*. Stateless, any thread. */
#include "cloud.h"
#include "text.h"

#define USER_ID "AIDALOCALCLOUD000000"

void lc_sts_start(SL_UNUSED struct lc_cloud *cloud)
{
}

void lc_sts_handle(
	SL_UNUSED struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	SL_AUTO(sl_freep)
	char *action = lc_request_query(request, "Action");
	if (!action && request->body) {
		action = lc_form_value(request->body, request->body_len, "Action");
	}
	if (!action) {
		lc_reply_xml_error(reply, request, true, 400, "MissingAction",
			"The request must contain the parameter Action");
		return;
	}
	if (!sl_text_equal(action, "GetCallerIdentity")) {
		lc_reply_xml_error(reply, request, true, 400, "InvalidAction",
			"Could not find operation %s for version 2011-06-15", action);
		return;
	}
	reply->content_type = "text/xml";
	sl_buf_printf(&reply->body,
		"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
		"<GetCallerIdentityResult><Arn>arn:aws:iam::" LC_ACCOUNT ":user/localcloud</Arn>"
		"<UserId>" USER_ID "</UserId><Account>" LC_ACCOUNT "</Account>"
		"</GetCallerIdentityResult><ResponseMetadata><RequestId>%s</RequestId>"
		"</ResponseMetadata></GetCallerIdentityResponse>",
		request->request_id);
}
