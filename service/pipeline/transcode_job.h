/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TRANSCODE_JOB_H
#define SL_TRANSCODE_JOB_H

/* The MediaConvert job of a video, in wire form (camelCase). Pure. */

#include "config.h"
#include "video.h"

/** The CreateJob body; the caller owns it. Three file groups: frames, MP4, audio. The audio group
 *  is left out when `with_audio` is false. */
json_t *sl_transcode_job_build(
	const struct sl_config *config, const struct sl_video *video, bool with_audio);

/* The userMetadata key that a forgotten job is found by; its value is the token. */
#define SL_TRANSCODE_JOB_MARK "job"

/** ClientRequestToken of a video's job, and its mark; the caller owns it. */
char *sl_transcode_job_token(const char *video_id, bool with_audio);

/** The index in a frame's key ("….0000012.jpg" below `prefix`), or -1 when it is no frame. */
int64_t sl_transcode_job_frame_index(const char *prefix, const char *key);

#endif
