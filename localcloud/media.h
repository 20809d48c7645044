/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_MEDIA_H
#define LC_MEDIA_H

/* What ffprobe tells of a media file, and S3 URIs: for the services that work on media. Any
 * thread. */

#include "cloud.h"

/* The containers that the media services take; ffmpeg's playlists, devices and text art stay
 * out. For -format_whitelist. */
extern const char lc_media_formats[];

struct lc_media {
	int64_t duration_ms; /* 0: not known */
	char *format;        /* ffprobe's, e.g. "mov,mp4,m4a,3gp,3g2,mj2" */
	bool has_video;
	int video_index; /* of all streams */
	char *video_codec, *pixel_format, *fourcc;
	int width, height;          /* as shown: after rotation, with square pixels */
	int64_t rate_num, rate_den; /* 0/1: not known */
	bool has_audio;
	int audio_index;
	char *audio_codec, *language;
	int channels, sample_rate;
};

/** False when ffprobe takes the file for nothing known; then `*ret_why` (owned) has its words.
 *  Otherwise the caller finishes `ret`. */
bool lc_media_probe(const char *path, struct lc_media *ret, char **ret_why);
void lc_media_finish(struct lc_media *media);

/** The last line of what a program complained, without the path it talks about; owned. */
char *lc_media_last_words(const struct sl_buf *err);

/** Splits s3://bucket/key (the key is raw, as AWS's media services take it). False when it is not
 *  that; the caller owns both strings. */
bool lc_s3_uri_split(const char *uri, char **ret_bucket, char **ret_key);

#endif
