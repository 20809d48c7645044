/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays: manifests, and the indexes over the files of answers. Entry points: lc_replay_*. Any
 * thread. An index is made at the first question, under the lock, and again when its file has
 * changed.
 */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "json_spec.h"

#define MAX_MANIFEST   ((size_t)64 * 1024)
#define MAX_FRAMES     1000000
#define MAX_TRANSCRIPT ((size_t)256 * 1024 * 1024)
#define LOOK_MS        200 /* how often a waiting job looks whether it is still wanted */

struct line {
	int64_t frame; /* of celebrities.jsonl */
	int64_t offset, len;
};

/* Where the lines of one file are. */
struct lines {
	char *path;
	struct timespec modified;
	int64_t size;
	struct line *items;
	size_t count;
	struct lines *next;
};

static struct {
	char *dir;
	pthread_mutex_t lock; /* guards lines */
	struct lines *lines;
} replays = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- manifests ----------------------------------------------------------------------------- */

struct failures {
	const char *transcode, *labels, *transcript;
};

struct manifest {
	int64_t duration_ms, frames, width, height;
	double frame_rate;
	const char *codec;
	bool audio;
	int64_t transcode_ms, labels_ms, transcript_ms;
	struct failures fail;
};

static const struct sl_json_field failures_spec[] = {
	SL_STR(struct failures, transcode, 1, 1000, SL_OPTIONAL),
	SL_STR(struct failures, labels, 1, 1000, SL_OPTIONAL),
	SL_STR(struct failures, transcript, 1, 1000, SL_OPTIONAL),
	SL_JSON_END,
};

static const struct sl_json_field manifest_spec[] = {
	SL_I64(struct manifest, duration_ms, 0, INT64_C(1) << 40, SL_REQUIRED),
	SL_I64(struct manifest, frames, 0, MAX_FRAMES, SL_REQUIRED),
	SL_I64(struct manifest, width, 2, 16384, SL_OPTIONAL),
	SL_I64(struct manifest, height, 2, 16384, SL_OPTIONAL),
	SL_F64(struct manifest, frame_rate, 1, 1000, SL_OPTIONAL),
	SL_STR(struct manifest, codec, 1, 32, SL_OPTIONAL),
	SL_BOOL_(struct manifest, audio, SL_OPTIONAL),
	SL_I64(struct manifest, transcode_ms, 0, 86400000, SL_OPTIONAL),
	SL_I64(struct manifest, labels_ms, 0, 86400000, SL_OPTIONAL),
	SL_I64(struct manifest, transcript_ms, 0, 86400000, SL_OPTIONAL),
	SL_OBJ(struct manifest, fail, failures_spec, SL_OPTIONAL),
	SL_JSON_END,
};

void lc_replay_start(const char *dir)
{
	struct stat info;
	if (dir && (stat(dir, &info) != 0 || !S_ISDIR(info.st_mode))) {
		sl_log(SL_LOG_ERROR, "there is no such directory of replays", SL_F("path", dir),
			SL_F_END);
		exit(EXIT_FAILURE);
	}
	replays.dir = sl_strdup(dir);
}

void lc_replay_stop(void)
{
	while (replays.lines) {
		struct lines *lines = replays.lines;
		replays.lines = lines->next;
		free(lines->path);
		free(lines->items);
		free(lines);
	}
	free(replays.dir);
	replays.dir = NULL;
}

void lc_replay_finish(struct lc_replay *replay)
{
	free(replay->codec);
	free(replay->fail_transcode);
	free(replay->fail_labels);
	free(replay->fail_transcript);
	*replay = (struct lc_replay){0};
}

static char *file_of(const char *name, const char *file)
{
	return sl_asprintf("%s/%s/%s", replays.dir, name, file);
}

