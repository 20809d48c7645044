/* SPDX-License-Identifier: Apache-2.0 */
/* POST /sns. 200 only once the message is stored; 4xx: never again; 5xx: again. HTTP threads. */

#include "handlers.h"
#include "notify.h"
#include "text.h"

enum sl_err sl_sns_receive(struct sl_request *request, struct sl_reply *reply)
{
	if (request->body_len == 0) {
		return sl_error_set(&request->error, SL_ERR_BODY_MISSING, "SNS sends a JSON body");
	}
	if (sl_text_equal(sl_request_header(request, "x-amz-sns-rawdelivery"), "true")) {
		return sl_error_set(&request->error, SL_ERR_SNS_RAW_DELIVERY,
			"turn RawMessageDelivery off for this subscription");
	}
	bool duplicate = false;
	enum sl_err err = sl_notify_receive(
		request->app, request->body, request->body_len, &duplicate, &request->error);
	if (err == SL_ERR_OK) {
		sl_reply_json(reply, 200,
			json_pack("{s:s}", "result", duplicate ? "duplicate" : "stored"));
	}
	return err;
}
