/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_AUTH_H
#define LC_AUTH_H

/*
 * Verification of AWS Signature Version 4, written from the documentation and sharing nothing
 * with aws/: header and presigned-query forms, and the signed chunks of S3 uploads. Pure
 * functions of the request, the key pair and the clock; thread-safe.
 */

#include "cloud.h"

enum lc_protocol {
	LC_PROTOCOL_JSON,      /* AWS JSON 1.0 and 1.1 */
	LC_PROTOCOL_REST_JSON, /* MediaConvert */
	LC_PROTOCOL_QUERY,     /* SNS, STS */
	LC_PROTOCOL_S3,
	LC_PROTOCOL_COUNT_
};

enum lc_auth_form { LC_AUTH_NONE, LC_AUTH_HEADER, LC_AUTH_QUERY };

/* What a request says about its signature. All strings are owned; see lc_auth_finish(). */
struct lc_auth {
	enum lc_auth_form form;
	char *access_key;
	char *scope;          /* "20261122/us-east-1/s3/aws4_request" */
	char *date;           /* of the scope: "20261122" */
	char *region;         /* of the scope */
	char *service;        /* of the scope */
	char *amz_date;       /* "20261122T184000Z" */
	char *signed_headers; /* "host;x-amz-date" */
	char *signature;      /* 64 hex digits */
	char *payload_hash;   /* declared: x-amz-content-sha256, or NULL */
	int64_t expires_s;    /* query form */
	char *token;          /* x-amz-security-token, or NULL */
	char *secret;         /* of a temporary key, once it is found; NULL: the one key pair's */
};

enum lc_auth_fault {
	LC_AUTH_OK,
	LC_AUTH_MISSING,            /* not signed at all */
	LC_AUTH_MALFORMED,          /* the Authorization header cannot be read */
	LC_AUTH_QUERY_MALFORMED,    /* the X-Amz-* parameters cannot be read */
	LC_AUTH_UNSUPPORTED,        /* another mechanism, such as Signature Version 2 */
	LC_AUTH_UNKNOWN_KEY,        /* not our access key */
	LC_AUTH_TOKEN,              /* not the session token of this temporary key */
	LC_AUTH_TOKEN_EXPIRED,      /* a temporary key after its time */
	LC_AUTH_REGION,             /* the scope names another region or an unknown service */
	LC_AUTH_SKEWED,             /* the clocks disagree */
	LC_AUTH_EXPIRED,            /* a presigned request after its time */
	LC_AUTH_NOT_YET,            /* a presigned request before its time */
	LC_AUTH_HEADERS_UNSIGNED,   /* host or an x-amz- header is not among the signed ones */
	LC_AUTH_PAYLOAD_UNDECLARED, /* S3 without x-amz-content-sha256 */
	LC_AUTH_PAYLOAD_MISMATCH,   /* the body is not the one that was signed */
	LC_AUTH_MISMATCH,
	LC_AUTH_FAULT_COUNT_
};

/* Why a request is refused, with the sentence that AWS would say. */
struct lc_auth_problem {
	enum lc_auth_fault fault;
	char *message; /* owned */
	char *detail;  /* owned; S3: further XML elements, or NULL */
};

/** Reads Authorization or X-Amz-* parameters. `ret` is valid (and to be finished) in any case;
 *  its form is LC_AUTH_NONE when the request is not signed, which is no fault here. */
enum lc_auth_fault lc_auth_parse(
	const struct lc_request *request, struct lc_auth *ret, struct lc_auth_problem *problem);

/** Everything that can be judged before the body: key, scope, clock, signed headers. */
enum lc_auth_fault lc_auth_check_claims(const struct lc_cloud *cloud,
	const struct lc_request *request, const struct lc_auth *auth, int64_t now_ms,
	struct lc_auth_problem *problem);

/** The signature, over the given payload hash (hex, or one of the literals of S3). */
enum lc_auth_fault lc_auth_check_signature(const struct lc_cloud *cloud,
	const struct lc_request *request, const struct lc_auth *auth, const char *payload_hash,
	struct lc_auth_problem *problem);

/** The signature of one chunk of STREAMING-AWS4-HMAC-SHA256-PAYLOAD: `previous` is that of the
 *  chunk before (at first the request's), `sha256` the hex digest of the chunk's bytes. */
bool lc_auth_chunk_ok(const struct lc_cloud *cloud, const struct lc_auth *auth,
	const char *previous, const char *sha256, const char *signature);

/** The same for the trailer of STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER. */
bool lc_auth_trailer_ok(const struct lc_cloud *cloud, const struct lc_auth *auth,
	const char *previous, const char *sha256, const char *signature);

/** Fills the reply as the protocol says it. */
void lc_auth_refuse(struct lc_reply *reply, const struct lc_request *request,
	enum lc_protocol protocol, const struct lc_auth_problem *problem);

void lc_auth_finish(struct lc_auth *auth);
void lc_auth_problem_finish(struct lc_auth_problem *problem);

#endif
