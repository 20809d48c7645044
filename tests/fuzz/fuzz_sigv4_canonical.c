/* SPDX-License-Identifier: Apache-2.0 */
/* Signs whatever the input is cut into: the canonical request keeps its six lines and more, sorted,
 * and nothing of the input breaks out of its line. */

#include <stdint.h>
#include <string.h>

#include "mem.h"
#include "sigv4.h"

#define MAX_PAIRS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next string of the input, up to a NUL; "" when it is over. Owned. */
static char *next_string(const uint8_t **data, size_t *size)
{
	size_t len = strnlen((const char *)*data, *size);
	char *string = sl_strndup((const char *)*data, len);
	size_t taken = len < *size ? len + 1 : len;
	*data += taken;
	*size -= taken;
	return string;
}

static size_t count_lines(const char *text)
{
	size_t lines = 1;
	for (const char *at = text; *at; at++) {
		lines += *at == '\n';
	}
	return lines;
}

static void sign(const uint8_t *data, size_t size, unsigned flags)
{
	char *strings[4 * MAX_PAIRS + 1];
	for (size_t i = 0; i < SL_ARRAY_SIZE(strings); i++) {
		strings[i] = next_string(&data, &size);
	}
	struct sl_pair query[MAX_PAIRS];
	struct sl_pair headers[MAX_PAIRS];
	for (size_t i = 0; i < MAX_PAIRS; i++) {
		query[i] = (struct sl_pair){strings[(size_t)4 * i], strings[(size_t)4 * i + 1]};
		headers[i] = (struct sl_pair){"x-header", strings[(size_t)4 * i + 3]};
	}
	const struct sl_sigv4_request request = {
		.method = "GET",
		.path = strings[SL_ARRAY_SIZE(strings) - 1],
		.query = query,
		.query_count = flags % (MAX_PAIRS + 1),
		.headers = headers,
		.header_count = (flags >> 4) % (MAX_PAIRS + 1),
		.payload_hash = SL_SIGV4_UNSIGNED_PAYLOAD,
	};
	const struct sl_sigv4_config config = {
		.mode = flags & 0x100 ? SL_SIGV4_QUERY : SL_SIGV4_HEADER,
		.access_key_id = "AKIDEXAMPLE",
		.secret_access_key = "secret",
		.session_token = flags & 0x200 ? "token" : NULL,
		.region = "us-east-1",
		.service = "s3",
		.time_ms = 1369353600000,
		.expires_s = 60,
		.normalize = flags & 0x400,
		.encode_twice = flags & 0x800,
		.sign_body = flags & 0x1000,
		.omit_session_token = flags & 0x2000,
	};
	struct sl_sigv4_signed signed_;
	sl_sigv4_sign(&request, &config, &signed_);
	size_t own_headers = config.mode == SL_SIGV4_QUERY
		? 0
		: 1 + config.sign_body + (config.session_token && !config.omit_session_token);
	size_t header_lines = own_headers + (request.header_count > 0);
	size_t want = 6 + (header_lines > 0 ? header_lines : 0);
	if (count_lines(signed_.canonical_request) != want) {
		SL_BUG("the canonical request has another number of lines");
	}
	if (strlen(signed_.signature) != SL_SIGV4_HASH_SIZE - 1) {
		SL_BUG("the signature is no SHA-256");
	}
	if (signed_.query.data && strpbrk(signed_.query.data, " \r\n#?")) {
		SL_BUG("the query is not encoded");
	}
	sl_sigv4_signed_finish(&signed_);
	for (size_t i = 0; i < SL_ARRAY_SIZE(strings); i++) {
		free(strings[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 2 && size <= 4096) {
		sign(data + 2, size - 2, (unsigned)data[0] | (unsigned)data[1] << 8);
	}
	return 0;
}
