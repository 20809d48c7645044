/* SPDX-License-Identifier: Apache-2.0 */
/* Captions of any words: limits are kept, and every byte that is not a space is there in order. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "captions.h"
#include "export_text.h"
#include "graphemes.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first bytes choose the options; then each word is: how long after the one before, how long
 * it lasts, speaker, text up to a NUL. */
#define HEAD      6
#define WORDS_MAX 256

struct check {
	const struct sl_caption_options *options;
	struct sl_buf text;
	int64_t free_ms;
};

static bool is_space(unsigned char c)
{
	return c <= ' ' || c == 0x7F;
}

static void add_squeezed(struct sl_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (!is_space((unsigned char)*text)) {
			sl_buf_putc(out, *text);
		}
	}
}

static enum sl_err add_cue(void *context, const struct sl_cue *cue, struct sl_error *reterr)
{
	(void)reterr;
	struct check *check = context;
	int64_t lasts_ms = cue->to_ms - cue->from_ms;
	if (cue->from_ms < check->free_ms || lasts_ms < check->options->min_ms || lasts_ms < 1 ||
		lasts_ms > check->options->max_ms) {
		SL_BUG("a cue's time breaks the rules");
	}
	check->free_ms = cue->to_ms + check->options->gap_ms;
	if (cue->line_count < 1 || cue->line_count > check->options->lines) {
		SL_BUG("a cue has too many lines");
	}
	for (size_t i = 0; i < cue->line_count; i++) {
		if (cue->lines[i][0] == '\0' ||
			sl_grapheme_columns(cue->lines[i], strlen(cue->lines[i])) >
				check->options->columns) {
			SL_BUG("a line is too long");
		}
		add_squeezed(&check->text, cue->lines[i]);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	sl_export_vtt_cue(&out, cue, true);
	const char *arrow = strstr(out.data, "-->");
	if (arrow == NULL || strstr(arrow + 3, "-->") != NULL ||
		strstr(out.data, "\n\n") != out.data + out.len - 2) {
		SL_BUG("a cue breaks out of its block");
	}
	return SL_ERR_OK;
}

static size_t read_words(
	const char *at, const char *end, struct sl_caption_word *words, struct sl_buf *said)
{
	static const char *const speakers[] = {NULL, "a", "b", "<v Zoë & Co>"};
	size_t count = 0;
	int64_t ms = 0;
	while (end - at > 3 && count < WORDS_MAX) {
		ms += (unsigned char)at[0] * 8;
		struct sl_caption_word *word = &words[count++];
		*word = (struct sl_caption_word){
			at + 3, speakers[at[2] & 3], ms, ms + (unsigned char)at[1] * 8};
		ms = word->to_ms - ((at[2] & 4) != 0 ? 100 : 0);
		add_squeezed(said, word->text);
		at += 3 + strlen(at + 3) + 1;
	}
	return count;
}

/* Some line breaks of Unicode are spaces here, too: left out on both sides. */
static bool has_rare_breaks(const struct sl_buf *text)
{
	const char *data = sl_buf_str(text);
	for (size_t i = 0; i + 1 < text->len; i++) {
		if ((unsigned char)data[i] == 0xC2 || strncmp(data + i, "\xE2\x80", 2) == 0) {
			return true;
		}
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD || size > 65536) {
		return 0;
	}
	const struct sl_caption_options options = {
		.columns = 10 + data[0] % 91,
		.lines = 1 + data[1] % 2,
		.per_second = 5 + data[2] % 96,
		.min_ms = data[3] * 4,
		.max_ms = 1020 + data[4] * 40,
		.gap_ms = data[5] * 3,
		.speakers = SL_CAPTION_NONE,
	};
	SL_AUTO(sl_freep)
	char *text = sl_strndup("", 0);
	text = sl_reallocarray(text, size + 1, 1);
	memcpy(text, data, size);
	text[size] = '\0';
	static struct sl_caption_word words[WORDS_MAX];
	SL_AUTO(sl_buf_finish)
	struct sl_buf said = SL_BUF_INIT;
	size_t count = read_words(text + HEAD, text + size, words, &said);
	struct check check = {.options = &options, .text = SL_BUF_INIT};
	if (sl_captions_make(words, count, &options, add_cue, &check, NULL) != SL_ERR_OK) {
		SL_BUG("captions cannot be made");
	}
	if (!has_rare_breaks(&said) && strcmp(sl_buf_str(&said), sl_buf_str(&check.text)) != 0) {
		SL_BUG("a word is lost");
	}
	sl_buf_finish(&check.text);
	SL_AUTO(sl_buf_finish)
	struct sl_buf header = SL_BUF_INIT;
	sl_export_disposition(&header, text + HEAD, "id", ".vtt");
	sl_export_csv_text(&header, text + HEAD, false, false);
	return 0;
}
