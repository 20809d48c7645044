/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes aws-chunked bodies as they arrive. Entry points: lc_chunked_init, lc_chunked_feed,
 * lc_chunked_done. One per request.
 */
#include "chunked.h"

#include <ctype.h>
#include <string.h>

#define MAX_CHUNK_DIGITS 10 /* 2^40 bytes: far above S3's 5 GiB */
#define MAX_TRAILERS     16

void lc_chunked_init(struct lc_chunked *chunked, const struct lc_chunked_sink *sink)
{
	*chunked = (struct lc_chunked){.state = LC_CHUNKED_SIZE_LINE, .sink = *sink};
}

static bool broken(struct lc_chunked *chunked)
{
	chunked->state = LC_CHUNKED_BROKEN;
	return false;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool size_line(struct lc_chunked *chunked)
{
	static const char extension[] = ";chunk-signature=";
	const char *at = chunked->line;

	chunked->remaining = 0;
	while (hex_value(*at) >= 0) {
		chunked->remaining = chunked->remaining * 16 + (uint64_t)hex_value(*at);
		at++;
		if (at - chunked->line > MAX_CHUNK_DIGITS) {
			return broken(chunked);
		}
	}
	if (at == chunked->line) {
		return broken(chunked);
	}
	chunked->signature[0] = '\0';
	if (*at) {
		size_t prefix = strlen(extension);
		if (strncmp(at, extension, prefix) != 0 ||
			strlen(at + prefix) != sizeof chunked->signature - 1) {
			return broken(chunked);
		}
		memcpy(chunked->signature, at + prefix, sizeof chunked->signature);
	}
	if (chunked->remaining > 0) {
		chunked->state = LC_CHUNKED_DATA;
	} else {
		chunked->state = LC_CHUNKED_TRAILER;
		chunked->sink.chunk_end(chunked->sink.context, chunked->signature);
	}
	return true;
}

static bool trailer_line(struct lc_chunked *chunked)
{
	if (chunked->line_len == 0) {
		chunked->state = LC_CHUNKED_DONE;
		return true;
	}
	char *colon = strchr(chunked->line, ':');
	if (!colon || colon == chunked->line || ++chunked->trailers > MAX_TRAILERS) {
		return broken(chunked);
	}
	*colon = '\0';
	for (char *c = chunked->line; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	char *value = colon + 1;
	value += strspn(value, " \t");
	for (size_t len = strlen(value); len > 0 && strchr(" \t", value[len - 1]); len--) {
		value[len - 1] = '\0';
	}
	chunked->sink.trailer(chunked->sink.context, chunked->line, value);
	return true;
}

static bool data_end_line(struct lc_chunked *chunked)
{
	if (chunked->line_len != 0) {
		return broken(chunked);
	}
	chunked->state = LC_CHUNKED_SIZE_LINE;
	chunked->sink.chunk_end(chunked->sink.context, chunked->signature);
	return true;
}

/* Takes one byte of a line; the line is judged when its CRLF is complete. */
static bool line_byte(struct lc_chunked *chunked, char byte)
{
	if (byte != '\n') {
		if (byte == '\0' || chunked->line_len == sizeof chunked->line - 1) {
			return broken(chunked);
		}
		chunked->line[chunked->line_len++] = byte;
		return true;
	}
	if (chunked->line_len == 0 || chunked->line[chunked->line_len - 1] != '\r') {
		return broken(chunked);
	}
	chunked->line[--chunked->line_len] = '\0';

	bool ok = chunked->state == LC_CHUNKED_SIZE_LINE ? size_line(chunked)
		: chunked->state == LC_CHUNKED_DATA_END  ? data_end_line(chunked)
							 : trailer_line(chunked);
	chunked->line_len = 0;
	return ok;
}

bool lc_chunked_feed(struct lc_chunked *chunked, const char *bytes, size_t len)
{
	while (len > 0) {
		switch (chunked->state) {
		case LC_CHUNKED_DATA: {
			size_t take = len < chunked->remaining ? len : (size_t)chunked->remaining;
			chunked->sink.data(chunked->sink.context, bytes, take);
			bytes += take;
			len -= take;
			chunked->remaining -= take;
			if (chunked->remaining == 0) {
				chunked->state = LC_CHUNKED_DATA_END;
			}
			break;
		}
		case LC_CHUNKED_DONE:
		case LC_CHUNKED_BROKEN:
			return broken(chunked);
		default:
			if (!line_byte(chunked, *bytes)) {
				return false;
			}
			bytes++;
			len--;
		}
	}
	return true;
}

bool lc_chunked_done(const struct lc_chunked *chunked)
{
	return chunked->state == LC_CHUNKED_DONE;
}
