/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_S3_H
#define SL_S3_H

/*
 * Amazon S3: https://docs.aws.amazon.com/AmazonS3/latest/API/. Bucket and key are raw: keys may
 * hold any UTF-8 of up to 1,024 bytes. A custom endpoint is addressed path-style; AWS is
 * addressed virtual-hosted, path-style for bucket names with dots. Clients: one thread each.
 */

#include "client.h"

struct sl_s3_object {
	int64_t size_bytes;
	char *etag; /* without quotes; owned */
};
void sl_s3_object_finish(struct sl_s3_object *object);

/** HeadObject. A missing bucket or key is AWS_NOT_FOUND; a bucket elsewhere (301) AWS_REJECTED
 *  with provider.code "PermanentRedirect". */
SL_MUST_CHECK enum sl_err sl_s3_head_object(struct sl_client *client, const char *bucket,
	const char *key, struct sl_s3_object *ret, struct sl_error *reterr);

/** GetObject: bytes [from, to] inclusive; to < 0: to the end. Appends to `out`. More than
 *  `max_bytes` is AWS_TOO_LARGE, before it is read. */
SL_MUST_CHECK enum sl_err sl_s3_get_object(struct sl_client *client, const char *bucket,
	const char *key, int64_t from, int64_t to, size_t max_bytes, struct sl_buf *out,
	struct sl_error *reterr);

/** PutObject of bytes in memory. */
SL_MUST_CHECK enum sl_err sl_s3_put_object(struct sl_client *client, const char *bucket,
	const char *key, const char *content_type, const void *bytes, size_t len,
	struct sl_error *reterr);

struct sl_s3_entry {
	char *key;
	int64_t size_bytes;
};
struct sl_s3_listing {
	struct sl_s3_entry *entries; /* in key order (UTF-8 bytes) */
	size_t count;
	char *next_token; /* NULL on the last page */
};
void sl_s3_listing_finish(struct sl_s3_listing *listing);

/** ListObjectsV2, one page of at most 1,000 keys (encoding-type=url, decoded here). `token` NULL
 *  starts; `start_after` may be NULL. */
SL_MUST_CHECK enum sl_err sl_s3_list_objects(struct sl_client *client, const char *bucket,
	const char *prefix, const char *start_after, const char *token, struct sl_s3_listing *ret,
	struct sl_error *reterr);

/** The most keys that one DeleteObjects takes. */
#define SL_S3_MAX_DELETE 1000

/** DeleteObjects. Keys that do not exist count as deleted. When S3 keeps some of them the error is
 *  that of the first; the others may be gone. */
SL_MUST_CHECK enum sl_err sl_s3_delete_objects(struct sl_client *client, const char *bucket,
	const char *const *keys, size_t count, struct sl_error *reterr);

/** What a presigned URL is to allow. */
struct sl_s3_grant {
	const char *method;
	const char *bucket;
	const char *key;
	const char *content_type; /* signed, and the uploader must send it; or NULL */
	int64_t expires_s;        /* 1..604800 */
	/* The URL stays the same for so long, so that caches know it again: it counts as made at
	 * the last multiple of this. 0: each one is new. */
	int64_t same_for_s;
};

/**
 * A presigned URL (SigV4 query, UNSIGNED-PAYLOAD), valid until `*ret_expires_ms` (by AWS's clock;
 * may be NULL): no longer than the credentials. Makes no request for the object itself. The caller
 * owns `*ret_url`. Thread-safe.
 */
SL_MUST_CHECK enum sl_err sl_s3_presign(struct sl_aws *aws, const struct sl_s3_grant *grant,
	char **ret_url, int64_t *ret_expires_ms, struct sl_error *reterr);

#endif
