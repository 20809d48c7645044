/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_IAM_H
#define LC_IAM_H

/*
 * What the files of localcloud's IAM share, and what it decides for others: iam.c (database,
 * verdicts), iam_role.c, iam_policy.c, iam_simulate.c (operations).
 */

#include "lc_policy.h"
#include "lc_query.h"

/* --- iam.c -------------------------------------------------------------------------------- */

/** The database, locked: one mutex for all of IAM and for STS's sessions. */
sqlite3 *lc_iam_lock(void);
void lc_iam_unlock(void);

/** A text column, owned by the caller; NULL for SQL NULL. */
char *lc_iam_column(sqlite3_stmt *statement, int column);

/** "AROA" or another prefix and 17 random letters and digits; owned by the caller. */
char *lc_iam_id(const char *prefix);

/** The one text that a query gives, owned by the caller; NULL when there is no row. Inside the
 *  lock. */
char *lc_iam_text(sqlite3 *db, const char *sql, const char *const *texts);

/** Whether the query has a row. Inside the lock. */
bool lc_iam_any(sqlite3 *db, const char *sql, const char *const *texts);

/** A policy document from a parameter, checked; owned by the caller, NULL after an error reply. */
char *lc_iam_document(struct lc_query *query, const char *name, enum lc_policy_kind kind);

/** 404 NoSuchEntity in the words of what is missing. */
void lc_iam_no_role(struct lc_query *query, const char *role);

/** The percent-encoded document as an element. */
void lc_iam_encoded(struct lc_query *query, const char *name, const char *document);

/** `<IsTruncated>false</IsTruncated>`: lists come whole. */
void lc_iam_whole(struct lc_query *query);

/** The role's name in "arn:aws:iam::…:role[/path]/NAME"; NULL when it is no such ARN of this
 *  account. Points into it. */
const char *lc_iam_role_name(const char *arn);

/** Whether a role of this ARN was created. */
bool lc_iam_role_known(const char *arn);

/** What a role's policies, its boundary and a session's policy (or NULL) say together. */
enum lc_verdict lc_iam_decide(
	const char *role, const json_t *session_policy, const struct lc_policy_question *question);

/** The trust document of a role, parsed, owned by the caller; NULL: no such role. */
json_t *lc_iam_trust(const char *role, int64_t *ret_max_session_s, char **ret_id);

/* --- operations --------------------------------------------------------------------------- */

lc_query_operation lc_iam_create_role, lc_iam_get_role, lc_iam_list_roles, lc_iam_delete_role,
	lc_iam_update_role, lc_iam_update_trust, lc_iam_tag_role, lc_iam_untag_role,
	lc_iam_list_role_tags, lc_iam_put_boundary, lc_iam_delete_boundary;
lc_query_operation lc_iam_put_role_policy, lc_iam_get_role_policy, lc_iam_delete_role_policy,
	lc_iam_list_role_policies, lc_iam_attach, lc_iam_detach, lc_iam_list_attached;
lc_query_operation lc_iam_create_policy, lc_iam_get_policy, lc_iam_list_policies,
	lc_iam_delete_policy, lc_iam_create_version, lc_iam_get_version, lc_iam_list_versions,
	lc_iam_delete_version, lc_iam_set_default_version;
lc_query_operation lc_iam_simulate;

#endif
