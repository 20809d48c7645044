/* SPDX-License-Identifier: Apache-2.0 */
/* Transcribe's JSON into words and segments. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json_spec.h"
#include "transcript_parse.h"

#define WORD(start, end, text) \
	"{\"type\":\"pronunciation\",\"start_time\":\"" start "\",\"end_time\":\"" end \
	"\",\"alternatives\":[{\"confidence\":\"0.98\",\"content\":\"" text "\"}]}"
#define SPOKEN(start, end, text, speaker) \
	"{\"type\":\"pronunciation\",\"start_time\":\"" start "\",\"end_time\":\"" end \
	"\",\"speaker_label\":\"" speaker \
	"\",\"alternatives\":[{\"confidence\":\"1.0\",\"content\":\"" text "\"}]}"
#define MARK(text) \
	"{\"type\":\"punctuation\",\"alternatives\":[{\"confidence\":\"0.0\",\"content\":\"" text \
	"\"}]}"
#define TRANSCRIPT(items) \
	"{\"results\":{\"language_code\":\"en-US\",\"transcripts\":[{\"transcript\":\"t\"}]," \
	"\"items\":[" items "]}}"

static enum sl_err parse(
	const char *text, json_t **ret_root, struct sl_transcript *ret, struct sl_error *error)
{
	assert_int_equal(sl_json_parse(text, strlen(text), ret_root, NULL), SL_ERR_OK);
	return sl_transcript_parse(*ret_root, ret, error);
}

static const struct {
	const char *name;
	const char *json;
	size_t words;
	size_t segments;
	const char *first; /* text of the first segment */
} cases[] = {
	{"nothing said", TRANSCRIPT(""), 0, 0, NULL},
	{"a sentence ends a segment",
		TRANSCRIPT(WORD("0.1", "0.4", "Hello") "," MARK(",") "," WORD("0.4", "0.8",
			"you") "," MARK(".") "," WORD("0.9", "1.2", "Bye") "," MARK("!")),
		3, 2, "Hello, you."},
	{"a pause ends a segment",
		TRANSCRIPT(WORD("0.1", "0.4", "one") "," WORD("1.2", "1.5", "two")), 2, 2, "one"},
	{"no pause, no end", TRANSCRIPT(WORD("0.1", "0.4", "one") "," WORD("0.9", "1.5", "two")), 2,
		1, "one two"},
	{"another speaker begins a segment",
		TRANSCRIPT(SPOKEN("0.1", "0.4", "yes", "spk_0") "," SPOKEN(
			"0.4", "0.5", "no", "spk_1")),
		2, 2, "yes"},
	{"punctuation before any word is dropped", TRANSCRIPT(MARK(".") "," WORD("0", "1", "a")), 1,
		1, "a"},
};

static void words_become_segments(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *root = NULL;
		SL_AUTO(sl_transcript_finish)
		struct sl_transcript transcript = {0};
		assert_int_equal(parse(cases[i].json, &root, &transcript, NULL), SL_ERR_OK);
		if (transcript.word_count != cases[i].words ||
			transcript.segment_count != cases[i].segments) {
			fail_msg("%s: %zu words, %zu segments", cases[i].name,
				transcript.word_count, transcript.segment_count);
		}
		if (cases[i].first != NULL) {
			assert_string_equal(transcript.segments[0].text, cases[i].first);
		}
	}
}

static void times_are_rounded_to_milliseconds(void **state)
{
	(void)state;
	SL_AUTO(sl_json_decrefp)
	json_t *root = NULL;
	SL_AUTO(sl_transcript_finish)
	struct sl_transcript transcript = {0};
	assert_int_equal(
		parse(TRANSCRIPT(WORD("0.119", "1.0005", "word")), &root, &transcript, NULL),
		SL_ERR_OK);
	assert_int_equal(transcript.words[0].from_ms, 119);
	assert_int_equal(transcript.words[0].to_ms, 1001);
	assert_string_equal(transcript.language, "en-US");
}

static void nonsense_is_a_protocol_error(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{}",
		"{\"results\":[]}",
		"{\"results\":{\"transcripts\":[],\"items\":[]}}",
		TRANSCRIPT("7"),
		TRANSCRIPT("{\"type\":\"pronunciation\",\"alternatives\":[]}"),
		TRANSCRIPT(WORD("-1", "1", "early")),
		TRANSCRIPT(WORD("2", "1", "backwards")),
		TRANSCRIPT(WORD("0", "1e30", "endless")),
		TRANSCRIPT(WORD("0", "1x", "unit")),
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *root = NULL;
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		struct sl_transcript transcript = {0};
		if (parse(texts[i], &root, &transcript, &error) != SL_ERR_AWS_PROTOCOL) {
			fail_msg("accepted: %s", texts[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_segments),
		cmocka_unit_test(times_are_rounded_to_milliseconds),
		cmocka_unit_test(nonsense_is_a_protocol_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
