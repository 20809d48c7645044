/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into media files with ffprobe. Entry points: lc_media_probe, lc_s3_uri_split. Any thread.
 */
#include "media.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

const char lc_media_formats[] =
	"mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,mxf,ogg,wav,w64,"
	"mp3,"
	"aac,ac3,eac3,flac,amr,gxf,dv,h264,hevc,m4v,ivf,yuv4mpegpipe,aiff,au,caf";

void lc_media_finish(struct lc_media *media)
{
	free(media->format);
	free(media->video_codec);
	free(media->pixel_format);
	free(media->fourcc);
	free(media->audio_codec);
	free(media->language);
	*media = (struct lc_media){0};
}

char *lc_media_last_words(const struct sl_buf *err)
{
	const char *text = sl_buf_str(err);
	size_t len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1])) {
		len--;
	}
	size_t from = len;
	while (from > 0 && text[from - 1] != '\n') {
		from--;
	}
	/* "file:/data/…: Invalid data found when processing input": the path is ours, not AWS's. */
	for (size_t i = len; i > from + 1; i--) {
		if (text[i - 1] == ' ' && text[i - 2] == ':') {
			from = i;
			break;
		}
	}
	return len > from ? sl_strndup(text + from, len - from) : sl_strdup("Unknown error");
}

static int64_t member_int(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	int64_t number = 0;
	if (json_is_integer(value)) {
		return json_integer_value(value);
	}
	if (!json_is_string(value) ||
		!sl_text_parse_i64(json_string_value(value), INT32_MIN, INT32_MAX, &number)) {
		return 0;
	}
	return number;
}

static char *member_text(const json_t *object, const char *name)
{
	return sl_strdup(json_string_value(json_object_get(object, name)));
}

/* "30000/1001" or "4:3" */
static void parse_ratio(const char *text, char separator, int64_t *ret_num, int64_t *ret_den)
{
	const char *middle = text ? strchr(text, separator) : NULL;
	if (!middle) {
		return;
	}
	SL_AUTO(sl_freep)
	char *first = sl_strndup(text, (size_t)(middle - text));
	int64_t num = 0;
	int64_t den = 0;
	if (sl_text_parse_i64(first, 1, INT32_MAX, &num) &&
		sl_text_parse_i64(middle + 1, 1, INT32_MAX, &den)) {
		*ret_num = num;
		*ret_den = den;
	}
}

static int64_t rotation_of(const json_t *stream)
{
	size_t i;
	const json_t *side;
	json_array_foreach (json_object_get(stream, "side_data_list"), i, side) {
		const json_t *rotation = json_object_get(side, "rotation");
		if (rotation) {
			return (int64_t)json_number_value(rotation);
		}
	}
	return member_int(json_object_get(stream, "tags"), "rotate");
}

static void read_video(const json_t *stream, struct lc_media *media)
{
	media->has_video = true;
	media->video_index = (int)member_int(stream, "index");
	media->video_codec = member_text(stream, "codec_name");
	media->pixel_format = member_text(stream, "pix_fmt");
	media->fourcc = member_text(stream, "codec_tag_string");
	media->width = (int)member_int(stream, "width");
	media->height = (int)member_int(stream, "height");
	int64_t num = 1;
	int64_t den = 1;
	parse_ratio(
		json_string_value(json_object_get(stream, "sample_aspect_ratio")), ':', &num, &den);
	media->width = (int)((int64_t)media->width * num / den);
	if (rotation_of(stream) % 180 != 0) {
		int width = media->width;
		media->width = media->height;
		media->height = width;
	}
	media->rate_num = 0;
	media->rate_den = 1;
	parse_ratio(json_string_value(json_object_get(stream, "avg_frame_rate")), '/',
		&media->rate_num, &media->rate_den);
}

static void read_audio(const json_t *stream, struct lc_media *media)
{
	media->has_audio = true;
	media->audio_index = (int)member_int(stream, "index");
	media->audio_codec = member_text(stream, "codec_name");
	media->channels = (int)member_int(stream, "channels");
	media->sample_rate = (int)member_int(stream, "sample_rate");
	media->language = member_text(json_object_get(stream, "tags"), "language");
}

static void read_streams(const json_t *root, struct lc_media *media)
{
	size_t i;
	const json_t *stream;
	json_array_foreach (json_object_get(root, "streams"), i, stream) {
		const char *type = json_string_value(json_object_get(stream, "codec_type"));
		const json_t *disposition = json_object_get(stream, "disposition");
		bool cover = member_int(disposition, "attached_pic") != 0;
		if (sl_text_equal(type, "video") && !media->has_video && !cover) {
			read_video(stream, media);
		} else if (sl_text_equal(type, "audio") && !media->has_audio) {
			read_audio(stream, media);
		}
	}
	const json_t *format = json_object_get(root, "format");
	media->format = member_text(format, "format_name");
	const char *duration = json_string_value(json_object_get(format, "duration"));
	media->duration_ms = duration ? (int64_t)(strtod(duration, NULL) * 1000 + 0.5) : 0;
}

bool lc_media_probe(const char *path, struct lc_media *ret, char **ret_why)
{
	SL_AUTO(sl_freep)
	char *url = sl_asprintf("file:%s", path);
	const char *argv[] = {"ffprobe", "-v", "error", "-protocol_whitelist", "file",
		"-format_whitelist", lc_media_formats, "-of", "json", "-show_format",
		"-show_streams", "-i", url, NULL};
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf err = SL_BUF_INIT;

	int status = lc_run(argv, &out, &err);
	json_auto_t *root = json_loads(sl_buf_str(&out), 0, NULL);
	if (status != 0 || !root || json_array_size(json_object_get(root, "streams")) == 0) {
		*ret_why = status == 0 ? sl_strdup("No streams found") : lc_media_last_words(&err);
		return false;
	}
	*ret = (struct lc_media){0};
	read_streams(root, ret);
	return true;
}

bool lc_s3_uri_split(const char *uri, char **ret_bucket, char **ret_key)
{
	static const char scheme[] = "s3://";
	if (!uri || !sl_text_starts_with(uri, scheme)) {
		return false;
	}
	const char *bucket = uri + strlen(scheme);
	const char *slash = strchr(bucket, '/');
	if (!slash || slash == bucket || slash[1] == '\0') {
		return false;
	}
	*ret_bucket = sl_strndup(bucket, (size_t)(slash - bucket));
	*ret_key = sl_strdup(slash + 1);
	return true;
}
