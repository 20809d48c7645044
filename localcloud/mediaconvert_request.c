/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MediaConvert checks of a CreateJob request, in the words of its JSON schema validator
 * ("/outputGroups/0/…: Should match pattern …"). Entry point: lc_mediaconvert_check. Pure.
 */
#include "mediaconvert.h"

#include <string.h>
#include <strings.h>

#include "text.h"

static const char *const known_extensions[] = {"m2p", "m2v", "mpeg", "mp3", "avi", "mp4", "flv",
	"mpt", "mpg", "m4v", "trp", "f4v", "m2ts", "ts", "264", "h264", "mkv", "mka", "mov", "mts",
	"m2t", "wmv", "wma", "asf", "vob", "3gp", "3gpp", "mxf", "divx", "xvid", "raw", "dv", "gxf",
	"m1v", "3g2", "vmf", "webm", "lch", "gxf_mpeg2", "mxf_mpeg2", "mxfhd", "wav", "y4m", "ogg",
	"oga", NULL};

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool in_list(const char *text, const char *const *list)
{
	for (size_t i = 0; list[i]; i++) {
		if (strcasecmp(text, list[i]) == 0) {
			return true;
		}
	}
	return false;
}

static char *required(const char *path, const char *name)
{
	return sl_asprintf("%s: Should have required property '%s'", path, name);
}

static char *check_int(const char *path, const json_t *object, const char *name, int64_t min,
	int64_t max, bool is_required)
{
	const json_t *value = json_object_get(object, name);
	if (!value) {
		return is_required ? required(path, name) : NULL;
	}
	if (!json_is_integer(value)) {
		return sl_asprintf("%s/%s: Should be integer", path, name);
	}
	if (json_integer_value(value) < min) {
		return sl_asprintf("%s/%s: Should be >= %lld", path, name, (long long)min);
	}
	if (json_integer_value(value) > max) {
		return sl_asprintf("%s/%s: Should be <= %lld", path, name, (long long)max);
	}
	return NULL;
}

/* The model's pattern: the last segment has no dot, or ends in a known extension. */
static char *check_file_input(const char *path, const json_t *input)
{
	const char *uri = text_of(input, "fileInput");
	SL_AUTO(sl_freep)
	char *bucket = NULL;
	SL_AUTO(sl_freep)
	char *key = NULL;
	if (!uri) {
		return required(path, "fileInput");
	}
	if (sl_text_starts_with(uri, "https://") || sl_text_starts_with(uri, "http://")) {
		return sl_asprintf("%s/fileInput: localcloud reads inputs from s3:// only", path);
	}
	bool fits = lc_s3_uri_split(uri, &bucket, &key);
	if (fits) {
		const char *slash = strrchr(key, '/');
		const char *name = slash ? slash + 1 : key;
		const char *dot = strrchr(name, '.');
		fits = *name != '\0' && (!dot || in_list(dot + 1, known_extensions));
	}
	return fits ? NULL
		    : sl_asprintf("%s/fileInput: Should match pattern of s3://bucket/key with a "
				  "media file's extension",
			      path);
}

static char *check_video(const char *path, const json_t *video)
{
	const json_t *codec = json_object_get(video, "codecSettings");
	const char *name = text_of(codec, "codec");
	SL_AUTO(sl_freep)
	char *at = sl_asprintf("%s/videoDescription/codecSettings", path);
	if (!name) {
		return required(at, "codec");
	}
	char *problem = check_int(path, video, "width", 32, 8192, false);
	if (!problem) {
		problem = check_int(path, video, "height", 32, 8192, false);
	}
	if (problem) {
		return problem;
	}
	if (strcmp(name, "FRAME_CAPTURE") == 0) {
		SL_AUTO(sl_freep)
		char *in = sl_asprintf("%s/frameCaptureSettings", at);
		const json_t *capture = json_object_get(codec, "frameCaptureSettings");
		problem = check_int(in, capture, "framerateNumerator", 1, INT32_MAX, false);
		problem = problem
			? problem
			: check_int(in, capture, "framerateDenominator", 1, INT32_MAX, false);
		problem = problem ? problem
				  : check_int(in, capture, "maxCaptures", 1, 10000000, false);
		return problem ? problem : check_int(in, capture, "quality", 1, 100, false);
	}
	if (strcmp(name, "H_264") == 0) {
		SL_AUTO(sl_freep)
		char *in = sl_asprintf("%s/h264Settings", at);
		const json_t *h264 = json_object_get(codec, "h264Settings");
		const char *mode = text_of(h264, "rateControlMode");
		bool qvbr = mode && strcmp(mode, "QVBR") == 0;
		problem = check_int(in, h264, "bitrate", 1000, 1152000000, !qvbr);
		return problem ? problem
			       : check_int(in, h264, "maxBitrate", 1000, 1152000000, qvbr);
	}
	return sl_asprintf("%s/codec: localcloud makes H_264 and FRAME_CAPTURE only", at);
}

