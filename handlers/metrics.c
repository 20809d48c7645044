/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics, for Prometheus. What the process counts is there at once; what PostgreSQL knows is
 * looked up by another thread (gauges.h) while the connection sleeps. The admin daemon's thread.
 */

#include "metrics.h"

#include <stdlib.h>

#include "gauges.h"
#include "handlers.h"
#include "mem.h"

struct scrape {
	struct sl_request *request;
	bool up;
	struct sl_buf text;
};

static void scrape_free(void *state)
{
	struct scrape *scrape = state;
	sl_buf_finish(&scrape->text);
	free(scrape);
}

/* On the thread of gauges.c. */
static void on_looked_up(void *context, enum sl_err err, const struct sl_buf *text)
{
	struct scrape *scrape = context;
	scrape->up = err == SL_ERR_OK;
	if (scrape->up) {
		sl_buf_add(&scrape->text, sl_buf_str(text), text->len);
	}
	sl_request_resume(scrape->request);
}

static void reply_with(const struct sl_buf *text, bool up, struct sl_reply *reply)
{
	struct sl_buf *body = &reply->body;
	reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	sl_metrics_process(body);
	sl_metrics_render(body);
	sl_metrics_family(body, "spotlist_database_up", "gauge",
		"Whether PostgreSQL answered this scrape; 0: what it would tell is left out.");
	sl_buf_printf(body, "spotlist_database_up %d\n", up ? 1 : 0);
	if (text != NULL) {
		sl_buf_add(body, sl_buf_str(text), text->len);
	}
}

enum sl_err sl_metrics_get(struct sl_request *request, struct sl_reply *reply)
{
	struct sl_app *app = request->app;
	struct scrape *scrape = request->state;
	if (scrape != NULL) {
		reply_with(&scrape->text, scrape->up, reply);
		return SL_ERR_OK;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error away = SL_ERROR_INIT;
	if (sl_pg_pool_check(app->pool, &away) != SL_ERR_OK) {
		reply_with(NULL, false, reply);
		return SL_ERR_OK;
	}
	scrape = sl_calloc(1, sizeof(*scrape));
	scrape->request = request;
	request->state = scrape;
	request->state_free = scrape_free;
	sl_request_suspend(request);
	sl_gauges_ask(app->gauges, on_looked_up, scrape);
	return SL_REQUEST_SUSPENDED;
}
