/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one transcription job: decodes the audio, recognises it, writes the transcript to the
 * bucket. Entry point: lc_transcribe_run. The worker thread.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "json_spec.h"
#include "media.h"
#include "replay.h"
#include "text.h"
#include "transcribe.h"

#define MAX_BYTES ((int64_t)2 * 1024 * 1024 * 1024)
#define MAX_MS    ((int64_t)4 * 3600 * 1000)
#define MIN_MS    500

/* The model takes a second and 100 MB: it is loaded for the first job. */
struct worker {
	struct lc_speech *speech;
};

void *lc_transcribe_worker_start(SL_UNUSED struct lc_cloud *cloud)
{
	return sl_calloc(1, sizeof(struct worker));
}

void lc_transcribe_worker_stop(void *argument)
{
	struct worker *worker = argument;
	lc_speech_destroy(worker->speech);
	free(worker);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static json_t *now(void)
{
	return json_real((double)sl_clock_now_ms() / 1000);
}

static void event(const struct lc_job *job, const char *status, const char *reason)
{
	json_t *detail = json_pack(
		"{s:s, s:s}", "TranscriptionJobName", job->id, "TranscriptionJobStatus", status);
	if (reason) {
		json_object_set_new(detail, "FailureReason", json_string(reason));
	}
	lc_events_put("aws.transcribe", "Transcribe Job State Change", NULL, detail);
}

static bool fail(struct lc_jobs *jobs, const struct lc_job *job, const char *reason)
{
	if (!lc_jobs_stopping(jobs) &&
		lc_jobs_change(jobs, job->id, "IN_PROGRESS", "FAILED", LC_JOB_ENDED,
			json_pack(
				"{s:s, s:o}", "FailureReason", reason, "CompletionTime", now()))) {
		event(job, "FAILED", reason);
	}
	return false;
}

static bool is_english(const char *code)
{
	return sl_text_starts_with(code, "en-");
}

/* Language identification finds English, the one language it knows, if it may. */
static bool choose_language(struct lc_jobs *jobs, const struct lc_job *job, const char **ret_code)
{
	const char *code = text_of(job->doc, "LanguageCode");
	const json_t *options = json_object_get(job->doc, "LanguageOptions");
	*ret_code = code ? code : "en-US";
	if (!code && json_array_size(options) > 0) {
		*ret_code = json_string_value(json_array_get(options, 0));
		for (size_t i = json_array_size(options); i-- > 0;) {
			const char *option = json_string_value(json_array_get(options, i));
			*ret_code = option && is_english(option) ? option : *ret_code;
		}
	}
	if (*ret_code && is_english(*ret_code)) {
		return true;
	}
	SL_AUTO(sl_freep)
	char *reason = sl_asprintf("Unsupported language: localcloud's recogniser knows "
				   "English only, and the job asks for %s.",
		*ret_code ? *ret_code : "none");
	return fail(jobs, job, reason);
}

/* AWS's name for what ffprobe calls it, NULL when Transcribe does not take it. */
static const char *format_of(const struct lc_media *media)
{
	static const char *const names[][2] = {{"mov,", "mp4"}, {"matroska,webm", "webm"},
		{"wav", "wav"}, {"w64", "wav"}, {"mp3", "mp3"}, {"flac", "flac"}, {"ogg", "ogg"},
		{"amr", "amr"}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (media->format && sl_text_starts_with(media->format, names[i][0])) {
			return names[i][1];
		}
	}
	return NULL;
}

static bool format_fits(const char *wanted, const char *found)
{
	bool is_mp4 = strcmp(found, "mp4") == 0;
	return !wanted || strcmp(wanted, found) == 0 || (is_mp4 && strcmp(wanted, "m4a") == 0);
}

static bool check_media(
	struct lc_jobs *jobs, const struct lc_job *job, const struct lc_media *media, int64_t size)
{
	const char *wanted = text_of(job->doc, "MediaFormat");
	const char *found = format_of(media);
	const json_t *rate = json_object_get(job->doc, "MediaSampleRateHertz");
	if (!found) {
		return fail(jobs, job, "Unsupported media format.");
	}
	if (!format_fits(wanted, found)) {
		return fail(jobs, job,
			"The media format provided does not match the detected media format.");
	}
	if (!media->has_audio) {
		return fail(
			jobs, job, "Unsupported media format: the media file has no audio track.");
	}
	if (rate && json_integer_value(rate) != media->sample_rate) {
		return fail(jobs, job,
			"The sample rate provided does not match the detected sample rate.");
	}
	if (size > MAX_BYTES) {
		return fail(jobs, job,
			"Invalid file size: file size too large. Maximum file size is 2 GB. Check "
			"the size of "
			"the file and try your request again.");
	}
	if (media->duration_ms > MAX_MS) {
		return fail(jobs, job,
			"Invalid file size: file size too large. Maximum audio duration is "
			"4.000000 hours."
			"Check the length of the file and try your request again.");
	}
	return true;
}

static bool stop(void *jobs)
{
	return lc_jobs_stopping(jobs);
}

static int64_t raw_ms(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 ? (int64_t)info.st_size / 2 * 1000 / LC_SPEECH_RATE : 0;
}

static bool decode(struct lc_jobs *jobs, const struct lc_job *job, const char *path,
	const struct lc_media *media, const char *raw)
{
	SL_AUTO(sl_freep)
	char *from = sl_asprintf("file:%s", path);
	SL_AUTO(sl_freep)
	char *to = sl_asprintf("file:%s", raw);
	SL_AUTO(sl_freep)
	char *map = sl_asprintf("0:%d", media->audio_index);
	const char *argv[] = {"ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-y",
		"-protocol_whitelist", "file", "-format_whitelist", lc_media_formats, "-i", from,
		"-map", map, "-ar", "16000", "-ac", "1", "-f", "s16le", to, NULL};
	if (lc_run(argv, NULL, NULL) != 0) {
		return fail(jobs, job, "Unsupported media format: the audio could not be decoded.");
	}
	if (raw_ms(raw) < MIN_MS) {
		return fail(jobs, job,
			"Invalid audio duration: the audio is shorter than the minimum of 500 "
			"milliseconds.");
	}
	return true;
}

static bool recognise(struct lc_jobs *jobs, struct worker *worker, const struct lc_job *job,
	const char *raw, struct lc_speech_words *words)
{
	if (!worker->speech) {
		worker->speech = lc_speech_create();
	}
	if (!worker->speech) {
		return fail(jobs, job,
			"Internal failure: pocketsphinx's en-US model is not installed.");
	}
	return lc_speech_file(worker->speech, raw, stop, jobs, words) ||
		fail(jobs, job, "Internal failure: the audio could not be recognised.");
}

static char *output_key(const struct lc_job *job)
{
	const char *key = text_of(job->doc, "OutputKey");
	if (!key) {
		return sl_asprintf("%s.json", job->id);
	}
	if (sl_text_ends_with(key, ".json")) {
		return sl_strdup(key);
	}
	return sl_asprintf("%s%s%s.json", key, sl_text_ends_with(key, "/") ? "" : "/", job->id);
}

static bool write_transcript(struct lc_jobs *jobs, const struct lc_job *job, const char *tmp,
	const char *key, const struct lc_speech_words *words)
{
	const json_t *settings = json_object_get(job->doc, "Settings");
	bool speakers = json_is_true(json_object_get(settings, "ShowSpeakerLabels"));
	json_auto_t *transcript = lc_transcribe_transcript(job->id, words, speakers);
	SL_AUTO(sl_freep)
	char *text = sl_json_text(transcript);
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s/transcript", tmp);
	FILE *file = fopen(path, "we");
	bool written = file && fputs(text, file) >= 0;
	written = file && fclose(file) == 0 && written;
	if (!written ||
		!lc_s3_put_file(
			text_of(job->doc, "OutputBucketName"), key, path, "application/json")) {
		return fail(jobs, job, "The transcript could not be written to the output bucket.");
	}
	return true;
}

static void complete(struct lc_jobs *jobs, const struct lc_job *job, const char *language,
	const struct lc_media *media, const char *key)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf uri = SL_BUF_INIT;
	sl_buf_printf(&uri, "%s/%s/", lc_jobs_cloud(jobs)->base_url,
		text_of(job->doc, "OutputBucketName"));
	sl_text_percent_encode(&uri, key, strlen(key), "/");
	if (lc_jobs_change(jobs, job->id, "IN_PROGRESS", "COMPLETED", LC_JOB_ENDED,
		    json_pack("{s:s, s:s, s:i, s:{s:s}, s:o}", "LanguageCode", language,
			    "MediaFormat", format_of(media), "MediaSampleRateHertz",
			    media->sample_rate, "Transcript", "TranscriptFileUri", sl_buf_str(&uri),
			    "CompletionTime", now()))) {
		event(job, "COMPLETED", NULL);
	}
}

