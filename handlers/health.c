/* SPDX-License-Identifier: Apache-2.0 */
/* GET /healthz and /readyz, on the admin daemon's own thread. */

#include "handlers.h"

enum sl_err sl_healthz(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	sl_reply_json(reply, 200, json_pack("{s:s}", "status", "ok"));
	return SL_ERR_OK;
}

enum sl_err sl_readyz(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_app_pg_take(request->app, &held, &request->error);
	if (err == SL_ERR_OK) {
		err = sl_pg_ping(held.pg, &request->error);
	}
	if (err == SL_ERR_OK) {
		sl_reply_json(reply, 200, json_pack("{s:s}", "status", "ok"));
	}
	return err;
}
