/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that become objects: copying, hashing, and the calls by which other services read and
 * store objects. Entry points: s3_append, s3_file_md5, lc_s3_object_path, lc_s3_put_file. Any
 * thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"
#include "uuid.h"

#define COPY_CHUNK ((size_t)1024 * 1024)

static bool append_by_hand(int to_fd, int from_fd, int64_t offset, int64_t len)
{
	SL_AUTO(sl_freep)
	char *chunk = sl_calloc(1, COPY_CHUNK);

	while (len > 0) {
		size_t want = len < (int64_t)COPY_CHUNK ? (size_t)len : COPY_CHUNK;
		ssize_t got = pread(from_fd, chunk, want, offset);
		if (got <= 0) {
			return false;
		}
		for (ssize_t done = 0; done < got;) {
			ssize_t n = write(to_fd, chunk + done, (size_t)(got - done));
			if (n < 0 && errno != EINTR) {
				return false;
			}
			done += n > 0 ? n : 0;
		}
		offset += got;
		len -= got;
	}
	return true;
}

bool s3_append(int to_fd, int from_fd, int64_t offset, int64_t len)
{
	while (len > 0) {
		off64_t at = offset;
		ssize_t n = copy_file_range(
			from_fd, &at, to_fd, NULL, len < INT32_MAX ? (size_t)len : INT32_MAX, 0);
		if (n <= 0) { /* not between these file systems */
			return append_by_hand(to_fd, from_fd, offset, len);
		}
		offset += n;
		len -= n;
	}
	return true;
}

char *s3_file_md5(int fd)
{
	SL_AUTO(sl_freep)
	char *chunk = sl_calloc(1, COPY_CHUNK);
	EVP_MD_CTX *md5 = EVP_MD_CTX_new();
	if (!md5 || !EVP_DigestInit_ex(md5, EVP_md5(), NULL)) {
		SL_BUG("MD5 cannot be started");
	}
	int64_t offset = 0;
	ssize_t n;
	while ((n = pread(fd, chunk, COPY_CHUNK, offset)) > 0) {
		(void)EVP_DigestUpdate(md5, chunk, (size_t)n);
		offset += n;
	}
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	(void)EVP_DigestFinal_ex(md5, digest, &len);
	EVP_MD_CTX_free(md5);
	struct sl_buf hex = SL_BUF_INIT;
	sl_text_hex(&hex, digest, len);
	char *text = sl_buf_steal(&hex);
	if (n < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- calls of other services ------------------------------------------------------------- */

enum lc_object_state lc_s3_object_path(
	const char *bucket, const char *key, char **ret_path, int64_t *ret_size)
{
	SL_AUTO(s3_object_finish)
	struct s3_object object = {NULL};
	enum lc_object_state state = s3_store_get(bucket, key, &object, NULL);
	if (state == LC_OBJECT_OK) {
		*ret_path = s3_store_path(object.file);
		*ret_size = object.size;
	}
	return state;
}

/* Moves a file to the store, also from another file system. The name is the caller's. */
static char *adopt_file(const char *path, int fd, int64_t size)
{
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *to = s3_store_path(file);
	if (rename(path, to) == 0) {
		return file;
	}
	int to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = to_fd >= 0 && s3_append(to_fd, fd, 0, size);
	if (to_fd >= 0 && close(to_fd) != 0) {
		ok = false;
	}
	if (!ok) {
		s3_store_remove_file(file);
		free(file);
		return NULL;
	}
	(void)unlink(path);
	return file;
}

bool lc_s3_put_file(const char *bucket, const char *key, const char *path, const char *content_type)
{
	SL_AUTO(sl_freep)
	char *sequencer = NULL;
	SL_AUTO(s3_object_finish)
	struct s3_object object = {.modified_ms = sl_clock_now_ms()};
	struct stat st;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		sl_log(SL_LOG_ERROR, "cannot read a file to store", SL_F("path", path),
			SL_F("reason", strerror(errno)), SL_F_END);
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	object.size = (int64_t)st.st_size;
	object.etag = s3_file_md5(fd);
	object.file = object.etag && s3_store_has_bucket(bucket) ? adopt_file(path, fd, object.size)
								 : NULL;
	close(fd);
	if (!object.file) {
		return false;
	}
	json_auto_t *headers = json_pack("{s:s}", "content-type", content_type);
	object.headers = json_dumps(headers, JSON_COMPACT);
	if (s3_store_put(bucket, key, &object, false, &sequencer) != S3_PUT_OK) {
		s3_store_remove_file(object.file);
		return false;
	}
	char request_id[SL_UUID_SIZE];
	sl_uuid_create(request_id);
	s3_notify("ObjectCreated:Put", bucket, key, &object, sequencer, request_id);
	return true;
}
