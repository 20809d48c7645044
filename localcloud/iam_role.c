/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM's operations on roles, their tags and boundaries. Entry points: those of lc_iam.h. On the
 * HTTP thread.
 */
#include <string.h>

#include "clock.h"
#include "lc_iam.h"
#include "text.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-"
#define COLUMNS         "name, path, id, arn, created_ms, trust, description, max_session_s, boundary, tags"

static void write_tags(struct lc_query *query, const char *text)
{
	json_auto_t *tags = json_loads(text, 0, NULL);
	const char *key;
	json_t *value;
	if (json_object_size(tags) == 0) {
		return;
	}
	lc_query_tag(query, "<Tags>");
	json_object_foreach (tags, key, value) {
		lc_query_tag(query, "<member>");
		lc_query_element(query, "Key", key);
		lc_query_element(query, "Value", json_string_value(value));
		lc_query_tag(query, "</member>");
	}
	lc_query_tag(query, "</Tags>");
}

static void write_role(struct lc_query *query, sqlite3_stmt *row, bool whole)
{
	const char *boundary = (const char *)sqlite3_column_text(row, 8);
	lc_query_element(query, "Path", (const char *)sqlite3_column_text(row, 1));
	lc_query_element(query, "RoleName", (const char *)sqlite3_column_text(row, 0));
	lc_query_element(query, "RoleId", (const char *)sqlite3_column_text(row, 2));
	lc_query_element(query, "Arn", (const char *)sqlite3_column_text(row, 3));
	lc_query_time(query, "CreateDate", sqlite3_column_int64(row, 4));
	lc_iam_encoded(
		query, "AssumeRolePolicyDocument", (const char *)sqlite3_column_text(row, 5));
	lc_query_element(query, "Description", (const char *)sqlite3_column_text(row, 6));
	lc_query_element(query, "MaxSessionDuration", (const char *)sqlite3_column_text(row, 7));
	if (!whole) {
		return;
	}
	if (boundary) {
		lc_query_tag(query,
			"<PermissionsBoundary><PermissionsBoundaryType>Policy"
			"</PermissionsBoundaryType>");
		lc_query_element(query, "PermissionsBoundaryArn", boundary);
		lc_query_tag(query, "</PermissionsBoundary>");
	}
	write_tags(query, (const char *)sqlite3_column_text(row, 9));
}

/* Answers with the role, which is there. Inside the lock. */
static bool answer_role(struct lc_query *query, sqlite3 *db, const char *name)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *row =
		lc_db_prepare(db, "SELECT " COLUMNS " FROM roles WHERE name = ?", LC_TEXTS(name));
	if (!lc_db_step(row)) {
		return false;
	}
	lc_query_open(query);
	lc_query_tag(query, "<Role>");
	write_role(query, row, true);
	lc_query_tag(query, "</Role>");
	lc_query_close(query);
	return true;
}

/* --- Create, Get, List, Delete ----------------------------------------------------------- */

static bool valid_name(struct lc_query *query, const char *name)
{
	size_t length = strlen(name);
	if (length >= 1 && length <= 64 && strspn(name, NAME_CHARACTERS) == length) {
		return true;
	}
	lc_query_error(query, 400, "ValidationError",
		"The specified value for roleName is invalid. It must contain only alphanumeric "
		"characters and/or the following: +=,.@_-");
	return false;
}

/* The Tags.member.N of a request over those in `tags`. */
static void read_tags(struct lc_query *query, json_t *tags)
{
	for (int n = 1;; n++) {
		SL_AUTO(sl_freep)
		char *key_name = sl_asprintf("Tags.member.%d.Key", n);
		SL_AUTO(sl_freep)
		char *value_name = sl_asprintf("Tags.member.%d.Value", n);
		SL_AUTO(sl_freep)
		char *key = lc_query_param(query, key_name);
		SL_AUTO(sl_freep)
		char *value = lc_query_param(query, value_name);
		if (!key) {
			return;
		}
		json_object_set_new(tags, key, json_string(value ? value : ""));
	}
}

/* MaxSessionDuration, or `otherwise`; false after an error reply. */
static bool read_duration(struct lc_query *query, int64_t otherwise, int64_t *ret)
{
	SL_AUTO(sl_freep)
	char *text = lc_query_param(query, "MaxSessionDuration");
	*ret = otherwise;
	if (text && !sl_text_parse_i64(text, 3600, 43200, ret)) {
		lc_query_error(query, 400, "ValidationError",
			"1 validation error detected: Value '%s' at 'maxSessionDuration' failed to "
			"satisfy constraint: Member must have value between 3600 and 43200",
			text);
		return false;
	}
	return true;
}

