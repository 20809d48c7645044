/* SPDX-License-Identifier: Apache-2.0 */
/* Captions: how words are joined, divided and timed; what is one character, and how wide. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "captions.h"
#include "graphemes.h"
#include "mem.h"
#include "transcript_words.h"

#define FAMILY "👨‍👩‍👧‍👦" /* one character */

static const struct sl_caption_options usual = {42, 2, 20, 1000, 7000, 80, SL_CAPTION_NONE};

/* Writes "from-to line|line\n". */
static enum sl_err add_cue(void *context, const struct sl_cue *cue, struct sl_error *reterr)
{
	(void)reterr;
	struct sl_buf *out = context;
	sl_buf_printf(
		out, "%lld-%lld %s", (long long)cue->from_ms, (long long)cue->to_ms, cue->lines[0]);
	if (cue->line_count > 1) {
		sl_buf_printf(out, "|%s", cue->lines[1]);
	}
	sl_buf_putc(out, '\n');
	return SL_ERR_OK;
}

static void expect(const struct sl_caption_word *words, size_t count,
	const struct sl_caption_options *options, const char *cues)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	assert_int_equal(sl_captions_make(words, count, options, add_cue, &out, NULL), SL_ERR_OK);
	assert_string_equal(sl_buf_str(&out), cues);
}

static void no_words_are_no_cues(void **state)
{
	(void)state;
	expect(NULL, 0, &usual, "");
	static const struct sl_caption_word blank[] = {{" \n\t", NULL, 0, 10}, {"", NULL, 20, 30}};
	expect(blank, SL_ARRAY_SIZE(blank), &usual, "");
}

static void a_cue_stays_long_enough_and_ends_before_the_next(void **state)
{
	(void)state;
	static const struct sl_caption_word words[] = {
		{"Yes.", "a", 0, 200}, {"No.", "b", 300, 400}, {"Why?", "a", 5000, 5100}};
	expect(words, SL_ARRAY_SIZE(words), &usual, "0-1000 Yes.\n1080-2080 No.\n5000-6000 Why?\n");
	struct sl_caption_options quick = usual;
	quick.min_ms = 0;
	expect(words, SL_ARRAY_SIZE(words), &quick, "0-200 Yes.\n300-450 No.\n5000-5200 Why?\n");
}

static void cues_end_with_sentences_and_lines_with_clauses(void **state)
{
	(void)state;
	static const struct sl_caption_word words[] = {
		{"When", NULL, 0, 400},
		{"the", NULL, 400, 800},
		{"evening", NULL, 800, 1200},
		{"comes,", NULL, 1200, 1600},
		{"the", NULL, 1600, 2000},
		{"cameras", NULL, 2000, 2400},
		{"begin", NULL, 2400, 2800},
		{"to", NULL, 2800, 3200},
		{"turn.", NULL, 3200, 3600},
		{"Nobody", NULL, 3650, 4200},
		{"speaks", NULL, 4200, 4600},
		{"any", NULL, 4600, 5000},
		{"more.", NULL, 5000, 5400},
	};
	expect(words, SL_ARRAY_SIZE(words), &usual,
		"0-3570 When the evening comes,|the cameras begin to turn.\n"
		"3650-5400 Nobody speaks any more.\n");
}

static void words_of_unspaced_scripts_are_joined(void **state)
{
	(void)state;
	static const struct sl_caption_word words[] = {
		{"今日", NULL, 0, 400},
		{"は", NULL, 400, 500},
		{"良い", NULL, 500, 900},
		{"天気", NULL, 900, 1300},
		{"OK", NULL, 1300, 1500},
		{"안녕", NULL, 1500, 1700},
		{"친구", NULL, 1700, 1900},
	};
	expect(words, SL_ARRAY_SIZE(words), &usual, "0-1900 今日は良い天気 OK 안녕 친구\n");
}

static void a_word_that_fits_nowhere_is_cut_between_characters(void **state)
{
	(void)state;
	struct sl_caption_options narrow = usual;
	narrow.columns = 10;
	static const struct sl_caption_word family[] = {
		{FAMILY FAMILY FAMILY FAMILY FAMILY FAMILY, NULL, 0, 1200}};
	expect(family, 1, &narrow, "0-1200 " FAMILY FAMILY FAMILY FAMILY FAMILY "|" FAMILY "\n");
	static const struct sl_caption_word broken[] = {{"a\xff\xc3", NULL, 0, 1200}};
	expect(broken, 1, &narrow, "0-1200 a\xff\xc3\n");
}

static void speakers_are_told_when_there_are_several(void **state)
{
	(void)state;
	static const struct sl_caption_word words[] = {
		{"Go?", "spk_0", 0, 1000},
		{"شكرا", "spk_1", 2000, 3000},
		{"Go.", "A name that is wider than half of a line is", 4000, 5000},
	};
	struct sl_caption_options options = usual;
	options.speakers = SL_CAPTION_NAMES;
	expect(words, SL_ARRAY_SIZE(words), &options,
		"0-1000 spk_0: Go?\n2000-3000 \u2068spk_1\u2069: شكرا\n"
		"4000-5200 A name that is wid…: Go.\n");
	options.speakers = SL_CAPTION_DASHES;
	expect(words, 2, &options, "0-1000 - Go?\n2000-3000 - شكرا\n");
	expect(words, 1, &options, "0-1000 Go?\n");
}

static void times_that_go_backwards_are_put_right(void **state)
{
	(void)state;
	static const struct sl_caption_word words[] = {
		{"One.", "a", 5000, 4000}, {"Two.", "b", 3000, 3100}, {"Three.", "a", 0, 0}};
	expect(words, SL_ARRAY_SIZE(words), &usual,
		"5000-6000 One.\n6080-7080 Two.\n7160-8160 Three.\n");
}

