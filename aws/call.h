/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CALL_H
#define SL_CALL_H

/*
 * Inside aws/: how a service file makes a request. call.c resolves the endpoint, signs, sends,
 * retries ("standard" mode: 3 attempts, full jitter, retry quota), and turns failures into the
 * errors that client.h lists. One place sets curl options.
 */

#include "client.h"
#include "sigv4.h"

enum sl_service {
	SL_SERVICE_S3,
	SL_SERVICE_MEDIACONVERT,
	SL_SERVICE_REKOGNITION,
	SL_SERVICE_TRANSCRIBE,
	SL_SERVICE_DYNAMODB,
	SL_SERVICE_SNS,
	SL_SERVICE_STS,
	SL_SERVICE_IAM,
	SL_SERVICE_SQS,
	SL_SERVICE_EVENTS,
	SL_SERVICE_COUNT_
};

enum sl_protocol {
	SL_PROTOCOL_JSON,      /* POST /, X-Amz-Target, application/x-amz-json-1.x */
	SL_PROTOCOL_REST_JSON, /* MediaConvert */
	SL_PROTOCOL_QUERY,     /* form POST, XML reply: SNS, STS */
	SL_PROTOCOL_REST_XML,  /* S3 */
};

struct sl_call {
	enum sl_service service;
	const char *operation;       /* "CreateJob": for X-Amz-Target, Action and errors */
	const char *method;          /* "POST" */
	const char *bucket;          /* S3 only: decides host or path; NULL otherwise */
	const char *path;            /* raw, unencoded, begins with '/'; S3: "/" + key */
	const struct sl_pair *query; /* raw name and value; SNS, STS: the form's fields, to which
				      * Action and Version are added, and `body` stays NULL */
	size_t query_count;
	const struct sl_pair *headers; /* besides those the protocol implies */
	size_t header_count;
	const void *body;
	size_t body_len;
	bool unsigned_;    /* ConfirmSubscription works without credentials */
	bool idempotent;   /* may be sent again after a failure that leaves its effect unknown */
	size_t max_answer; /* bytes of the reply's body; 0: 8 MiB */
};

struct sl_answer {
	int status;
	struct sl_buf body;
	struct sl_buf headers; /* raw, CRLF-separated, of the final response */
	char *request_id;
};
void sl_answer_finish(struct sl_answer *answer);

/** The value of a response header, owned by the caller, or NULL. */
char *sl_answer_header(const struct sl_answer *answer, const char *name);

/** Does it. On success `ret` is a 2xx answer. */
SL_MUST_CHECK enum sl_err sl_call(struct sl_client *client, const struct sl_call *call,
	struct sl_answer *ret, struct sl_error *reterr);

/** A JSON-protocol or rest-json operation: encodes `body`, decodes the answer ({} when empty).
 *  The caller owns `*ret`. */
SL_MUST_CHECK enum sl_err sl_call_json(struct sl_client *client, const struct sl_call *call,
	const json_t *body, json_t **ret, struct sl_error *reterr);

#endif
