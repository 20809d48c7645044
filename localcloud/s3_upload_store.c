/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart uploads in S3's store: their parts are files like objects' until they are joined.
 * Entry points: s3_upload_*. Any thread, under the store's mutex.
 */
#include <string.h>

#include "clock.h"
#include "s3_internal.h"

void s3_upload_create(const char *id, const char *bucket, const char *key, const char *headers)
{
	s3_store_lock();
	(void)s3_store_run("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", "ttbti", id, bucket, key,
		headers, sl_clock_now_ms());
	s3_store_unlock();
}

char *s3_upload_headers(const char *id, const char *bucket, const char *key)
{
	char *headers = NULL;

	s3_store_lock();
	sqlite3_stmt *statement = s3_store_prepare(
		"SELECT headers FROM uploads WHERE id = ? AND bucket = ? AND key = ?", "ttb", id,
		bucket, key);
	if (s3_store_step(statement)) {
		headers = s3_store_text(statement, 0);
	}
	sqlite3_finalize(statement);
	s3_store_unlock();
	return headers;
}

static char *part_file(const char *id, int64_t number)
{
	char *file = NULL;
	sqlite3_stmt *statement = s3_store_prepare(
		"SELECT file FROM parts WHERE upload = ? AND number = ?", "ti", id, number);
	if (s3_store_step(statement)) {
		file = s3_store_text(statement, 0);
	}
	sqlite3_finalize(statement);
	return file;
}

static bool upload_exists(const char *id)
{
	sqlite3_stmt *statement = s3_store_prepare("SELECT 1 FROM uploads WHERE id = ?", "t", id);
	bool found = s3_store_step(statement);
	sqlite3_finalize(statement);
	return found;
}

bool s3_upload_put_part(const char *id, const struct s3_part *part)
{
	s3_store_lock();
	bool found = upload_exists(id);
	if (found) {
		SL_AUTO(sl_freep)
		char *old = part_file(id, part->number);
		(void)s3_store_run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)",
			"tititi", id, part->number, part->file, part->size, part->etag,
			part->modified_ms);
		s3_store_remove_file(old);
	}
	s3_store_unlock();
	return found;
}

void s3_upload_parts(const char *id, struct s3_parts *ret)
{
	*ret = (struct s3_parts){NULL};
	s3_store_lock();
	sqlite3_stmt *statement =
		s3_store_prepare("SELECT number, file, size, etag, modified_ms FROM parts"
				 " WHERE upload = ? ORDER BY number",
			"t", id);
	while (s3_store_step(statement)) {
		ret->items = sl_reallocarray(ret->items, ret->count + 1, sizeof *ret->items);
		ret->items[ret->count++] = (struct s3_part){
			.number = sqlite3_column_int64(statement, 0),
			.file = s3_store_text(statement, 1),
			.size = sqlite3_column_int64(statement, 2),
			.etag = s3_store_text(statement, 3),
			.modified_ms = sqlite3_column_int64(statement, 4),
		};
	}
	sqlite3_finalize(statement);
	s3_store_unlock();
}

void s3_parts_finish(struct s3_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		free(parts->items[i].file);
		free(parts->items[i].etag);
	}
	free(parts->items);
	*parts = (struct s3_parts){NULL};
}

bool s3_upload_remove(const char *id)
{
	SL_AUTO(s3_parts_finish)
	struct s3_parts parts = {NULL};
	s3_upload_parts(id, &parts);

	s3_store_lock();
	(void)s3_store_run("BEGIN IMMEDIATE", "");
	(void)s3_store_run("DELETE FROM parts WHERE upload = ?", "t", id);
	bool found = s3_store_run("DELETE FROM uploads WHERE id = ?", "t", id) > 0;
	(void)s3_store_run("COMMIT", "");
	s3_store_unlock();
	/* A part that came in between keeps its file until the next start sweeps it away. */
	for (size_t i = 0; found && i < parts.count; i++) {
		s3_store_remove_file(parts.items[i].file);
	}
	return found;
}

void s3_upload_list(const char *bucket, const char *prefix, struct sl_buf *xml)
{
	s3_store_lock();
	sqlite3_stmt *statement = s3_store_prepare("SELECT id, key, created_ms FROM uploads"
						   " WHERE bucket = ? ORDER BY key, created_ms",
		"t", bucket);
	while (s3_store_step(statement)) {
		SL_AUTO(sl_freep)
		char *id = s3_store_text(statement, 0);
		SL_AUTO(sl_freep)
		char *key = s3_store_text(statement, 1);
		if (strncmp(key, prefix, strlen(prefix)) != 0) {
			continue;
		}
		sl_buf_puts(xml, "<Upload>");
		s3_element(xml, "Key", key);
		s3_element(xml, "UploadId", id);
		s3_element(xml, "StorageClass", "STANDARD");
		s3_element_time(xml, "Initiated", sqlite3_column_int64(statement, 2));
		sl_buf_puts(xml, "</Upload>");
	}
	sqlite3_finalize(statement);
	s3_store_unlock();
}