static char *check_audio(const char *path, const json_t *audio, const json_t *input)
{
	const json_t *codec = json_object_get(audio, "codecSettings");
	const char *name = text_of(codec, "codec");
	const char *source = text_of(audio, "audioSourceName");
	SL_AUTO(sl_freep)
	char *at = sl_asprintf("%s/audioDescriptions/0/codecSettings", path);
	if (!name) {
		return required(at, "codec");
	}
	if (strcmp(name, "AAC") != 0) {
		return sl_asprintf("%s/codec: localcloud makes AAC only", at);
	}
	SL_AUTO(sl_freep)
	char *in = sl_asprintf("%s/aacSettings", at);
	const json_t *aac = json_object_get(codec, "aacSettings");
	const char *mode = text_of(aac, "rateControlMode");
	char *problem = check_int(in, aac, "sampleRate", 8000, 96000, true);
	problem = problem
		? problem
		: check_int(in, aac, "bitrate", 6000, 1024000, !mode || strcmp(mode, "VBR") != 0);
	if (!problem && !text_of(aac, "codingMode")) {
		problem = required(in, "codingMode");
	}
	if (!problem && source &&
		!json_object_get(json_object_get(input, "audioSelectors"), source)) {
		problem = sl_asprintf(
			"%s/audioDescriptions/0/audioSourceName: Invalid selector_sequence_id "
			"[0] specified for audio_description [1].",
			path);
	}
	return problem;
}

static char *check_output(const char *path, const json_t *output, size_t in_group,
	const json_t *input, bool *is_capture)
{
	const char *container = text_of(json_object_get(output, "containerSettings"), "container");
	const json_t *video = json_object_get(output, "videoDescription");
	const json_t *audios = json_object_get(output, "audioDescriptions");
	const char *modifier = text_of(output, "nameModifier");

	if (!container) {
		return required(path, "containerSettings");
	}
	if (in_group > 1 && !modifier) {
		return required(path, "nameModifier");
	}
	if (modifier && (*modifier == '\0' || strlen(modifier) > 256)) {
		return sl_asprintf("%s/nameModifier: Should have 1 to 256 characters", path);
	}
	if (!video && json_array_size(audios) == 0) {
		return required(path, "videoDescription");
	}
	char *problem = video ? check_video(path, video) : NULL;
	if (!problem && json_array_size(audios) > 0) {
		problem = check_audio(path, json_array_get(audios, 0), input);
	}
	if (problem) {
		return problem;
	}
	const char *codec = text_of(json_object_get(video, "codecSettings"), "codec");
	*is_capture = sl_text_equal(codec, "FRAME_CAPTURE");
	if (*is_capture != (strcmp(container, "RAW") == 0)) {
		return sl_asprintf(
			"%s/containerSettings/container: Codec %s does not go into container %s",
			path, codec ? codec : "AAC", container);
	}
	if (!*is_capture && strcmp(container, "MP4") != 0 && strcmp(container, "MOV") != 0) {
		return sl_asprintf(
			"%s/containerSettings/container: localcloud writes MP4, MOV and RAW only",
			path);
	}
	if (*is_capture && json_array_size(audios) > 0) {
		return sl_asprintf(
			"%s/audioDescriptions: Frame capture outputs have no audio", path);
	}
	return NULL;
}

