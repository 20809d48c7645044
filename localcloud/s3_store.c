/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's store: objects are files with random names below data_dir/s3, written once and never
 * changed; buckets, keys and configurations are rows. A put renames the file in, then swaps the
 * row, then removes the old file, so that a crash leaves at most a file that the next start
 * sweeps away. Entry points: s3_store_*. Any thread; the connection is guarded by one mutex.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "uuid.h"

static struct {
	pthread_mutex_t lock;
	sqlite3 *db;
	char *dir;
	const char *region;
} store = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS configs (bucket TEXT NOT NULL, kind TEXT NOT NULL,"
	"  document TEXT NOT NULL, PRIMARY KEY (bucket, kind));"
	/* Keys are bytes: S3 orders them by their UTF-8. */
	"CREATE TABLE IF NOT EXISTS objects (bucket TEXT NOT NULL, key BLOB NOT NULL,"
	"  file TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, etag TEXT NOT NULL,"
	"  headers TEXT NOT NULL, modified_ms INTEGER NOT NULL, PRIMARY KEY (bucket, key));"
	"CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL,"
	"  key BLOB NOT NULL, headers TEXT NOT NULL, created_ms INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS parts (upload TEXT NOT NULL, number INTEGER NOT NULL,"
	"  file TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, etag TEXT NOT NULL,"
	"  modified_ms INTEGER NOT NULL, PRIMARY KEY (upload, number));"
	"CREATE TABLE IF NOT EXISTS sequence (only INTEGER PRIMARY KEY CHECK (only = 1),"
	"  value INTEGER NOT NULL);"
	"INSERT OR IGNORE INTO sequence VALUES (1, 0);";

/* --- statements ---------------------------------------------------------------------------- */

void s3_store_lock(void)
{
	pthread_mutex_lock(&store.lock);
}

void s3_store_unlock(void)
{
	pthread_mutex_unlock(&store.lock);
}

sqlite3 *s3_store_db(void)
{
	return store.db;
}

SL_NORETURN static void database_failed(const char *sql)
{
	sl_log(SL_LOG_ERROR, "S3's database failed", SL_F("sql", sql),
		SL_F("reason", sqlite3_errmsg(store.db)), SL_F_END);
	SL_BUG("S3's database failed");
}

sqlite3_stmt *s3_store_prepare(const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(store.db, sql, -1, &statement, NULL) != SQLITE_OK) {
		database_failed(sql);
	}
	va_list arguments;
	va_start(arguments, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
			continue;
		}
		const char *text = va_arg(arguments, const char *);
		if (types[i] == 'b' && text) {
			sqlite3_bind_blob64(statement, i + 1, text, strlen(text), SQLITE_TRANSIENT);
		} else {
			sqlite3_bind_text(statement, i + 1, text, -1, SQLITE_TRANSIENT);
		}
	}
	va_end(arguments);
	return statement;
}

bool s3_store_step(sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);
	if (result != SQLITE_ROW && result != SQLITE_DONE) {
		database_failed(sqlite3_sql(statement));
	}
	return result == SQLITE_ROW;
}

int s3_store_finish(sqlite3_stmt *statement)
{
	while (s3_store_step(statement)) {
	}
	sqlite3_finalize(statement);
	return sqlite3_changes(store.db);
}

char *s3_store_text(sqlite3_stmt *statement, int column)
{
	const void *bytes = sqlite3_column_blob(statement, column);
	int len = sqlite3_column_bytes(statement, column);
	if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
		return NULL;
	}
	return sl_strndup(bytes ? bytes : "", (size_t)len);
}

static bool has_bucket(const char *bucket)
{
	sqlite3_stmt *statement =
		s3_store_prepare("SELECT 1 FROM buckets WHERE name = ?", "t", bucket);
	bool found = s3_store_step(statement);
	sqlite3_finalize(statement);
	return found;
}

/* Grows with every change, over restarts and clock changes; the time makes it look like S3's. */
static char *next_sequencer(void)
{
	sqlite3_stmt *statement =
		s3_store_prepare("UPDATE sequence SET value = max(value + 1, ?) RETURNING value",
			"i", sl_clock_now_ms() << 16);
	(void)s3_store_step(statement);
	int64_t value = sqlite3_column_int64(statement, 0);
	while (s3_store_step(statement)) {
	}
	sqlite3_finalize(statement);
	return sl_asprintf("00%016llX", (unsigned long long)value);
}

/* --- files --------------------------------------------------------------------------------- */

char *s3_store_new_name(void)
{
	char id[SL_UUID_SIZE];
	sl_uuid_create(id);
	/* The last two digits are random, the first two are the time: spread by the former. */
	char *name = sl_asprintf("%s/%s", id + SL_UUID_SIZE - 3, id);
	SL_AUTO(sl_freep)
	char *dir = sl_asprintf("%s/%.2s", store.dir, name);
	(void)mkdir(dir, 0700);
	return name;
}

