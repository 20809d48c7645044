/* SPDX-License-Identifier: Apache-2.0 */
/* GET /usage: what a month has cost. HTTP threads. */

#include "usage.h"

#include <string.h>

#include "handlers.h"
#include "params.h"

struct params {
	const char *month; /* NULL: this one */
};

static const struct sl_param params_spec[] = {
	SL_PARAM_TEXT(struct params, month, "month", 7),
	SL_PARAM_END,
};

/* "2026-11" */
static bool is_month(const char *text)
{
	static const char digits[] = "0123456789";
	if (strlen(text) != 7 || strspn(text, digits) != 4 || text[4] != '-' ||
		strspn(text + 5, digits) != 2) {
		return false;
	}
	int month = (text[5] - '0') * 10 + (text[6] - '0');
	return month >= 1 && month <= 12 && strncmp(text, "0000", 4) != 0;
}

enum sl_err sl_usage_get(struct sl_request *request, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	struct params params = {NULL};
	enum sl_err err = sl_params_read(request, params_spec, &params);
	if (err == SL_ERR_OK && params.month != NULL && !is_month(params.month)) {
		err = sl_params_refuse(request, "?month", "must be a month such as 2026-11");
	}
	if (err == SL_ERR_OK) {
		err = sl_app_pg_take(app, &held, &request->error);
	}
	return err == SL_ERR_OK
		? sl_usage_read(app->config, held.pg, params.month, &reply->body, &request->error)
		: err;
}
