/* SPDX-License-Identifier: Apache-2.0 */
/* The shape that most operations on one video share. HTTP threads. */

#include "handlers.h"

enum sl_err sl_handlers_reply_document(
	struct sl_request *request, sl_handlers_read *read, struct sl_reply *reply)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_request_only_query(request, (const char *const[]){NULL});
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(request->app, &held, &request->error);
	}
	if (err == SL_ERR_OK) {
		err = read(held.pg, sl_request_param(request, "id"), &reply->body, &request->error);
	}
	return err;
}
