/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_APP_H
#define SL_APP_H

/* What the use cases behind the API share: one per process, made in main, thread-safe parts. */

#include "client.h"
#include "config.h"
#include "pg.h"
#include "s3_preflight.h"
#include "sns_message.h"

struct sl_gauges;

struct sl_app {
	const struct sl_config *config;
	struct sl_aws *aws;
	struct sl_pg_pool *pool; /* one connection per HTTP thread */
	struct sl_s3_preflight *preflight;
	struct sl_sns_verifier *verifier;
	struct sl_access *access; /* NULL: no tokens are asked for */
	struct sl_document_cache *documents;
	struct sl_gauges *gauges; /* what a scrape looks up */
};

/* A connection from the pool for one request: SL_AUTO(sl_app_pg_give) struct sl_app_pg … */
struct sl_app_pg {
	struct sl_pg_pool *pool;
	struct sl_pg *pg;
};
SL_MUST_CHECK enum sl_err sl_app_pg_take(
	struct sl_app *app, struct sl_app_pg *ret, struct sl_error *reterr);
void sl_app_pg_give(struct sl_app_pg *held);

#endif
