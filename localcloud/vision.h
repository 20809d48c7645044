/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_VISION_H
#define LC_VISION_H

/*
 * The recognisers, behind a C interface (vision.cc uses OpenCV): HOG people, Haar cascades for
 * faces, cats and licence plates, and an LBPH gallery of named faces. Modest, real, and no
 * account needed. How a detector's score becomes a confidence is written at each detector.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lc_vision_class { LC_VISION_PERSON, LC_VISION_FACE, LC_VISION_CAT, LC_VISION_PLATE };

/* Fractions of the picture, as Rekognition gives them. */
struct lc_vision_hit {
	enum lc_vision_class class_;
	double left, top, width, height;
	double confidence;            /* 0..100 */
	char name[128];               /* faces: the gallery's name, or "" */
	double match_confidence;      /* of the name, 0..100 */
	double brightness, sharpness; /* faces: 0..100, as Rekognition's ImageQuality */
};

struct lc_vision_hits {
	struct lc_vision_hit *items; /* malloc'ed */
	size_t count;
	int width, height; /* of the picture, pixels */
};

struct lc_vision;

/** Loads cascades and, when `gallery_dir` is not NULL, the named faces: `<name>.<ext>` or
 *  `<name>/<anything>.<ext>` (jpg, png); a picture without exactly one face is told in
 *  `ret_message` and skipped. NULL when the cascades cannot be loaded; then `ret_message` says
 *  why. The caller frees `*ret_message`. Not thread-safe: one per thread. */
struct lc_vision *lc_vision_create(const char *gallery_dir, char **ret_message);
void lc_vision_destroy(struct lc_vision *vision);

enum lc_vision_want { LC_WANT_FACES = 1, LC_WANT_LABELS = 2 };

/** Looks at one picture file. 0, or -1 when it is not a picture. */
int lc_vision_image(
	struct lc_vision *vision, const char *path, unsigned want, struct lc_vision_hits *ret);

/** The same for a picture in memory (JPEG or PNG). */
int lc_vision_bytes(struct lc_vision *vision, const void *bytes, size_t len, unsigned want,
	struct lc_vision_hits *ret);

/** Walks a video at one look every `interval_ms`; `on_frame` gets the time and hits (borrowed),
 *  and returns 0 to go on. 0, or -1 when the file is not a video. Also tells the duration,
 *  frame rate and size through the pointers. */
typedef int lc_vision_on_frame(void *context, int64_t time_ms, const struct lc_vision_hits *hits);
int lc_vision_video(struct lc_vision *vision, const char *path, int interval_ms,
	lc_vision_on_frame *on_frame, void *context, int64_t *ret_duration_ms,
	double *ret_frame_rate, int *ret_width, int *ret_height);

#ifdef __cplusplus
}
#endif
#endif
