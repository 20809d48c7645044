/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNS's delivery policies: reading and checking the JSON of the DeliveryPolicy attribute, and
 * when a failed delivery is tried again. Pure functions, any thread.
 */

#include <math.h>
#include <string.h>

#include "lc_sns.h"

static const char *const backoffs[] = {"linear", "arithmetic", "geometric", "exponential"};

void lc_sns_policy_default(struct lc_sns_retry *ret)
{
	*ret = (struct lc_sns_retry){.retries = 3, .min_delay_s = 20, .max_delay_s = 20};
	snprintf(ret->backoff, sizeof(ret->backoff), "%s", backoffs[0]);
	snprintf(ret->content_type, sizeof(ret->content_type), "text/plain; charset=UTF-8");
}

/* Reads one whole number; true when it is absent or within its range. */
static bool number_read(
	const json_t *policy, const char *name, int64_t min, int64_t max, int64_t *value)
{
	const json_t *given = json_object_get(policy, name);
	if (given == NULL || json_is_null(given)) {
		return true;
	}
	if (!json_is_integer(given) || json_integer_value(given) < min ||
		json_integer_value(given) > max) {
		return false;
	}
	*value = json_integer_value(given);
	return true;
}

static bool backoff_read(const json_t *policy, struct lc_sns_retry *retry)
{
	const json_t *given = json_object_get(policy, "backoffFunction");
	if (given == NULL || json_is_null(given)) {
		return true;
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(backoffs) && json_is_string(given); i++) {
		if (strcmp(json_string_value(given), backoffs[i]) == 0) {
			snprintf(retry->backoff, sizeof(retry->backoff), "%s", backoffs[i]);
			return true;
		}
	}
	return false;
}

/* The first member of a retry policy that does not hold; NULL when all do. */
static const char *retry_read(const json_t *policy, struct lc_sns_retry *retry)
{
	if (!json_is_object(policy)) {
		return "must be an object";
	}
	if (!number_read(policy, "numRetries", 0, 100, &retry->retries)) {
		return "numRetries must be a number between 0 and 100";
	}
	if (!number_read(policy, "minDelayTarget", 1, 3600, &retry->min_delay_s) ||
		!number_read(policy, "maxDelayTarget", 1, 3600, &retry->max_delay_s)) {
		return "minDelayTarget and maxDelayTarget must be between 1 and 3600";
	}
	if (retry->min_delay_s > retry->max_delay_s) {
		return "maxDelayTarget must be greater than or equal to minDelayTarget";
	}
	if (!number_read(policy, "numNoDelayRetries", 0, 100, &retry->no_delay) ||
		!number_read(policy, "numMinDelayRetries", 0, 100, &retry->min_delay) ||
		!number_read(policy, "numMaxDelayRetries", 0, 100, &retry->max_delay) ||
		retry->no_delay + retry->min_delay + retry->max_delay > retry->retries) {
		return "numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries together must "
		       "be between 0 and numRetries";
	}
	if (!backoff_read(policy, retry)) {
		return "backoffFunction must be linear, arithmetic, geometric or exponential";
	}
	return NULL;
}

static void content_type_read(const json_t *request_policy, struct lc_sns_retry *retry)
{
	const char *type = json_string_value(json_object_get(request_policy, "headerContentType"));
	if (type != NULL && strpbrk(type, "\r\n") == NULL) {
		snprintf(retry->content_type, sizeof(retry->content_type), "%s", type);
	}
}

bool lc_sns_policy_parse(const char *text, bool topic, struct lc_sns_retry *ret, char **ret_words)
{
	json_auto_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		*ret_words = sl_strdup("not a JSON object");
		return false;
	}
	const json_t *http = json_object_get(root, "http");
	const json_t *policy = topic ? json_object_get(http, "defaultHealthyRetryPolicy")
				     : json_object_get(root, "healthyRetryPolicy");
	struct lc_sns_retry retry;
	lc_sns_policy_default(&retry);
	const char *words =
		policy == NULL || json_is_null(policy) ? NULL : retry_read(policy, &retry);
	if (words != NULL) {
		*ret_words = sl_asprintf("%s: %s",
			topic ? "http.defaultHealthyRetryPolicy" : "healthyRetryPolicy", words);
		return false;
	}
	content_type_read(topic ? json_object_get(http, "defaultRequestPolicy")
				: json_object_get(root, "requestPolicy"),
		&retry);
	*ret = retry;
	return true;
}

static bool overrides_disabled(const char *topic_text)
{
	json_auto_t *root = topic_text == NULL ? NULL : json_loads(topic_text, 0, NULL);
	return json_is_true(
		json_object_get(json_object_get(root, "http"), "disableSubscriptionOverrides"));
}

void lc_sns_policy_effective(
	const char *topic_text, const char *subscription_text, struct lc_sns_retry *ret)
{
	bool own = subscription_text != NULL && !overrides_disabled(topic_text);
	const char *text = own ? subscription_text : topic_text;
	SL_AUTO(sl_freep)
	char *words = NULL;
	if (text == NULL || !lc_sns_policy_parse(text, !own, ret, &words)) {
		lc_sns_policy_default(ret);
	}
}

char *lc_sns_policy_text(const struct lc_sns_retry *retry, bool topic)
{
	json_t *policy = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "minDelayTarget",
		(json_int_t)retry->min_delay_s, "maxDelayTarget", (json_int_t)retry->max_delay_s,
		"numRetries", (json_int_t)retry->retries, "numMaxDelayRetries",
		(json_int_t)retry->max_delay, "numNoDelayRetries", (json_int_t)retry->no_delay,
		"numMinDelayRetries", (json_int_t)retry->min_delay, "backoffFunction",
		retry->backoff);
	json_auto_t *request = json_pack("{s:s}", "headerContentType", retry->content_type);
	json_auto_t *root = topic
		? json_pack("{s:{s:o, s:b, s:O}}", "http", "defaultHealthyRetryPolicy", policy,
			  "disableSubscriptionOverrides", 0, "defaultRequestPolicy", request)
		: json_pack("{s:o, s:O}", "healthyRetryPolicy", policy, "requestPolicy", request);
	return json_dumps(root, JSON_COMPACT);
}

/* Between the shortest and the longest delay, at `x` in [0, 1] of the backoff phase. */
static double backoff_delay(const struct lc_sns_retry *retry, double x)
{
	double min = (double)retry->min_delay_s, span = (double)retry->max_delay_s - min;
	if (strcmp(retry->backoff, "arithmetic") == 0) {
		return min + span * x * x;
	}
	if (strcmp(retry->backoff, "geometric") == 0) {
		return min * pow((min + span) / min, x);
	}
	if (strcmp(retry->backoff, "exponential") == 0) {
		return min + span * (exp2(10 * x) - 1) / (exp2(10) - 1);
	}
	return min + span * x;
}

int64_t lc_sns_policy_delay_ms(const struct lc_sns_retry *retry, int64_t n)
{
	if (n > retry->retries) {
		return -1;
	}
	if (n <= retry->no_delay) {
		return 0;
	}
	n -= retry->no_delay;
	if (n <= retry->min_delay) {
		return retry->min_delay_s * 1000;
	}
	n -= retry->min_delay;
	int64_t phase = retry->retries - retry->no_delay - retry->min_delay - retry->max_delay;
	if (n > phase) {
		return retry->max_delay_s * 1000;
	}
	double x = phase == 1 ? 0 : (double)(n - 1) / (double)(phase - 1);
	return (int64_t)(backoff_delay(retry, x) * 1000);
}
