/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_GAUGES_H
#define SL_GAUGES_H

/*
 * What a scrape looks up in PostgreSQL: queues, videos by state, cost. On a thread of its own, so
 * that the one thread of the admin address, which answers /healthz too, never waits for it.
 */

#include "app.h"
#include "buf.h"

struct sl_gauges;

/** Starts the thread. `app` must outlive it; app->pool may be used by it from now on. */
struct sl_gauges *sl_gauges_create(struct sl_app *app);

/** Called once per question, on that thread (or at once on the caller's, when it is stopping).
 *  `text` is what to add to the scrape, borrowed. */
typedef void sl_gauges_done(void *context, enum sl_err err, const struct sl_buf *text);

/** Asks; thread-safe. */
void sl_gauges_ask(struct sl_gauges *gauges, sl_gauges_done *done, void *context);

/** Answers what was asked, joins the thread; asking later is SHUTTING_DOWN. */
void sl_gauges_stop(struct sl_gauges *gauges);
/** NULL is fine. */
void sl_gauges_destroy(struct sl_gauges *gauges);

#endif
