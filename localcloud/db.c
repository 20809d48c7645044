/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data directory: the SQLite database of each module and private temporary directories.
 * Entry points: lc_db_*, lc_tmp_create, lc_tmp_remove. Any thread.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cloud.h"

#define BUSY_TIMEOUT_MS 10000

SL_NORETURN static void give_up(const char *path, sqlite3 *db, const char *what)
{
	sl_log(SL_LOG_ERROR, "cannot open database", SL_F("path", path), SL_F("step", what),
		SL_F("reason", db ? sqlite3_errmsg(db) : "out of memory"), SL_F_END);
	_exit(EXIT_FAILURE);
}

sqlite3 *lc_db_open(struct lc_cloud *cloud, const char *name, const char *schema)
{
	SL_AUTO(sl_freep)
	char *path = sl_asprintf("%s/%s.sqlite", cloud->data_dir, name);
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
		SQLITE_OK) {
		give_up(path, db, "open");
	}
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	sqlite3_extended_result_codes(db, 1);
	/* Nothing is lost when the process dies; what a dying machine takes along, a stand-in may
	 * lose, and is spared waiting for the disk. */
	if (sqlite3_exec(db,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
		    "PRAGMA foreign_keys = ON;",
		    NULL, NULL, NULL) != SQLITE_OK) {
		give_up(path, db, "configure");
	}
	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		give_up(path, db, "schema");
	}
	return db;
}

static void statement_failed(sqlite3 *db)
{
	sl_log(SL_LOG_ERROR, "database statement failed", SL_F("error", sqlite3_errmsg(db)),
		SL_F_END);
}

sqlite3_stmt *lc_db_prepare(sqlite3 *db, const char *sql, const char *const *texts)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
		statement_failed(db);
		return NULL;
	}
	for (int i = 0; texts != NULL && texts[i] != NULL; i++) {
		sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_TRANSIENT);
	}
	return statement;
}

bool lc_db_step(sqlite3_stmt *statement)
{
	int result = statement == NULL ? SQLITE_DONE : sqlite3_step(statement);
	if (result != SQLITE_ROW && result != SQLITE_DONE) {
		statement_failed(sqlite3_db_handle(statement));
	}
	return result == SQLITE_ROW;
}

void lc_db_finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

int lc_db_execute(sqlite3 *db, const char *sql, const char *const *texts)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, texts);
	(void)lc_db_step(statement);
	return sqlite3_changes(db);
}

char *lc_tmp_create(struct lc_cloud *cloud)
{
	char *dir = sl_asprintf("%s/tmp/dir-XXXXXX", cloud->data_dir);
	if (!mkdtemp(dir)) {
		sl_log(SL_LOG_ERROR, "cannot make a temporary directory", SL_F("path", dir),
			SL_F("reason", strerror(errno)), SL_F_END);
		_exit(EXIT_FAILURE);
	}
	return dir;
}

static int remove_entry(const char *path, SL_UNUSED const struct stat *st, SL_UNUSED int type,
	SL_UNUSED struct FTW *at)
{
	return remove(path);
}

void lc_tmp_remove(char *dir)
{
	if (dir && nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
		sl_log(SL_LOG_WARN, "cannot remove a temporary directory", SL_F("path", dir),
			SL_F("reason", strerror(errno)), SL_F_END);
	}
	free(dir);
}
