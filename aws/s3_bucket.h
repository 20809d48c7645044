/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_S3_BUCKET_H
#define SL_S3_BUCKET_H

/*
 * Amazon S3, for administration: buckets and their configuration, which is XML there and JSON here
 * as xml_tree.h has it. Each call names the account that must own the bucket (NULL: any), so that
 * a bucket of somebody else's is refused (AWS_FORBIDDEN) instead of used. One thread per client.
 */

#include "client.h"

enum sl_s3_subresource {
	SL_S3_NOTIFICATION, /* NotificationConfiguration */
	SL_S3_LIFECYCLE,    /* LifecycleConfiguration */
	SL_S3_CORS,         /* CORSConfiguration */
	SL_S3_ENCRYPTION,   /* ServerSideEncryptionConfiguration */
	SL_S3_PUBLIC_ACCESS_BLOCK,
	SL_S3_OWNERSHIP_CONTROLS,
	SL_S3_SUBRESOURCE_COUNT_
};

/** GetBucketLocation: the region by its modern name; the first thing to ask. AWS_NOT_FOUND when
 *  there is no such bucket; AWS_REJECTED with its region in the message when it is elsewhere. The
 *  caller owns it. */
SL_MUST_CHECK enum sl_err sl_s3_get_bucket_location(struct sl_client *client, const char *bucket,
	const char *owner, char **ret_region, struct sl_error *reterr);

/** CreateBucket, in the client's region. AWS_CONFLICT: the name is taken. */
SL_MUST_CHECK enum sl_err sl_s3_create_bucket(
	struct sl_client *client, const char *bucket, struct sl_error *reterr);

/** What a bucket has of a subresource; `*ret` is NULL when it has none. The caller owns it. */
SL_MUST_CHECK enum sl_err sl_s3_get_subresource(struct sl_client *client, const char *bucket,
	const char *owner, enum sl_s3_subresource which, json_t **ret, struct sl_error *reterr);

/** Replaces all of it. */
SL_MUST_CHECK enum sl_err sl_s3_put_subresource(struct sl_client *client, const char *bucket,
	const char *owner, enum sl_s3_subresource which, const json_t *value,
	struct sl_error *reterr);

/** GetBucketPolicy: the document; NULL when there is none. The caller owns it. */
SL_MUST_CHECK enum sl_err sl_s3_get_bucket_policy(struct sl_client *client, const char *bucket,
	const char *owner, json_t **ret, struct sl_error *reterr);

/** PutBucketPolicy. */
SL_MUST_CHECK enum sl_err sl_s3_put_bucket_policy(struct sl_client *client, const char *bucket,
	const char *owner, const json_t *policy, struct sl_error *reterr);

#endif
