/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the canonical request of Signature Version 4: method, path, query, signed headers,
 * payload hash. Entry point: lc_canonical_request. Pure, any thread.
 */
#include "canonical.h"

#include <string.h>

#include "text.h"

bool lc_canonical_lists(const char *signed_headers, const char *name)
{
	size_t name_len = strlen(name);
	const char *at = signed_headers;

	while (*at) {
		size_t len = strcspn(at, ";");
		if (len == name_len && strncmp(at, name, len) == 0) {
			return true;
		}
		at += len;
		at += *at == ';';
	}
	return false;
}

/* S3: decoded and encoded once, so that a client's choice of what to escape does not matter. */
static void canonical_s3_path(const char *raw_path, struct sl_buf *ret)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	if (!sl_text_percent_decode(&decoded, raw_path, strlen(raw_path), false)) {
		sl_buf_puts(ret, raw_path);
		return;
	}
	sl_text_percent_encode(ret, sl_buf_str(&decoded), decoded.len, "/");
}

/* Everyone else: dot segments and doubled slashes go (RFC 3986 §5.2.4), and the path as it
 * stands in the request line, escapes and all, is encoded once more. */
static void canonical_path(const char *raw_path, struct sl_buf *ret)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf clean = SL_BUF_INIT;
	const char *at = raw_path;

	while (*at) {
		at += strspn(at, "/");
		size_t len = strcspn(at, "/");
		bool last = at[len] == '\0';
		if (len == 0) {
			break;
		}
		if (len == 2 && at[0] == '.' && at[1] == '.') {
			while (clean.len > 0 && clean.data[--clean.len] != '/') {
			}
		} else if (len != 1 || at[0] != '.') {
			sl_buf_putc(&clean, '/');
			sl_buf_add(&clean, at, len);
		}
		at += len;
		if (last) {
			break;
		}
	}
	size_t raw_len = strlen(raw_path);
	if (clean.len == 0 || (raw_len > 0 && raw_path[raw_len - 1] == '/')) {
		sl_buf_putc(&clean, '/');
	}
	sl_text_percent_encode(ret, clean.data, clean.len, "/");
}

struct parameter {
	char *name; /* encoded */
	char *value;
};

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *left = a;
	const struct parameter *right = b;
	int order = strcmp(left->name, right->name);
	return order != 0 ? order : strcmp(left->value, right->value);
}

static char *recode(const char *text, size_t len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	struct sl_buf out = SL_BUF_INIT;
	if (!sl_text_percent_decode(&decoded, text, len, true)) {
		sl_buf_clear(&decoded);
		sl_buf_add(&decoded, text, len);
	}
	sl_text_percent_encode(&out, sl_buf_str(&decoded), decoded.len, "");
	return sl_buf_steal(&out);
}

static void canonical_query(const char *raw_query, bool presigned, struct sl_buf *ret)
{
	size_t count = 0;
	size_t capacity = 1;
	for (const char *c = raw_query; *c; c++) {
		capacity += *c == '&';
	}
	struct parameter *parameters = sl_calloc(capacity, sizeof *parameters);

	for (const char *at = raw_query; *at;) {
		size_t len = strcspn(at, "&");
		if (len > 0) {
			const char *equals = memchr(at, '=', len);
			size_t name_len = equals ? (size_t)(equals - at) : len;
			char *name = recode(at, name_len);
			if (presigned && strcmp(name, "X-Amz-Signature") == 0) {
				free(name);
			} else {
				parameters[count].name = name;
				parameters[count].value = equals
					? recode(equals + 1, len - name_len - 1)
					: sl_strdup("");
				count++;
			}
		}
		at += len;
		at += *at == '&';
	}
	qsort(parameters, count, sizeof *parameters, compare_parameters);
	for (size_t i = 0; i < count; i++) {
		sl_buf_printf(
			ret, "%s%s=%s", i ? "&" : "", parameters[i].name, parameters[i].value);
		free(parameters[i].name);
		free(parameters[i].value);
	}
	free(parameters);
}

/* Trimmed, inner runs of spaces collapsed to one. */
static void add_header_value(const char *value, struct sl_buf *ret)
{
	value += strspn(value, " \t");
	while (*value) {
		size_t len = strcspn(value, " \t");
		sl_buf_add(ret, value, len);
		value += len;
		value += strspn(value, " \t");
		if (*value) {
			sl_buf_putc(ret, ' ');
		}
	}
}

/* In the order of the client's own list, which it must have sorted to get the same signature. */
static void canonical_headers(
	const struct lc_request *request, const char *signed_headers, struct sl_buf *ret)
{
	for (const char *at = signed_headers; *at;) {
		size_t len = strcspn(at, ";");
		bool first = true;
		sl_buf_add(ret, at, len);
		sl_buf_putc(ret, ':');
		for (size_t i = 0; i < request->header_count; i++) {
			const struct lc_header *header = &request->headers[i];
			if (strlen(header->name) == len && strncmp(header->name, at, len) == 0) {
				if (!first) {
					sl_buf_putc(ret, ',');
				}
				first = false;
				add_header_value(header->value, ret);
			}
		}
		sl_buf_putc(ret, '\n');
		at += len;
		at += *at == ';';
	}
}

void lc_canonical_request(const struct lc_request *request,
	const struct lc_canonical_options *options, struct sl_buf *ret)
{
	sl_buf_printf(ret, "%s\n", request->method);
	if (options->s3) {
		canonical_s3_path(request->raw_path, ret);
	} else {
		canonical_path(request->raw_path, ret);
	}
	sl_buf_putc(ret, '\n');
	canonical_query(request->raw_query, options->presigned, ret);
	sl_buf_putc(ret, '\n');
	canonical_headers(request, options->signed_headers, ret);
	sl_buf_printf(ret, "\n%s\n%s", options->signed_headers, options->payload_hash);
}
