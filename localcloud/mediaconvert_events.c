/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MediaConvert's EventBridge events, in the shapes that AWS documents and that were recorded.
 * Entry points: lc_mediaconvert_event and the makers of details. Any thread.
 */
#include "mediaconvert.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "text.h"

void lc_mediaconvert_event(const struct lc_job *job, const char *status, json_t *more)
{
	const json_t *metadata = json_object_get(job->doc, "userMetadata");
	json_t *detail = json_pack("{s:I, s:s, s:O?, s:s, s:s, s:o}", "timestamp",
		(json_int_t)sl_clock_now_ms(), "accountId", LC_ACCOUNT, "queue",
		json_object_get(job->doc, "queue"), "jobId", job->id, "status", status,
		"userMetadata", metadata ? json_deep_copy(metadata) : json_object());
	if (more) {
		json_object_update(detail, more);
		json_decref(more);
	}
	lc_events_put("aws.mediaconvert", "MediaConvert Job State Change",
		json_string_value(json_object_get(job->doc, "arn")), detail);
}

/* ffprobe's names and MediaConvert's. */
static const char *const codec_names[][2] = {
	{"h264", "H_264"},
	{"hevc", "H_265"},
	{"mpeg2video", "MPEG2"},
	{"mpeg4", "MPEG4"},
	{"vp8", "VP8"},
	{"vp9", "VP9"},
	{"av1", "AV1"},
	{"prores", "PRORES"},
	{"aac", "AAC"},
	{"mp3", "MP3"},
	{"ac3", "AC3"},
	{"eac3", "EAC3"},
	{"opus", "OPUS"},
	{"vorbis", "VORBIS"},
	{"flac", "FLAC"},
};

static json_t *codec_name(const char *ffmpeg_name)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(codec_names); i++) {
		if (sl_text_equal(ffmpeg_name, codec_names[i][0])) {
			return json_string(codec_names[i][1]);
		}
	}
	if (ffmpeg_name && sl_text_starts_with(ffmpeg_name, "pcm_")) {
		return json_string("PCM");
	}
	SL_AUTO(sl_freep)
	char *upper = sl_strdup(ffmpeg_name ? ffmpeg_name : "UNKNOWN");
	for (char *c = upper; *c; c++) {
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	}
	return json_string(upper);
}

static json_t *video_details(const struct lc_media *media)
{
	const char *format = media->pixel_format ? media->pixel_format : "";
	const char *color = strstr(format, "444") ? "YUV_444"
		: strstr(format, "422")           ? "YUV_422"
						  : "YUV_420";
	double rate = media->rate_num > 0 ? (double)media->rate_num / (double)media->rate_den : 0;
	return json_pack("{s:i, s:o, s:s, s:s, s:f, s:i, s:s, s:s, s:s, s:i, s:i}", "bitDepth",
		strstr(format, "10") ? 10 : 8, "codec", codec_name(media->video_codec),
		"colorFormat", color, "fourCC", media->fourcc ? media->fourcc : "", "frameRate",
		round(rate * 100) / 100, "height", media->height, "interlaceMode", "PROGRESSIVE",
		"sar", "1:1", "standard", "UNSPECIFIED", "streamId", media->video_index + 1,
		"width", media->width);
}

json_t *lc_mediaconvert_input_details(const char *uri, const struct lc_media *media)
{
	json_t *input = json_pack("{s:i, s:s}", "id", 1, "uri", uri);
	if (media->has_audio) {
		const char *language =
			media->language && strlen(media->language) == 3 ? media->language : "und";
		char upper[4] = {0};
		for (size_t i = 0; i < 3; i++) {
			upper[i] = (char)(language[i] & ~0x20);
		}
		json_object_set_new(input, "audio",
			json_pack("[{s:i, s:o, s:s, s:i, s:i}]", "channels", media->channels,
				"codec", codec_name(media->audio_codec), "language", upper,
				"sampleRate", media->sample_rate, "streamId",
				media->audio_index + 1));
	}
	if (media->has_video) {
		json_object_set_new(input, "video", json_pack("[o]", video_details(media)));
	}
	return json_pack("[o]", input);
}

json_t *lc_mediaconvert_progress(int percent, bool uploading)
{
	return json_pack("{s:{s:{s:s, s:i}, s:{s:s, s:i}, s:{s:s, s:i}}, s:i, s:s, s:i}",
		"phaseProgress", "PROBING", "status", "COMPLETE", "percentComplete", 100,
		"TRANSCODING", "status", uploading ? "COMPLETE" : "PROGRESSING", "percentComplete",
		uploading ? 100 : percent, "UPLOADING", "status",
		uploading ? "PROGRESSING" : "PENDING", "percentComplete", 0, "jobPercentComplete",
		uploading ? 95 : 5 + percent * 9 / 10, "currentPhase",
		uploading ? "UPLOADING" : "TRANSCODING", "retryCount", 0);
}
