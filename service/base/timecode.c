/* SPDX-License-Identifier: Apache-2.0 */
/* Times in a video as text: sl_timecode_parse(), sl_timecode_format(). Pure, any thread. */

#include "timecode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The largest time in milliseconds has twelve; no sum of fields below can overflow. */
#define MAX_DIGITS 12

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One to `max` digits. */
static bool read_digits(const char **cursor, int max, int *ret_count, int64_t *ret)
{
	int64_t value = 0;
	int count = 0;
	for (; is_digit(**cursor); (*cursor)++, count++) {
		if (count == max) {
			return false;
		}
		value = value * 10 + (**cursor - '0');
	}
	*ret_count = count;
	*ret = value;
	return count > 0;
}

/* ".5", or nothing: 0. */
static bool read_fraction(const char **cursor, int64_t *ret_ms)
{
	if (**cursor != '.') {
		*ret_ms = 0;
		return true;
	}
	(*cursor)++;
	int count;
	int64_t value;
	if (!read_digits(cursor, 9, &count, &value)) {
		return false;
	}
	for (; count < 9; count++) {
		value *= 10;
	}
	*ret_ms = (value + 500000) / 1000000;
	return true;
}

/* ":SS": two digits below 60. */
static bool read_sixtieth(const char **cursor, int64_t *ret)
{
	(*cursor)++;
	int count;
	return read_digits(cursor, 2, &count, ret) && count == 2 && *ret < 60;
}

bool sl_timecode_parse(const char *text, int64_t *ret_ms)
{
	const char *cursor = text;
	int count;
	int64_t value;
	int64_t fraction_ms = 0;
	if (!read_digits(&cursor, MAX_DIGITS, &count, &value)) {
		return false;
	}
	if (strcmp(cursor, "ms") != 0) {
		for (int fields = 1; *cursor == ':' && fields < 3; fields++) {
			int64_t field;
			if (!read_sixtieth(&cursor, &field)) {
				return false;
			}
			value = value * 60 + field;
		}
		if (!read_fraction(&cursor, &fraction_ms) || *cursor != '\0') {
			return false;
		}
		value = value * 1000 + fraction_ms;
	}
	if (value > SL_TIMECODE_MAX_MS) {
		return false;
	}
	*ret_ms = value;
	return true;
}

void sl_timecode_format(char ret[static SL_TIMECODE_SIZE], int64_t ms)
{
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	unsigned milli = (unsigned)(left % 1000);
	left /= 1000;
	unsigned second = (unsigned)(left % 60);
	left /= 60;
	unsigned minute = (unsigned)(left % 60);
	(void)snprintf(ret, SL_TIMECODE_SIZE, "%s%02" PRIu64 ":%02u:%02u.%03u", ms < 0 ? "-" : "",
		left / 60, minute, second, milli);
}
