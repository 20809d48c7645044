/* SPDX-License-Identifier: Apache-2.0 */
/* POST /videos/{id}/deliveries/{delivery}/replay: sends a callback again. HTTP threads. */

#include "handlers.h"
#include "webhook.h"

enum sl_err sl_delivery_replay(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(request->app, &held, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_webhook_replay(held.pg, sl_request_param(request, "id"),
			sl_request_param(request, "delivery"), &reply->body, &request->error);
	}
	if (err == SL_ERR_OK) {
		reply->status = 202;
	}
	return err;
}
