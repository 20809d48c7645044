/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and the two time formats of our wires. Any thread. */

#include "clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sl_clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t sl_clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t sl_clock_monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void sl_clock_sleep(int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0 && errno == EINTR) {
	}
}

/* What four digits of a year can tell: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z. */
#define FIRST_MS (-62167219200000)
#define LAST_MS  253402300799999

/* Splits into calendar fields and the millisecond, which is never negative. */
static void split(int64_t time_ms, struct tm *ret_tm, int *ret_ms)
{
	time_ms = time_ms < FIRST_MS ? FIRST_MS : time_ms;
	time_ms = time_ms > LAST_MS ? LAST_MS : time_ms;
	int64_t ms = time_ms % 1000;
	if (ms < 0) {
		ms += 1000;
	}
	time_t seconds = (time_t)((time_ms - ms) / 1000);
	gmtime_r(&seconds, ret_tm);
	*ret_ms = (int)ms;
}

void sl_clock_rfc3339(int64_t time_ms, char ret[static SL_CLOCK_RFC3339_SIZE])
{
	struct tm tm;
	int ms;
	split(time_ms, &tm, &ms);
	char text[96];
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
	memcpy(ret, text, SL_CLOCK_RFC3339_SIZE - 1);
	ret[SL_CLOCK_RFC3339_SIZE - 1] = '\0';
}

void sl_clock_amz(int64_t time_ms, char ret[static SL_CLOCK_AMZ_SIZE])
{
	struct tm tm;
	int ms;
	split(time_ms, &tm, &ms);
	char text[96];
	snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(ret, text, SL_CLOCK_AMZ_SIZE - 1);
	ret[SL_CLOCK_AMZ_SIZE - 1] = '\0';
}

/* Exactly `count` digits; false when one is not. */
static bool digits(const char **cursor, int count, int *ret)
{
	int value = 0;
	for (int i = 0; i < count; i++) {
		char c = (*cursor)[i];
		if (c < '0' || c > '9') {
			return false;
		}
		value = value * 10 + (c - '0');
	}
	*cursor += count;
	*ret = value;
	return true;
}

static bool literal(const char **cursor, const char *text)
{
	size_t len = strlen(text);
	if (strncmp(*cursor, text, len) != 0) {
		return false;
	}
	*cursor += len;
	return true;
}

static bool date_time(const char **cursor, const char *dash, const char *colon, struct tm *tm)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year;
	if (!digits(cursor, 4, &year) || !literal(cursor, dash) ||
		!digits(cursor, 2, &tm->tm_mon) || !literal(cursor, dash) ||
		!digits(cursor, 2, &tm->tm_mday) || !literal(cursor, "T") ||
		!digits(cursor, 2, &tm->tm_hour) || !literal(cursor, colon) ||
		!digits(cursor, 2, &tm->tm_min) || !literal(cursor, colon) ||
		!digits(cursor, 2, &tm->tm_sec)) {
		return false;
	}
	if (tm->tm_mon < 1 || tm->tm_mon > 12) {
		return false;
	}
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int last = days[tm->tm_mon - 1] + (tm->tm_mon == 2 && leap ? 1 : 0);
	tm->tm_year = year - 1900;
	tm->tm_mon -= 1;
	return tm->tm_mday >= 1 && tm->tm_mday <= last && tm->tm_hour <= 23 && tm->tm_min <= 59 &&
		tm->tm_sec <= 60;
}

/* "Z" or "+hh:mm", in minutes. */
static bool offset_minutes(const char **cursor, int *ret)
{
	if (literal(cursor, "Z") || literal(cursor, "z")) {
		*ret = 0;
		return true;
	}
	int sign = **cursor == '-' ? -1 : 1;
	if (!literal(cursor, "+") && !literal(cursor, "-")) {
		return false;
	}
	int hours;
	int minutes;
	if (!digits(cursor, 2, &hours) || !literal(cursor, ":") || !digits(cursor, 2, &minutes) ||
		hours > 23 || minutes > 59) {
		return false;
	}
	*ret = sign * (hours * 60 + minutes);
	return true;
}

bool sl_clock_parse_rfc3339(const char *text, int64_t *ret_time_ms)
{
	struct tm tm = {0};
	const char *cursor = text;
	if (!date_time(&cursor, "-", ":", &tm)) {
		return false;
	}
	int ms = 0;
	if (literal(&cursor, ".")) {
		int scale = 100;
		if (!isdigit((unsigned char)*cursor)) {
			return false;
		}
		for (; isdigit((unsigned char)*cursor); cursor++) {
			ms += (*cursor - '0') * scale;
			scale /= 10;
		}
	}
	int offset;
	if (!offset_minutes(&cursor, &offset) || *cursor != '\0') {
		return false;
	}
	*ret_time_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
	return true;
}

bool sl_clock_parse_amz(const char *text, int64_t *ret_time_ms)
{
	struct tm tm = {0};
	const char *cursor = text;
	if (!date_time(&cursor, "", "", &tm) || strcmp(cursor, "Z") != 0) {
		return false;
	}
	*ret_time_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}
