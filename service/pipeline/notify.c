/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /sns as a use case, and confirming subscriptions. HTTP threads, except for
 * sl_sns_confirm, which is a step.
 */

#include "notify.h"

#include <string.h>

#include "clock.h"
#include "mem.h"
#include "notify_event.h"
#include "sns.h"
#include "steps.h"

struct delivery {
	struct sl_app *app;
	const struct sl_sns_message *message;
	const char *sent_at;
	json_t *event; /* the parsed Message, or NULL */
	bool duplicate;
};

static const char *type_name(enum sl_sns_type type)
{
	static const char *const names[] = {
		[SL_SNS_NOTIFICATION] = "Notification",
		[SL_SNS_SUBSCRIPTION_CONFIRMATION] = "SubscriptionConfirmation",
		[SL_SNS_UNSUBSCRIBE_CONFIRMATION] = "UnsubscribeConfirmation",
	};
	return names[type];
}

static enum sl_err store(
	struct sl_pg *pg, struct delivery *delivery, const char *video_id, struct sl_error *reterr)
{
	const struct sl_sns_message *message = delivery->message;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_inbox_insert, &rows, reterr,
		SL_PG_TEXT(message->message_id), SL_PG_TEXT(message->topic_arn),
		SL_PG_TEXT(type_name(message->type)), SL_PG_TEXT(message->subject),
		SL_PG_TEXT(message->message), SL_PG_TEXT(delivery->sent_at), SL_PG_TEXT(video_id));
	delivery->duplicate = err == SL_ERR_OK && rows.count == 0;
	return err;
}

static enum sl_err enqueue_confirmation(
	struct sl_pg *pg, const struct sl_sns_message *message, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *payload =
		json_pack("{s:s, s:s}", "topic_arn", message->topic_arn, "token", message->token);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(payload);
	return sl_pg_exec(pg, SL_SQL_step_enqueue, NULL, reterr,
		SL_PG_TEXT(sl_step_kind_name(SL_STEP_SNS_CONFIRM)), SL_PG_TEXT(text));
}

static enum sl_err receive_tx(struct sl_pg *pg, void *context, struct sl_error *reterr)
{
	struct delivery *delivery = context;
	const struct sl_sns_message *message = delivery->message;
	struct sl_notify_target target = {0};
	enum sl_err err = SL_ERR_OK;
	if (message->type == SL_SNS_NOTIFICATION && delivery->event != NULL) {
		err = sl_notify_event_find(pg, delivery->event, &target, reterr);
	}
	const char *video_id = target.video_id[0] != '\0' ? target.video_id : NULL;
	if (err == SL_ERR_OK) {
		err = store(pg, delivery, video_id, reterr);
	}
	if (err != SL_ERR_OK || delivery->duplicate) {
		return err;
	}
	if (message->type == SL_SNS_SUBSCRIPTION_CONFIRMATION) {
		return enqueue_confirmation(pg, message, reterr);
	}
	if (message->type == SL_SNS_NOTIFICATION && delivery->event != NULL) {
		return sl_notify_event_apply(
			pg, delivery->app->config, delivery->event, &target, reterr);
	}
	return SL_ERR_OK;
}

enum sl_err sl_notify_receive(struct sl_app *app, const char *body, size_t len, bool *ret_duplicate,
	struct sl_error *reterr)
{
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message message = {0};
	enum sl_err err = sl_sns_message_parse(body, len, &message, reterr);
	if (err == SL_ERR_OK) {
		err = sl_sns_verifier_check(app->verifier, &message, sl_clock_now_ms(), reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	err = sl_app_pg_take(app, &held, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *event = json_loads(message.message, JSON_REJECT_DUPLICATES, NULL);
	struct delivery delivery = {
		.app = app,
		.message = &message,
		.sent_at = message.timestamp,
		.event = json_is_object(event) ? event : NULL,
	};
	err = sl_pg_tx(held.pg, "sns_receive", receive_tx, &delivery, reterr);
	*ret_duplicate = delivery.duplicate;
	return err;
}

enum sl_err sl_sns_confirm(struct sl_worker *worker, struct sl_step *step, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *arn = NULL;
	enum sl_err err = sl_sns_confirm_subscription(worker->aws,
		json_string_value(json_object_get(step->payload, "topic_arn")),
		json_string_value(json_object_get(step->payload, "token")), &arn, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_step_next done = {.done = true};
	return sl_step_commit(worker, step, &done, NULL, NULL, reterr);
}
