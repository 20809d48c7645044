/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STS: who the caller is, and temporary keys for roles. Entry points: lc_sts_handle (HTTP
 * threads), lc_session_find (any thread). The sessions are in IAM's database.
 */
#include <ctype.h>
#include <openssl/rand.h>
#include <string.h>

#include "clock.h"
#include "lc_iam.h"
#include "lc_session.h"
#include "text.h"

#define USER_ID  "AIDALOCALCLOUD000000"
#define USER_ARN "arn:aws:iam::" LC_ACCOUNT ":user/localcloud"
#define ROOT_ARN "arn:aws:iam::" LC_ACCOUNT ":root"

enum { NAME_MAX_LENGTH = 64 };

/* --- sessions ---------------------------------------------------------------------------- */

void lc_session_finish(struct lc_session *session)
{
	free(session->access_key);
	free(session->secret_key);
	free(session->token);
	free(session->arn);
	free(session->role);
	free(session->user_id);
	json_decref(session->policy);
	*session = (struct lc_session){0};
}

bool lc_session_find(const char *access_key, struct lc_session *ret)
{
	sqlite3_stmt *row = lc_db_prepare(lc_iam_lock(),
		"SELECT access_key, secret_key, token, arn, role, user_id, policy, expires_ms FROM "
		"sessions WHERE access_key = ?",
		LC_TEXTS(access_key));
	bool found = lc_db_step(row);
	if (found) {
		const char *policy = (const char *)sqlite3_column_text(row, 6);
		*ret = (struct lc_session){
			.access_key = lc_iam_column(row, 0),
			.secret_key = lc_iam_column(row, 1),
			.token = lc_iam_column(row, 2),
			.arn = lc_iam_column(row, 3),
			.role = lc_iam_column(row, 4),
			.user_id = lc_iam_column(row, 5),
			.policy = policy ? json_loads(policy, 0, NULL) : NULL,
			.expires_ms = sqlite3_column_int64(row, 7),
		};
	}
	sqlite3_finalize(row);
	lc_iam_unlock();
	return found;
}

static char *random_base64(size_t count)
{
	unsigned char bytes[192];
	struct sl_buf text = SL_BUF_INIT;
	if (RAND_bytes(bytes, (int)count) != 1) {
		SL_BUG("no random bytes");
	}
	sl_text_base64(&text, bytes, count);
	return sl_buf_steal(&text);
}

