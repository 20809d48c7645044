/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB's tables and items in SQLite, and the encoding of keys whose byte order is DynamoDB's
 * order. One connection, one mutex: everything here is called inside lc_ddb_lock().
 */

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "lc_dynamodb.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS tables ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	name TEXT NOT NULL UNIQUE,"
	"	description TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS items ("
	"	id INTEGER PRIMARY KEY,"
	"	table_id INTEGER NOT NULL,"
	"	hash INTEGER NOT NULL," /* of the partition key: the order of a Scan */
	"	partition BLOB NOT NULL,"
	"	sort BLOB NOT NULL,"
	"	size INTEGER NOT NULL,"
	"	item TEXT NOT NULL);"
	"CREATE UNIQUE INDEX IF NOT EXISTS items_key ON items (table_id, hash, partition, sort);";

static struct {
	pthread_mutex_t mutex;
	sqlite3 *db;
	bool failed; /* a statement failed since lc_ddb_lock() */
	char *region;
} store = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void lc_ddb_store_start(struct lc_cloud *cloud)
{
	store.db = lc_db_open(cloud, "dynamodb", schema);
	store.region = sl_strdup(cloud->region);
}

void lc_ddb_store_stop(void)
{
	pthread_mutex_lock(&store.mutex);
	sqlite3_close(store.db);
	store.db = NULL;
	free(store.region);
	store.region = NULL;
	pthread_mutex_unlock(&store.mutex);
}

const char *lc_ddb_region(void)
{
	return store.region;
}

/* --- statements -------------------------------------------------------------------------- */

static void failure(void)
{
	store.failed = true;
	sl_log(SL_LOG_ERROR, "dynamodb statement failed", SL_F("error", sqlite3_errmsg(store.db)),
		SL_F_END);
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(store.db, sql, -1, &statement, NULL) != SQLITE_OK) {
		failure();
	}
	return statement; /* every use of NULL fails with SQLITE_MISUSE, harmlessly */
}

/* One step; true when there is a row. */
static bool step(sqlite3_stmt *statement)
{
	int result = statement == NULL ? SQLITE_DONE : sqlite3_step(statement);
	if (result != SQLITE_ROW && result != SQLITE_DONE) {
		failure();
	}
	return result == SQLITE_ROW;
}

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static void execute(const char *sql)
{
	if (sqlite3_exec(store.db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		failure();
	}
}

void lc_ddb_lock(bool write)
{
	pthread_mutex_lock(&store.mutex);
	store.failed = false;
	if (write) {
		execute("BEGIN IMMEDIATE");
	}
}

bool lc_ddb_unlock(bool write, bool failed, struct lc_ddb_error *error)
{
	if (write) {
		if (!failed && !store.failed) {
			execute("COMMIT");
		}
		if (sqlite3_get_autocommit(store.db) == 0) {
			sqlite3_exec(store.db, "ROLLBACK", NULL, NULL, NULL);
		}
	}
	bool ok = !store.failed;
	pthread_mutex_unlock(&store.mutex);
	return ok || lc_ddb_fail(error, LC_DDB_INTERNAL, "localcloud could not use its database");
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_blob(sqlite3_stmt *statement, int at, const struct sl_buf *bytes)
{
	/* A zero-length blob, not NULL, when there are no bytes. */
	sqlite3_bind_blob64(statement, at, sl_buf_str(bytes), bytes->len, SQLITE_TRANSIENT);
}

static json_t *column_json(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);
	return text == NULL ? NULL
			    : json_loadb(text, (size_t)sqlite3_column_bytes(statement, column),
				      JSON_ALLOW_NUL, NULL);
}

static void bind_json(sqlite3_stmt *statement, int at, const json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT);
	sqlite3_bind_text(statement, at, text, -1, free);
}

/* --- tables ------------------------------------------------------------------------------ */

