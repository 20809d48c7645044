/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a connection for one request, and giving it back. Any thread. */

#include "app.h"

enum sl_err sl_app_pg_take(struct sl_app *app, struct sl_app_pg *ret, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_pool_take(app->pool, &ret->pg, reterr);
	if (err == SL_ERR_OK) {
		ret->pool = app->pool;
	} else if (reterr != NULL && reterr->retry_after_ms == 0) {
		reterr->retry_after_ms = 5000;
	}
	return err;
}

void sl_app_pg_give(struct sl_app_pg *held)
{
	if (held->pg != NULL) {
		sl_pg_pool_give(held->pool, held->pg);
		held->pg = NULL;
	}
}
