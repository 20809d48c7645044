/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Transcribe checks of a StartTranscriptionJob request, in AWS's words. Entry points:
 * lc_transcribe_check, lc_transcribe_media_uri. Pure.
 */
#include <ctype.h>
#include <string.h>

#include "media.h"
#include "text.h"
#include "transcribe.h"

static const char *const languages[] = {"af-ZA", "ar-AE", "ar-SA", "da-DK", "de-CH", "de-DE",
	"en-AB", "en-AU", "en-GB", "en-IE", "en-IN", "en-US", "en-WL", "es-ES", "es-US", "fa-IR",
	"fr-CA", "fr-FR", "he-IL", "hi-IN", "id-ID", "it-IT", "ja-JP", "ko-KR", "ms-MY", "nl-NL",
	"pt-BR", "pt-PT", "ru-RU", "ta-IN", "te-IN", "tr-TR", "zh-CN", "zh-TW", "th-TH", "en-ZA",
	"en-NZ", "vi-VN", "sv-SE", NULL};
static const char *const formats[] = {
	"mp3", "mp4", "wav", "flac", "ogg", "amr", "webm", "m4a", NULL};

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool in_list(const char *text, const char *const *list)
{
	for (size_t i = 0; list[i]; i++) {
		if (strcmp(text, list[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_word(const char *text, size_t max, const char *more)
{
	size_t len = strlen(text);
	for (const char *c = text; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr(more, *c)) {
			return false;
		}
	}
	return len > 0 && len <= max;
}

static char *violation(const char *value, const char *member, const char *constraint)
{
	return sl_asprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy "
			   "constraint: %s",
		value, member, constraint);
}

static char *not_in_list(const char *value, const char *member, const char *const *list)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf constraint = SL_BUF_INIT;
	sl_buf_puts(&constraint, "Member must satisfy enum value set: [");
	for (size_t i = 0; list[i]; i++) {
		sl_buf_printf(&constraint, "%s%s", i > 0 ? ", " : "", list[i]);
	}
	sl_buf_putc(&constraint, ']');
	return violation(value, member, sl_buf_str(&constraint));
}

static char *check_language(const json_t *body)
{
	const char *code = text_of(body, "LanguageCode");
	bool identify = json_is_true(json_object_get(body, "IdentifyLanguage")) ||
		json_is_true(json_object_get(body, "IdentifyMultipleLanguages"));
	if (!code && !identify) {
		return sl_strdup(
			"The language code is missing. Either add a language code or turn on "
			"language identification.");
	}
	if (code && identify) {
		return sl_strdup(
			"You specified both a language code and language identification. Choose "
			"one or the other.");
	}
	return code && !in_list(code, languages) ? not_in_list(code, "languageCode", languages)
						 : NULL;
}

static char *check_output(const json_t *body)
{
	const char *bucket = text_of(body, "OutputBucketName");
	const char *key = text_of(body, "OutputKey");
	SL_AUTO(sl_freep)
	char *path = NULL;
	int64_t size = 0;
	if (!bucket) {
		return sl_strdup(
			"localcloud has no service-managed bucket: name an OutputBucketName");
	}
	if (key && !is_word(key, 1024, "-_.!*'()/")) {
		return violation(key, "outputKey",
			"Member must satisfy regular expression pattern: "
			"[a-zA-Z0-9-_.!*'()/]{1,1024}$");
	}
	if (lc_s3_object_path(bucket, "-", &path, &size) == LC_OBJECT_NO_BUCKET) {
		return sl_asprintf(
			"The specified S3 bucket '%s' doesn't exist. Check the bucket name and "
			"try your request again.",
			bucket);
	}
	return NULL;
}

static char *check_settings(const json_t *body)
{
	const json_t *settings = json_object_get(body, "Settings");
	const json_t *speakers = json_object_get(settings, "MaxSpeakerLabels");
	bool show = json_is_true(json_object_get(settings, "ShowSpeakerLabels"));
	if (show && !speakers) {
		return sl_strdup(
			"You must specify MaxSpeakerLabels when ShowSpeakerLabels is true.");
	}
	if (speakers &&
		(!json_is_integer(speakers) || json_integer_value(speakers) < 2 ||
			json_integer_value(speakers) > 30)) {
		return sl_strdup("1 validation error detected: Value at "
				 "'settings.maxSpeakerLabels' failed to "
				 "satisfy constraint: Member must have value between 2 and 30");
	}
	return NULL;
}

static char *check_media(const json_t *body)
{
	const char *uri = text_of(json_object_get(body, "Media"), "MediaFileUri");
	const char *format = text_of(body, "MediaFormat");
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	SL_AUTO(sl_freep)
	char *path = NULL;
	int64_t size = 0;
	if (!uri) {
		return violation("null", "media.mediaFileUri", "Member must not be null");
	}
	if (format && !in_list(format, formats)) {
		return not_in_list(format, "mediaFormat", formats);
	}
	if (!lc_transcribe_media_uri(uri, &bucket, &key)) {
		return violation(uri, "media.mediaFileUri",
			"Member must satisfy regular expression pattern: (s3://|http(s*)://).+");
	}
	if (lc_s3_object_path(bucket, key, &path, &size) != LC_OBJECT_OK) {
		return sl_strdup("The S3 URI that you provided can't be accessed. Make sure that "
				 "you have read "
				 "permission and try your request again.");
	}
	return NULL;
}

char *lc_transcribe_check(const json_t *body)
{
	const char *name = text_of(body, "TranscriptionJobName");
	if (!name || !is_word(name, 200, "._-")) {
		return violation(name ? name : "null", "transcriptionJobName",
			"Member must satisfy regular expression pattern: ^[0-9a-zA-Z._-]+");
	}
	char *problem = check_language(body);
	problem = problem ? problem : check_settings(body);
	problem = problem ? problem : check_media(body);
	return problem ? problem : check_output(body);
}

bool lc_transcribe_media_uri(const char *uri, char **ret_bucket, char **ret_key)
{
	if (lc_s3_uri_split(uri, ret_bucket, ret_key)) {
		return true;
	}
	/* https://s3.<region>.amazonaws.com/<bucket>/<key>, percent-encoded */
	const char *host = strstr(uri, "://");
	const char *bucket =
		sl_text_starts_with(uri, "http") && host ? strchr(host + 3, '/') : NULL;
	const char *slash = bucket ? strchr(bucket + 1, '/') : NULL;
	SL_AUTO(sl_buf_finish)
	struct sl_buf key = SL_BUF_INIT;
	if (!slash || slash == bucket + 1 || slash[1] == '\0' ||
		!sl_text_percent_decode(&key, slash + 1, strlen(slash + 1), false)) {
		return false;
	}
	*ret_bucket = sl_strndup(bucket + 1, (size_t)(slash - bucket - 1));
	*ret_key = sl_buf_steal(&key);
	return true;
}