static void closep(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

/* Up to `max` bytes from the file's start. False when there is no such file. */
static bool read_start(const char *path, size_t max, struct sl_buf *out)
{
	SL_AUTO(closep)
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char chunk[16384];
	ssize_t n = 0;
	while (fd >= 0 && out->len < max &&
		(n = read(fd, chunk,
			 max - out->len < sizeof chunk ? max - out->len : sizeof chunk)) > 0) {
		sl_buf_add(out, chunk, (size_t)n);
	}
	return fd >= 0 && n >= 0;
}

static bool read_manifest(const char *name, const char *path, struct lc_replay *ret)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	json_auto_t *root = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	struct manifest manifest = {
		.width = 640, .height = 360, .frame_rate = 25, .codec = "h264", .audio = true};

	if (!read_start(path, MAX_MANIFEST, &text)) {
		sl_log(SL_LOG_WARN, "an object names a replay that is not there",
			SL_F("replay", name), SL_F_END);
		return false;
	}
	if (sl_json_parse(sl_buf_str(&text), text.len, &root, &error) != SL_ERR_OK ||
		sl_json_decode(root, manifest_spec, SL_JSON_STRICT, &manifest, &error) !=
			SL_ERR_OK) {
		sl_log(SL_LOG_ERROR, "a replay's manifest cannot be read", SL_F("path", path),
			SL_F("pointer", error.pointer), SL_F("reason", error.detail), SL_F_END);
		return false;
	}
	*ret = (struct lc_replay){
		.frame = -1,
		.duration_ms = manifest.duration_ms,
		.frames = manifest.frames,
		.width = manifest.width,
		.height = manifest.height,
		.frame_rate = manifest.frame_rate,
		.codec = sl_strdup(manifest.codec),
		.audio = manifest.audio,
		.transcode_ms = manifest.transcode_ms,
		.labels_ms = manifest.labels_ms,
		.transcript_ms = manifest.transcript_ms,
		.fail_transcode = sl_strdup(manifest.fail.transcode),
		.fail_labels = sl_strdup(manifest.fail.labels),
		.fail_transcript = sl_strdup(manifest.fail.transcript),
	};
	memcpy(ret->name, name, strlen(name) + 1);
	return true;
}

bool lc_replay_load(const char *name, struct lc_replay *ret)
{
	if (!replays.dir || !lc_replay_name_valid(name, strlen(name))) {
		return false;
	}
	SL_AUTO(sl_freep)
	char *path = file_of(name, "manifest.json");
	return read_manifest(name, path, ret);
}

bool lc_replay_of_file(const char *path, struct lc_replay *ret)
{
	char name[LC_REPLAY_NAME_MAX + 1];
	int64_t frame = -1;
	SL_AUTO(sl_buf_finish)
	struct sl_buf head = SL_BUF_INIT;

	if (!replays.dir || !read_start(path, LC_REPLAY_HEAD_MAX, &head) ||
		!lc_replay_head(sl_buf_str(&head), head.len, name, &frame) ||
		!lc_replay_load(name, ret)) {
		return false;
	}
	ret->frame = frame;
	return true;
}

bool lc_replay_of_object(const char *bucket, const char *key, struct lc_replay *ret)
{
	SL_AUTO(sl_freep)
	char *path = NULL;
	int64_t size = 0;
	return replays.dir && lc_s3_object_path(bucket, key, &path, &size) == LC_OBJECT_OK &&
		lc_replay_of_file(path, ret);
}

void lc_replay_media(const struct lc_replay *replay, struct lc_media *ret)
{
	*ret = (struct lc_media){
		.duration_ms = replay->duration_ms,
		.format = sl_strdup("mov,mp4,m4a,3gp,3g2,mj2"),
		.has_video = true,
		.video_codec = sl_strdup(replay->codec),
		.pixel_format = sl_strdup("yuv420p"),
		.fourcc = sl_strdup("avc1"),
		.width = (int)replay->width,
		.height = (int)replay->height,
		.rate_num = (int64_t)(replay->frame_rate * 1000 + 0.5),
		.rate_den = 1000,
		.has_audio = replay->audio,
		.audio_index = 1,
	};
	if (replay->audio) {
		ret->audio_codec = sl_strdup("aac");
		ret->channels = 2;
		ret->sample_rate = 48000;
	}
}

char *lc_replay_video_content(const char *name)
{
	return sl_asprintf("localcloud replay %s\n", name);
}

char *lc_replay_frame_content(const char *name, int64_t frame)
{
	return sl_asprintf("localcloud replay %s\nframe %lld\n", name, (long long)frame);
}

