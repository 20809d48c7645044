/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The speech recogniser: pocketsphinx with the en-US model of Debian's pocketsphinx-en-us. Entry
 * points: lc_speech_create, lc_speech_file. One thread per recogniser.
 */
#include "speech.h"

#include <pocketsphinx/pocketsphinx.h>
#include <sphinxbase/err.h>
#include <string.h>

#include "mem.h"
#include "speech_cut.h"

#define MODEL "/usr/share/pocketsphinx/model/en-us/"

/* Frames of the decoder in a second; word times are counted in them. */
#define FRAME_MS 10

struct lc_speech {
	cmd_ln_t *config;
	ps_decoder_t *decoder;
};

struct lc_speech *lc_speech_create(void)
{
	err_set_logfp(NULL);
	struct lc_speech *speech = sl_calloc(1, sizeof *speech);
	/* remove_silence would move the times: silence is cut here, and known. */
	speech->config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", MODEL "en-us", "-lm",
		MODEL "en-us.lm.bin", "-dict", MODEL "cmudict-en-us.dict", "-remove_silence", "no",
		"-samprate", "16000", "-frate", "100", NULL);
	speech->decoder = speech->config ? ps_init(speech->config) : NULL;
	if (!speech->decoder) {
		lc_speech_destroy(speech);
		return NULL;
	}
	return speech;
}

void lc_speech_destroy(struct lc_speech *speech)
{
	if (!speech) {
		return;
	}
	if (speech->decoder) {
		ps_free(speech->decoder);
	}
	if (speech->config) {
		cmd_ln_free_r(speech->config);
	}
	free(speech);
}

void lc_speech_words_finish(struct lc_speech_words *words)
{
	for (size_t i = 0; i < words->count; i++) {
		free(words->items[i].text);
	}
	free(words->items);
	*words = (struct lc_speech_words){0};
}

/* "the(2)" is "the" in its second pronunciation; "i" is written "I". Owned. */
static char *spelling(const char *word)
{
	char *text = sl_strndup(word, strcspn(word, "("));
	if (strcmp(text, "i") == 0 || (text[0] == 'i' && text[1] == '\'')) {
		text[0] = 'I';
	}
	return text;
}

static bool is_word(const char *word)
{
	return word[0] != '<' && word[0] != '[' && word[0] != '+';
}

static void collect(struct lc_speech *speech, int64_t offset_ms, size_t utterance,
	struct lc_speech_words *words)
{
	logmath_t *logmath = ps_get_logmath(speech->decoder);
	for (ps_seg_t *seg = ps_seg_iter(speech->decoder); seg; seg = ps_seg_next(seg)) {
		const char *word = ps_seg_word(seg);
		int first = 0;
		int last = 0;
		if (!word || !is_word(word)) {
			continue;
		}
		ps_seg_frames(seg, &first, &last);
		int32 posterior = ps_seg_prob(seg, NULL, NULL, NULL);
		double confidence = logmath_exp(logmath, posterior);
		words->items =
			sl_reallocarray(words->items, words->count + 1, sizeof *words->items);
		words->items[words->count++] = (struct lc_speech_word){
			.text = spelling(word),
			.from_ms = offset_ms + (int64_t)first * FRAME_MS,
			.to_ms = offset_ms + (int64_t)(last + 1) * FRAME_MS,
			.confidence = confidence > 1 ? 1 : confidence,
			.utterance = utterance,
		};
	}
}

static bool recognise(struct lc_speech *speech, FILE *file, struct lc_stretch stretch,
	size_t utterance, struct lc_speech_words *words)
{
	size_t count = (size_t)(stretch.to - stretch.from);
	SL_AUTO(sl_freep)
	int16_t *samples = sl_calloc(count, sizeof *samples);
	if (fseeko(file, (off_t)stretch.from * (off_t)sizeof *samples, SEEK_SET) != 0) {
		return false;
	}
	count = fread(samples, sizeof *samples, count, file);
	if (ps_start_utt(speech->decoder) < 0 ||
		ps_process_raw(speech->decoder, samples, count, FALSE, TRUE) < 0 ||
		ps_end_utt(speech->decoder) < 0) {
		return false;
	}
	collect(speech, stretch.from * 1000 / LC_SPEECH_RATE, utterance, words);
	return true;
}

bool lc_speech_file(struct lc_speech *speech, const char *path, bool (*stop)(void *context),
	void *context, struct lc_speech_words *ret)
{
	FILE *file = fopen(path, "re");
	struct lc_stretch *stretches = NULL;
	size_t count = 0;
	*ret = (struct lc_speech_words){0};
	if (!file) {
		return false;
	}
	bool done = lc_speech_cut(file, &stretches, &count);
	size_t utterance = 0;
	for (size_t i = 0; done && i < count; i++) {
		size_t before = ret->count;
		done = !stop(context) && recognise(speech, file, stretches[i], utterance, ret);
		utterance += ret->count > before ? 1 : 0;
	}
	free(stretches);
	(void)fclose(file);
	if (!done) {
		lc_speech_words_finish(ret);
	}
	return done;
}
