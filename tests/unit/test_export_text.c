/* SPDX-License-Identifier: Apache-2.0 */
/* Cues, cells, file names and timecodes as they are written. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "export_text.h"
#include "framecode.h"

static void a_cue_of_webvtt_is_escaped(void **state)
{
	(void)state;
	const struct sl_cue cue = {3723004, 3724005, "K > \n <J> & Co", {"a --> b", "<i>&amp;"}, 2};
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_export_vtt_cue(&out, &cue, true);
	assert_string_equal(sl_buf_str(&out),
		"01:02:03.004 --> 01:02:04.005\n<v K &gt; &lt;J&gt; &amp; Co>a --&gt; b\n"
		"&lt;i&gt;&amp;amp;\n\n");
	sl_buf_clear(&out);
	sl_export_vtt_cue(&out, &cue, false);
	assert_null(strstr(sl_buf_str(&out), "<v"));
}

static void a_cue_of_subrip_has_no_arrow_but_its_own(void **state)
{
	(void)state;
	const struct sl_cue cue = {0, 1000, "K", {"a --> b-->c", ""}, 1};
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_export_srt_cue(&out, &cue, 7);
	assert_string_equal(sl_buf_str(&out), "7\n00:00:00,000 --> 00:00:01,000\na → b→c\n\n");
}

static void cells_are_quoted_and_no_formulas(void **state)
{
	(void)state;
	static const struct {
		const char *text, *cell, *raw;
	} rows[] = {
		{NULL, "", ""},
		{"", "", ""},
		{"a", "a", "a"},
		{"a,b", "\"a,b\"", "\"a,b\""},
		{"a\"b", "\"a\"\"b\"", "\"a\"\"b\""},
		{"a\nb", "\"a\nb\"", "\"a\nb\""},
		{" a", "\" a\"", "\" a\""},
		{"=1", "'=1", "=1"},
		{"+1", "'+1", "+1"},
		{"-1", "'-1", "-1"},
		{"@A", "'@A", "@A"},
		{"\t=1", "'\t=1", "\t=1"},
		{"\r=1", "\"'\r=1\"", "\"\r=1\""},
		{"=A,\"", "\"'=A,\"\"\"", "\"=A,\"\"\""},
		{"＝1", "'＝1", "＝1"},
		{"a=1", "a=1", "a=1"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		sl_export_csv_text(&out, rows[i].text, true, false);
		assert_string_equal(sl_buf_str(&out), rows[i].cell);
		sl_buf_clear(&out);
		sl_export_csv_text(&out, rows[i].text, false, true);
		assert_int_equal(sl_buf_str(&out)[0], ',');
		assert_string_equal(sl_buf_str(&out) + 1, rows[i].raw);
	}
}

static void file_names_are_safe(void **state)
{
	(void)state;
	static const struct {
		const char *title, *plain, *whole;
	} rows[] = {
		{"Launch day", "Launch day.vtt", "Launch%20day.vtt"},
		{NULL, "ID.vtt", "ID.vtt"},
		{"", "ID.vtt", "ID.vtt"},
		{"...", "ID.vtt", "ID.vtt"},
		{"../../etc/passwd", "_.._etc_passwd.vtt", "_.._etc_passwd.vtt"},
		{".hidden.", "hidden.vtt", "hidden.vtt"},
		{"a\r\nX: y", "a X_ y.vtt", "a%20X_%20y.vtt"},
		{"a\"b\\c", "a_b_c.vtt", "a_b_c.vtt"},
		{"100% ñ", "100_ _.vtt", "100%25%20%C3%B1.vtt"},
		{"映画", "ID.vtt", "%E6%98%A0%E7%94%BB.vtt"},
		{"x\u202Egpj", "x_gpj.vtt", "x_gpj.vtt"},
		{"CON", "_CON.vtt", "_CON.vtt"},
		{"com1.x", "_com1.x.vtt", "_com1.x.vtt"},
		{"console", "console.vtt", "console.vtt"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf out = SL_BUF_INIT;
		SL_AUTO(sl_buf_finish)
		struct sl_buf expected = SL_BUF_INIT;
		sl_export_disposition(&out, rows[i].title, "ID", ".vtt");
		sl_buf_printf(&expected, "attachment; filename=\"%s\"; filename*=UTF-8''%s",
			rows[i].plain, rows[i].whole);
		assert_string_equal(sl_buf_str(&out), sl_buf_str(&expected));
	}
}

static void a_long_title_is_cut_between_characters(void **state)
{
	(void)state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf title = SL_BUF_INIT;
	for (int i = 0; i < 100; i++) {
		sl_buf_puts(&title, "e\u0301");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_export_disposition(&out, sl_buf_str(&title), "ID", ".vtt");
	const char *name = strstr(sl_buf_str(&out), "UTF-8''");
	assert_non_null(name);
	assert_int_equal(strlen(name), strlen("UTF-8''") + 40 * strlen("e%CC%81") + 4);
}

static void a_line_of_an_edl_has_no_separators(void **state)
{
	(void)state;
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_export_edl_text(&out, "a|b\r\nc 線路", 7);
	assert_string_equal(sl_buf_str(&out), "a/b c ");
}

/* --- timecode ------------------------------------------------------------------------------ */

