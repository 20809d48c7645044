/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what is published reaches /sns, and what did not: subscriptions, dead letters. The
 * doctor's threads. */

#include <stdlib.h>
#include <string.h>

#include "checkup.h"
#include "mem.h"
#include "sns_topic.h"
#include "sqs.h"
#include "text.h"

/* Over which SNS should go on trying: a restart, an upgrade, a machine that is replaced. */
#define DELIVERY_S 600

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool is_http(const json_t *subscription)
{
	const char *protocol = text_of(subscription, "Protocol");
	return sl_text_equal(protocol, "https") || sl_text_equal(protocol, "http");
}

static bool is_confirmed(const json_t *subscription)
{
	const char *arn = text_of(subscription, "SubscriptionArn");
	return arn != NULL && sl_text_starts_with(arn, "arn:");
}

/* --- subscriptions -------------------------------------------------------------------------- */

/* Seconds over which SNS tries to deliver, by its policy; -1: not told. */
static int64_t patience_s(const json_t *attributes)
{
	const char *text = text_of(attributes, "DeliveryPolicy");
	text = text != NULL ? text : text_of(attributes, "EffectiveDeliveryPolicy");
	if (text == NULL) {
		return -1;
	}
	json_auto_t *policy = json_loads(text, 0, NULL);
	const json_t *retry = json_object_get(policy, "healthyRetryPolicy");
	int64_t retries = json_integer_value(json_object_get(retry, "numRetries"));
	int64_t longest = json_integer_value(json_object_get(retry, "maxDelayTarget"));
	return retries * longest;
}

struct tally {
	size_t confirmed; /* by HTTP(S), at an address that can be ours */
	const char *pending;
	const char *other; /* an address that is none of spotlist's */
	bool raw;
	const char *hasty; /* an address where SNS gives up soon */
};

static void add_to_tally(const json_t *subscription, struct tally *tally)
{
	const char *endpoint = text_of(subscription, "Endpoint");
	if (!is_http(subscription) || endpoint == NULL) {
		return;
	}
	const json_t *attributes = json_object_get(subscription, "Attributes");
	if (!sl_text_ends_with(endpoint, "/sns")) {
		tally->other = endpoint;
	} else if (is_confirmed(subscription)) {
		tally->confirmed++;
	} else {
		tally->pending = endpoint;
	}
	int64_t tries_s = patience_s(attributes);
	if (tries_s >= 0 && tries_s < DELIVERY_S) {
		tally->hasty = endpoint;
	}
	tally->raw = tally->raw || sl_text_equal(text_of(attributes, "RawMessageDelivery"), "true");
}

static void judge(const char *topic, const json_t *subscriptions, struct sl_findings *findings)
{
	struct tally tally = {0};
	size_t i;
	const json_t *one;
	json_array_foreach (subscriptions, i, one) {
		add_to_tally(one, &tally);
	}
	if (tally.pending != NULL) {
		sl_find(findings, SL_FOUND_FAIL,
			"See that `serve` runs and that this address leads to its /sns; its log "
			"tells what it refused; then `spotlist provision --endpoint URL` has the "
			"confirmation sent again",
			"%s: %s has not confirmed its subscription", topic, tally.pending);
	} else if (tally.confirmed == 0) {
		sl_find(findings, SL_FOUND_WARN,
			"`spotlist provision --endpoint https://HOST/sns` subscribes this service; "
			"until then jobs are only asked for",
			"%s: no subscription to an address that ends with /sns%s%s", topic,
			tally.other != NULL ? ", but to " : "",
			tally.other != NULL ? tally.other : "");
	} else if (tally.confirmed > 1) {
		sl_find(findings, SL_FOUND_WARN,
			"Remove those that are no more: aws sns list-subscriptions-by-topic, "
			"aws sns unsubscribe",
			"%s: %zu addresses that end with /sns are subscribed; each message goes to "
			"all of them",
			topic, tally.confirmed);
	}
	if (tally.hasty != NULL) {
		sl_find(findings, SL_FOUND_WARN,
			"`spotlist provision --endpoint URL` sets a longer DeliveryPolicy",
			"%s: what cannot be delivered to %s within minutes is given up", topic,
			tally.hasty);
	}
	if (tally.raw) {
		sl_find(findings, SL_FOUND_FAIL,
			"`spotlist provision --endpoint URL` switches RawMessageDelivery off",
			"%s: raw messages carry no signature, so /sns refuses them "
			"(sns_raw_delivery)",
			topic);
	}
}

/* Adds what else is known of each. */
static enum sl_err add_attributes(
	struct sl_client *client, json_t *subscriptions, struct sl_error *reterr)
{
	size_t i;
	json_t *one;
	enum sl_err err = SL_ERR_OK;
	json_array_foreach (subscriptions, i, one) {
		json_t *attributes = NULL;
		if (!is_http(one) || !is_confirmed(one)) {
			continue;
		}
		err = sl_sns_get_subscription_attributes(
			client, text_of(one, "SubscriptionArn"), &attributes, reterr);
		if (err != SL_ERR_OK) {
			break;
		}
		json_object_set_new(one, "Attributes", attributes);
	}
	return err;
}