char *s3_store_path(const char *file)
{
	return sl_asprintf("%s/%s", store.dir, file);
}

void s3_store_remove_file(const char *file)
{
	if (file) {
		SL_AUTO(sl_freep)
		char *path = s3_store_path(file);
		(void)unlink(path);
	}
}

/* nftw(3) has no context argument; start is single-threaded. */
static int sweep_one(
	const char *path, SL_UNUSED const struct stat *st, int type, SL_UNUSED struct FTW *at)
{
	if (type != FTW_F) {
		return 0;
	}
	const char *file = path + strlen(store.dir) + 1;
	sqlite3_stmt *statement = s3_store_prepare("SELECT 1 FROM objects WHERE file = ?1 UNION "
						   "ALL SELECT 1 FROM parts WHERE file = ?1",
		"t", file);
	if (!s3_store_step(statement)) {
		(void)unlink(path);
	}
	sqlite3_finalize(statement);
	return 0;
}

void s3_store_open(struct lc_cloud *cloud)
{
	store.db = lc_db_open(cloud, "s3", schema);
	store.dir = sl_asprintf("%s/s3", cloud->data_dir);
	store.region = cloud->region;
	if (mkdir(store.dir, 0700) != 0 && errno != EEXIST) {
		sl_log(SL_LOG_ERROR, "cannot make a directory", SL_F("path", store.dir),
			SL_F("reason", strerror(errno)), SL_F_END);
		_exit(EXIT_FAILURE);
	}
	(void)nftw(store.dir, sweep_one, 16, FTW_PHYS);
}

void s3_store_close(void)
{
	s3_store_lock();
	sqlite3_close(store.db);
	store.db = NULL;
	free(store.dir);
	store.dir = NULL;
	s3_store_unlock();
}

const char *s3_store_region(void)
{
	return store.region;
}

/* --- buckets ------------------------------------------------------------------------------- */

bool s3_store_create_bucket(const char *bucket)
{
	s3_store_lock();
	bool made = s3_store_run("INSERT OR IGNORE INTO buckets VALUES (?, ?)", "ti", bucket,
			    sl_clock_now_ms()) > 0;
	s3_store_unlock();
	return made;
}

enum s3_delete_result s3_store_delete_bucket(const char *bucket)
{
	enum s3_delete_result result = S3_NO_BUCKET;

	s3_store_lock();
	if (has_bucket(bucket)) {
		sqlite3_stmt *statement = s3_store_prepare(
			"SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", "t", bucket);
		result = s3_store_step(statement) ? S3_NOT_EMPTY : S3_DELETED;
		sqlite3_finalize(statement);
	}
	if (result == S3_DELETED) {
		(void)s3_store_run("BEGIN", "");
		(void)s3_store_run("DELETE FROM configs WHERE bucket = ?", "t", bucket);
		(void)s3_store_run("DELETE FROM parts WHERE upload IN"
				   " (SELECT id FROM uploads WHERE bucket = ?)",
			"t", bucket);
		(void)s3_store_run("DELETE FROM uploads WHERE bucket = ?", "t", bucket);
		(void)s3_store_run("DELETE FROM buckets WHERE name = ?", "t", bucket);
		(void)s3_store_run("COMMIT", "");
	}
	s3_store_unlock();
	return result;
}

bool s3_store_has_bucket(const char *bucket)
{
	s3_store_lock();
	bool found = has_bucket(bucket);
	s3_store_unlock();
	return found;
}

void s3_store_list_buckets(struct sl_buf *xml)
{
	s3_store_lock();
	sqlite3_stmt *statement =
		s3_store_prepare("SELECT name, created_ms FROM buckets ORDER BY name", "");
	while (s3_store_step(statement)) {
		SL_AUTO(sl_freep)
		char *name = s3_store_text(statement, 0);
		sl_buf_puts(xml, "<Bucket>");
		s3_element(xml, "Name", name);
		s3_element_time(xml, "CreationDate", sqlite3_column_int64(statement, 1));
		sl_buf_puts(xml, "</Bucket>");
	}
	sqlite3_finalize(statement);
	s3_store_unlock();
}

char *s3_store_get_config(const char *bucket, const char *kind)
{
	char *document = NULL;

	s3_store_lock();
	sqlite3_stmt *statement = s3_store_prepare(
		"SELECT document FROM configs WHERE bucket = ? AND kind = ?", "tt", bucket, kind);
	if (s3_store_step(statement)) {
		document = s3_store_text(statement, 0);
	}
	sqlite3_finalize(statement);
	s3_store_unlock();
	return document;
}

bool s3_store_set_config(const char *bucket, const char *kind, const char *document)
{
	s3_store_lock();
	bool found = has_bucket(bucket);
	if (found && document) {
		(void)s3_store_run("INSERT OR REPLACE INTO configs VALUES (?, ?, ?)", "ttt", bucket,
			kind, document);
	} else if (found) {
		(void)s3_store_run(
			"DELETE FROM configs WHERE bucket = ? AND kind = ?", "tt", bucket, kind);
	}
	s3_store_unlock();
	return found;
}

