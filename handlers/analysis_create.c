/* SPDX-License-Identifier: Apache-2.0 */
/* POST /videos/{id}/analyses: run analyses of a settled video again, or others. HTTP threads. */

#include "handlers.h"
#include "rerun.h"

enum sl_err sl_analysis_create(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	SL_AUTO(sl_idempotency_finish)
	struct sl_idempotency idempotency = {0};
	json_t *root;
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_request_json(request, &root);
	}
	if (err == SL_ERR_OK) {
		err = sl_idempotency_read(sl_request_header(request, "Idempotency-Key"),
			request->method, request->target, root, &idempotency, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(request->app, &held, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_rerun(((const struct sl_app *)request->app)->config, held.pg,
			sl_request_param(request, "id"), root, &idempotency, &reply->body,
			&request->error);
	}
	if (err == SL_ERR_OK) {
		reply->status = 202;
	}
	return err;
}