bool lc_replay_transcript(const char *name, struct sl_buf *out)
{
	SL_AUTO(sl_freep)
	char *path = file_of(name, "transcript.json");
	return read_start(path, MAX_TRANSCRIPT, out) && out->len < MAX_TRANSCRIPT;
}

/* --- files of lines ------------------------------------------------------------------------ */

static bool pread_all(int fd, char *bytes, size_t len, int64_t offset)
{
	while (len > 0) {
		ssize_t n = pread(fd, bytes, len, offset);
		if (n <= 0) {
			return false;
		}
		bytes += n;
		len -= (size_t)n;
		offset += n;
	}
	return true;
}

static void add_line(struct lines *lines, size_t *capacity, const struct line *line)
{
	if (lines->count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		lines->items = sl_reallocarray(lines->items, *capacity, sizeof *lines->items);
	}
	lines->items[lines->count++] = *line;
}

/* Finds the lines that are not empty. */
static void scan(struct lines *lines, int fd)
{
	SL_AUTO(sl_freep)
	char *chunk = sl_calloc(1, (size_t)1024 * 1024);
	size_t capacity = 0;
	int64_t start = 0;
	int64_t offset = 0;
	ssize_t n;

	lines->count = 0;
	free(lines->items);
	lines->items = NULL;
	while ((n = pread(fd, chunk, (size_t)1024 * 1024, offset)) > 0) {
		const char *at = chunk;
		const char *stop;
		while ((stop = memchr(at, '\n', (size_t)(chunk + n - at)))) {
			int64_t end = offset + (stop - chunk);
			if (end > start) {
				add_line(lines, &capacity,
					&(struct line){.offset = start, .len = end - start});
			}
			start = end + 1;
			at = stop + 1;
		}
		offset += n;
	}
	if (offset > start) {
		add_line(lines, &capacity, &(struct line){.offset = start, .len = offset - start});
	}
}

static int by_frame(const void *a, const void *b)
{
	const struct line *first = a;
	const struct line *second = b;
	return (first->frame > second->frame) - (first->frame < second->frame);
}

/* Which frame each line is about; sorted by it. */
static void read_frames(struct lines *lines, int fd)
{
	SL_AUTO(sl_freep)
	char *text = NULL;
	size_t capacity = 0;
	for (size_t i = 0; i < lines->count; i++) {
		struct line *line = &lines->items[i];
		size_t len = (size_t)line->len;
		if (len > capacity) {
			text = sl_reallocarray(text, len, 1);
			capacity = len;
		}
		if (!pread_all(fd, text, len, line->offset) ||
			!lc_replay_number(text, len, "frame", &line->frame)) {
			sl_log(SL_LOG_ERROR, "a line of a replay has no frame",
				SL_F("path", lines->path), SL_F_I64("line", (int64_t)i + 1),
				SL_F_END);
			line->frame = -1;
		}
	}
	if (lines->count > 0) {
		qsort(lines->items, lines->count, sizeof *lines->items, by_frame);
	}
}

static bool is_current(const struct lines *lines, const struct stat *info)
{
	return lines->size == info->st_size && lines->modified.tv_sec == info->st_mtim.tv_sec &&
		lines->modified.tv_nsec == info->st_mtim.tv_nsec;
}

/* The index of an open file, up to date. Under the lock. */
static struct lines *lines_of(const char *path, int fd, bool with_frames)
{
	struct lines *lines = replays.lines;
	struct stat info = {0};
	(void)fstat(fd, &info);
	while (lines && strcmp(lines->path, path) != 0) {
		lines = lines->next;
	}
	if (!lines) {
		lines = sl_calloc(1, sizeof *lines);
		lines->path = sl_strdup(path);
		lines->size = -1;
		lines->next = replays.lines;
		replays.lines = lines;
	}
	if (!is_current(lines, &info)) {
		scan(lines, fd);
		if (with_frames) {
			read_frames(lines, fd);
		}
		lines->size = info.st_size;
		lines->modified = info.st_mtim;
	}
	return lines;
}

