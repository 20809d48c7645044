/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_WEBHOOK_SENDER_H
#define SL_WEBHOOK_SENDER_H

/*
 * The threads that send callbacks. They are not workers: a receiver may take fifteen seconds to
 * say nothing, and no video waits for it. SPOTLIST_WEBHOOK_SENDERS of them send at once per
 * process, and at most half of these to one receiver. While one sends it holds no connection.
 */

#include "webhook.h"

struct sl_webhook_sender;

/** Starts the threads; none when no secret is set. `config` must outlive them. */
SL_MUST_CHECK enum sl_err sl_webhook_sender_create(
	const struct sl_config *config, struct sl_webhook_sender **ret, struct sl_error *reterr);

/** Lets POSTs under way end for `grace_ms`, then interrupts them (they are sent again later),
 *  joins, and frees. NULL is fine. */
void sl_webhook_sender_destroy(struct sl_webhook_sender *sender, int64_t grace_ms);

/** How long to wait before attempt number `tries` + 1 of those in the schedule, from 90 to 110 %
 *  of it, and not shorter than the receiver asks; -1: there is none. */
int64_t sl_webhook_retry_delay_ms(
	const struct sl_webhook_settings *settings, int64_t tries, int64_t retry_after_ms);

#endif