static bool insert_role(sqlite3 *db, struct lc_query *query, const char *name, const char *trust,
	int64_t duration_s)
{
	SL_AUTO(sl_freep)
	char *given_path = lc_query_param(query, "Path");
	const char *path = given_path ? given_path : "/";
	SL_AUTO(sl_freep)
	char *id = lc_iam_id("AROA");
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:iam::" LC_ACCOUNT ":role%s%s", path, name);
	SL_AUTO(sl_freep)
	char *description = lc_query_param(query, "Description");
	SL_AUTO(sl_freep)
	char *boundary = lc_query_param(query, "PermissionsBoundary");
	json_auto_t *tags = json_object();
	read_tags(query, tags);
	SL_AUTO(sl_freep)
	char *tags_text = json_dumps(tags, JSON_COMPACT);

	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *insert = lc_db_prepare(db,
		"INSERT OR IGNORE INTO roles (name, path, id, arn, trust, tags, created_ms, "
		"max_session_s, description, boundary) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
		"?9, ?10)",
		LC_TEXTS(name, path, id, arn, trust, tags_text));
	sqlite3_bind_int64(insert, 7, sl_clock_now_ms());
	sqlite3_bind_int64(insert, 8, duration_s);
	sqlite3_bind_text(insert, 9, description, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(insert, 10, boundary, -1, SQLITE_TRANSIENT);
	(void)lc_db_step(insert);
	return sqlite3_changes(db) > 0;
}

void lc_iam_create_role(struct lc_query *query)
{
	int64_t duration_s;
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	if (!name || !valid_name(query, name) || !read_duration(query, 3600, &duration_s)) {
		return;
	}
	SL_AUTO(sl_freep)
	char *trust = lc_iam_document(query, "AssumeRolePolicyDocument", LC_POLICY_TRUST);
	if (!trust) {
		return;
	}
	sqlite3 *db = lc_iam_lock();
	bool fresh = !lc_iam_any(db, "SELECT 1 FROM roles WHERE name = ?", LC_TEXTS(name)) &&
		insert_role(db, query, name, trust, duration_s);
	if (fresh) {
		(void)answer_role(query, db, name);
	}
	lc_iam_unlock();
	if (!fresh) {
		lc_query_error(query, 409, "EntityAlreadyExists",
			"Role with name %s already exists.", name);
	}
}

void lc_iam_get_role(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	if (!name) {
		return;
	}
	bool found = answer_role(query, lc_iam_lock(), name);
	lc_iam_unlock();
	if (!found) {
		lc_iam_no_role(query, name);
	}
}

void lc_iam_list_roles(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *prefix = lc_query_param(query, "PathPrefix");
	lc_query_open(query);
	lc_iam_whole(query);
	lc_query_tag(query, "<Roles>");
	sqlite3_stmt *row = lc_db_prepare(lc_iam_lock(),
		"SELECT " COLUMNS
		" FROM roles WHERE substr(path, 1, length(?1)) = ?1 ORDER BY name",
		LC_TEXTS(prefix ? prefix : "/"));
	while (lc_db_step(row)) {
		lc_query_tag(query, "<member>");
		write_role(query, row, false);
		lc_query_tag(query, "</member>");
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	lc_query_tag(query, "</Roles>");
	lc_query_close(query);
}

void lc_iam_delete_role(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	if (!name) {
		return;
	}
	sqlite3 *db = lc_iam_lock();
	bool known = lc_iam_any(db, "SELECT 1 FROM roles WHERE name = ?", LC_TEXTS(name));
	bool attached = lc_iam_any(db, "SELECT 1 FROM attachments WHERE role = ?", LC_TEXTS(name));
	bool inlined = lc_iam_any(db, "SELECT 1 FROM role_policies WHERE role = ?", LC_TEXTS(name));
	if (!attached && !inlined) {
		lc_db_execute(db, "DELETE FROM roles WHERE name = ?", LC_TEXTS(name));
	}
	lc_iam_unlock();
	if (!known) {
		lc_iam_no_role(query, name);
	} else if (attached) {
		lc_query_error(query, 409, "DeleteConflict",
			"Cannot delete entity, must detach all policies first.");
	} else if (inlined) {
		lc_query_error(query, 409, "DeleteConflict",
			"Cannot delete entity, must delete policies first.");
	} else {
		lc_query_done(query);
	}
}

/* --- what can be changed ----------------------------------------------------------------- */

/* Runs an UPDATE of one role whose first parameter is its name; answers. */
static void update(struct lc_query *query, const char *name, const char *sql, const char *value)
{
	int changed = lc_db_execute(lc_iam_lock(), sql, LC_TEXTS(name, value));
	lc_iam_unlock();
	if (changed == 0) {
		lc_iam_no_role(query, name);
		return;
	}
	lc_query_done(query);
}

void lc_iam_update_trust(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	SL_AUTO(sl_freep)
	char *trust = name ? lc_iam_document(query, "PolicyDocument", LC_POLICY_TRUST) : NULL;
	if (trust) {
		update(query, name, "UPDATE roles SET trust = ?2 WHERE name = ?1", trust);
	}
}

void lc_iam_update_role(struct lc_query *query)
{
	int64_t duration_s;
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	if (!name || !read_duration(query, 0, &duration_s)) {
		return;
	}
	SL_AUTO(sl_freep)
	char *description = lc_query_param(query, "Description");
	sqlite3 *db = lc_iam_lock();
	sqlite3_stmt *statement = lc_db_prepare(db,
		"UPDATE roles SET max_session_s = CASE WHEN ?2 > 0 THEN ?2 ELSE max_session_s END, "
		"description = coalesce(?3, description) WHERE name = ?1",
		LC_TEXTS(name));
	sqlite3_bind_int64(statement, 2, duration_s);
	sqlite3_bind_text(statement, 3, description, -1, SQLITE_TRANSIENT);
	(void)lc_db_step(statement);
	sqlite3_finalize(statement);
	bool found = sqlite3_changes(db) > 0;
	lc_iam_unlock();
	if (!found) {
		lc_iam_no_role(query, name);
		return;
	}
	lc_query_open(query);
	lc_query_close(query);
}

void lc_iam_put_boundary(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	SL_AUTO(sl_freep)
	char *arn = name ? lc_query_required(query, "PermissionsBoundary") : NULL;
	if (arn) {
		update(query, name, "UPDATE roles SET boundary = ?2 WHERE name = ?1", arn);
	}
}

void lc_iam_delete_boundary(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	if (name) {
		update(query, name, "UPDATE roles SET boundary = NULL WHERE name = ?1", NULL);
	}
}

/* --- tags -------------------------------------------------------------------------------- */

/* The tags of a role, owned by the caller; NULL after an error reply. */
static json_t *tags_of(struct lc_query *query, const char *name)
{
	SL_AUTO(sl_freep)
	char *text =
		lc_iam_text(lc_iam_lock(), "SELECT tags FROM roles WHERE name = ?", LC_TEXTS(name));
	lc_iam_unlock();
	if (!text) {
		lc_iam_no_role(query, name);
		return NULL;
	}
	return json_loads(text, 0, NULL);
}

static void save_tags(struct lc_query *query, const char *name, const json_t *tags)
{
	SL_AUTO(sl_freep)
	char *text = json_dumps(tags, JSON_COMPACT);
	update(query, name, "UPDATE roles SET tags = ?2 WHERE name = ?1", text);
}

void lc_iam_tag_role(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	json_auto_t *tags = name ? tags_of(query, name) : NULL;
	if (tags) {
		read_tags(query, tags);
		save_tags(query, name, tags);
	}
}

void lc_iam_untag_role(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	json_auto_t *tags = name ? tags_of(query, name) : NULL;
	if (!tags) {
		return;
	}
	for (int n = 1;; n++) {
		SL_AUTO(sl_freep)
		char *key = lc_query_member(query, "TagKeys", n);
		if (!key) {
			break;
		}
		json_object_del(tags, key);
	}
	save_tags(query, name, tags);
}

void lc_iam_list_role_tags(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "RoleName");
	json_auto_t *tags = name ? tags_of(query, name) : NULL;
	if (!tags) {
		return;
	}
	SL_AUTO(sl_freep)
	char *text = json_dumps(tags, JSON_COMPACT);
	lc_query_open(query);
	lc_iam_whole(query);
	if (json_object_size(tags) == 0) {
		lc_query_tag(query, "<Tags/>");
	}
	write_tags(query, text);
	lc_query_close(query);
}
