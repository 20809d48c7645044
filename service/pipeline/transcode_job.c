/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the MediaConvert job. File names are fixed ("frame", "video", "audio" below a prefix
 * with our own id): GetJob never returns paths, and '$' in a user's name would be expanded.
 * https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html
 */

#include "transcode_job.h"

#include <string.h>

#include "mem.h"
#include "text.h"

static char *destination(const struct sl_config *config, const char *prefix_or_key)
{
	return sl_asprintf("s3://%s/%s", config->bucket, prefix_or_key);
}

static json_t *group(const char *name, const char *destination_uri, json_t *output)
{
	return json_pack("{s:s, s:{s:s, s:{s:s}}, s:[o]}", "name", name, "outputGroupSettings",
		"type", "FILE_GROUP_SETTINGS", "fileGroupSettings", "destination", destination_uri,
		"outputs", output);
}

static json_int_t gcd(json_int_t a, json_int_t b)
{
	return b == 0 ? a : gcd(b, a % b);
}

/* One frame every interval_ms: framerate 1000 / interval_ms, reduced. */
static json_t *frames_group(const struct sl_config *config, const struct sl_video *video)
{
	SL_AUTO(sl_freep)
	char *prefix = sl_video_frames_prefix(video->id);
	SL_AUTO(sl_freep)
	char *base = sl_asprintf("%sframe", prefix);
	SL_AUTO(sl_freep)
	char *uri = destination(config, base);
	json_int_t interval = video->frame_interval_ms;
	json_int_t divisor = gcd(1000, interval);
	json_t *output = json_pack("{s:s, s:{s:s}, s:{s:{s:s, s:{s:I, s:I, s:i, s:i}}}}",
		"extension", "jpg", "containerSettings", "container", "RAW", "videoDescription",
		"codecSettings", "codec", "FRAME_CAPTURE", "frameCaptureSettings",
		"framerateNumerator", 1000 / divisor, "framerateDenominator", interval / divisor,
		"maxCaptures", 10000000, "quality", 80);
	return group("Thumbnails for Rekognition", uri, output);
}

static json_t *audio_description(void)
{
	return json_pack("{s:s, s:{s:s, s:{s:s, s:s, s:s, s:i, s:i}}}", "audioSourceName",
		"Audio Selector 1", "codecSettings", "codec", "AAC", "aacSettings", "codecProfile",
		"LC", "rateControlMode", "CBR", "codingMode", "CODING_MODE_2_0", "sampleRate",
		48000, "bitrate", 128000);
}

/* The group's destination is the key without its extension, which MediaConvert adds. */
static json_t *file_group(
	const struct sl_config *config, const char *name, const char *key, json_t *output)
{
	SL_AUTO(sl_freep)
	char *uri = destination(config, key);
	*strrchr(uri, '.') = '\0';
	json_object_set_new(output, "extension", json_string(strrchr(key, '.') + 1));
	return group(name, uri, output);
}

static json_t *mp4_group(
	const struct sl_config *config, const struct sl_video *video, bool with_audio)
{
	json_t *output = json_pack(
		"{s:{s:s, s:{s:s}}, s:{s:{s:s, s:{s:s, s:i, s:s, s:s, s:s, s:s, s:i}}}}",
		"containerSettings", "container", "MP4", "mp4Settings", "moovPlacement",
		"PROGRESSIVE_DOWNLOAD", "videoDescription", "codecSettings", "codec", "H_264",
		"h264Settings", "rateControlMode", "CBR", "bitrate", 6000000, "qualityTuningLevel",
		"SINGLE_PASS_HQ", "codecProfile", "HIGH", "framerateControl",
		"INITIALIZE_FROM_SOURCE", "gopSizeUnits", "SECONDS", "gopSize", 2);
	if (with_audio) {
		json_object_set_new(
			output, "audioDescriptions", json_pack("[o]", audio_description()));
	}
	SL_AUTO(sl_freep)
	char *key = sl_video_mp4_key(video->id);
	return file_group(config, "MP4 for Rekognition", key, output);
}

static json_t *audio_group(const struct sl_config *config, const struct sl_video *video)
{
	json_t *output = json_pack("{s:{s:s}, s:[o]}", "containerSettings", "container", "MP4",
		"audioDescriptions", audio_description());
	SL_AUTO(sl_freep)
	char *key = sl_video_audio_key(video->id);
	return file_group(config, "Audio for Transcribe", key, output);
}

static json_t *input(const struct sl_video *video)
{
	SL_AUTO(sl_freep)
	char *uri = sl_asprintf("s3://%s/%s", video->bucket, video->key);
	return json_pack("{s:s, s:s, s:{s:s}, s:{s:{s:s}}}", "fileInput", uri, "timecodeSource",
		"ZEROBASED", "videoSelector", "rotate", "AUTO", "audioSelectors",
		"Audio Selector 1", "defaultSelection", "DEFAULT");
}

char *sl_transcode_job_token(const char *video_id, bool with_audio)
{
	return sl_asprintf("%s%s", video_id, with_audio ? "" : "-silent");
}

json_t *sl_transcode_job_build(
	const struct sl_config *config, const struct sl_video *video, bool with_audio)
{
	json_t *groups = json_pack(
		"[o, o]", frames_group(config, video), mp4_group(config, video, with_audio));
	if (with_audio) {
		json_array_append_new(groups, audio_group(config, video));
	}
	SL_AUTO(sl_freep)
	char *token = sl_asprintf("%s%s", video->id, with_audio ? "" : "-silent");
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:{s:s}, s:[o], s:o}}",
		"role", config->mediaconvert_role_arn, "clientRequestToken", token, "queue",
		config->mediaconvert_queue, "statusUpdateInterval", "SECONDS_10", "userMetadata",
		"videoId", video->id, SL_TRANSCODE_JOB_MARK, token, "settings", "timecodeConfig",
		"source", "ZEROBASED", "inputs", input(video), "outputGroups", groups);
	if (body == NULL) {
		SL_BUG("the MediaConvert job cannot be packed");
	}
	return body;
}

int64_t sl_transcode_job_frame_index(const char *prefix, const char *key)
{
	if (!sl_text_starts_with(key, prefix) || !sl_text_ends_with(key, ".jpg")) {
		return -1;
	}
	size_t len = strlen(key);
	const char *dot = key + len - 4;
	const char *digits = dot;
	while (digits > key && digits[-1] >= '0' && digits[-1] <= '9') {
		digits--;
	}
	if (dot - digits < 7 || dot - digits > 9 || digits == key || digits[-1] != '.') {
		return -1;
	}
	SL_AUTO(sl_freep)
	char *number = sl_strndup(digits, (size_t)(dot - digits));
	int64_t index;
	return sl_text_parse_i64(number, 0, 999999999, &index) ? index : -1;
}
