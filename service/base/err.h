/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ERR_H
#define SL_ERR_H

/*
 * The one catalogue of everything that can go wrong. Each row: symbol, stable code (what clients
 * and operators match on; never changed once released), HTTP status, whether trying the same
 * again later can help, and a title for people. Replies are RFC 9457 problem+json made from it.
 */

#include <stdbool.h>

#include "defs.h"

/*  X(symbol, "code", http status, retryable, "title") */
#define SL_ERR_CATALOGUE(X) \
	X(OK, "ok", 200, false, "OK") \
	/* what a client sent */ \
	X(BAD_REQUEST, "bad_request", 400, false, "The request is malformed") \
	X(BODY_MISSING, "body_missing", 400, false, "The request has no body") \
	X(BODY_NOT_JSON, "body_not_json", 400, false, "The body is not valid JSON") \
	X(DUPLICATE_KEY, "duplicate_key", 400, false, "A JSON object names a key twice") \
	X(UNKNOWN_FIELD, "unknown_field", 422, false, "The body has a field that is not known") \
	X(MISSING_FIELD, "missing_field", 422, false, "A required field is missing") \
	X(WRONG_TYPE, "wrong_type", 422, false, "A field has the wrong type") \
	X(OUT_OF_RANGE, "out_of_range", 422, false, "A value is out of range") \
	X(BAD_VALUE, "bad_value", 422, false, "A value is not allowed here") \
	X(BAD_SOURCE, "bad_source", 422, false, "The source is not a valid S3 URI") \
	X(UNSUPPORTED_SCHEME, "unsupported_scheme", 422, false, \
		"The source's scheme is not supported") \
	X(BAD_PARAMETER, "bad_parameter", 400, false, "A query parameter is not valid") \
	X(BAD_AUTHORIZATION, "bad_authorization", 400, false, "The token is not where it belongs") \
	X(TOKEN_MISSING, "token_missing", 401, false, "This needs a token") \
	X(TOKEN_REFUSED, "token_refused", 401, false, "The token is not valid") \
	X(INSUFFICIENT_SCOPE, "insufficient_scope", 403, false, "The token may not do this") \
	X(RATE_LIMITED, "rate_limited", 429, true, "The token is used too often") \
	X(BODY_TOO_LARGE, "body_too_large", 413, false, "The request body is too large") \
	X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415, false, "The body must be JSON") \
	X(NOT_FOUND, "not_found", 404, false, "There is nothing at this address") \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, false, "The method is not allowed here") \
	X(URI_TOO_LONG, "uri_too_long", 414, false, "The request target is too long") \
	X(VIDEO_NOT_FOUND, "video_not_found", 404, false, "There is no such video") \
	X(VIDEO_FINAL, "video_final", 409, false, "The video has reached its final state") \
	X(VIDEO_BUSY, "video_busy", 409, true, "The video is still being worked on") \
	X(NO_OUTPUTS, "no_outputs", 409, false, "The video has no files to analyse") \
	X(ANALYSIS_NOT_FOUND, "analysis_not_found", 404, false, "There is no such analysis") \
	X(RESULT_PENDING, "result_pending", 409, true, "The analysis has not ended yet") \
	X(RESULT_MISSING, "result_missing", 404, false, "The video has no such result") \
	X(DELIVERY_NOT_FOUND, "delivery_not_found", 404, false, "There is no such delivery") \
	X(IDEMPOTENCY_KEY_REUSED, "idempotency_key_reused", 422, false, \
		"The Idempotency-Key was used for another request") \
	X(COST_CAP, "cost_cap", 402, false, "The monthly cap on costs is reached") \
	X(QUEUE_FULL, "queue_full", 429, true, "The queue is full") \
	X(CALLBACK_REFUSED, "callback_refused", 422, false, "The callback address is not allowed") \
	/* what is known of a source at submission */ \
	X(SOURCE_NOT_FOUND, "source_not_found", 404, false, "The source object does not exist") \
	X(SOURCE_FORBIDDEN, "source_forbidden", 403, false, "The source object may not be read") \
	X(SOURCE_EMPTY, "source_empty", 422, false, "The source object is empty") \
	X(SOURCE_TOO_LARGE, "source_too_large", 422, false, "The source object is too large") \
	X(SOURCE_WRONG_REGION, "source_wrong_region", 422, false, \
		"The source bucket is in another region") \
	X(SOURCE_UNCHECKED, "source_unchecked", 503, true, "The source could not be checked now") \
	/* SNS messages */ \
	X(SNS_NOT_A_MESSAGE, "sns_not_a_message", 400, false, "The body is not an SNS message") \
	X(SNS_RAW_DELIVERY, "sns_raw_delivery", 400, false, \
		"Raw SNS delivery carries no signature") \
	X(SNS_TOPIC_FOREIGN, "sns_topic_foreign", 403, false, "The topic is not one of ours") \
	X(SNS_CERT_URL, "sns_cert_url", 403, false, \
		"The signing certificate's URL is not trusted") \
	X(SNS_CERT_UNTRUSTED, "sns_cert_untrusted", 403, false, \
		"The signing certificate is not trusted") \
	X(SNS_CERT_UNAVAILABLE, "sns_cert_unavailable", 503, true, \
		"The signing certificate could not be fetched") \
	X(SNS_SIGNATURE, "sns_signature", 403, false, "The SNS signature does not match") \
	X(SNS_STALE, "sns_stale", 403, false, "The SNS message is too old") \
	/* a provider (AWS or its stand-in) answered, or did not */ \
	X(AWS_NOT_FOUND, "aws_not_found", 502, false, "AWS does not know the resource") \
	X(AWS_FORBIDDEN, "aws_forbidden", 502, false, "AWS refused access") \
	X(AWS_CREDENTIALS, "aws_credentials", 502, true, "AWS did not accept the credentials") \
	X(AWS_THROTTLED, "aws_throttled", 503, true, "AWS is limiting the rate of requests") \
	X(AWS_LIMIT, "aws_limit", 503, true, "AWS has as many open jobs as it allows") \
	X(AWS_CONFLICT, "aws_conflict", 502, false, "AWS has such a resource already") \
	X(TABLE_MISSING, "table_missing", 503, true, "The DynamoDB table does not exist") \
	X(AWS_REJECTED, "aws_rejected", 502, false, "AWS rejected the request") \
	X(AWS_UNAVAILABLE, "aws_unavailable", 503, true, "AWS could not be reached or failed") \
	X(AWS_PROTOCOL, "aws_protocol", 502, true, "AWS answered in a way that is not understood") \
	X(AWS_TOO_LARGE, "aws_too_large", 502, false, "An answer of AWS is larger than expected") \
	/* what became of a video or an analysis */ \
	X(UPLOAD_EXPIRED, "upload_expired", 410, false, "The upload never arrived") \
	X(TRANSCODE_FAILED, "transcode_failed", 502, false, \
		"MediaConvert could not convert the video") \
	X(NO_AUDIO, "no_audio", 200, false, "The video has no audio track") \
	X(AUDIO_TOO_SHORT, "audio_too_short", 200, false, "The audio is too short to transcribe") \
	X(FRAMES_MISSING, "frames_missing", 502, false, "No frames were captured") \
	X(OUTPUT_MISSING, "output_missing", 502, false, \
		"MediaConvert's output is not in the bucket") \
	X(JOB_FAILED, "job_failed", 502, false, "The analysis job failed at the provider") \
	X(JOB_CANCELED, "job_canceled", 502, false, "The job was cancelled at the provider") \
	X(TIME_LIMIT, "time_limit", 504, false, "It took longer than it may") \
	X(CANCELED, "canceled", 409, false, "It was cancelled by request") \
	X(QUOTA_WAIT, "quota_wait", 503, true, "Our own rate limit for this API is reached") \
	X(ALL_ANALYSES_FAILED, "all_analyses_failed", 502, false, "Every analysis failed") \
	/* ours */ \
	X(DATABASE_UNAVAILABLE, "database_unavailable", 503, true, \
		"The database is not available") \
	X(DATABASE_CONFLICT, "database_conflict", 503, true, "The transaction met another one") \
	X(DATABASE, "database", 500, false, "The database refused a statement") \
	X(SCHEMA_OUTDATED, "schema_outdated", 503, true, \
		"The database schema is not the one of this program") \
	X(LEASE_LOST, "lease_lost", 500, false, "Another worker has taken the step over") \
	X(SHUTTING_DOWN, "shutting_down", 503, true, "The service is shutting down") \
	X(OVERLOADED, "overloaded", 503, true, "The service has too much to do") \
	X(CONFIG, "config", 500, false, "The configuration is not valid") \
	X(IO, "io", 500, true, "A local file or socket failed") \
	X(INTERNAL, "internal", 500, false, "An unexpected condition inside spotlist")

