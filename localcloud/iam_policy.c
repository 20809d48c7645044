/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM's operations on policies: inline in a role, managed with versions, attached. Entry points:
 * those of lc_iam.h. On the HTTP thread.
 */
#include <string.h>

#include "clock.h"
#include "lc_iam.h"
#include "text.h"

enum { VERSIONS_MAX = 5 };

static bool role_known(struct lc_query *query, const char *role)
{
	bool known =
		lc_iam_any(lc_iam_lock(), "SELECT 1 FROM roles WHERE name = ?", LC_TEXTS(role));
	lc_iam_unlock();
	if (!known) {
		lc_iam_no_role(query, role);
	}
	return known;
}

/* RoleName of a role that exists; NULL after an error reply. */
static char *known_role(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = lc_query_required(query, "RoleName");
	return role && role_known(query, role) ? sl_take(&role) : NULL;
}

/* --- inline ------------------------------------------------------------------------------ */

void lc_iam_put_role_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	SL_AUTO(sl_freep)
	char *name = role ? lc_query_required(query, "PolicyName") : NULL;
	SL_AUTO(sl_freep)
	char *document = name ? lc_iam_document(query, "PolicyDocument", LC_POLICY_IDENTITY) : NULL;
	if (!document) {
		return;
	}
	lc_db_execute(lc_iam_lock(),
		"INSERT INTO role_policies (role, name, document) VALUES (?1, ?2, ?3) "
		"ON CONFLICT (role, name) DO UPDATE SET document = excluded.document",
		LC_TEXTS(role, name, document));
	lc_iam_unlock();
	lc_query_done(query);
}

static void no_role_policy(struct lc_query *query, const char *name)
{
	lc_query_error(
		query, 404, "NoSuchEntity", "The role policy with name %s cannot be found.", name);
}

void lc_iam_get_role_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	SL_AUTO(sl_freep)
	char *name = role ? lc_query_required(query, "PolicyName") : NULL;
	if (!name) {
		return;
	}
	SL_AUTO(sl_freep)
	char *document = lc_iam_text(lc_iam_lock(),
		"SELECT document FROM role_policies WHERE role = ? AND name = ?",
		LC_TEXTS(role, name));
	lc_iam_unlock();
	if (!document) {
		no_role_policy(query, name);
		return;
	}
	lc_query_open(query);
	lc_query_element(query, "RoleName", role);
	lc_query_element(query, "PolicyName", name);
	lc_iam_encoded(query, "PolicyDocument", document);
	lc_query_close(query);
}

void lc_iam_delete_role_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	SL_AUTO(sl_freep)
	char *name = role ? lc_query_required(query, "PolicyName") : NULL;
	if (!name) {
		return;
	}
	int gone = lc_db_execute(lc_iam_lock(),
		"DELETE FROM role_policies WHERE role = ? AND name = ?", LC_TEXTS(role, name));
	lc_iam_unlock();
	if (gone == 0) {
		no_role_policy(query, name);
		return;
	}
	lc_query_done(query);
}

void lc_iam_list_role_policies(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	if (!role) {
		return;
	}
	lc_query_open(query);
	lc_iam_whole(query);
	lc_query_tag(query, "<PolicyNames>");
	sqlite3_stmt *row = lc_db_prepare(lc_iam_lock(),
		"SELECT name FROM role_policies WHERE role = ? ORDER BY name", LC_TEXTS(role));
	while (lc_db_step(row)) {
		lc_query_element(query, "member", (const char *)sqlite3_column_text(row, 0));
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	lc_query_tag(query, "</PolicyNames>");
	lc_query_close(query);
}

/* --- attached ---------------------------------------------------------------------------- */

static void no_policy(struct lc_query *query, const char *arn)
{
	lc_query_error(
		query, 404, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn);
}

static bool policy_known(const char *arn)
{
	bool known =
		lc_iam_any(lc_iam_lock(), "SELECT 1 FROM policies WHERE arn = ?", LC_TEXTS(arn));
	lc_iam_unlock();
	return known;
}

/* PolicyArn of a policy that exists; NULL after an error reply. */
static char *known_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = lc_query_required(query, "PolicyArn");
	if (arn && !policy_known(arn)) {
		no_policy(query, arn);
		return NULL;
	}
	return sl_take(&arn);
}

void lc_iam_attach(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	SL_AUTO(sl_freep)
	char *arn = role ? known_policy(query) : NULL;
	if (!arn) {
		return;
	}
	lc_db_execute(lc_iam_lock(), "INSERT OR IGNORE INTO attachments (role, arn) VALUES (?, ?)",
		LC_TEXTS(role, arn));
	lc_iam_unlock();
	lc_query_done(query);
}