/* Fills in the keys and stores it. */
static void session_create(struct lc_session *session, int64_t seconds, const char *policy)
{
	session->access_key = lc_iam_id("ASIA");
	session->secret_key = random_base64(30);
	session->token = random_base64(192);
	session->expires_ms = sl_clock_now_ms() + seconds * 1000;
	sqlite3 *db = lc_iam_lock();
	sqlite3_stmt *insert = lc_db_prepare(db,
		"INSERT INTO sessions (access_key, secret_key, token, arn, user_id, role, policy, "
		"expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		LC_TEXTS(session->access_key, session->secret_key, session->token, session->arn,
			session->user_id));
	sqlite3_bind_text(insert, 6, session->role, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(insert, 7, policy, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(insert, 8, session->expires_ms);
	(void)lc_db_step(insert);
	sqlite3_finalize(insert);
	lc_iam_unlock();
}

static void write_credentials(struct lc_query *query, const struct lc_session *session)
{
	lc_query_tag(query, "<Credentials>");
	lc_query_element(query, "AccessKeyId", session->access_key);
	lc_query_element(query, "SecretAccessKey", session->secret_key);
	lc_query_element(query, "SessionToken", session->token);
	lc_query_time(query, "Expiration", session->expires_ms);
	lc_query_tag(query, "</Credentials>");
}

/* --- GetCallerIdentity ------------------------------------------------------------------- */

static void get_caller_identity(struct lc_query *query)
{
	const struct lc_session *session = lc_session_current();
	lc_query_open(query);
	lc_query_element(query, "Arn", session ? session->arn : USER_ARN);
	lc_query_element(query, "UserId", session ? session->user_id : USER_ID);
	lc_query_element(query, "Account", LC_ACCOUNT);
	lc_query_close(query);
}

/* --- AssumeRole -------------------------------------------------------------------------- */

/* What a request to take a role says, checked as far as it can be without the role. */
struct assumption {
	char *role_arn, *name, *duration, *policy;
};

static void assumption_finish(struct assumption *assumption)
{
	free(assumption->role_arn);
	free(assumption->name);
	free(assumption->duration);
	free(assumption->policy);
}

static bool read_assumption(struct lc_query *query, struct assumption *ret)
{
	ret->role_arn = lc_query_required(query, "RoleArn");
	ret->name = ret->role_arn ? lc_query_required(query, "RoleSessionName") : NULL;
	ret->duration = lc_query_param(query, "DurationSeconds");
	if (!ret->name) {
		return false;
	}
	size_t length = strlen(ret->name);
	if (length < 2 || length > NAME_MAX_LENGTH ||
		strspn(ret->name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") !=
			length) {
		lc_query_error(query, 400, "ValidationError",
			"1 validation error detected: Value '%s' at 'roleSessionName' failed to "
			"satisfy constraint: Member must satisfy regular expression pattern: "
			"[\\w+=,.@-]*",
			ret->name);
		return false;
	}
	SL_AUTO(sl_freep)
	char *policy = lc_query_param(query, "Policy");
	if (policy) {
		ret->policy = lc_iam_document(query, "Policy", LC_POLICY_IDENTITY);
	}
	return !policy || ret->policy;
}

/* Until when; false after an error reply. */
static bool read_duration(
	struct lc_query *query, const struct assumption *assumption, int64_t max_s, int64_t *ret_s)
{
	*ret_s = 3600;
	if (assumption->duration && !sl_text_parse_i64(assumption->duration, 900, 43200, ret_s)) {
		lc_query_error(query, 400, "ValidationError",
			"1 validation error detected: Value '%s' at 'durationSeconds' failed to "
			"satisfy constraint: Member must have value between 900 and 43200",
			assumption->duration);
		return false;
	}
	if (*ret_s > max_s) {
		lc_query_error(query, 400, "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this "
			"role.");
		return false;
	}
	if (query->cloud->session_seconds > 0) {
		*ret_s = query->cloud->session_seconds;
	}
	return true;
}

/* Gives out keys for the role, which the caller was let take. */
static void answer_assumption(struct lc_query *query, const struct assumption *assumption,
	int64_t max_s, const char *role_id, const char *subject)
{
	int64_t seconds;
	if (!read_duration(query, assumption, max_s, &seconds)) {
		return;
	}
	SL_AUTO(lc_session_finish)
	struct lc_session session = {
		.role = sl_strdup(lc_iam_role_name(assumption->role_arn)),
		.user_id = sl_asprintf("%s:%s", role_id, assumption->name),
	};
	session.arn = sl_asprintf(
		"arn:aws:sts::" LC_ACCOUNT ":assumed-role/%s/%s", session.role, assumption->name);
	session_create(&session, seconds, assumption->policy);
	lc_query_open(query);
	lc_query_element(query, "SubjectFromWebIdentityToken", subject);
	lc_query_tag(query, "<AssumedRoleUser>");
	lc_query_element(query, "Arn", session.arn);
	lc_query_element(query, "AssumedRoleId", session.user_id);
	lc_query_tag(query, "</AssumedRoleUser>");
	write_credentials(query, &session);
	lc_query_close(query);
}

/* The trust of a role lets the caller in by name, or lets the account in, whose own policies then
 * decide. */
static bool caller_trusted(const json_t *trust, const char *role_arn)
{
	const struct lc_session *session = lc_session_current();
	SL_AUTO(sl_freep)
	char *own_role = session && session->role
		? sl_asprintf("arn:aws:iam::" LC_ACCOUNT ":role/%s", session->role)
		: sl_strdup(USER_ARN);
	const char *arn = session ? session->arn : USER_ARN;
	json_auto_t *context = json_pack("{s:s, s:s, s:s}", "aws:principalarn", own_role,
		"aws:principalaccount", LC_ACCOUNT, "aws:securetransport", "true");
	struct lc_policy_question question = {
		.action = "sts:AssumeRole",
		.resource = role_arn,
		.context = context,
		.principal_kind = "AWS",
		.principals = LC_TEXTS(own_role, arn),
	};
	enum lc_verdict by_name = lc_policy_decide(trust, &question);
	question.principals = LC_TEXTS(ROOT_ARN, LC_ACCOUNT);
	enum lc_verdict by_account = lc_policy_decide(trust, &question);
	if (by_name == LC_EXPLICIT_DENY || by_account == LC_EXPLICIT_DENY) {
		return false;
	}
	return by_name == LC_ALLOW ||
		(by_account == LC_ALLOW && lc_session_may("sts:AssumeRole", role_arn));
}

static void assume_role(struct lc_query *query)
{
	SL_AUTO(assumption_finish)
	struct assumption assumption = {0};
	if (!read_assumption(query, &assumption)) {
		return;
	}
	int64_t max_s = 3600;
	SL_AUTO(sl_freep)
	char *id = NULL;
	const char *role = lc_iam_role_name(assumption.role_arn);
	json_auto_t *trust = role ? lc_iam_trust(role, &max_s, &id) : NULL;
	const struct lc_session *session = lc_session_current();
	if (!trust || !caller_trusted(trust, assumption.role_arn)) {
		lc_query_error(query, 403, "AccessDenied",
			"User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
			session ? session->arn : USER_ARN, assumption.role_arn);
		return;
	}
	if (session && session->role && max_s > 3600) {
		max_s = 3600; /* AWS: one role after the other has an hour at most */
	}
	answer_assumption(query, &assumption, max_s, id, NULL);
}

/* --- AssumeRoleWithWebIdentity ----------------------------------------------------------- */

/* The claims of a JSON web token, owned by the caller; NULL when it is none. Its signature is
 * not looked at: a stand-in has no provider's keys. */
static json_t *read_claims(const char *token)
{
	const char *from = strchr(token, '.');
	const char *to = from ? strchr(from + 1, '.') : NULL;
	if (!to) {
		return NULL;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf base64 = SL_BUF_INIT;
	for (const char *c = from + 1; c < to; c++) {
		sl_buf_putc(&base64, *c == '-' ? '+' : *c == '_' ? '/' : *c);
	}
	while (base64.len % 4) {
		sl_buf_putc(&base64, '=');
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	json_t *claims = sl_text_base64_decode(&text, sl_buf_str(&base64), base64.len)
		? json_loadb(sl_buf_str(&text), text.len, 0, NULL)
		: NULL;
	if (!json_is_object(claims)) {
		json_decref(claims);
		return NULL;
	}
	return claims;
}

/* The claims as keys of the context: "<issuer>:sub" and so on; lower case. */
static json_t *claims_context(const json_t *claims, const char *issuer)
{
	json_t *context = json_object();
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)claims, name, value) {
		SL_AUTO(sl_freep)
		char *key = sl_asprintf("%s:%s", issuer, name);
		for (char *c = key; *c; c++) {
			*c = (char)tolower((unsigned char)*c);
		}
		if (json_is_string(value) || json_is_array(value)) {
			json_object_set(context, key, value);
		}
	}
	return context;
}

static bool identity_trusted(const json_t *trust, const char *role_arn, const json_t *claims)
{
	const char *issuer = json_string_value(json_object_get(claims, "iss"));
	if (!issuer) {
		return false;
	}
	issuer += sl_text_starts_with(issuer, "https://") ? strlen("https://") : 0;
	json_auto_t *context = claims_context(claims, issuer);
	SL_AUTO(sl_freep)
	char *provider = sl_asprintf("arn:aws:iam::" LC_ACCOUNT ":oidc-provider/%s", issuer);
	struct lc_policy_question question = {
		.action = "sts:AssumeRoleWithWebIdentity",
		.resource = role_arn,
		.context = context,
		.principal_kind = "Federated",
		.principals = LC_TEXTS(provider),
	};
	return lc_policy_decide(trust, &question) == LC_ALLOW;
}

static void assume_with_identity(struct lc_query *query)
{
	SL_AUTO(assumption_finish)
	struct assumption assumption = {0};
	SL_AUTO(sl_freep)
	char *token = lc_query_required(query, "WebIdentityToken");
	if (!token || !read_assumption(query, &assumption)) {
		return;
	}
	json_auto_t *claims = read_claims(token);
	if (!claims) {
		lc_query_error(query, 400, "InvalidIdentityToken",
			"The ID Token provided is not a valid JWT. (You may see this error if you "
			"sent an Access Token)");
		return;
	}
	const json_t *expires = json_object_get(claims, "exp");
	if (json_is_number(expires) &&
		json_number_value(expires) * 1000 < (double)sl_clock_now_ms()) {
		lc_query_error(query, 400, "ExpiredTokenException",
			"Token expired: current date/time must be before the expiration date/time");
		return;
	}
	int64_t max_s = 3600;
	SL_AUTO(sl_freep)
	char *id = NULL;
	const char *role = lc_iam_role_name(assumption.role_arn);
	json_auto_t *trust = role ? lc_iam_trust(role, &max_s, &id) : NULL;
	if (!trust || !identity_trusted(trust, assumption.role_arn, claims)) {
		lc_query_error(query, 403, "AccessDenied",
			"Not authorized to perform sts:AssumeRoleWithWebIdentity");
		return;
	}
	const char *subject = json_string_value(json_object_get(claims, "sub"));
	answer_assumption(query, &assumption, max_s, id, subject ? subject : "");
}

/* --- entry ------------------------------------------------------------------------------- */

static const struct lc_query_row operations[] = {
	{"GetCallerIdentity", get_caller_identity},
	{"AssumeRole", assume_role},
	{"AssumeRoleWithWebIdentity", assume_with_identity},
};

void lc_sts_start(SL_UNUSED struct lc_cloud *cloud)
{
}

void lc_sts_handle(struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	struct lc_query query = {.cloud = cloud, .request = request, .reply = reply};
	lc_query_run(&query, operations, SL_ARRAY_SIZE(operations), "2011-06-15");
}
