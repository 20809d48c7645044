/* SPDX-License-Identifier: Apache-2.0 */
/* Anything that may arrive at POST /sns, through parsing and verification up to the network: the
 * certificate is whatever the input holds behind the first NUL. Links aws and base. */
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "sns_certificate.h"

struct input {
	const uint8_t *bytes;
	size_t len;
};

static enum sl_err fetch_input(void *context, const char *url, size_t max_bytes, struct sl_buf *out,
	struct sl_error *reterr)
{
	(void)url;
	const struct input *certificate = context;
	if (certificate->bytes == NULL || certificate->len > max_bytes) {
		return sl_error_set(reterr, SL_ERR_SNS_CERT_UNAVAILABLE, "there is none");
	}
	sl_buf_add(out, certificate->bytes, certificate->len);
	return SL_ERR_OK;
}

/* The reader of the usual form must find what the JSON parser finds. */
static void compare_readers(const char *body, size_t len)
{
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message usual = {0};
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message json = {0};
	enum sl_err err = sl_sns_message_parse(body, len, &usual, NULL);
	if (err != sl_sns_message_parse_json(body, len, &json, NULL)) {
		__builtin_trap();
	}
	if (err != SL_ERR_OK) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf one = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf other = SL_BUF_INIT;
	sl_sns_message_canonical(&usual, &one);
	sl_sns_message_canonical(&json, &other);
	if (one.len != other.len || memcmp(one.data, other.data, one.len) != 0 ||
		strcmp(usual.signature, json.signature) != 0 ||
		strcmp(usual.signature_version, json.signature_version) != 0 ||
		strcmp(usual.signing_cert_url, json.signing_cert_url) != 0) {
		__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t body_len = end != NULL ? (size_t)(end - data) : size;
	struct input certificate = {NULL, 0};
	if (end != NULL) {
		certificate = (struct input){end + 1, size - body_len - 1};
	}
	compare_readers((const char *)data, body_len);
	SL_AUTO(sl_sns_message_finish)
	struct sl_sns_message message = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (sl_sns_message_parse((const char *)data, body_len, &message, &error) != SL_ERR_OK) {
		return 0;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_sns_message_canonical(&message, &text);
	const char *const topics[] = {message.topic_arn};
	const struct sl_sns_verifier_options options = {topics, 1, 3600000};
	const struct sl_sns_trust trust = {
		.ca_bundle = "/dev/null", .fetch = fetch_input, .fetch_context = &certificate};
	struct sl_sns_verifier *verifier = sl_sns_verifier_create_with(&trust, &options);
	int64_t now_ms = 0;
	if (sl_clock_parse_rfc3339(message.timestamp, &now_ms) &&
		sl_sns_verifier_check(verifier, &message, now_ms, &error) == SL_ERR_OK) {
		__builtin_trap(); /* nobody is trusted here */
	}
	sl_sns_verifier_destroy(verifier);
	return 0;
}
