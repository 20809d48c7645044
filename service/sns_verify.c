/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `spotlist sns verify`: sl_sns_verify_command() puts a message from standard input through the
 * verifier that POST /sns uses. Needs no SPOTLIST_* setting and no credentials. Main thread.
 */
#include "sns_verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "sns_message.h"
#include "text.h"

#define MAX_MESSAGE_BYTES ((size_t)1024 * 1024) /* what POST /sns takes */
#define MAX_CERT_BYTES    ((size_t)64 * 1024)
#define DEFAULT_MAX_AGE_S 3900 /* SPOTLIST_SNS_MAX_AGE_S */
#define MAX_MAX_AGE_S     (INT64_C(100) * 366 * 86400)

#define EXIT_REFUSED      1
#define EXIT_USAGE        2
#define EXIT_CONFIG       78

static const char *only(const struct sl_json_strv *list)
{
	return list->count > 0 ? list->items[0] : NULL;
}

static int wrong_option(const char *option, const char *what)
{
	fprintf(stderr, "spotlist sns verify: %s %s\n", option, what);
	return EXIT_USAGE;
}

static void close_file(FILE **file)
{
	if (*file != NULL && *file != stdin) {
		fclose(*file);
	}
}

/* False: it cannot be read, or has more than `max_bytes`. */
static bool read_all(FILE *file, size_t max_bytes, struct sl_buf *out)
{
	char chunk[16384];
	size_t got;
	while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
		if (got > max_bytes - out->len) {
			return false;
		}
		sl_buf_add(out, chunk, got);
	}
	return !ferror(file);
}

/* What the options say, understood. */
struct task {
	const struct sl_sns_verify_options *options;
	int64_t now_ms;
	int64_t max_age_ms;
	struct sl_buf certificate; /* PEM; empty: to be fetched */
};

static void task_finish(struct task *task)
{
	sl_buf_finish(&task->certificate);
}

static int read_options(const struct sl_sns_verify_options *options, struct task *ret)
{
	if (options->topic_arns.count == 0) {
		return wrong_option("--topic-arn",
			"is needed: a signature only proves that some topic of AWS sent it");
	}
	int64_t max_age_s = DEFAULT_MAX_AGE_S;
	if (only(&options->max_age) != NULL &&
		!sl_text_parse_i64(only(&options->max_age), 1, MAX_MAX_AGE_S, &max_age_s)) {
		return wrong_option("--max-age", "takes a number of seconds");
	}
	ret->options = options;
	ret->max_age_ms = max_age_s * 1000;
	ret->now_ms = sl_clock_now_ms();
	if (only(&options->at) != NULL &&
		!sl_clock_parse_rfc3339(only(&options->at), &ret->now_ms)) {
		return wrong_option("--at", "takes a time as in 2026-11-22T18:40:00Z");
	}
	const char *path = only(&options->cert);
	if (path == NULL) {
		return 0;
	}
	SL_AUTO(close_file)
	FILE *file = fopen(path, "re");
	if (file == NULL || !read_all(file, MAX_CERT_BYTES, &ret->certificate) ||
		ret->certificate.len == 0 ||
		memchr(ret->certificate.data, '\0', ret->certificate.len) != NULL) {
		return wrong_option("--cert", "takes a readable file of PEM certificates");
	}
	return 0;
}

/* The settings of AWS want a region. What is checked here lies in the topic's, wherever we are. */
static bool default_region(const char *topic_arn)
{
	const char *region = topic_arn;
	for (int colons = 0; colons < 3; colons++) {
		region = strchr(region, ':');
		if (region == NULL) {
			return false;
		}
		region++;
	}
	SL_AUTO(sl_freep)
	char *name = sl_strndup(region, strcspn(region, ":"));
	const char *set = getenv("AWS_REGION");
	return *name != '\0' && setenv("AWS_REGION", name, set != NULL && *set == '\0') == 0;
}

static int refuse(const struct sl_error *error)
{
	printf("refused: %s%s%s%s: %s\n", sl_err_code(error->code),
		error->pointer != NULL ? " (" : "", error->pointer != NULL ? error->pointer : "",
		error->pointer != NULL ? ")" : "",
		error->detail != NULL ? error->detail : sl_err_title(error->code));
	if (error->code == SL_ERR_SNS_STALE || error->code == SL_ERR_SNS_CERT_UNTRUSTED) {
		puts("note: --at TIME judges as of another time; for a recorded message, when it "
		     "came");
	}
	return EXIT_REFUSED;
}

