/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rekognition on single images: RecognizeCelebrities and DetectLabels. Entry points: those two.
 * HTTP threads borrow one of a few recognisers, since each may be used by one thread at a time.
 */
#include "rekognition.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "replay.h"
#include "text.h"

#define RECOGNISERS  2
#define MAX_S3_BYTES ((int64_t)15 * 1024 * 1024)
#define MAX_BYTES    ((size_t)5 * 1024 * 1024)
#define MIN_SIDE     80
#define MAX_FACES    64

static struct {
	pthread_mutex_t lock;
	pthread_cond_t returned;
	struct lc_vision *idle[RECOGNISERS];
	size_t idle_count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .returned = PTHREAD_COND_INITIALIZER};

void lc_rekognition_image_start(struct lc_cloud *cloud)
{
	for (size_t i = 0; i < RECOGNISERS; i++) {
		SL_AUTO(sl_freep)
		char *message = NULL;
		struct lc_vision *vision = lc_vision_create(cloud->gallery_dir, &message);
		if (message && i == 0) {
			sl_log(vision ? SL_LOG_WARN : SL_LOG_ERROR, "recognisers",
				SL_F("reason", message), SL_F_END);
		}
		if (!vision) {
			SL_BUG("the recognisers' models are not installed");
		}
		pool.idle[pool.idle_count++] = vision;
	}
}

void lc_rekognition_image_stop(void)
{
	while (pool.idle_count > 0) {
		lc_vision_destroy(pool.idle[--pool.idle_count]);
	}
}

static struct lc_vision *borrow(void)
{
	pthread_mutex_lock(&pool.lock);
	while (pool.idle_count == 0) {
		pthread_cond_wait(&pool.returned, &pool.lock);
	}
	struct lc_vision *vision = pool.idle[--pool.idle_count];
	pthread_mutex_unlock(&pool.lock);
	return vision;
}

static void give_back(struct lc_vision *vision)
{
	pthread_mutex_lock(&pool.lock);
	pool.idle[pool.idle_count++] = vision;
	pthread_cond_signal(&pool.returned);
	pthread_mutex_unlock(&pool.lock);
}

static bool read_file(const char *path, struct sl_buf *bytes)
{
	FILE *file = fopen(path, "re");
	char chunk[65536];
	size_t n;
	if (!file) {
		return false;
	}
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
		sl_buf_add(bytes, chunk, n);
	}
	bool whole = !ferror(file);
	(void)fclose(file);
	return whole;
}

static bool load_s3_object(const json_t *object, struct sl_buf *bytes, struct lc_reply *reply,
	const struct lc_request *request)
{
	const char *bucket = json_string_value(json_object_get(object, "Bucket"));
	const char *name = json_string_value(json_object_get(object, "Name"));
	SL_AUTO(sl_freep)
	char *path = NULL;
	int64_t size = 0;
	if (!bucket || !name || *name == '\0') {
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters");
		return false;
	}
	if (lc_s3_object_path(bucket, name, &path, &size) != LC_OBJECT_OK) {
		lc_rekognition_refuse(reply, request, "InvalidS3ObjectException",
			"Unable to get object metadata from S3. Check object key, region and/or "
			"access "
			"permissions.");
		return false;
	}
	if (size > MAX_S3_BYTES) {
		lc_rekognition_refuse(reply, request, "ImageTooLargeException",
			"Image size is too large, %lld bytes of at most %lld", (long long)size,
			(long long)MAX_S3_BYTES);
		return false;
	}
	if (!read_file(path, bytes)) {
		lc_rekognition_refuse(reply, request, "InvalidS3ObjectException",
			"Unable to get object from S3. Check object key, region and/or access "
			"permissions.");
		return false;
	}
	return true;
}

/* The picture's bytes from either place; false when the reply is an error already. */
static bool load_image(const json_t *body, struct sl_buf *bytes, struct lc_reply *reply,
	const struct lc_request *request)
{
	const json_t *image = json_object_get(body, "Image");
	const char *encoded = json_string_value(json_object_get(image, "Bytes"));
	const json_t *object = json_object_get(image, "S3Object");
	if ((encoded != NULL) == (object != NULL)) {
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters");
		return false;
	}
	if (object && !load_s3_object(object, bytes, reply, request)) {
		return false;
	}
	if (encoded && !sl_text_base64_decode(bytes, encoded, strlen(encoded))) {
		lc_rekognition_refuse(
			reply, request, "SerializationException", "Image.Bytes is not base64");
		return false;
	}
	if (encoded && bytes->len > MAX_BYTES) {
		lc_rekognition_refuse(reply, request, "ImageTooLargeException",
			"Image size is too large, %zu bytes of at most %zu", bytes->len, MAX_BYTES);
		return false;
	}
	const char *head = sl_buf_str(bytes);
	bool is_jpeg = bytes->len > 3 && memcmp(head, "\xff\xd8\xff", 3) == 0;
	bool is_png = bytes->len > 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0;
	if (!is_jpeg && !is_png) {
		lc_rekognition_refuse(reply, request, "InvalidImageFormatException",
			"Request has invalid image format");
		return false;
	}
	return true;
}

