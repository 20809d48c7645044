/* SPDX-License-Identifier: Apache-2.0 */
/* GET /videos/{id}: state, analyses, timeline. HTTP threads. */

#include "handlers.h"
#include "read.h"

enum sl_err sl_video_get(struct sl_request *request, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(request->app, &held, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = sl_read_video(
			held.pg, sl_request_param(request, "id"), &reply->body, &request->error);
	}
	return err;
}