static void check_topic(struct sl_checkup *checkup, const char *topic, struct sl_unseen *unseen,
	struct sl_findings *findings)
{
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	json_t *subscriptions = NULL;
	enum sl_err err = sl_sns_list_subscriptions(client, topic, &subscriptions, &error);
	if (err == SL_ERR_AWS_NOT_FOUND) {
		sl_find(findings, SL_FOUND_FAIL,
			"`spotlist provision` makes it, or correct SPOTLIST_SNS_TOPIC_ARNS",
			"there is no topic %s", topic);
		return;
	}
	if (err != SL_ERR_OK) {
		sl_find_unseen(findings, unseen, "sns:ListSubscriptionsByTopic", &error, NULL);
		return;
	}
	if (add_attributes(client, subscriptions, &error) != SL_ERR_OK) {
		sl_find_unseen(findings, unseen, "sns:GetSubscriptionAttributes", &error, NULL);
	}
	judge(topic, subscriptions, findings);
	json_object_set_new(checkup->subscriptions, topic, subscriptions);
}

void sl_check_subscriptions(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const struct sl_config_list *topics = &checkup->config.sns_topic_arns;
	if (topics->count == 0) {
		sl_find(findings, SL_FOUND_SKIP, NULL, "no topics are set");
		return;
	}
	if (!sl_checkup_reaches(checkup, SL_SERVICE_SNS, findings)) {
		return;
	}
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	for (size_t i = 0; i < topics->count; i++) {
		check_topic(checkup, topics->items[i], &unseen, findings);
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "each topic has one, confirmed");
	}
}

/* --- dead letters --------------------------------------------------------------------------- */

/* The ARNs of the queues where undelivered messages go, once each; `ret_without` is a topic one of
 * whose subscriptions has none. */
static json_t *queues_of(const json_t *subscriptions, const char **ret_without)
{
	json_t *queues = json_object();
	const char *topic;
	const json_t *list;
	json_object_foreach ((json_t *)(uintptr_t)subscriptions, topic, list) {
		size_t i;
		const json_t *one;
		json_array_foreach (list, i, one) {
			const json_t *attributes = json_object_get(one, "Attributes");
			const char *text = text_of(attributes, "RedrivePolicy");
			json_auto_t *policy = text != NULL ? json_loads(text, 0, NULL) : NULL;
			const char *queue = text_of(policy, "deadLetterTargetArn");
			if (queue != NULL) {
				json_object_set_new(queues, queue, json_true());
			} else if (attributes != NULL) {
				*ret_without = topic;
			}
		}
	}
	return queues;
}

static void check_queue(const struct sl_checkup *checkup, const char *arn, struct sl_unseen *unseen,
	struct sl_findings *findings)
{
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = sl_checkup_client(checkup);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_freep)
	char *url = NULL;
	json_auto_t *attributes = NULL;
	const char *name = strrchr(arn, ':');
	enum sl_err err = sl_sqs_get_queue_url(client, name != NULL ? name + 1 : arn, &url, &error);
	if (err == SL_ERR_OK) {
		err = sl_sqs_get_queue_attributes(client, url, &attributes, &error);
	}
	if (err != SL_ERR_OK) {
		sl_find_unseen(findings, unseen, "sqs:GetQueueAttributes", &error,
			"`spotlist provision` makes it");
		return;
	}
	const char *count = text_of(attributes, "ApproximateNumberOfMessages");
	int64_t waiting = 0;
	if (count != NULL && sl_text_parse_i64(count, 1, INT64_MAX, &waiting)) {
		sl_find(findings, SL_FOUND_WARN,
			"Nothing is lost by it, since jobs are asked for as well; see why /sns was "
			"not there (or refused them: its log), then aws sqs purge-queue",
			"%lld notification%s did not reach /sns and wait%s in %s",
			(long long)waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "", url);
	}
}

void sl_check_dead_letters(struct sl_checkup *checkup, struct sl_findings *findings)
{
	const char *without = NULL;
	json_auto_t *queues = queues_of(checkup->subscriptions, &without);
	SL_AUTO(sl_unseen_finish)
	struct sl_unseen unseen = {0};
	if (without != NULL) {
		sl_find(findings, SL_FOUND_WARN, "`spotlist provision --endpoint URL` sets it",
			"a subscription of %s has no dead-letter queue: what cannot be delivered "
			"leaves no trace",
			without);
	}
	if (json_object_size(queues) > 0 &&
		!sl_checkup_reaches(checkup, SL_SERVICE_SQS, findings)) {
		return;
	}
	const char *arn;
	const json_t *value;
	json_object_foreach (queues, arn, value) {
		check_queue(checkup, arn, &unseen, findings);
	}
	sl_unseen_tell(&unseen, findings);
	if (findings->count == 0 && json_object_size(queues) == 0) {
		sl_find(findings, SL_FOUND_SKIP, NULL,
			"no subscription that could have any is known");
	} else if (findings->count == 0) {
		sl_find(findings, SL_FOUND_OK, NULL, "none: every notification has been delivered");
	}
}
