/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of an SNS message over HTTP: sl_sns_message_parse() reads it (sns_envelope.c), or by
 * a field table, sl_sns_message_canonical() makes the string that AWS signed. Pure; the names of
 * keys are those of HTTP deliveries (Lambda spells SigningCertUrl, which is refused here).
 */
#include "sns_message.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json_spec.h"
#include "sns_envelope.h"

static const char *const type_names[] = {
	[SL_SNS_NOTIFICATION] = "Notification",
	[SL_SNS_SUBSCRIPTION_CONFIRMATION] = "SubscriptionConfirmation",
	[SL_SNS_UNSUBSCRIBE_CONFIRMATION] = "UnsubscribeConfirmation",
	NULL,
};

_Static_assert(sizeof(enum sl_sns_type) == sizeof(int), "SL_JSON_ENUM writes an int");

static const struct sl_json_field message_spec[] = {
	SL_JSON_FIELD_(struct sl_sns_message, type, "Type", SL_JSON_ENUM, SL_REQUIRED,
		.names = type_names),
	SL_STR_AS(struct sl_sns_message, message_id, "MessageId", SL_REQUIRED),
	SL_STR_AS(struct sl_sns_message, topic_arn, "TopicArn", SL_REQUIRED),
	SL_STR_AS(struct sl_sns_message, message, "Message", SL_REQUIRED),
	SL_STR_AS(struct sl_sns_message, subject, "Subject", SL_OPTIONAL),
	SL_STR_AS(struct sl_sns_message, timestamp, "Timestamp", SL_REQUIRED),
	SL_STR_AS(struct sl_sns_message, token, "Token", SL_OPTIONAL),
	SL_STR_AS(struct sl_sns_message, subscribe_url, "SubscribeURL", SL_OPTIONAL),
	SL_STR_AS(struct sl_sns_message, signature_version, "SignatureVersion", SL_REQUIRED),
	SL_STR_AS(struct sl_sns_message, signature, "Signature", SL_REQUIRED),
	SL_STR_AS(struct sl_sns_message, signing_cert_url, "SigningCertURL", SL_REQUIRED),
	SL_JSON_END,
};

const char *sl_sns_type_name(enum sl_sns_type type)
{
	return type_names[type];
}

void sl_sns_message_finish(struct sl_sns_message *message)
{
	json_decref(message->root);
	free(message->arena);
	memset(message, 0, sizeof *message);
}

/* Whatever is wrong with the envelope, it is one thing to the sender: not an SNS message. */
static enum sl_err not_a_message(struct sl_error *from, struct sl_error *reterr)
{
	return sl_error_set_at(reterr, SL_ERR_SNS_NOT_A_MESSAGE, from->pointer, "%s",
		from->detail != NULL ? from->detail : "The body is not an SNS message");
}

/* What no table can say. Takes `message` over into `ret` when it is good. */
static enum sl_err settle(
	struct sl_sns_message *message, struct sl_sns_message *ret, struct sl_error *reterr)
{
	int64_t time_ms;
	if (!sl_clock_parse_rfc3339(message->timestamp, &time_ms)) {
		return sl_error_set_at(reterr, SL_ERR_SNS_NOT_A_MESSAGE, "/Timestamp",
			"Timestamp is not an RFC 3339 time");
	}
	if (message->type == SL_SNS_NOTIFICATION) {
		message->token = NULL;
		message->subscribe_url = NULL;
	} else if (message->token == NULL || message->subscribe_url == NULL) {
		return sl_error_set_at(reterr, SL_ERR_SNS_NOT_A_MESSAGE,
			message->token == NULL ? "/Token" : "/SubscribeURL",
			"A %s has Token and SubscribeURL", type_names[message->type]);
	} else {
		message->subject = NULL;
	}
	*ret = *message;
	memset(message, 0, sizeof *message);
	return SL_ERR_OK;
}

enum sl_err sl_sns_message_parse_json(
	const char *body, size_t len, struct sl_sns_message *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message message = {NULL};
	if (sl_json_parse(body, len, &message.root, &error) != SL_ERR_OK) {
		return not_a_message(&error, reterr);
	}
	if (sl_json_decode(message.root, message_spec, SL_JSON_LENIENT, &message, &error) !=
		SL_ERR_OK) {
		return not_a_message(&error, reterr);
	}
	return settle(&message, ret, reterr);
}

enum sl_err sl_sns_message_parse(
	const char *body, size_t len, struct sl_sns_message *ret, struct sl_error *reterr)
{
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message message = {NULL};
	if (sl_sns_envelope_read(body, len, &message)) {
		return settle(&message, ret, reterr);
	}
	return sl_sns_message_parse_json(body, len, ret, reterr);
}

static void add_pair(struct sl_buf *out, const char *key, const char *value)
{
	if (value != NULL) {
		sl_buf_puts(out, key);
		sl_buf_putc(out, '\n');
		sl_buf_puts(out, value);
		sl_buf_putc(out, '\n');
	}
}

void sl_sns_message_canonical(const struct sl_sns_message *message, struct sl_buf *out)
{
	/* In byte order of the keys. Subject is NULL in confirmations, SubscribeURL and Token in
	 * notifications, so one list serves the three types. */
	add_pair(out, "Message", message->message);
	add_pair(out, "MessageId", message->message_id);
	add_pair(out, "Subject", message->subject);
	add_pair(out, "SubscribeURL", message->subscribe_url);
	add_pair(out, "Timestamp", message->timestamp);
	add_pair(out, "Token", message->token);
	add_pair(out, "TopicArn", message->topic_arn);
	add_pair(out, "Type", type_names[message->type]);
}
