/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}/analyses/{kind}/{attempt}: one run, with what it found. HTTP threads. */

#include "handlers.h"
#include "versions.h"

enum sl_err sl_analysis_get(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(request->app, &held, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_versions_read(held.pg, sl_request_param(request, "id"),
			sl_request_param(request, "kind"), sl_request_param(request, "attempt"),
			&reply->body, &request->error);
	}
	return err;
}
