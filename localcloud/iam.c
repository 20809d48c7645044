/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM: the database of roles and policies, and what they decide for the other services. Entry
 * points: lc_iam_handle (HTTP threads), lc_iam_decide and its like (any thread).
 */
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "lc_iam.h"
#include "text.h"

static const char schema[] = "CREATE TABLE IF NOT EXISTS roles ("
			     "	name TEXT PRIMARY KEY COLLATE NOCASE,"
			     "	path TEXT NOT NULL,"
			     "	id TEXT NOT NULL,"
			     "	arn TEXT NOT NULL,"
			     "	created_ms INTEGER NOT NULL,"
			     "	trust TEXT NOT NULL,"
			     "	description TEXT,"
			     "	max_session_s INTEGER NOT NULL,"
			     "	boundary TEXT,"
			     "	tags TEXT NOT NULL DEFAULT '{}');"
			     "CREATE TABLE IF NOT EXISTS role_policies ("
			     "	role TEXT NOT NULL COLLATE NOCASE,"
			     "	name TEXT NOT NULL,"
			     "	document TEXT NOT NULL,"
			     "	PRIMARY KEY (role, name));"
			     "CREATE TABLE IF NOT EXISTS policies ("
			     "	arn TEXT PRIMARY KEY,"
			     "	name TEXT NOT NULL,"
			     "	path TEXT NOT NULL,"
			     "	id TEXT NOT NULL,"
			     "	created_ms INTEGER NOT NULL,"
			     "	description TEXT,"
			     "	version INTEGER NOT NULL,"   /* the default one */
			     "	versions INTEGER NOT NULL);" /* how many there ever were */
			     "CREATE TABLE IF NOT EXISTS policy_versions ("
			     "	arn TEXT NOT NULL,"
			     "	version INTEGER NOT NULL,"
			     "	document TEXT NOT NULL,"
			     "	created_ms INTEGER NOT NULL,"
			     "	PRIMARY KEY (arn, version));"
			     "CREATE TABLE IF NOT EXISTS attachments ("
			     "	role TEXT NOT NULL COLLATE NOCASE,"
			     "	arn TEXT NOT NULL,"
			     "	PRIMARY KEY (role, arn));"
			     "CREATE TABLE IF NOT EXISTS sessions ("
			     "	access_key TEXT PRIMARY KEY,"
			     "	secret_key TEXT NOT NULL,"
			     "	token TEXT NOT NULL,"
			     "	expires_ms INTEGER NOT NULL,"
			     "	arn TEXT NOT NULL,"
			     "	role TEXT,"
			     "	user_id TEXT NOT NULL,"
			     "	policy TEXT);";

static const struct lc_query_row operations[] = {
	{"CreateRole", lc_iam_create_role},
	{"GetRole", lc_iam_get_role},
	{"ListRoles", lc_iam_list_roles},
	{"DeleteRole", lc_iam_delete_role},
	{"UpdateRole", lc_iam_update_role},
	{"UpdateAssumeRolePolicy", lc_iam_update_trust},
	{"TagRole", lc_iam_tag_role},
	{"UntagRole", lc_iam_untag_role},
	{"ListRoleTags", lc_iam_list_role_tags},
	{"PutRolePermissionsBoundary", lc_iam_put_boundary},
	{"DeleteRolePermissionsBoundary", lc_iam_delete_boundary},
	{"PutRolePolicy", lc_iam_put_role_policy},
	{"GetRolePolicy", lc_iam_get_role_policy},
	{"DeleteRolePolicy", lc_iam_delete_role_policy},
	{"ListRolePolicies", lc_iam_list_role_policies},
	{"AttachRolePolicy", lc_iam_attach},
	{"DetachRolePolicy", lc_iam_detach},
	{"ListAttachedRolePolicies", lc_iam_list_attached},
	{"CreatePolicy", lc_iam_create_policy},
	{"GetPolicy", lc_iam_get_policy},
	{"ListPolicies", lc_iam_list_policies},
	{"DeletePolicy", lc_iam_delete_policy},
	{"CreatePolicyVersion", lc_iam_create_version},
	{"GetPolicyVersion", lc_iam_get_version},
	{"ListPolicyVersions", lc_iam_list_versions},
	{"DeletePolicyVersion", lc_iam_delete_version},
	{"SetDefaultPolicyVersion", lc_iam_set_default_version},
	{"SimulatePrincipalPolicy", lc_iam_simulate},
};

static struct {
	pthread_mutex_t mutex;
	sqlite3 *db;
} iam = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* --- shared ------------------------------------------------------------------------------ */

sqlite3 *lc_iam_lock(void)
{
	pthread_mutex_lock(&iam.mutex);
	return iam.db;
}

void lc_iam_unlock(void)
{
	pthread_mutex_unlock(&iam.mutex);
}

char *lc_iam_column(sqlite3_stmt *statement, int column)
{
	return sl_strdup((const char *)sqlite3_column_text(statement, column));
}

char *lc_iam_id(const char *prefix)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char bytes[16];
	char text[17];
	if (RAND_bytes(bytes, sizeof bytes) != 1) {
		SL_BUG("no random bytes");
	}
	for (size_t i = 0; i < sizeof bytes; i++) {
		text[i] = letters[bytes[i] % 32];
	}
	text[sizeof bytes] = '\0';
	return sl_asprintf("%s%s", prefix, text);
}

char *lc_iam_text(sqlite3 *db, const char *sql, const char *const *texts)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, texts);
	return lc_db_step(statement) ? lc_iam_column(statement, 0) : NULL;
}

