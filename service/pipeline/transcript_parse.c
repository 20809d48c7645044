/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and segments out of Transcribe's JSON. Numbers come as strings; punctuation has no time.
 * A segment ends with a sentence, at a pause, when the speaker changes, or when it gets long.
 */

#include "transcript_parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"

struct item {
	const char *type;
	double start, end;
	const char *speaker;
	json_t *alternatives;
};

static const struct sl_json_field item_spec[] = {
	SL_STR_AS(struct item, type, "type", SL_REQUIRED),
	SL_F64S_AS(struct item, start, "start_time", SL_OPTIONAL),
	SL_F64S_AS(struct item, end, "end_time", SL_OPTIONAL),
	SL_STR_AS(struct item, speaker, "speaker_label", SL_OPTIONAL),
	SL_ANY_AS(struct item, alternatives, "alternatives", SL_REQUIRED),
	SL_JSON_END,
};

struct alternative {
	const char *content;
	double confidence;
};

static const struct sl_json_field alternative_spec[] = {
	SL_STR_AS(struct alternative, content, "content", SL_REQUIRED),
	SL_F64S_AS(struct alternative, confidence, "confidence", SL_OPTIONAL),
	SL_JSON_END,
};

#define PAUSE_MS   700
#define LONG_MS    15000
#define LONG_BYTES 200

/* The segment that is being put together. */
struct builder {
	struct sl_transcript *transcript;
	struct sl_buf text;
	int64_t from_ms, to_ms;
	const char *speaker;
	bool ended; /* by punctuation that ends a sentence */
};

static void flush(struct builder *builder)
{
	if (builder->text.len == 0) {
		return;
	}
	struct sl_transcript *transcript = builder->transcript;
	transcript->segments[transcript->segment_count++] = (struct sl_segment){
		.from_ms = builder->from_ms,
		.to_ms = builder->to_ms,
		.speaker = builder->speaker,
		.text = sl_buf_steal(&builder->text),
	};
	builder->ended = false;
}

static bool belongs(const struct builder *builder, const struct sl_word *word)
{
	bool same_speaker = builder->speaker == word->speaker ||
		(builder->speaker != NULL && word->speaker != NULL &&
			strcmp(builder->speaker, word->speaker) == 0);
	return !builder->ended && same_speaker && word->from_ms - builder->to_ms < PAUSE_MS &&
		word->to_ms - builder->from_ms <= LONG_MS && builder->text.len < LONG_BYTES;
}

static void add_word(struct builder *builder, const struct sl_word *word)
{
	if (builder->text.len > 0 && !belongs(builder, word)) {
		flush(builder);
	}
	if (builder->text.len == 0) {
		builder->from_ms = word->from_ms;
		builder->speaker = word->speaker;
	} else {
		sl_buf_putc(&builder->text, ' ');
	}
	sl_buf_puts(&builder->text, word->text);
	builder->to_ms = word->to_ms;
	builder->transcript->words[builder->transcript->word_count++] = *word;
}

static void add_punctuation(struct builder *builder, const char *mark)
{
	static const char *const ends[] = {".", "?", "!", "。", "？", "！"};
	if (builder->text.len == 0) {
		return;
	}
	sl_buf_puts(&builder->text, mark);
	for (size_t i = 0; i < SL_ARRAY_SIZE(ends); i++) {
		builder->ended = builder->ended || strcmp(ends[i], mark) == 0;
	}
}

static int64_t to_ms(double seconds)
{
	return llround(seconds * 1000);
}

static enum sl_err add_item(
	struct builder *builder, const json_t *node, size_t index, struct sl_error *reterr)
{
	struct item item = {0};
	struct alternative best = {0};
	enum sl_err err = sl_json_decode(node, item_spec, SL_JSON_LENIENT, &item, NULL);
	if (err == SL_ERR_OK) {
		err = sl_json_decode(json_array_get(item.alternatives, 0), alternative_spec,
			SL_JSON_LENIENT, &best, NULL);
	}
	bool sane = item.start >= 0 && item.end >= item.start && item.end < 1e9;
	if (err != SL_ERR_OK || !sane) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"item %zu of the transcript is malformed", index);
	}
	if (strcmp(item.type, "punctuation") == 0) {
		add_punctuation(builder, best.content);
		return SL_ERR_OK;
	}
	const struct sl_word word = {
		.from_ms = to_ms(item.start),
		.to_ms = to_ms(item.end),
		.confidence = best.confidence,
		.text = best.content,
		.speaker = item.speaker,
	};
	add_word(builder, &word);
	return SL_ERR_OK;
}

enum sl_err sl_transcript_parse(
	const json_t *root, struct sl_transcript *ret, struct sl_error *reterr)
{
	const json_t *results = json_object_get(root, "results");
	const json_t *first = json_array_get(json_object_get(results, "transcripts"), 0);
	const json_t *items = json_object_get(results, "items");
	const char *text = json_string_value(json_object_get(first, "transcript"));
	if (text == NULL || !json_is_array(items)) {
		return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL,
			"the transcript lacks results.transcripts[0].transcript or results.items");
	}
	size_t count = json_array_size(items);
	struct sl_transcript transcript = {
		.text = text,
		.language = json_string_value(json_object_get(results, "language_code")),
		.words = sl_calloc(count, sizeof(struct sl_word)),
		.segments = sl_calloc(count, sizeof(struct sl_segment)),
	};
	struct builder builder = {.transcript = &transcript, .text = SL_BUF_INIT};
	enum sl_err err = SL_ERR_OK;
	for (size_t i = 0; err == SL_ERR_OK && i < count; i++) {
		err = add_item(&builder, json_array_get(items, i), i, reterr);
	}
	flush(&builder);
	sl_buf_finish(&builder.text);
	if (err != SL_ERR_OK) {
		sl_transcript_finish(&transcript);
		return err;
	}
	*ret = transcript;
	return SL_ERR_OK;
}

void sl_transcript_finish(struct sl_transcript *transcript)
{
	for (size_t i = 0; i < transcript->segment_count; i++) {
		free(transcript->segments[i].text);
	}
	free(transcript->segments);
	free(transcript->words);
	*transcript = (struct sl_transcript){0};
}