/* Looks at the request's image; false when the reply is an error. The caller frees the hits. */
static bool look(const json_t *body, unsigned want, struct lc_vision_hits *hits,
	struct lc_reply *reply, const struct lc_request *request)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	if (!load_image(body, &bytes, reply, request)) {
		return false;
	}
	struct lc_vision *vision = borrow();
	int result = lc_vision_bytes(vision, sl_buf_str(&bytes), bytes.len, want, hits);
	give_back(vision);
	if (result != 0) {
		lc_rekognition_refuse(reply, request, "InvalidImageFormatException",
			"Request has invalid image format");
		return false;
	}
	if (hits->width < MIN_SIDE || hits->height < MIN_SIDE) {
		free(hits->items);
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters: the image is smaller than 80 x 80 pixels");
		return false;
	}
	return true;
}

static json_t *face_of(const struct lc_vision_hit *hit)
{
	/* The cascades see frontal faces only: the pose is about straight. */
	return json_pack("{s:o, s:f, s:[], s:{s:f, s:f, s:f}, s:{s:f, s:f}}", "BoundingBox",
		lc_rekognition_box(hit), "Confidence", hit->confidence, "Landmarks", "Pose", "Roll",
		0.0, "Yaw", 0.0, "Pitch", 0.0, "Quality", "Brightness", hit->brightness,
		"Sharpness", hit->sharpness);
}

/* Stable for a name, of the form that AWS's have ("3Ir0du6"): FNV-1a in base 62. */
static void celebrity_id(const char *name, char ret[8])
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint64_t hash = 14695981039346656037u;
	for (const char *c = name; *c; c++) {
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	}
	for (size_t i = 0; i < 7; i++) {
		ret[i] = digits[hash % 62];
		hash /= 62;
	}
	ret[7] = '\0';
}

/* The answer, when the image is a frame of a replay. */
static bool replayed_faces(const json_t *body, struct lc_reply *reply)
{
	const json_t *object = json_object_get(json_object_get(body, "Image"), "S3Object");
	const char *bucket = json_string_value(json_object_get(object, "Bucket"));
	const char *name = json_string_value(json_object_get(object, "Name"));
	SL_AUTO(lc_replay_finish)
	struct lc_replay replay = {0};

	if (!bucket || !name || !lc_replay_of_object(bucket, name, &replay) || replay.frame < 0) {
		return false;
	}
	lc_rekognition_answer(reply, NULL);
	sl_buf_puts(&reply->body, "{\"CelebrityFaces\":");
	lc_replay_faces(replay.name, replay.frame, &reply->body);
	sl_buf_puts(&reply->body, ",\"UnrecognizedFaces\":[]}");
	return true;
}

void lc_rekognition_recognize_celebrities(SL_UNUSED struct lc_cloud *cloud,
	const struct lc_request *request, const json_t *body, struct lc_reply *reply)
{
	struct lc_vision_hits hits = {0};
	if (replayed_faces(body, reply)) {
		return;
	}
	if (!look(body, LC_WANT_FACES, &hits, reply, request)) {
		return;
	}
	json_t *known = json_array();
	json_t *unknown = json_array();
	for (size_t i = 0; i < hits.count && i < MAX_FACES; i++) {
		const struct lc_vision_hit *hit = &hits.items[i];
		if (hit->class_ != LC_VISION_FACE || hit->confidence < cloud->label_threshold) {
			continue;
		}
		if (hit->name[0] == '\0') {
			json_array_append_new(unknown, face_of(hit));
			continue;
		}
		char id[8];
		celebrity_id(hit->name, id);
		json_array_append_new(known,
			json_pack("{s:[], s:s, s:s, s:o, s:f}", "Urls", "Name", hit->name, "Id", id,
				"Face", face_of(hit), "MatchConfidence", hit->match_confidence));
	}
	free(hits.items);
	lc_rekognition_answer(reply,
		json_pack("{s:o, s:o}", "CelebrityFaces", known, "UnrecognizedFaces", unknown));
}

void lc_rekognition_detect_labels(struct lc_cloud *cloud, const struct lc_request *request,
	const json_t *body, struct lc_reply *reply)
{
	const json_t *min = json_object_get(body, "MinConfidence");
	const json_t *max = json_object_get(body, "MaxLabels");
	double min_confidence = min ? json_number_value(min) : 55;
	if ((min && !json_is_number(min)) || min_confidence < 0 || min_confidence > 100 ||
		(max && (!json_is_integer(max) || json_integer_value(max) < 0))) {
		lc_rekognition_refuse(reply, request, "InvalidParameterException",
			"Request has invalid parameters");
		return;
	}
	struct lc_vision_hits hits = {0};
	if (!look(body, LC_WANT_LABELS, &hits, reply, request)) {
		return;
	}
	struct lc_label_filter filter = {
		.min_confidence = min_confidence > cloud->label_threshold ? min_confidence
									  : cloud->label_threshold,
		.settings = json_object_get(json_object_get(body, "Settings"), "GeneralLabels"),
	};
	json_t *labels = lc_rekognition_labels(&hits, &filter);
	free(hits.items);
	while (max && json_array_size(labels) > (size_t)json_integer_value(max)) {
		json_array_remove(labels, json_array_size(labels) - 1);
	}
	lc_rekognition_answer(reply,
		json_pack(
			"{s:o, s:s}", "Labels", labels, "LabelModelVersion", LC_REKOGNITION_MODEL));
}