enum sl_err {
#define X(symbol, code, status, retryable, title) SL_ERR_##symbol,
	SL_ERR_CATALOGUE(X)
#undef X
		SL_ERR_COUNT_
};

/* The provider's own words about a failure, kept whole so that its support can be asked. */
struct sl_provider_error {
	char *service;    /* "mediaconvert" */
	char *operation;  /* "CreateJob" */
	char *code;       /* "BadRequestException", or MediaConvert's "1404" */
	char *message;    /* as sent */
	char *request_id; /* x-amzn-RequestId, x-amz-request-id */
	int http_status;  /* 0: no answer came */
};

/* One failure. Zero-initialised is "no error". All strings are owned by it. */
struct sl_error {
	enum sl_err code;
	char *pointer;                     /* RFC 6901, or "?name" for a query parameter; or NULL */
	char *detail;                      /* one sentence for a person: what, where, what to do */
	struct sl_provider_error provider; /* all NULL unless a provider was involved */
	int64_t retry_after_ms;            /* the provider's or our hint; 0: none */
};

/* clang-format off */
#define SL_ERROR_INIT {SL_ERR_OK, NULL, NULL, {NULL, NULL, NULL, NULL, NULL, 0}, 0}
/* clang-format on */

/** The stable code of an error, e.g. "video_not_found". */
const char *sl_err_code(enum sl_err err);

