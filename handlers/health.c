/* SPDX-License-Identifier: Apache-2.0 */
/* GET /healthz and /readyz, on the admin daemon's one thread: neither waits for anything. */

#include "handlers.h"

enum sl_err sl_healthz(struct sl_request *request, struct sl_reply *reply)
{
	(void)request;
	sl_reply_json(reply, 200, json_pack("{s:s}", "status", "ok"));
	return SL_ERR_OK;
}

enum sl_err sl_readyz(struct sl_request *request, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	enum sl_err err = sl_pg_pool_check(app->pool, &request->error);
	if (err == SL_ERR_OK) {
		sl_reply_json(reply, 200, json_pack("{s:s}", "status", "ok"));
	}
	return err;
}
