/* SPDX-License-Identifier: Apache-2.0 */
/* Segments and words -> words with their punctuation, speaker and time. Pure. */

#include "transcript_words.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct joiner {
	struct sl_transcript_words *out;
	size_t *offsets; /* of the items' texts: `text` moves while it grows */
	size_t capacity;
	const struct sl_spoken *words; /* those that are not used yet */
	size_t word_count;
};

static void add(struct joiner *joiner, const struct sl_spoken *segment, const char *text,
	size_t len, int64_t from_ms, int64_t to_ms)
{
	struct sl_transcript_words *out = joiner->out;
	if (out->count == joiner->capacity) {
		joiner->capacity = joiner->capacity > 0 ? joiner->capacity * 2 : 256;
		out->items = sl_reallocarray(out->items, joiner->capacity, sizeof(*out->items));
		joiner->offsets = sl_reallocarray(
			joiner->offsets, joiner->capacity, sizeof(*joiner->offsets));
	}
	joiner->offsets[out->count] = out->text.len;
	out->items[out->count++] = (struct sl_caption_word){NULL, segment->speaker, from_ms, to_ms};
	sl_buf_add(&out->text, text, len);
	sl_buf_putc(&out->text, '\0');
}

static size_t spaces(const char *text)
{
	return strspn(text, " ");
}

/* The segment's text has the stored words in order, each followed by its punctuation. */
static bool add_stored(struct joiner *joiner, const struct sl_spoken *segment)
{
	struct sl_transcript_words *out = joiner->out;
	size_t count = out->count;
	size_t len = out->text.len;
	const struct sl_spoken *word = joiner->words;
	const struct sl_spoken *end = word + joiner->word_count;
	const char *text = segment->text + spaces(segment->text);
	while (*text != '\0') {
		while (word < end && word->text[0] == '\0') {
			word++;
		}
		size_t known = word < end ? strlen(word->text) : 0;
		if (known == 0 || strncmp(text, word->text, known) != 0) {
			out->count = count;
			out->text.len = len;
			return false;
		}
		size_t whole = known + strcspn(text + known, " ");
		add(joiner, segment, text, whole, word->from_ms, word->to_ms);
		word++;
		text += whole + spaces(text + whole);
	}
	joiner->word_count = (size_t)(end - word);
	joiner->words = word;
	return true;
}

static void add_by_length(struct joiner *joiner, const struct sl_spoken *segment)
{
	const char *text = segment->text;
	int64_t whole = (int64_t)strlen(text);
	int64_t lasts_ms = segment->to_ms - segment->from_ms;
	for (size_t at = spaces(text); text[at] != '\0';) {
		size_t len = strcspn(text + at, " ");
		add(joiner, segment, text + at, len,
			segment->from_ms + lasts_ms * (int64_t)at / whole,
			segment->from_ms + lasts_ms * (int64_t)(at + len) / whole);
		at += len + spaces(text + at + len);
	}
}

void sl_transcript_words_make(const struct sl_spoken *segments, size_t segment_count,
	const struct sl_spoken *words, size_t word_count, struct sl_transcript_words *ret)
{
	struct sl_transcript_words out = {.text = SL_BUF_INIT};
	struct joiner joiner = {.out = &out, .words = words, .word_count = word_count};
	for (size_t i = 0; i < segment_count; i++) {
		if (add_stored(&joiner, &segments[i])) {
			continue;
		}
		add_by_length(&joiner, &segments[i]);
		/* The next segment may fit again. */
		while (joiner.word_count > 0 && i + 1 < segment_count &&
			joiner.words->from_ms < segments[i + 1].from_ms) {
			joiner.words++;
			joiner.word_count--;
		}
	}
	for (size_t i = 0; i < out.count; i++) {
		out.items[i].text = out.text.data + joiner.offsets[i];
	}
	free(joiner.offsets);
	*ret = out;
}

void sl_transcript_words_finish(struct sl_transcript_words *words)
{
	sl_buf_finish(&words->text);
	free(words->items);
	*words = (struct sl_transcript_words){.text = SL_BUF_INIT};
}
