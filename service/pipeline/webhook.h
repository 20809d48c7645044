/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_WEBHOOK_H
#define SL_WEBHOOK_H

/*
 * Callbacks: telling a submitter that its video has ended. A message is made in the transaction
 * that ends the video and sent by threads of its own (webhook_sender.h).
 */

#include "buf.h"
#include "config.h"
#include "outbound.h"
#include "pg.h"
#include "signature.h"

/* What the settings say about callbacks. */
struct sl_webhook_settings {
	struct sl_outbound_policy policy; /* borrows from the configuration */
	struct sl_signature_key *keys;
	size_t key_count; /* 0: there are no callbacks */
	int64_t *retry_ms;
	size_t retry_count;
};

/** Reads them; CONFIG names the variable that is wrong. `config` must outlive `ret`. */
SL_MUST_CHECK enum sl_err sl_webhook_settings_read(
	const struct sl_config *config, struct sl_webhook_settings *ret, struct sl_error *reterr);
void sl_webhook_settings_finish(struct sl_webhook_settings *settings);

/** Whether a submission may name this address, as far as can be told without DNS:
 *  CALLBACK_REFUSED at /callback/url. */
SL_MUST_CHECK enum sl_err sl_webhook_check(
	const struct sl_config *config, const char *url, struct sl_error *reterr);

/** For the transaction that ends a video: makes the message when its submitter wants one. What
 *  was still to be sent of an earlier end is not sent any more. */
SL_MUST_CHECK enum sl_err sl_webhook_enqueue(
	struct sl_pg *pg, const char *video_id, struct sl_error *reterr);

/** GET /videos/{id}/deliveries: {"deliveries": […]}, appended. VIDEO_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_webhook_list(
	struct sl_pg *pg, const char *video_id, struct sl_buf *out, struct sl_error *reterr);

/** Sends a message again and appends it, as it is in that list. VIDEO_NOT_FOUND,
 *  DELIVERY_NOT_FOUND. */
SL_MUST_CHECK enum sl_err sl_webhook_replay(struct sl_pg *pg, const char *video_id,
	const char *delivery_id, struct sl_buf *out, struct sl_error *reterr);

#endif
