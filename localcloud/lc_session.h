/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_SESSION_H
#define LC_SESSION_H

/* The temporary keys that STS gave out, and whether who has them may do what a request asks:
 * sts.c keeps them, authorize.c judges. */

#include "auth.h"
#include "cloud.h"

struct lc_session {
	char *access_key, *secret_key, *token;
	char *arn;  /* "arn:aws:sts::…:assumed-role/ROLE/NAME" */
	char *role; /* its name; NULL: of GetSessionToken, which may do everything */
	char *user_id;
	json_t *policy; /* that narrows it, or NULL */
	int64_t expires_ms;
};

/** Finds the session of an access key; the caller finishes `ret`. */
SL_MUST_CHECK bool lc_session_find(const char *access_key, struct lc_session *ret);
void lc_session_finish(struct lc_session *session);

/** Judges the request of a session; false after it filled the reply with the service's refusal. */
SL_MUST_CHECK bool lc_authorize(const struct lc_session *session, struct lc_cloud *cloud,
	enum lc_protocol protocol, const char *operation, const struct lc_request *request,
	struct lc_reply *reply);

/** What the answer may not tell: that an object is missing, without s3:ListBucket. */
void lc_authorize_answer(const struct lc_session *session, const char *operation,
	const struct lc_request *request, struct lc_reply *reply);

/** The session whose request this thread answers; NULL: none, who may do everything. */
const struct lc_session *lc_session_current(void);
void lc_session_enter(const struct lc_session *session);

/** Whether the session of this thread may do something; for what only a handler knows. */
bool lc_session_may(const char *action, const char *resource);

#endif