static const struct sl_frame_rate *rate_of(const char *name)
{
	for (size_t i = 0; i < SL_FRAME_RATES; i++) {
		assert_string_equal(sl_frame_rates[i].name, sl_frame_rate_names[i]);
		if (strcmp(sl_frame_rates[i].name, name) == 0) {
			return &sl_frame_rates[i];
		}
	}
	fail_msg("no rate %s", name);
	return NULL;
}

static void frames_are_written_as_editors_count_them(void **state)
{
	(void)state;
	static const struct {
		const char *rate;
		bool drop;
		int64_t frame;
		const char *code;
	} rows[] = {
		{"25", false, 0, "00:00:00:00"},
		{"25", false, 90000, "01:00:00:00"},
		{"25", false, 24 * 90000, "00:00:00:00"},
		{"23.976", false, 86399, "00:59:59:23"},
		{"29.97", true, 1799, "00:00:59;29"},
		{"29.97", true, 1800, "00:01:00;02"},
		{"29.97", true, 17981, "00:09:59;29"},
		{"29.97", true, 17982, "00:10:00;00"},
		{"29.97", true, 107892, "01:00:00;00"},
		{"29.97", false, 107892, "00:59:56:12"},
		{"59.94", true, 3599, "00:00:59;59"},
		{"59.94", true, 3600, "00:01:00;04"},
		{"59.94", true, 215784, "01:00:00;00"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		char code[SL_FRAMECODE_SIZE];
		sl_framecode_format(code, rate_of(rows[i].rate), rows[i].drop, rows[i].frame);
		assert_string_equal(code, rows[i].code);
	}
}

static void every_frame_of_a_day_is_read_as_it_was_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_FRAME_RATES; i++) {
		const struct sl_frame_rate *rate = &sl_frame_rates[i];
		bool drop = rate->can_drop;
		int64_t day = 24 * 3600 * rate->base;
		day -= drop ? rate->base / 15 * (24 * 60 - 24 * 6) : 0;
		for (int64_t frame = 0; frame < day; frame += frame < 40000 ? 1 : 97) {
			char code[SL_FRAMECODE_SIZE];
			int64_t again = -1;
			sl_framecode_format(code, rate, drop, frame);
			if (!sl_framecode_parse(code, rate, drop, &again) || again != frame) {
				fail_msg("frame %lld at %s is %s", (long long)frame, rate->name,
					code);
			}
		}
	}
}

static void what_is_no_timecode_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "1:00:00:00", "01:00:00", "24:00:00:00",
		"00:60:00:00", "00:00:60:00", "00:00:00:30", "00;00:00:00", "00:00:00.00",
		"-1:00:00:00", "00:00:00:0a", "00:00:00:000", "00:01:00;00", "00:01:00;01"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		int64_t frame = -1;
		assert_false(sl_framecode_parse(texts[i], rate_of("29.97"), true, &frame));
		assert_int_equal(frame, -1);
	}
}

static void the_next_rate_is_found(void **state)
{
	(void)state;
	static const struct {
		double per_second;
		const char *name;
	} rows[] = {{0, "25"}, {-1, "25"}, {25, "25"}, {23.98, "23.976"}, {29.97003, "29.97"},
		{24, "24"}, {12, "23.976"}, {120, "60"}, {59.94, "59.94"}, {60, "60"}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		assert_string_equal(
			sl_frame_rates[sl_frame_rate_near(rows[i].per_second)].name, rows[i].name);
	}
	assert_int_equal(sl_framecode_frame(rate_of("29.97"), 1001), 30);
	assert_int_equal(sl_framecode_frame(rate_of("25"), 500), 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cue_of_webvtt_is_escaped),
		cmocka_unit_test(a_cue_of_subrip_has_no_arrow_but_its_own),
		cmocka_unit_test(cells_are_quoted_and_no_formulas),
		cmocka_unit_test(file_names_are_safe),
		cmocka_unit_test(a_long_title_is_cut_between_characters),
		cmocka_unit_test(a_line_of_an_edl_has_no_separators),
		cmocka_unit_test(frames_are_written_as_editors_count_them),
		cmocka_unit_test(every_frame_of_a_day_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_timecode_is_refused),
		cmocka_unit_test(the_next_rate_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