static void key_part_init(
	struct lc_ddb_key_part *part, const json_t *element, const json_t *definitions)
{
	const char *name = lc_ddb_string(element, "AttributeName");
	snprintf(part->name, sizeof(part->name), "%s", name);
	size_t i;
	json_t *definition;
	json_array_foreach (definitions, i, definition) {
		if (strcmp(lc_ddb_string(definition, "AttributeName"), name) == 0) {
			snprintf(part->type, sizeof(part->type), "%s",
				lc_ddb_string(definition, "AttributeType"));
		}
	}
}

bool lc_ddb_table_find(const char *name, struct lc_ddb_table *ret, struct lc_ddb_error *error)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare("SELECT id, description FROM tables WHERE name = ?");
	bind_text(statement, 1, name);
	if (!step(statement)) {
		return lc_ddb_fail(error, LC_DDB_NOT_FOUND, "Requested resource not found");
	}
	struct lc_ddb_table table = {.id = sqlite3_column_int64(statement, 0)};
	snprintf(table.name, sizeof(table.name), "%s", name);
	table.description = column_json(statement, 1);
	const json_t *schema_list = json_object_get(table.description, "KeySchema");
	const json_t *definitions = json_object_get(table.description, "AttributeDefinitions");
	table.key_count = json_array_size(schema_list);
	for (size_t i = 0; i < table.key_count && i < SL_ARRAY_SIZE(table.key); i++) {
		key_part_init(&table.key[i], json_array_get(schema_list, i), definitions);
	}
	*ret = table;
	return true;
}

void lc_ddb_table_finish(struct lc_ddb_table *table)
{
	json_decref(table->description);
	table->description = NULL;
}

bool lc_ddb_table_insert(const char *name, const json_t *description)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare("INSERT INTO tables (name, description) VALUES (?, ?) "
					  "ON CONFLICT (name) DO NOTHING");
	bind_text(statement, 1, name);
	bind_json(statement, 2, description);
	(void)step(statement);
	return sqlite3_changes(store.db) == 1;
}

void lc_ddb_table_remove(int64_t id)
{
	static const char *const statements[] = {
		"DELETE FROM items WHERE table_id = ?", "DELETE FROM tables WHERE id = ?"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(statements); i++) {
		SL_AUTO(finalize)
		sqlite3_stmt *statement = prepare(statements[i]);
		sqlite3_bind_int64(statement, 1, id);
		(void)step(statement);
	}
}

void lc_ddb_table_update(int64_t id, const json_t *description)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare("UPDATE tables SET description = ? WHERE id = ?");
	bind_json(statement, 1, description);
	sqlite3_bind_int64(statement, 2, id);
	(void)step(statement);
}

json_t *lc_ddb_table_names(const char *after, int64_t limit)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement =
		prepare("SELECT name FROM tables WHERE name > ? ORDER BY name LIMIT ?");
	bind_text(statement, 1, after == NULL ? "" : after);
	sqlite3_bind_int64(statement, 2, limit);
	json_t *names = json_array();
	while (step(statement)) {
		json_array_append_new(
			names, json_string((const char *)sqlite3_column_text(statement, 0)));
	}
	return names;
}

void lc_ddb_table_count(int64_t id, int64_t *ret_items, int64_t *ret_bytes)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement =
		prepare("SELECT count(*), coalesce(sum(size), 0) FROM items WHERE table_id = ?");
	sqlite3_bind_int64(statement, 1, id);
	(void)step(statement);
	*ret_items = sqlite3_column_int64(statement, 0);
	*ret_bytes = sqlite3_column_int64(statement, 1);
}

/* --- keys -------------------------------------------------------------------------------- */

