/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_DISPATCH_H
#define LC_DISPATCH_H

/* From a received request to the service that answers it: authentication and routing, without
 * libmicrohttpd's vocabulary. One struct lc_call per request, used by one thread at a time. */

#include "auth.h"
#include "body.h"
#include "lc_session.h"
#include "services.h"

struct lc_call {
	struct lc_cloud *cloud;
	struct lc_request request;
	struct lc_reply reply;
	struct lc_auth auth;
	struct lc_auth_problem problem;
	struct lc_body body;
	struct lc_session session;        /* of a temporary key; else its arn is NULL */
	const struct lc_service *service; /* NULL: unsigned, or of no service of ours */
	enum lc_protocol protocol;        /* in which to refuse */
	bool refused;                     /* the reply is made; the body is of no interest */
	bool cut;                         /* close the connection instead of answering */
};

/** The headers are there: reads the signature and judges what can be judged. `content_length`
 *  is -1 when unknown. Afterwards `refused` may be set. */
void lc_dispatch_begin(struct lc_call *call, int64_t content_length);

/** The body is there: verifies and lets the service answer. */
void lc_dispatch_complete(struct lc_call *call);

void lc_dispatch_finish(struct lc_call *call);

#endif
