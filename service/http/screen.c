/* SPDX-License-Identifier: Apache-2.0 */
/* What a request must look like before it is routed: sl_screen_headers(), sl_screen_target().
 * libmicrohttpd is lenient here, and what two parsers read differently can be used to smuggle a
 * second request past a proxy. Runs in the daemon's threads. */

#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "mem.h"
#include "text.h"

struct tally {
	size_t fields;
	size_t hosts;
	size_t lengths;
	size_t encodings;
	size_t authorizations;
	const char *length;
	const char *encoding;
	bool expects_continue;
	const char *line;    /* where the next line must begin */
	const char *problem; /* the first one */
};

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool alphanumeric =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!alphanumeric && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
			return false;
		}
	}
	return len > 0;
}

static bool is_field_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < ' ' && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

/*
 * libmicrohttpd 0.9.75 appends a folded line (one that starts with a blank) to the *name* of the
 * field above it: "A:\r\n b" becomes the field "Ab". A name put together like this lies apart from
 * its value; an honest one is followed by its colon (now NUL), blanks, and the value.
 */
static bool is_one_line(const char *name, size_t name_len, const char *value)
{
	const char *at = name + name_len + 1;
	while (at < value && (*at == ' ' || *at == '\t')) {
		at++;
	}
	return at == value;
}

/*
 * libmicrohttpd 0.9.75 takes a line feed alone for the end of a line, and cuts what it hands out at
 * a NUL. Both leave the next line elsewhere in its buffer than behind this text and CR LF.
 */
#define CRLF 2

static enum MHD_Result tally_field(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	(void)kind;
	struct tally *tally = cls;
	tally->fields++;
	if (value == NULL || !is_token(name, name_len)) {
		tally->problem = "a header field has an invalid name";
	} else if (!is_field_value(value, value_len)) {
		tally->problem = "a header field has control characters";
	} else if (!is_one_line(name, name_len, value)) {
		tally->problem = "a header field is folded over several lines";
	} else if (name != tally->line) {
		tally->problem = "a line has a NUL, or does not end in CR and LF";
	} else if (tally->fields > SL_HTTP_MAX_HEADERS) {
		tally->problem = "there are too many header fields";
	} else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		tally->hosts++;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		tally->lengths++;
		tally->length = value;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		tally->encodings++;
		tally->encoding = value;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0) {
		tally->authorizations++;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_EXPECT) == 0) {
		tally->expects_continue = strcasecmp(value, "100-continue") == 0;
	}
	tally->line = value != NULL ? value + value_len + CRLF : NULL;
	return tally->problem == NULL ? MHD_YES : MHD_NO;
}

static const char *framing_problem(
	const struct tally *tally, bool http_1_0, struct sl_framing *framing)
{
	if (tally->hosts > 1 || (tally->hosts == 0 && !http_1_0)) {
		return "there must be exactly one Host header field";
	}
	if (tally->authorizations > 1) {
		return "there is more than one Authorization";
	}
	if (tally->lengths > 1) {
		return "there is more than one Content-Length";
	}
	if (tally->encodings > 0) {
		if (tally->lengths > 0) {
			return "there are both Transfer-Encoding and Content-Length";
		}
		if (tally->encodings > 1 || http_1_0 ||
			strcasecmp(tally->encoding, "chunked") != 0) {
			return "the only Transfer-Encoding there may be is chunked";
		}
		framing->chunked = true;
	}
	int64_t length = 0;
	if (tally->lengths == 1 && !sl_text_parse_i64(tally->length, 0, INT64_MAX, &length)) {
		return "the Content-Length is not a number";
	}
	framing->content_length = (uint64_t)length;
	framing->expects_continue = tally->expects_continue && !http_1_0;
	return NULL;
}

/* Method, target and version with one blank between them, and no NUL in any. */
static bool is_request_line(
	const struct sl_exchange *exchange, const char *line, const char *version)
{
	return line + strlen(line) + 1 == exchange->sent_target &&
		exchange->sent_target + exchange->target_len + 1 == version;
}

enum sl_err sl_screen_headers(const struct sl_exchange *exchange, const char *line,
	const char *version, struct sl_framing *ret, struct sl_error *reterr)
{
	struct tally tally = {.line = version + strlen(version) + CRLF};
	if (is_request_line(exchange, line, version)) {
		MHD_get_connection_values_n(
			exchange->connection, MHD_HEADER_KIND, tally_field, &tally);
	} else {
		tally.problem = "the request line has a NUL, or more than one blank";
	}
	/* The line behind the last field must be the empty one, CR and LF, which are NULs by now; a
	 * line that begins with a colon ends the header for the library too. */
	if (tally.problem == NULL && tally.fields > 0 &&
		(tally.line[-1] != '\0' || tally.line[0] != '\0' || tally.line[1] != '\0')) {
		tally.problem = "the header does not end in an empty line";
	}
	const char *problem = tally.problem;
	struct sl_framing framing = {0};
	if (problem == NULL) {
		problem = framing_problem(&tally, strcmp(version, "HTTP/1.0") == 0, &framing);
	}
	/* Told even when refused: whether a body follows decides when to answer. */
	*ret = framing;
	return problem == NULL ? SL_ERR_OK
			       : sl_error_set(reterr, SL_ERR_BAD_REQUEST, "%s", problem);
}

/* "http://host/path" to "/path"; NULL when it is not of that form. */
static const char *skip_authority(const char *target)
{
	bool http =
		strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0;
	const char *authority = http ? strstr(target, "://") + 3 : "/";
	return *authority != '/' ? strchr(authority, '/') : NULL;
}

/* What no URI has unescaped. Bytes above 0x7f are left for the decoded path's UTF-8 check. */
static bool is_clean(const char *text)
{
	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (c <= ' ' || c == 0x7f || c == '#') {
			return false;
		}
	}
	return true;
}

enum sl_err sl_screen_target(struct sl_exchange *exchange, struct sl_error *reterr)
{
	if (exchange->target_len > SL_HTTP_MAX_TARGET) {
		return sl_error_set(reterr, SL_ERR_URI_TOO_LONG,
			"the request target may have %d bytes", SL_HTTP_MAX_TARGET);
	}
	const char *method = exchange->method;
	const char *target = exchange->target;
	if (!is_token(method, strlen(method))) {
		return sl_error_set(reterr, SL_ERR_BAD_REQUEST, "the method is not a token");
	}
	if (strcmp(target, "*") == 0 && strcmp(method, "OPTIONS") == 0) {
		return SL_ERR_OK;
	}
	const char *path = target[0] == '/' ? target : skip_authority(target);
	if (path == NULL || !is_clean(path) || !is_clean(exchange->query_text)) {
		return sl_error_set(
			reterr, SL_ERR_BAD_REQUEST, "the request target is not an absolute path");
	}
	exchange->request.target = path;
	return SL_ERR_OK;
}