/* AWS words emptiness differently for a Key and for an Item. */
static bool key_part_check(const struct lc_ddb_table *table, size_t i, const json_t *value,
	const char *empty_words, struct lc_ddb_error *error)
{
	const struct lc_ddb_key_part *part = &table->key[i];
	if (part->type[0] == 'N') {
		return true;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	lc_ddb_value_bytes(&bytes, value);
	if (bytes.len == 0) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"%s The AttributeValue for a key attribute cannot contain an empty %s "
			"value. Key: %s",
			empty_words, part->type[0] == 'S' ? "string" : "binary", part->name);
	}
	if (i == 0 && bytes.len > 2048) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: Size of hashkey has exceeded "
			"the maximum size limit of2048 bytes");
	}
	if (i == 1 && bytes.len > 1024) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"One or more parameter values were invalid: Aggregated size of all range "
			"keys has exceeded the size limit of 1024 bytes");
	}
	return true;
}

bool lc_ddb_key_check(
	const struct lc_ddb_table *table, const json_t *key, struct lc_ddb_error *error)
{
	bool matches = json_object_size(key) == table->key_count;
	for (size_t i = 0; matches && i < table->key_count; i++) {
		const json_t *value = json_object_get(key, table->key[i].name);
		matches =
			value != NULL && strcmp(lc_ddb_value_type(value), table->key[i].type) == 0;
	}
	if (!matches) {
		return lc_ddb_fail(error, LC_DDB_VALIDATION,
			"The provided key element does not match the schema");
	}
	for (size_t i = 0; i < table->key_count; i++) {
		if (!key_part_check(table, i, json_object_get(key, table->key[i].name),
			    "One or more parameter values were invalid:", error)) {
			return false;
		}
	}
	return true;
}

bool lc_ddb_key_check_item(
	const struct lc_ddb_table *table, const json_t *item, struct lc_ddb_error *error)
{
	for (size_t i = 0; i < table->key_count; i++) {
		const struct lc_ddb_key_part *part = &table->key[i];
		const json_t *value = json_object_get(item, part->name);
		if (value == NULL) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"One or more parameter values were invalid: Missing the key %s in "
				"the item",
				part->name);
		}
		if (strcmp(lc_ddb_value_type(value), part->type) != 0) {
			return lc_ddb_fail(error, LC_DDB_VALIDATION,
				"One or more parameter values were invalid: Type mismatch for key "
				"%s expected: %s actual: %s",
				part->name, part->type, lc_ddb_value_type(value));
		}
		if (!key_part_check(table, i, value, "One or more parameter values are not valid.",
			    error)) {
			return false;
		}
	}
	return true;
}

/* Spreads partitions over the 24 bits that a Scan's segments divide. */
static int64_t partition_hash(const struct sl_buf *partition)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (EVP_Digest(sl_buf_str(partition), partition->len, digest, NULL, EVP_sha256(), NULL) !=
		1) {
		SL_BUG("SHA-256 is not available");
	}
	return (int64_t)digest[0] << 16 | (int64_t)digest[1] << 8 | digest[2];
}

void lc_ddb_key_init(struct lc_ddb_key *key, const struct lc_ddb_table *table, const json_t *item)
{
	*key = (struct lc_ddb_key){0, SL_BUF_INIT, SL_BUF_INIT};
	lc_ddb_value_bytes(&key->partition, json_object_get(item, table->key[0].name));
	if (table->key_count > 1) {
		lc_ddb_value_bytes(&key->sort, json_object_get(item, table->key[1].name));
	}
	key->hash = partition_hash(&key->partition);
}

void lc_ddb_key_finish(struct lc_ddb_key *key)
{
	sl_buf_finish(&key->partition);
	sl_buf_finish(&key->sort);
}

json_t *lc_ddb_key_of(const struct lc_ddb_table *table, const json_t *item)
{
	json_t *key = json_object();
	for (size_t i = 0; i < table->key_count; i++) {
		const char *name = table->key[i].name;
		json_object_set(key, name, json_object_get(item, name));
	}
	return key;
}

static void bind_key(
	sqlite3_stmt *statement, const struct lc_ddb_table *table, const struct lc_ddb_key *key)
{
	sqlite3_bind_int64(statement, 1, table->id);
	sqlite3_bind_int64(statement, 2, key->hash);
	bind_blob(statement, 3, &key->partition);
	bind_blob(statement, 4, &key->sort);
}