bool lc_iam_any(sqlite3 *db, const char *sql, const char *const *texts)
{
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, texts);
	return lc_db_step(statement);
}

char *lc_iam_document(struct lc_query *query, const char *name, enum lc_policy_kind kind)
{
	SL_AUTO(sl_freep)
	char *text = lc_query_required(query, name);
	if (!text) {
		return NULL;
	}
	json_auto_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	SL_AUTO(sl_freep)
	char *words = NULL;
	if (!document) {
		lc_query_error(
			query, 400, "MalformedPolicyDocument", "This policy contains invalid Json");
		return NULL;
	}
	if (!lc_policy_check(document, kind, &words)) {
		lc_query_error(query, 400, "MalformedPolicyDocument", "%s", words);
		return NULL;
	}
	return sl_take(&text);
}

void lc_iam_no_role(struct lc_query *query, const char *role)
{
	lc_query_error(query, 404, "NoSuchEntity", "The role with name %s cannot be found.", role);
}

void lc_iam_encoded(struct lc_query *query, const char *name, const char *document)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf encoded = SL_BUF_INIT;
	sl_text_percent_encode(&encoded, document, strlen(document), "");
	lc_query_element(query, name, sl_buf_str(&encoded));
}

void lc_iam_whole(struct lc_query *query)
{
	lc_query_element(query, "IsTruncated", "false");
}

/* --- deciding ---------------------------------------------------------------------------- */

const char *lc_iam_role_name(const char *arn)
{
	static const char prefix[] = "arn:aws:iam::" LC_ACCOUNT ":role/";
	return sl_text_starts_with(arn, prefix) ? strrchr(arn, '/') + 1 : NULL;
}

bool lc_iam_role_known(const char *arn)
{
	sqlite3 *db = lc_iam_lock();
	bool known = lc_iam_any(db, "SELECT 1 FROM roles WHERE arn = ?", LC_TEXTS(arn));
	lc_iam_unlock();
	return known;
}

/* Over all documents that a query gives. Inside the lock. */
static enum lc_verdict decide_all(
	sqlite3 *db, const char *sql, const char *name, const struct lc_policy_question *question)
{
	enum lc_verdict verdict = LC_IMPLICIT_DENY;
	SL_AUTO(lc_db_finalize)
	sqlite3_stmt *statement = lc_db_prepare(db, sql, LC_TEXTS(name));
	while (lc_db_step(statement)) {
		json_auto_t *document =
			json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL);
		verdict = lc_verdict_both(verdict, lc_policy_decide(document, question));
	}
	return verdict;
}

/* What only narrows: an allowance needs its allowance too. */
static enum lc_verdict narrowed(enum lc_verdict verdict, enum lc_verdict limit)
{
	if (verdict == LC_EXPLICIT_DENY || limit == LC_EXPLICIT_DENY) {
		return LC_EXPLICIT_DENY;
	}
	return limit == LC_ALLOW ? verdict : LC_IMPLICIT_DENY;
}

enum lc_verdict lc_iam_decide(
	const char *role, const json_t *session_policy, const struct lc_policy_question *question)
{
	sqlite3 *db = lc_iam_lock();
	enum lc_verdict verdict = decide_all(db,
		"SELECT document FROM role_policies WHERE role = ?1 UNION ALL "
		"SELECT document FROM attachments AS a JOIN policies AS p ON p.arn = a.arn "
		"JOIN policy_versions AS v ON v.arn = p.arn AND v.version = p.version "
		"WHERE a.role = ?1",
		role, question);
	if (lc_iam_any(db, "SELECT 1 FROM roles WHERE name = ? AND boundary IS NOT NULL",
		    LC_TEXTS(role))) {
		verdict = narrowed(verdict,
			decide_all(db,
				"SELECT document FROM roles AS r JOIN policies AS p ON p.arn = "
				"r.boundary JOIN policy_versions AS v ON v.arn = p.arn AND "
				"v.version = p.version WHERE r.name = ?",
				role, question));
	}
	lc_iam_unlock();
	return session_policy ? narrowed(verdict, lc_policy_decide(session_policy, question))
			      : verdict;
}

json_t *lc_iam_trust(const char *role, int64_t *ret_max_session_s, char **ret_id)
{
	json_t *trust = NULL;
	sqlite3 *db = lc_iam_lock();
	sqlite3_stmt *statement = lc_db_prepare(
		db, "SELECT trust, max_session_s, id FROM roles WHERE name = ?", LC_TEXTS(role));
	if (lc_db_step(statement)) {
		trust = json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL);
		if (ret_max_session_s) {
			*ret_max_session_s = sqlite3_column_int64(statement, 1);
		}
		if (ret_id) {
			*ret_id = lc_iam_column(statement, 2);
		}
	}
	sqlite3_finalize(statement);
	lc_iam_unlock();
	return trust;
}

/* --- entry ------------------------------------------------------------------------------- */

void lc_iam_handle(struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	struct lc_query query = {.cloud = cloud, .request = request, .reply = reply};
	lc_query_run(&query, operations, SL_ARRAY_SIZE(operations), "2010-05-08");
}

void lc_iam_start(struct lc_cloud *cloud)
{
	iam.db = lc_db_open(cloud, "iam", schema);
}

void lc_iam_stop(void)
{
	pthread_mutex_lock(&iam.mutex);
	sqlite3_close(iam.db);
	iam.db = NULL;
	pthread_mutex_unlock(&iam.mutex);
}
