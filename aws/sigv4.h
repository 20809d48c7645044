/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SIGV4_H
#define SL_SIGV4_H

/*
 * AWS Signature Version 4 as a pure function: request, keys and clock in, headers or query out.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html. Thread-safe.
 */

#include <stdbool.h>

#include "buf.h"
#include "defs.h"

struct sl_pair {
	const char *name;
	const char *value;
};

enum sl_sigv4_mode {
	SL_SIGV4_HEADER, /* Authorization header */
	SL_SIGV4_QUERY,  /* presigned URL */
};

struct sl_sigv4_request {
	const char *method;
	const char *path;            /* raw, unencoded, begins with '/' */
	const struct sl_pair *query; /* raw names and values */
	size_t query_count;
	const struct sl_pair
		*headers; /* in order; must hold Host; hop-by-hop ones are not signed */
	size_t header_count;
	const char *payload_hash; /* lower-case hex, or SL_SIGV4_UNSIGNED_PAYLOAD */
};

struct sl_sigv4_config {
	enum sl_sigv4_mode mode;
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* or NULL */
	const char *region;
	const char *service; /* signing name: "s3" */
	int64_t time_ms;     /* since 1970 */
	int64_t expires_s;   /* QUERY only */
	bool normalize;      /* drop dot segments and double slashes: all but S3 */
	bool encode_twice; /* the path on the wire is encoded and gets encoded again: all but S3 */
	bool sign_body;    /* adds X-Amz-Content-Sha256: S3 (HEADER only) */
	bool omit_session_token; /* sent, but not part of the signature */
};

#define SL_SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SL_SIGV4_HASH_SIZE        65 /* hex of SHA-256 and NUL */

/* Everything owned. The stages are kept so that a wrong signature can be traced to its stage. */
struct sl_sigv4_signed {
	char *canonical_request;
	char *string_to_sign;
	char signature[SL_SIGV4_HASH_SIZE];
	struct sl_buf headers; /* HEADER: lines "Name: value\n" to add, Authorization last */
	struct sl_buf query; /* the encoded query to send, without '?'; QUERY: signature included */
};

/** Signs. Cannot fail: allocation and OpenSSL's SHA-256 are taken to work. */
void sl_sigv4_sign(const struct sl_sigv4_request *request, const struct sl_sigv4_config *config,
	struct sl_sigv4_signed *ret);
void sl_sigv4_signed_finish(struct sl_sigv4_signed *signed_);

/** Lower-case hex SHA-256 of `len` bytes. */
void sl_sigv4_hash(const void *bytes, size_t len, char ret[static SL_SIGV4_HASH_SIZE]);

/** The query as it goes on the wire: "name=value&…", percent-encoded, in the given order. */
void sl_sigv4_encode_query(struct sl_buf *out, const struct sl_pair *query, size_t count);

#endif