static enum sl_err refuse(void *context, const struct sl_cue *cue, struct sl_error *reterr)
{
	(void)cue;
	(*(int *)context)++;
	return sl_error_set(reterr, SL_ERR_IO, "full");
}

static void an_error_ends_it(void **state)
{
	(void)state;
	static const struct sl_caption_word words[] = {{"One.", "a", 0, 1}, {"Two.", "b", 2, 3}};
	int calls = 0;
	assert_int_equal(sl_captions_make(words, 2, &usual, refuse, &calls, NULL), SL_ERR_IO);
	assert_int_equal(calls, 1);
}

/* --- characters ---------------------------------------------------------------------------- */

static void what_a_reader_sees_as_one_is_one(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned columns;
	} rows[] = {
		{"a", 1},
		{"é", 1},
		{"e\u0301", 1},
		{"한", 2},
		{"\u1112\u1161\u11AB", 2}, /* 한 of conjoining jamo */
		{"線", 2},
		{"ﾊ", 1},
		{"👍🏽", 2},
		{"🇨🇭", 2},
		{"👨‍👩‍👧‍👦", 2},
		{"🏳️‍🌈", 2},
		{"❤️", 2},
		{"ก็", 1},
		{"\r\n", 0},
		{"\u200b", 0},
		{"\xff", 1},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		struct sl_grapheme grapheme = sl_grapheme_at(rows[i].text, len);
		if (grapheme.len != len || grapheme.columns != rows[i].columns) {
			fail_msg("\"%s\" has %zu bytes, %u columns", rows[i].text, grapheme.len,
				grapheme.columns);
		}
	}
	assert_int_equal(sl_grapheme_columns("🇨🇭🇫🇷x", strlen("🇨🇭🇫🇷x")), 5);
	assert_int_equal(sl_grapheme_at("ab", 2).len, 1);
	assert_int_equal(sl_grapheme_at("\n\u0301", 3).len, 1);
}

static void direction_is_that_of_the_first_letter(void **state)
{
	(void)state;
	assert_true(sl_grapheme_begins_rtl("12 (مرحبا) abc"));
	assert_true(sl_grapheme_begins_rtl("…שלום"));
	assert_false(sl_grapheme_begins_rtl("abc مرحبا"));
	assert_false(sl_grapheme_begins_rtl("今日"));
	assert_false(sl_grapheme_begins_rtl("123"));
	assert_false(sl_grapheme_begins_rtl(""));
}

/* --- words out of segments ----------------------------------------------------------------- */

static void expect_words(const struct sl_spoken *segments, size_t segment_count,
	const struct sl_spoken *words, size_t word_count, const char *expected)
{
	struct sl_transcript_words made;
	sl_transcript_words_make(segments, segment_count, words, word_count, &made);
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	for (size_t i = 0; i < made.count; i++) {
		sl_buf_printf(&out, "%s/%s/%lld-%lld ", made.items[i].text,
			made.items[i].speaker != NULL ? made.items[i].speaker : "",
			(long long)made.items[i].from_ms, (long long)made.items[i].to_ms);
	}
	assert_string_equal(sl_buf_str(&out), expected);
	sl_transcript_words_finish(&made);
}

static void words_get_their_punctuation_and_speaker(void **state)
{
	(void)state;
	static const struct sl_spoken segments[] = {
		{"Go, now.", "a", 0, 500}, {"I  can't!", "b", 600, 900}, {"Ok", NULL, 950, 960}};
	static const struct sl_spoken words[] = {{"Go", NULL, 0, 200}, {"now", NULL, 300, 500},
		{"I", NULL, 600, 650}, {"", NULL, 655, 656}, {"can't", NULL, 700, 900},
		{"Ok", NULL, 950, 960}};
	expect_words(segments, 3, words, SL_ARRAY_SIZE(words),
		"Go,/a/0-200 now./a/300-500 I/b/600-650 can't!/b/700-900 Ok//950-960 ");
}

static void a_segment_without_its_words_shares_its_time(void **state)
{
	(void)state;
	static const struct sl_spoken segments[] = {
		{"aaaa bbbbb", "a", 0, 1000}, {"now", "b", 1000, 1200}};
	static const struct sl_spoken words[] = {
		{"other", NULL, 0, 200}, {"words", NULL, 300, 500}, {"now", NULL, 1000, 1100}};
	expect_words(segments, 2, words, SL_ARRAY_SIZE(words),
		"aaaa/a/0-400 bbbbb/a/500-1000 now/b/1000-1100 ");
	expect_words(segments, 2, NULL, 0, "aaaa/a/0-400 bbbbb/a/500-1000 now/b/1000-1200 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_words_are_no_cues),
		cmocka_unit_test(a_cue_stays_long_enough_and_ends_before_the_next),
		cmocka_unit_test(cues_end_with_sentences_and_lines_with_clauses),
		cmocka_unit_test(words_of_unspaced_scripts_are_joined),
		cmocka_unit_test(a_word_that_fits_nowhere_is_cut_between_characters),
		cmocka_unit_test(speakers_are_told_when_there_are_several),
		cmocka_unit_test(times_that_go_backwards_are_put_right),
		cmocka_unit_test(an_error_ends_it),
		cmocka_unit_test(what_a_reader_sees_as_one_is_one),
		cmocka_unit_test(direction_is_that_of_the_first_letter),
		cmocka_unit_test(words_get_their_punctuation_and_speaker),
		cmocka_unit_test(a_segment_without_its_words_shares_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
