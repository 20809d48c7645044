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
	struct sl_notify_event event;
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

/* `ret_video_id`: "" when it is about none that we have. */
static enum sl_err store(struct sl_pg *pg, struct delivery *delivery,
	char ret_video_id[static SL_UUID_SIZE], struct sl_error *reterr)
{
	const struct sl_sns_message *message = delivery->message;
	const struct sl_notify_event *event = &delivery->event;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_inbox_receive, &rows, reterr,
		SL_PG_TEXT(message->message_id), SL_PG_TEXT(message->topic_arn),
		SL_PG_TEXT(type_name(message->type)), SL_PG_TEXT(message->subject),
		SL_PG_TEXT(message->message), SL_PG_TEXT(message->timestamp),
		SL_PG_TEXT(event->mediaconvert_job), SL_PG_TEXT(event->rekognition_job),
		SL_PG_TEXT(event->echo[0] != '\0' ? event->echo : NULL), SL_PG_TEXT(event->track));
	if (err == SL_ERR_OK) {
		delivery->duplicate = !sl_pg_bool(&rows, 0, "is_new");
		const char *id = sl_pg_text(&rows, 0, "video_id");
		memcpy(ret_video_id, id != NULL ? id : "", id != NULL ? SL_UUID_SIZE : 1);
	}
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
	char video_id[SL_UUID_SIZE];
	enum sl_err err = store(pg, delivery, video_id, reterr);
	if (err != SL_ERR_OK || delivery->duplicate) {
		return err;
	}
	if (delivery->message->type == SL_SNS_SUBSCRIPTION_CONFIRMATION) {
		return enqueue_confirmation(pg, delivery->message, reterr);
	}
	return delivery->event.applies
		? sl_notify_event_apply(pg, delivery->app->config, &delivery->event,
			  video_id[0] != '\0' ? video_id : NULL, reterr)
		: SL_ERR_OK;
}

/* Most messages are one statement, which is a transaction by itself. */
static enum sl_err receive(struct delivery *delivery, struct sl_error *reterr)
{
	SL_AUTO(sl_app_pg_give)
	struct sl_app_pg held = {0};
	enum sl_err err = sl_app_pg_take(delivery->app, &held, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	char video_id[SL_UUID_SIZE];
	bool more = delivery->message->type == SL_SNS_SUBSCRIPTION_CONFIRMATION ||
		delivery->event.applies;
	return more ? sl_pg_tx(held.pg, "sns_receive", receive_tx, delivery, reterr)
		    : store(held.pg, delivery, video_id, reterr);
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
	SL_AUTO(sl_json_decrefp)
	json_t *event = message.type == SL_SNS_NOTIFICATION
		? json_loads(message.message, JSON_REJECT_DUPLICATES, NULL)
		: NULL;
	struct delivery delivery = {
		.app = app,
		.message = &message,
		.event = sl_notify_event_read(json_is_object(event) ? event : NULL),
	};
	err = receive(&delivery, reterr);
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
