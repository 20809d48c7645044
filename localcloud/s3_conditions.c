/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP's conditional requests, ranges and dates as S3 understands them.
 * Entry points: s3_check_conditions, s3_parse_range, s3_http_date. Pure, any thread.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "s3_internal.h"
#include "text.h"

void s3_http_date(int64_t time_ms, char ret[static S3_HTTP_DATE_SIZE])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	(void)strftime(ret, S3_HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static bool parse_http_date(const char *text, int64_t *ret_s)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end) {
		return false;
	}
	*ret_s = (int64_t)timegm(&tm);
	return true;
}

/* Whether "*" or a comma-separated list of (quoted, weak) tags has the tag. */
static bool lists_etag(const char *list, const char *etag)
{
	size_t etag_len = strlen(etag);

	while (*list) {
		list += strspn(list, " \t,");
		if (*list == '*') {
			return true;
		}
		if (strncmp(list, "W/", 2) == 0) {
			list += 2;
		}
		list += *list == '"';
		size_t len = strcspn(list, "\", \t");
		if (len == etag_len && strncmp(list, etag, len) == 0) {
			return true;
		}
		list += len;
		list += *list == '"';
	}
	return false;
}

static const char *condition(const struct lc_request *request, const char *prefix, const char *name)
{
	SL_AUTO(sl_freep)
	char *full = sl_asprintf("%s%s", prefix, name);
	return lc_request_header(request, full);
}

enum s3_condition s3_check_conditions(
	const struct lc_request *request, const char *prefix, const struct s3_object *object)
{
	const char *match = condition(request, prefix, "if-match");
	const char *none_match = condition(request, prefix, "if-none-match");
	const char *unmodified = condition(request, prefix, "if-unmodified-since");
	const char *modified = condition(request, prefix, "if-modified-since");
	int64_t changed_s = object->modified_ms / 1000;
	int64_t since_s;

	if (match && !lists_etag(match, object->etag)) {
		return S3_FAILED;
	}
	if (!match && unmodified && parse_http_date(unmodified, &since_s) && changed_s > since_s) {
		return S3_FAILED;
	}
	if (none_match && lists_etag(none_match, object->etag)) {
		return S3_NOT_MODIFIED;
	}
	if (!none_match && modified && parse_http_date(modified, &since_s) &&
		changed_s <= since_s) {
		return S3_NOT_MODIFIED;
	}
	return S3_PASS;
}

/* Digits up to `stop`, or up to the end for NUL; false for none or too many. */
static bool digits(const char *text, size_t len, int64_t *ret)
{
	SL_AUTO(sl_freep)
	char *copy = sl_strndup(text, len);
	return len > 0 && strspn(copy, "0123456789") == len &&
		sl_text_parse_i64(copy, 0, INT64_MAX, ret);
}

enum s3_range s3_parse_range(const char *text, int64_t size, int64_t *ret_from, int64_t *ret_len)
{
	int64_t first = 0;
	int64_t last = size - 1;

	if (!text || !sl_text_starts_with(text, "bytes=")) {
		return S3_RANGE_ALL;
	}
	text += strlen("bytes=");
	const char *dash = strchr(text, '-');
	if (!dash) {
		return S3_RANGE_ALL;
	}
	size_t first_len = (size_t)(dash - text);
	size_t last_len = strlen(dash + 1);
	if (first_len == 0) { /* the last n bytes */
		int64_t suffix;
		if (!digits(dash + 1, last_len, &suffix)) {
			return S3_RANGE_ALL;
		}
		if (suffix == 0 || size == 0) {
			return S3_RANGE_BAD;
		}
		first = suffix < size ? size - suffix : 0;
	} else {
		int64_t asked = last;
		if (!digits(text, first_len, &first) ||
			(last_len > 0 && (!digits(dash + 1, last_len, &asked) || asked < first))) {
			return S3_RANGE_ALL;
		}
		last = asked < last ? asked : last;
		if (first >= size) {
			return S3_RANGE_BAD;
		}
	}
	*ret_from = first;
	*ret_len = last - first + 1;
	return S3_RANGE_PART;
}