static bool store_replayed(
	struct lc_jobs *jobs, const struct lc_job *job, const struct lc_replay *replay, char *key)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	bool read = lc_replay_transcript(replay->name, &text);
	SL_AUTO(sl_freep)
	char *owned = sl_buf_steal(&text);
	struct lc_s3_text item = {.key = key, .text = owned};
	return (read &&
		       lc_s3_put_texts(text_of(job->doc, "OutputBucketName"), &item, 1,
			       "application/json")) ||
		fail(jobs, job, "The transcript could not be written to the output bucket.");
}

static void run_replay(struct lc_jobs *jobs, const struct lc_job *job,
	const struct lc_replay *replay, const char *language)
{
	SL_AUTO(lc_media_finish)
	struct lc_media media = {0};
	lc_replay_media(replay, &media);
	if (!lc_replay_work(jobs, job, "IN_PROGRESS", replay->transcript_ms) ||
		!check_media(jobs, job, &media, 0)) {
		return;
	}
	if (replay->fail_transcript) {
		(void)fail(jobs, job, replay->fail_transcript);
		return;
	}
	SL_AUTO(sl_freep)
	char *to = output_key(job);
	if (store_replayed(jobs, job, replay, to)) {
		complete(jobs, job, language, &media, to);
	}
}

void lc_transcribe_run(struct lc_jobs *jobs, void *worker, const struct lc_job *job)
{
	const char *uri = text_of(json_object_get(job->doc, "Media"), "MediaFileUri");
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	SL_AUTO(sl_freep)
	char *path = NULL;
	SL_AUTO(sl_freep)
	char *why = NULL;
	SL_AUTO(lc_media_finish)
	struct lc_media media = {0};
	SL_AUTO(lc_speech_words_finish)
	struct lc_speech_words words = {0};
	const char *language = NULL;
	int64_t size = 0;

	if (!lc_transcribe_media_uri(uri, &bucket, &key) ||
		lc_s3_object_path(bucket, key, &path, &size) != LC_OBJECT_OK) {
		(void)fail(jobs, job, "The S3 URI that you provided can't be accessed.");
		return;
	}
	if (!choose_language(jobs, job, &language)) {
		return;
	}
	SL_AUTO(lc_replay_finish)
	struct lc_replay replay = {0};
	if (lc_replay_of_file(path, &replay)) {
		run_replay(jobs, job, &replay, language);
		return;
	}
	if (!lc_media_probe(path, &media, &why)) {
		(void)fail(jobs, job, "Unsupported media format.");
		return;
	}
	char *tmp = lc_tmp_create(lc_jobs_cloud(jobs));
	SL_AUTO(sl_freep)
	char *raw = sl_asprintf("%s/audio", tmp);
	SL_AUTO(sl_freep)
	char *to = output_key(job);
	if (check_media(jobs, job, &media, size) && decode(jobs, job, path, &media, raw) &&
		recognise(jobs, worker, job, raw, &words) &&
		write_transcript(jobs, job, tmp, to, &words)) {
		complete(jobs, job, language, &media, to);
	}
	lc_tmp_remove(tmp);
}