void lc_iam_detach(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	SL_AUTO(sl_freep)
	char *arn = role ? lc_query_required(query, "PolicyArn") : NULL;
	if (!arn) {
		return;
	}
	int gone = lc_db_execute(lc_iam_lock(),
		"DELETE FROM attachments WHERE role = ? AND arn = ?", LC_TEXTS(role, arn));
	lc_iam_unlock();
	if (gone == 0) {
		lc_query_error(query, 404, "NoSuchEntity", "Policy %s was not found.", arn);
		return;
	}
	lc_query_done(query);
}

void lc_iam_list_attached(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *role = known_role(query);
	if (!role) {
		return;
	}
	lc_query_open(query);
	lc_iam_whole(query);
	lc_query_tag(query, "<AttachedPolicies>");
	sqlite3_stmt *row = lc_db_prepare(lc_iam_lock(),
		"SELECT name, p.arn FROM attachments AS a JOIN policies AS p ON p.arn = a.arn "
		"WHERE role = ? ORDER BY name",
		LC_TEXTS(role));
	while (lc_db_step(row)) {
		lc_query_tag(query, "<member>");
		lc_query_element(query, "PolicyName", (const char *)sqlite3_column_text(row, 0));
		lc_query_element(query, "PolicyArn", (const char *)sqlite3_column_text(row, 1));
		lc_query_tag(query, "</member>");
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	lc_query_tag(query, "</AttachedPolicies>");
	lc_query_close(query);
}

/* --- managed ----------------------------------------------------------------------------- */

#define POLICY_COLUMNS \
	"name, path, arn, id, created_ms, version, description, " \
	"(SELECT count(*) FROM attachments AS a WHERE a.arn = p.arn)"

static void write_policy(struct lc_query *query, sqlite3_stmt *row)
{
	SL_AUTO(sl_freep)
	char *version = sl_asprintf("v%lld", (long long)sqlite3_column_int64(row, 5));
	lc_query_element(query, "PolicyName", (const char *)sqlite3_column_text(row, 0));
	lc_query_element(query, "PolicyId", (const char *)sqlite3_column_text(row, 3));
	lc_query_element(query, "Arn", (const char *)sqlite3_column_text(row, 2));
	lc_query_element(query, "Path", (const char *)sqlite3_column_text(row, 1));
	lc_query_element(query, "DefaultVersionId", version);
	lc_query_element(query, "AttachmentCount", (const char *)sqlite3_column_text(row, 7));
	lc_query_element(query, "PermissionsBoundaryUsageCount", "0");
	lc_query_element(query, "IsAttachable", "true");
	lc_query_element(query, "Description", (const char *)sqlite3_column_text(row, 6));
	lc_query_time(query, "CreateDate", sqlite3_column_int64(row, 4));
	lc_query_time(query, "UpdateDate", sqlite3_column_int64(row, 4));
}

static void answer_policy(struct lc_query *query, const char *arn)
{
	lc_query_open(query);
	lc_query_tag(query, "<Policy>");
	sqlite3_stmt *row = lc_db_prepare(lc_iam_lock(),
		"SELECT " POLICY_COLUMNS " FROM policies AS p WHERE arn = ?", LC_TEXTS(arn));
	if (lc_db_step(row)) {
		write_policy(query, row);
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	lc_query_tag(query, "</Policy>");
	lc_query_close(query);
}

/* Inside the lock. */
static void add_version(sqlite3 *db, const char *arn, const char *document)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db,
		"INSERT INTO policy_versions (arn, document, version, created_ms) "
		"SELECT ?1, ?2, versions, ?3 FROM policies WHERE arn = ?1",
		LC_TEXTS(arn, document));
	sqlite3_bind_int64(statement, 3, sl_clock_now_ms());
	(void)lc_db_step(statement);
}

static bool insert_policy(struct lc_query *query, const char *name, const char *path,
	const char *arn, const char *text)
{
	SL_AUTO(sl_freep)
	char *id = lc_iam_id("ANPA");
	SL_AUTO(sl_freep)
	char *description = lc_query_param(query, "Description");
	sqlite3 *db = lc_iam_lock();
	sqlite3_stmt *insert = lc_db_prepare(db,
		"INSERT OR IGNORE INTO policies (arn, name, path, id, created_ms, description, "
		"version, versions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 1)",
		LC_TEXTS(arn, name, path, id));
	sqlite3_bind_int64(insert, 5, sl_clock_now_ms());
	sqlite3_bind_text(insert, 6, description, -1, SQLITE_TRANSIENT);
	(void)lc_db_step(insert);
	sqlite3_finalize(insert);
	bool fresh = sqlite3_changes(db) > 0;
	if (fresh) {
		add_version(db, arn, text);
	}
	lc_iam_unlock();
	return fresh;
}