/* --- items ------------------------------------------------------------------------------- */

json_t *lc_ddb_item_get(const struct lc_ddb_table *table, const struct lc_ddb_key *key)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare(
		"SELECT item FROM items WHERE table_id = ?1 AND hash = ?2 AND partition = ?3 "
		"AND sort = ?4");
	bind_key(statement, table, key);
	return step(statement) ? column_json(statement, 0) : NULL;
}

void lc_ddb_item_put(
	const struct lc_ddb_table *table, const struct lc_ddb_key *key, const json_t *item)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = prepare(
		"INSERT INTO items (table_id, hash, partition, sort, size, item) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (table_id, hash, partition, sort) "
		"DO UPDATE SET size = excluded.size, item = excluded.item");
	bind_key(statement, table, key);
	sqlite3_bind_int64(statement, 5, (int64_t)lc_ddb_item_size(item));
	bind_json(statement, 6, item);
	(void)step(statement);
}

void lc_ddb_item_delete(const struct lc_ddb_table *table, const struct lc_ddb_key *key)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement =
		prepare("DELETE FROM items WHERE table_id = ?1 AND hash = ?2 AND partition = ?3 "
			"AND sort = ?4");
	bind_key(statement, table, key);
	(void)step(statement);
}

static sqlite3_stmt *query_statement(
	const struct lc_ddb_table *table, const struct lc_ddb_range *range)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf sql = SL_BUF_INIT;
	sl_buf_puts(&sql,
		"SELECT item FROM items WHERE table_id = ?1 AND hash = ?2 "
		"AND partition = ?3");
	if (range->low.present) {
		sl_buf_printf(&sql, " AND sort %s ?4", range->low.exclusive ? ">" : ">=");
	}
	if (range->high.present) {
		sl_buf_printf(&sql, " AND sort %s ?5", range->high.exclusive ? "<" : "<=");
	}
	sl_buf_printf(&sql, " ORDER BY sort %s", range->backward ? "DESC" : "ASC");
	sqlite3_stmt *statement = prepare(sl_buf_str(&sql));
	sqlite3_bind_int64(statement, 1, table->id);
	sqlite3_bind_int64(statement, 2, range->partition->hash);
	bind_blob(statement, 3, &range->partition->partition);
	if (range->low.present) {
		bind_blob(statement, 4, &range->low.bytes);
	}
	if (range->high.present) {
		bind_blob(statement, 5, &range->high.bytes);
	}
	return statement;
}

static sqlite3_stmt *scan_statement(
	const struct lc_ddb_table *table, const struct lc_ddb_range *range)
{
	sqlite3_stmt *statement;
	if (range->after != NULL) {
		statement = prepare("SELECT item FROM items WHERE table_id = ?1 AND "
				    "(hash, partition, sort) > (?2, ?3, ?4) AND hash <= ?5 "
				    "ORDER BY hash, partition, sort");
		bind_key(statement, table, range->after);
		sqlite3_bind_int64(statement, 5, range->hash_to);
	} else {
		statement = prepare("SELECT item FROM items WHERE table_id = ?1 AND "
				    "hash BETWEEN ?2 AND ?3 ORDER BY hash, partition, sort");
		sqlite3_bind_int64(statement, 1, table->id);
		sqlite3_bind_int64(statement, 2, range->hash_from);
		sqlite3_bind_int64(statement, 3, range->hash_to);
	}
	return statement;
}

void lc_ddb_item_walk(const struct lc_ddb_table *table, const struct lc_ddb_range *range,
	lc_ddb_visit *visit, void *context)
{
	SL_AUTO(finalize)
	sqlite3_stmt *statement = range->partition != NULL ? query_statement(table, range)
							   : scan_statement(table, range);
	bool more = true;
	while (more && step(statement)) {
		json_auto_t *item = column_json(statement, 0);
		more = item != NULL && visit(context, item);
	}
}