static bool find_frame(const char *path, int fd, int64_t frame, struct line *ret)
{
	struct line wanted = {.frame = frame};
	pthread_mutex_lock(&replays.lock);
	const struct lines *lines = lines_of(path, fd, true);
	const struct line *line = lines->count == 0
		? NULL
		: bsearch(&wanted, lines->items, lines->count, sizeof *lines->items, by_frame);
	if (line) {
		*ret = *line;
	}
	pthread_mutex_unlock(&replays.lock);
	return line != NULL;
}

void lc_replay_faces(const char *name, int64_t frame, struct sl_buf *out)
{
	SL_AUTO(sl_freep)
	char *path = file_of(name, "celebrities.jsonl");
	SL_AUTO(closep)
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct line line;
	const char *faces;
	size_t len;

	if (fd < 0 || !find_frame(path, fd, frame, &line)) {
		sl_buf_puts(out, "[]");
		return;
	}
	SL_AUTO(sl_freep)
	char *text = sl_calloc(1, (size_t)line.len + 1);
	if (pread_all(fd, text, (size_t)line.len, line.offset) &&
		lc_replay_member(text, (size_t)line.len, "CelebrityFaces", &faces, &len)) {
		sl_buf_add(out, faces, len);
	} else {
		sl_buf_puts(out, "[]");
	}
}

/* Copies the offsets of a page: where it starts and ends in the file. */
static int64_t find_page(const char *path, int fd, int64_t from, int64_t max, int64_t *ret_offset,
	int64_t *ret_end, bool *ret_more)
{
	pthread_mutex_lock(&replays.lock);
	const struct lines *lines = lines_of(path, fd, false);
	int64_t left = (int64_t)lines->count > from ? (int64_t)lines->count - from : 0;
	int64_t count = left < max ? left : max;
	if (count > 0 && lines->items) {
		const struct line *last = &lines->items[from + count - 1];
		*ret_offset = lines->items[from].offset;
		*ret_end = last->offset + last->len;
	}
	*ret_more = left > count;
	pthread_mutex_unlock(&replays.lock);
	return count;
}

int64_t lc_replay_labels(
	const char *name, int64_t from, int64_t max, struct sl_buf *out, bool *ret_more)
{
	SL_AUTO(sl_freep)
	char *path = file_of(name, "labels.jsonl");
	SL_AUTO(closep)
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t offset = 0;
	int64_t end = 0;

	*ret_more = false;
	int64_t count = fd < 0 ? 0 : find_page(path, fd, from, max, &offset, &end, ret_more);
	size_t len = (size_t)(end - offset);
	SL_AUTO(sl_freep)
	char *text = sl_calloc(1, len + 1);
	if (count > 0 && !pread_all(fd, text, len, offset)) {
		sl_log(SL_LOG_ERROR, "a replay's labels cannot be read", SL_F("path", path),
			SL_F_END);
		len = 0;
		count = 0;
	}
	/* Lines become elements. A line break cannot be within one: JSON escapes it. */
	sl_buf_putc(out, '[');
	bool first = true;
	for (const char *at = text; at < text + len;) {
		const char *stop = memchr(at, '\n', (size_t)(text + len - at));
		stop = stop ? stop : text + len;
		if (stop > at) {
			sl_buf_puts(out, first ? "" : ",");
			sl_buf_add(out, at, (size_t)(stop - at));
			first = false;
		}
		at = stop + 1;
	}
	sl_buf_putc(out, ']');
	return count;
}

/* --- time ---------------------------------------------------------------------------------- */

bool lc_replay_work(struct lc_jobs *jobs, const struct lc_job *job, const char *state, int64_t ms)
{
	int64_t end_ms = sl_clock_monotonic_ms() + ms;
	for (;;) {
		int64_t left = end_ms - sl_clock_monotonic_ms();
		if (left <= 0) {
			return true;
		}
		SL_AUTO(lc_job_finish)
		struct lc_job now = {0};
		if (!lc_jobs_wait(jobs, left < LOOK_MS ? left : LOOK_MS) ||
			!lc_jobs_get(jobs, job->id, &now) || strcmp(now.state, state) != 0) {
			return false;
		}
	}
}