/* --- objects ------------------------------------------------------------------------------- */

void s3_object_finish(struct s3_object *object)
{
	free(object->file);
	free(object->etag);
	free(object->headers);
	*object = (struct s3_object){NULL};
}

static bool find_object(const char *bucket, const char *key, struct s3_object *ret)
{
	sqlite3_stmt *statement = s3_store_prepare("SELECT file, size, etag, headers, modified_ms"
						   " FROM objects WHERE bucket = ? AND key = ?",
		"tb", bucket, key);
	bool found = s3_store_step(statement);
	if (found) {
		*ret = (struct s3_object){
			.file = s3_store_text(statement, 0),
			.size = sqlite3_column_int64(statement, 1),
			.etag = s3_store_text(statement, 2),
			.headers = s3_store_text(statement, 3),
			.modified_ms = sqlite3_column_int64(statement, 4),
		};
	}
	sqlite3_finalize(statement);
	return found;
}

enum lc_object_state s3_store_get(
	const char *bucket, const char *key, struct s3_object *ret, int *ret_fd)
{
	enum lc_object_state state = LC_OBJECT_NO_KEY;

	s3_store_lock();
	if (!has_bucket(bucket)) {
		state = LC_OBJECT_NO_BUCKET;
	} else if (find_object(bucket, key, ret)) {
		state = LC_OBJECT_OK;
	}
	/* Opened under the lock: nobody can replace and unlink it in between. */
	if (state == LC_OBJECT_OK && ret_fd) {
		SL_AUTO(sl_freep)
		char *path = s3_store_path(ret->file);
		*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (*ret_fd < 0) {
			sl_log(SL_LOG_ERROR, "an object's file is missing", SL_F("path", path),
				SL_F("reason", strerror(errno)), SL_F_END);
			s3_object_finish(ret);
			state = LC_OBJECT_NO_KEY;
		}
	}
	s3_store_unlock();
	return state;
}

/* Inside a transaction: swaps the row, and remembers which file it had. */
static char *put_row(
	const char *bucket, const char *key, const struct s3_object *object, char **ret_sequencer)
{
	SL_AUTO(s3_object_finish)
	struct s3_object old = {NULL};
	(void)find_object(bucket, key, &old);
	(void)s3_store_run("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", "tbtitti",
		bucket, key, object->file, object->size, object->etag, object->headers,
		object->modified_ms);
	*ret_sequencer = next_sequencer();
	return sl_take(&old.file);
}

enum s3_put_result s3_store_put(const char *bucket, const char *key, const struct s3_object *object,
	bool if_absent, char **ret_sequencer)
{
	enum s3_put_result result = S3_PUT_OK;
	struct s3_object there = {NULL};

	s3_store_lock();
	if (!has_bucket(bucket)) {
		result = S3_PUT_NO_BUCKET;
	} else if (if_absent && find_object(bucket, key, &there)) {
		result = S3_PUT_EXISTS;
	} else {
		(void)s3_store_run("BEGIN IMMEDIATE", "");
		SL_AUTO(sl_freep)
		char *old_file = put_row(bucket, key, object, ret_sequencer);
		(void)s3_store_run("COMMIT", "");
		s3_store_remove_file(old_file);
	}
	s3_store_unlock();
	s3_object_finish(&there);
	return result;
}

enum s3_put_result s3_store_put_many(const char *bucket, const char *const *keys,
	const struct s3_object *objects, size_t count, char **ret_sequencers)
{
	char **old_files = sl_calloc(count + 1, sizeof *old_files);
	s3_store_lock();
	bool found = has_bucket(bucket);
	if (found) {
		(void)s3_store_run("BEGIN IMMEDIATE", "");
		for (size_t i = 0; i < count; i++) {
			old_files[i] = put_row(bucket, keys[i], &objects[i], &ret_sequencers[i]);
		}
		(void)s3_store_run("COMMIT", "");
	}
	s3_store_unlock();
	for (size_t i = 0; i < count; i++) {
		s3_store_remove_file(old_files[i]);
		free(old_files[i]);
	}
	free(old_files);
	return found ? S3_PUT_OK : S3_PUT_NO_BUCKET;
}

bool s3_store_delete(const char *bucket, const char *key, char **ret_sequencer)
{
	struct s3_object old = {NULL};

	s3_store_lock();
	bool found = find_object(bucket, key, &old);
	if (found) {
		(void)s3_store_run("BEGIN IMMEDIATE", "");
		(void)s3_store_run(
			"DELETE FROM objects WHERE bucket = ? AND key = ?", "tb", bucket, key);
		*ret_sequencer = next_sequencer();
		(void)s3_store_run("COMMIT", "");
		s3_store_remove_file(old.file);
	}
	s3_store_unlock();
	s3_object_finish(&old);
	return found;
}