/** The HTTP status that goes with an error. */
int sl_err_status(enum sl_err err);

/** The title for people. */
const char *sl_err_title(enum sl_err err);

/** Whether the same call may succeed later. */
bool sl_err_retryable(enum sl_err err);

/** The error with this stable code, or SL_ERR_INTERNAL for an unknown one. */
enum sl_err sl_err_from_code(const char *code);

/**
 * Fills `reterr` (may be NULL) with a code and a formatted sentence, replacing what was there,
 * and returns the code, so that `return sl_error_set(reterr, SL_ERR_…, …)` reads in one line.
 */
enum sl_err sl_error_set(struct sl_error *reterr, enum sl_err code, const char *format, ...)
	SL_PRINTF(3, 4);

/** The same with a JSON pointer ("/frames/interval_ms") or "?name" of the offending field. */
enum sl_err sl_error_set_at(struct sl_error *reterr, enum sl_err code, const char *pointer,
	const char *format, ...) SL_PRINTF(4, 5);

/** A copy of a provider's words, owned by the caller's struct sl_error. */
struct sl_provider_error sl_error_copy_provider(const struct sl_provider_error *from);

/** Moves `from` into `to` (may be NULL: then `from` is only cleared). `from` is empty after. */
void sl_error_move(struct sl_error *to, struct sl_error *from);

/** Frees the strings and makes it "no error" again. Usable with SL_AUTO. */
void sl_error_finish(struct sl_error *error);

#endif