void lc_iam_create_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *name = lc_query_required(query, "PolicyName");
	SL_AUTO(sl_freep)
	char *document = name ? lc_iam_document(query, "PolicyDocument", LC_POLICY_IDENTITY) : NULL;
	if (!document) {
		return;
	}
	SL_AUTO(sl_freep)
	char *path = lc_query_param(query, "Path");
	path = path ? path : sl_strdup("/");
	SL_AUTO(sl_freep)
	char *arn = sl_asprintf("arn:aws:iam::" LC_ACCOUNT ":policy%s%s", path, name);
	if (!insert_policy(query, name, path, arn, document)) {
		lc_query_error(query, 409, "EntityAlreadyExists",
			"A policy called %s already exists. Duplicate names are not allowed.",
			name);
		return;
	}
	answer_policy(query, arn);
}

void lc_iam_get_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	if (arn) {
		answer_policy(query, arn);
	}
}

void lc_iam_list_policies(struct lc_query *query)
{
	lc_query_open(query);
	lc_iam_whole(query);
	lc_query_tag(query, "<Policies>");
	sqlite3_stmt *row = lc_db_prepare(
		lc_iam_lock(), "SELECT " POLICY_COLUMNS " FROM policies AS p ORDER BY name", NULL);
	while (lc_db_step(row)) {
		lc_query_tag(query, "<member>");
		write_policy(query, row);
		lc_query_tag(query, "</member>");
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	lc_query_tag(query, "</Policies>");
	lc_query_close(query);
}

void lc_iam_delete_policy(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	if (!arn) {
		return;
	}
	sqlite3 *db = lc_iam_lock();
	bool attached = lc_iam_any(db, "SELECT 1 FROM attachments WHERE arn = ?", LC_TEXTS(arn));
	bool versions = lc_iam_any(
		db, "SELECT 1 FROM policy_versions WHERE arn = ? LIMIT 1 OFFSET 1", LC_TEXTS(arn));
	if (!attached && !versions) {
		lc_db_execute(db, "DELETE FROM policy_versions WHERE arn = ?", LC_TEXTS(arn));
		lc_db_execute(db, "DELETE FROM policies WHERE arn = ?", LC_TEXTS(arn));
	}
	lc_iam_unlock();
	if (attached) {
		lc_query_error(query, 409, "DeleteConflict",
			"Cannot delete a policy attached to entities.");
	} else if (versions) {
		lc_query_error(query, 409, "DeleteConflict",
			"This policy has more than one version. Before you delete a policy, you "
			"must delete the policy's versions. The default version is deleted with "
			"the policy.");
	} else {
		lc_query_done(query);
	}
}

/* --- versions ---------------------------------------------------------------------------- */

static void write_version(struct lc_query *query, sqlite3_stmt *row, bool whole)
{
	SL_AUTO(sl_freep)
	char *version = sl_asprintf("v%lld", (long long)sqlite3_column_int64(row, 0));
	if (whole) {
		lc_iam_encoded(query, "Document", (const char *)sqlite3_column_text(row, 3));
	}
	lc_query_element(query, "VersionId", version);
	lc_query_element(
		query, "IsDefaultVersion", sqlite3_column_int(row, 1) != 0 ? "true" : "false");
	lc_query_time(query, "CreateDate", sqlite3_column_int64(row, 2));
}

#define VERSIONS_OF \
	"SELECT v.version, v.version = p.version, v.created_ms, document FROM policy_versions " \
	"AS v JOIN policies AS p ON p.arn = v.arn WHERE v.arn = ?1 "

/* The digits of VersionId "v2", owned by the caller; NULL after an error reply. */
static char *version_number(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *id = lc_query_required(query, "VersionId");
	return id ? sl_strdup(id[0] == 'v' ? id + 1 : id) : NULL;
}

static void no_version(struct lc_query *query, const char *arn, const char *version)
{
	lc_query_error(query, 404, "NoSuchEntity",
		"Policy %s version v%s does not exist or is not attachable.", arn, version);
}

/* Answers with one version. */
static bool answer_version(struct lc_query *query, const char *arn, const char *version, bool whole)
{
	sqlite3_stmt *row = lc_db_prepare(lc_iam_lock(),
		VERSIONS_OF "AND v.version = CAST(?2 AS INTEGER)", LC_TEXTS(arn, version));
	bool found = lc_db_step(row);
	if (found) {
		lc_query_open(query);
		lc_query_tag(query, "<PolicyVersion>");
		write_version(query, row, whole);
		lc_query_tag(query, "</PolicyVersion>");
		lc_query_close(query);
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	return found;
}

void lc_iam_create_version(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	SL_AUTO(sl_freep)
	char *document = arn ? lc_iam_document(query, "PolicyDocument", LC_POLICY_IDENTITY) : NULL;
	if (!document) {
		return;
	}
	SL_AUTO(sl_freep)
	char *as_default = lc_query_param(query, "SetAsDefault");
	sqlite3 *db = lc_iam_lock();
	SL_AUTO(sl_freep)
	char *count = lc_iam_text(
		db, "SELECT count(*) FROM policy_versions WHERE arn = ?", LC_TEXTS(arn));
	bool room = count[0] < '0' + VERSIONS_MAX && count[1] == '\0';
	if (room) {
		lc_db_execute(db, "UPDATE policies SET versions = versions + 1 WHERE arn = ?",
			LC_TEXTS(arn));
		add_version(db, arn, document);
		if (sl_text_equal(as_default, "true")) {
			lc_db_execute(db, "UPDATE policies SET version = versions WHERE arn = ?",
				LC_TEXTS(arn));
		}
	}
	SL_AUTO(sl_freep)
	char *version =
		lc_iam_text(db, "SELECT versions FROM policies WHERE arn = ?", LC_TEXTS(arn));
	lc_iam_unlock();
	if (!room) {
		lc_query_error(query, 409, "LimitExceeded",
			"A managed policy can have up to 5 versions. Before you create a new "
			"version, you must delete an existing version.");
		return;
	}
	(void)answer_version(query, arn, version, false);
}

void lc_iam_get_version(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	SL_AUTO(sl_freep)
	char *version = arn ? version_number(query) : NULL;
	if (version && !answer_version(query, arn, version, true)) {
		no_version(query, arn, version);
	}
}

void lc_iam_list_versions(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	if (!arn) {
		return;
	}
	lc_query_open(query);
	lc_iam_whole(query);
	lc_query_tag(query, "<Versions>");
	sqlite3_stmt *row =
		lc_db_prepare(lc_iam_lock(), VERSIONS_OF "ORDER BY v.version DESC", LC_TEXTS(arn));
	while (lc_db_step(row)) {
		lc_query_tag(query, "<member>");
		write_version(query, row, false);
		lc_query_tag(query, "</member>");
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	lc_query_tag(query, "</Versions>");
	lc_query_close(query);
}

void lc_iam_delete_version(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	SL_AUTO(sl_freep)
	char *version = arn ? version_number(query) : NULL;
	if (!version) {
		return;
	}
	sqlite3 *db = lc_iam_lock();
	bool is_default = lc_iam_any(db,
		"SELECT 1 FROM policies WHERE arn = ? AND version = CAST(? AS INTEGER)",
		LC_TEXTS(arn, version));
	int gone = is_default
		? 0
		: lc_db_execute(db,
			  "DELETE FROM policy_versions WHERE arn = ? AND version = CAST(? AS "
			  "INTEGER)",
			  LC_TEXTS(arn, version));
	lc_iam_unlock();
	if (is_default) {
		lc_query_error(query, 409, "DeleteConflict",
			"Cannot delete the default version of a policy.");
	} else if (gone == 0) {
		no_version(query, arn, version);
	} else {
		lc_query_done(query);
	}
}

void lc_iam_set_default_version(struct lc_query *query)
{
	SL_AUTO(sl_freep)
	char *arn = known_policy(query);
	SL_AUTO(sl_freep)
	char *version = arn ? version_number(query) : NULL;
	if (!version) {
		return;
	}
	int changed = lc_db_execute(lc_iam_lock(),
		"UPDATE policies SET version = CAST(?2 AS INTEGER) WHERE arn = ?1 AND EXISTS "
		"(SELECT 1 FROM policy_versions AS v WHERE v.arn = ?1 AND v.version = CAST(?2 AS "
		"INTEGER))",
		LC_TEXTS(arn, version));
	lc_iam_unlock();
	if (changed == 0) {
		no_version(query, arn, version);
		return;
	}
	lc_query_done(query);
}
