/* SPDX-License-Identifier: Apache-2.0 */
/* Times in a video: what is read, what is refused, and how they are written. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "timecode.h"

static void every_way_to_write_a_time_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"0", 0},
		{"12", 12000},
		{"012", 12000},
		{"12.5", 12500},
		{"12.500", 12500},
		{"0.001", 1},
		{"0.0004", 0},
		{"0.0005", 1},
		{"59.9996", 60000},
		{"0.123456789", 123},
		{"12500ms", 12500},
		{"0ms", 0},
		{"1:02", 62000},
		{"01:02", 62000},
		{"90:00", 5400000},
		{"00:00:00", 0},
		{"01:02:03", 3723000},
		{"01:02:03.4", 3723400},
		{"01:02:03.456", 3723456},
		{"100:00:00.001", 360000001},
		{"02:03.456", 123456},
		{"87600:00:00", SL_TIMECODE_MAX_MS},
		{"315360000", SL_TIMECODE_MAX_MS},
		{"315360000000ms", SL_TIMECODE_MAX_MS},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		int64_t ms = -1;
		if (!sl_timecode_parse(rows[i].text, &ms) || ms != rows[i].ms) {
			fail_msg("\"%s\" is %lld", rows[i].text, (long long)ms);
		}
	}
}

static void what_is_no_time_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", " ", "-1", "+1", "-0", "1 ", " 1", "1s", "1m", "1h",
		"12,5", ".5", "5.", "1e3", "1E3", "nan", "NaN", "inf", "Infinity", "0x10", "1_000",
		"ms", "-5ms", "1.5ms", "5 ms", "5MS", "5mss", ":", "1:", ":1", "1:2", "1:60",
		"1:002", "1:-1", "00:60:00", "00:00:60", "0:0:0", "00:00:00:00", "00:00:00.",
		"00:00:00,5", "00:00:00;01", "0.1234567890", "87600:00:00.001", "315360001",
		"315360000.001", "315360000001ms", "9223372036854775808",
		"99999999999999999999999999", "999999999999", "\xd9\xa1", "1\n"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		int64_t ms = -77;
		if (sl_timecode_parse(texts[i], &ms) || ms != -77) {
			fail_msg("\"%s\" is read as %lld", texts[i], (long long)ms);
		}
	}
}

static void a_time_has_one_written_form(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "00:00:00.000"},
		{1, "00:00:00.001"},
		{59999, "00:00:59.999"},
		{60000, "00:01:00.000"},
		{3723456, "01:02:03.456"},
		{360000001, "100:00:00.001"},
		{-1, "-00:00:00.001"},
		{INT64_MAX, "2562047788015:12:55.807"},
		{INT64_MIN, "-2562047788015:12:55.808"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		char text[SL_TIMECODE_SIZE];
		sl_timecode_format(text, rows[i].ms);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_a_time_is_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_time_has_one_written_form),
	};
	return cmocka_run_group_tests_name("timecode", tests, NULL, NULL);
}
