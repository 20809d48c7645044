/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many small objects at once, as a replayed video's thousands of frames are. Entry point:
 * lc_s3_put_texts. Any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"
#include "uuid.h"

struct batch {
	const char **keys;
	struct s3_object *objects;
	char **sequencers;
	size_t count;
	bool stored; /* the files belong to the store */
};

static void batch_finish(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (!batch->stored) {
			s3_store_remove_file(batch->objects[i].file);
		}
		s3_object_finish(&batch->objects[i]);
		free(batch->sequencers[i]);
	}
	free(batch->keys);
	free(batch->objects);
	free(batch->sequencers);
}

static char *md5_hex(const char *text, size_t len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	struct sl_buf hex = SL_BUF_INIT;
	if (!EVP_Digest(text, len, digest, &digest_len, EVP_md5(), NULL)) {
		SL_BUG("MD5 cannot be computed");
	}
	sl_text_hex(&hex, digest, digest_len);
	return sl_buf_steal(&hex);
}

/* A new file of the store, its name owned by the caller; NULL after a log line. */
static char *write_file(const char *text, size_t len)
{
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *path = s3_store_path(file);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written = fd >= 0;
	while (written && len > 0) {
		ssize_t n = write(fd, text, len);
		written = n > 0;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && close(fd) != 0) {
		written = false;
	}
	if (written) {
		return file;
	}
	sl_log(SL_LOG_ERROR, "cannot store an object", SL_F("path", path),
		SL_F("reason", strerror(errno)), SL_F_END);
	s3_store_remove_file(file);
	free(file);
	return NULL;
}

static bool add(struct batch *batch, const struct lc_s3_text *item, const char *headers)
{
	size_t len = strlen(item->text);
	char *file = write_file(item->text, len);
	if (!file) {
		return false;
	}
	batch->keys[batch->count] = item->key;
	batch->objects[batch->count++] = (struct s3_object){
		.file = file,
		.size = (int64_t)len,
		.etag = md5_hex(item->text, len),
		.headers = sl_strdup(headers),
		.modified_ms = sl_clock_now_ms(),
	};
	return true;
}

bool lc_s3_put_texts(
	const char *bucket, const struct lc_s3_text *items, size_t count, const char *content_type)
{
	SL_AUTO(batch_finish)
	struct batch batch = {
		.keys = sl_calloc(count + 1, sizeof *batch.keys),
		.objects = sl_calloc(count + 1, sizeof *batch.objects),
		.sequencers = sl_calloc(count + 1, sizeof *batch.sequencers),
	};
	json_auto_t *headers = json_pack("{s:s}", "content-type", content_type);
	SL_AUTO(sl_freep)
	char *headers_text = json_dumps(headers, JSON_COMPACT);

	for (size_t i = 0; i < count; i++) {
		if (!add(&batch, &items[i], headers_text)) {
			return false;
		}
	}
	if (s3_store_put_many(bucket, batch.keys, batch.objects, count, batch.sequencers) !=
		S3_PUT_OK) {
		return false;
	}
	batch.stored = true;
	for (size_t i = 0; i < count; i++) {
		char request_id[SL_UUID_SIZE];
		sl_uuid_create(request_id);
		s3_notify("ObjectCreated:Put", bucket, batch.keys[i], &batch.objects[i],
			batch.sequencers[i], request_id);
	}
	return true;
}