static char *check_group(
	const char *path, const json_t *group, const json_t *input, bool *other_than_capture)
{
	const json_t *settings = json_object_get(group, "outputGroupSettings");
	const char *type = text_of(settings, "type");
	const char *destination =
		text_of(json_object_get(settings, "fileGroupSettings"), "destination");
	const json_t *outputs = json_object_get(group, "outputs");

	if (!type) {
		return required(path, "outputGroupSettings");
	}
	if (strcmp(type, "FILE_GROUP_SETTINGS") != 0) {
		return sl_asprintf(
			"%s/outputGroupSettings/type: localcloud makes file groups only", path);
	}
	const char *bucket =
		destination && sl_text_starts_with(destination, "s3://") ? destination + 5 : "/";
	if (*bucket == '/' || !strchr(bucket, '/')) {
		return sl_asprintf(
			"%s/outputGroupSettings/fileGroupSettings/destination: Should match "
			"pattern \"^s3:\\/\\/\"",
			path);
	}
	if (json_array_size(outputs) == 0) {
		return sl_asprintf("%s/outputs: Should NOT have less than 1 items", path);
	}
	for (size_t i = 0; i < json_array_size(outputs); i++) {
		SL_AUTO(sl_freep)
		char *at = sl_asprintf("%s/outputs/%zu", path, i);
		bool is_capture = false;
		char *problem = check_output(at, json_array_get(outputs, i),
			json_array_size(outputs), input, &is_capture);
		if (problem) {
			return problem;
		}
		*other_than_capture = *other_than_capture || !is_capture;
	}
	return NULL;
}

static char *check_settings(const json_t *settings)
{
	const json_t *inputs = json_object_get(settings, "inputs");
	const json_t *groups = json_object_get(settings, "outputGroups");
	if (!json_is_array(inputs)) {
		return required("", "inputs");
	}
	if (json_array_size(inputs) == 0) {
		return sl_strdup("/inputs: Should NOT have less than 1 items");
	}
	if (json_array_size(inputs) > 1) {
		return sl_strdup("/inputs: localcloud takes one input");
	}
	if (json_array_size(groups) == 0) {
		return sl_strdup("/outputGroups: Should NOT have less than 1 items");
	}
	const json_t *input = json_array_get(inputs, 0);
	char *problem = check_file_input("/inputs/0", input);
	bool other_than_capture = false;
	for (size_t i = 0; !problem && i < json_array_size(groups); i++) {
		SL_AUTO(sl_freep)
		char *at = sl_asprintf("/outputGroups/%zu", i);
		problem = check_group(at, json_array_get(groups, i), input, &other_than_capture);
	}
	if (!problem && !other_than_capture) {
		problem = sl_strdup("/outputGroups: A job cannot have only frame capture outputs");
	}
	return problem;
}

static char *check_user_metadata(const json_t *metadata)
{
	const char *key;
	json_t *value;
	if (metadata && !json_is_object(metadata)) {
		return sl_strdup("/userMetadata: Should be object");
	}
	json_object_foreach ((json_t *)(uintptr_t)metadata, key, value) {
		if (!json_is_string(value)) {
			return sl_asprintf("/userMetadata/%s: Should be string", key);
		}
	}
	return NULL;
}

char *lc_mediaconvert_check(const json_t *body)
{
	const char *role = text_of(body, "role");
	const char *token = text_of(body, "clientRequestToken");
	if (!role || *role == '\0') {
		return required("", "role");
	}
	if (!sl_text_starts_with(role, "arn:")) {
		return sl_strdup("/role: Should be the ARN of an IAM role");
	}
	if (!json_is_object(json_object_get(body, "settings"))) {
		return required("", "settings");
	}
	if (token && strlen(token) > 64) {
		return sl_strdup("/clientRequestToken: Should NOT be longer than 64 characters");
	}
	char *problem = check_int("", body, "priority", -50, 50, false);
	problem = problem ? problem : check_user_metadata(json_object_get(body, "userMetadata"));
	return problem ? problem : check_settings(json_object_get(body, "settings"));
}
