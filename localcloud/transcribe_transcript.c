/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS's transcript file: text, words with times and confidence, and segments. Entry point:
 * lc_transcribe_transcript. Pure.
 */
#include "transcribe.h"

/* AWS writes numbers as strings: "0.119". */
static json_t *seconds(int64_t ms)
{
	SL_AUTO(sl_freep)
	char *text = sl_asprintf("%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
	return json_string(text);
}

static json_t *word_item(size_t id, const struct lc_speech_word *word, bool speakers)
{
	SL_AUTO(sl_freep)
	char *confidence = sl_asprintf("%.3f", word->confidence);
	json_t *item = json_pack("{s:i, s:s, s:[{s:s, s:s}], s:o, s:o}", "id", (int)id, "type",
		"pronunciation", "alternatives", "confidence", confidence, "content", word->text,
		"start_time", seconds(word->from_ms), "end_time", seconds(word->to_ms));
	if (speakers) {
		json_object_set_new(item, "speaker_label", json_string("spk_0"));
	}
	return item;
}

/* One per utterance. */
static json_t *segment(
	size_t id, const struct lc_speech_words *words, size_t first, size_t last, bool speakers)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	json_t *items = json_array();
	for (size_t i = first; i <= last; i++) {
		sl_buf_printf(&text, "%s%s", i > first ? " " : "", words->items[i].text);
		json_array_append_new(items, json_integer((json_int_t)i));
	}
	json_t *made = json_pack("{s:i, s:s, s:o, s:o, s:o}", "id", (int)id, "transcript",
		sl_buf_str(&text), "start_time", seconds(words->items[first].from_ms), "end_time",
		seconds(words->items[last].to_ms), "items", items);
	if (speakers) {
		json_object_set_new(made, "speaker_label", json_string("spk_0"));
	}
	return made;
}

/* The older form of the same, per speaker. */
static json_t *speaker_segment(const struct lc_speech_words *words, size_t first, size_t last)
{
	json_t *items = json_array();
	for (size_t i = first; i <= last; i++) {
		json_array_append_new(items,
			json_pack("{s:s, s:o, s:o}", "speaker_label", "spk_0", "start_time",
				seconds(words->items[i].from_ms), "end_time",
				seconds(words->items[i].to_ms)));
	}
	return json_pack("{s:s, s:o, s:o, s:o}", "speaker_label", "spk_0", "start_time",
		seconds(words->items[first].from_ms), "end_time", seconds(words->items[last].to_ms),
		"items", items);
}

json_t *lc_transcribe_transcript(
	const char *job_name, const struct lc_speech_words *words, bool speakers)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	json_t *items = json_array();
	json_t *segments = json_array();
	json_t *by_speaker = json_array();
	size_t first = 0;
	for (size_t i = 0; i < words->count; i++) {
		const struct lc_speech_word *word = &words->items[i];
		sl_buf_printf(&text, "%s%s", i > 0 ? " " : "", word->text);
		json_array_append_new(items, word_item(i, word, speakers));
		if (i + 1 == words->count || words->items[i + 1].utterance != word->utterance) {
			json_array_append_new(segments,
				segment(json_array_size(segments), words, first, i, speakers));
			json_array_append_new(by_speaker, speaker_segment(words, first, i));
			first = i + 1;
		}
	}
	json_t *results = json_pack("{s:[{s:s}], s:o, s:o}", "transcripts", "transcript",
		sl_buf_str(&text), "items", items, "audio_segments", segments);
	if (speakers) {
		json_object_set_new(results, "speaker_labels",
			json_pack("{s:s, s:i, s:O}", "channel_label", "ch_0", "speakers", 1,
				"segments", by_speaker));
	}
	json_decref(by_speaker);
	return json_pack("{s:s, s:s, s:o, s:s}", "jobName", job_name, "accountId", LC_ACCOUNT,
		"results", results, "status", "COMPLETED");
}