static void tell(const struct task *task, const struct sl_sns_message *message,
	const struct sl_sns_verified *verified)
{
	char from[SL_CLOCK_RFC3339_SIZE];
	char to[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(verified->valid_from_ms, from);
	sl_clock_rfc3339(verified->valid_to_ms, to);
	printf("verified: %s %s of %s, signed %s (version %s) by %s, which %s issued, valid from "
	       "%s to %s\n",
		sl_sns_type_name(message->type), message->message_id, message->topic_arn,
		message->timestamp, message->signature_version, verified->subject, verified->issuer,
		from, to);
	if (task->certificate.len > 0) {
		printf("note: the certificate came from %s; that it is the one at %s was not "
		       "checked\n",
			only(&task->options->cert), message->signing_cert_url);
	}
}

/* A body that was delivered raw is the publisher's own text. */
static bool looks_raw(const struct sl_buf *body)
{
	json_auto_t *root = json_loadb(sl_buf_str(body), body->len, JSON_ALLOW_NUL, NULL);
	return root != NULL && json_object_get(root, "Signature") == NULL &&
		json_object_get(root, "TopicArn") == NULL;
}

static enum sl_err parse(
	const struct sl_buf *body, struct sl_sns_message *ret, struct sl_error *reterr)
{
	enum sl_err err = sl_sns_message_parse(sl_buf_str(body), body->len, ret, reterr);
	if (err == SL_ERR_OK || !looks_raw(body)) {
		return err;
	}
	return sl_error_set(reterr, SL_ERR_SNS_RAW_DELIVERY,
		"There is no SNS envelope around this: a raw delivery carries no signature. Set "
		"RawMessageDelivery of the subscription to false");
}

static void destroy_verifier(struct sl_sns_verifier **verifier)
{
	sl_sns_verifier_destroy(*verifier);
}

static int judge(struct sl_aws *aws, const struct task *task, const struct sl_buf *body)
{
	const struct sl_sns_verifier_options options = {
		.topic_arns = task->options->topic_arns.items,
		.topic_count = task->options->topic_arns.count,
		.max_age_ms = task->max_age_ms,
		.certificate = task->certificate.len > 0 ? task->certificate.data : NULL,
	};
	SL_AUTO(destroy_verifier)
	struct sl_sns_verifier *verifier = sl_sns_verifier_create(aws, &options);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message message = {NULL};
	SL_AUTO(sl_sns_verified_finish)
	struct sl_sns_verified verified = {NULL, NULL, 0, 0};
	if (parse(body, &message, &error) != SL_ERR_OK ||
		sl_sns_verifier_explain(verifier, &message, task->now_ms, &verified, &error) !=
			SL_ERR_OK) {
		return refuse(&error);
	}
	tell(task, &message, &verified);
	return 0;
}

int sl_sns_verify_command(const struct sl_sns_verify_options *options)
{
	SL_AUTO(task_finish)
	struct task task = {.certificate = SL_BUF_INIT};
	int status = read_options(options, &task);
	if (status != 0) {
		return status;
	}
	if (!default_region(options->topic_arns.items[0])) {
		return wrong_option("--topic-arn", "takes an ARN as in arn:aws:sns:eu-west-1:…");
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = NULL;
	if (sl_aws_create(&aws, &error) != SL_ERR_OK) {
		fprintf(stderr, "spotlist sns verify: %s\n", error.detail);
		return EXIT_CONFIG;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	if (!read_all(stdin, MAX_MESSAGE_BYTES, &body)) {
		sl_error_set(&error, SL_ERR_BODY_TOO_LARGE,
			"The message has more than %zu bytes, or cannot be read",
			MAX_MESSAGE_BYTES);
		return refuse(&error);
	}
	return judge(aws, &task, &body);
}

void sl_sns_verify_options_finish(struct sl_sns_verify_options *options)
{
	free(options->topic_arns.items);
	free(options->cert.items);
	free(options->at.items);
	free(options->max_age.items);
}
