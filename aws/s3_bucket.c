/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon S3, for administration: buckets and their configuration. On the thread of the client. */

#include "s3_bucket.h"

#include <openssl/evp.h>
#include <string.h>

#include "call_internal.h"
#include "json_spec.h"
#include "mem.h"
#include "s3_internal.h"
#include "text.h"
#include "xml_tree.h"

#define NAMESPACE   "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define MAX_HEADERS 3

/* A piece of a bucket's configuration: "?query", and the root element of its XML. */
static const struct {
	const char *query;
	const char *root;
	const char *get;
	const char *put;
	const char *absent; /* the code that says that there is none; NULL: an empty one is sent */
} subresources[SL_S3_SUBRESOURCE_COUNT_] = {
	[SL_S3_NOTIFICATION] = {"notification", "NotificationConfiguration",
		"GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration", NULL},
	[SL_S3_LIFECYCLE] = {"lifecycle", "LifecycleConfiguration",
		"GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration",
		"NoSuchLifecycleConfiguration"},
	[SL_S3_CORS] = {"cors", "CORSConfiguration", "GetBucketCors", "PutBucketCors",
		"NoSuchCORSConfiguration"},
	[SL_S3_ENCRYPTION] = {"encryption", "ServerSideEncryptionConfiguration",
		"GetBucketEncryption", "PutBucketEncryption",
		"ServerSideEncryptionConfigurationNotFoundError"},
	[SL_S3_PUBLIC_ACCESS_BLOCK] = {"publicAccessBlock", "PublicAccessBlockConfiguration",
		"GetPublicAccessBlock", "PutPublicAccessBlock",
		"NoSuchPublicAccessBlockConfiguration"},
	[SL_S3_OWNERSHIP_CONTROLS] = {"ownershipControls", "OwnershipControls",
		"GetBucketOwnershipControls", "PutBucketOwnershipControls",
		"OwnershipControlsNotFoundError"},
};

enum sl_err sl_s3_content_md5(const struct sl_buf *body, char **ret, struct sl_error *reterr)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (EVP_Digest(sl_buf_str(body), body->len, digest, &len, EVP_md5(), NULL) != 1) {
		return sl_error_set(reterr, SL_ERR_INTERNAL, "OpenSSL offers no MD5");
	}
	struct sl_buf text = SL_BUF_INIT;
	sl_text_base64(&text, digest, len);
	*ret = sl_buf_steal(&text);
	return SL_ERR_OK;
}

/* Sends GET or PUT of "?query", or PUT of the bucket itself where `query` is NULL. */
static enum sl_err call(struct sl_client *client, const char *operation, const char *bucket,
	const char *owner, const char *query, const struct sl_buf *body, const char *content_type,
	struct sl_answer *ret, struct sl_error *reterr)
{
	const struct sl_pair pair[] = {{query, ""}};
	struct sl_pair headers[MAX_HEADERS];
	size_t count = 0;
	SL_AUTO(sl_freep)
	char *digest = NULL;
	if (owner != NULL) {
		headers[count++] = (struct sl_pair){"x-amz-expected-bucket-owner", owner};
	}
	if (body != NULL && body->len > 0) {
		enum sl_err err = sl_s3_content_md5(body, &digest, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		headers[count++] = (struct sl_pair){"Content-MD5", digest};
		headers[count++] = (struct sl_pair){"Content-Type", content_type};
	}
	const struct sl_call request = {
		.service = SL_SERVICE_S3,
		.operation = operation,
		.method = body != NULL ? "PUT" : "GET",
		.bucket = bucket,
		.path = "/",
		.query = pair,
		.query_count = query != NULL ? 1 : 0,
		.headers = headers,
		.header_count = count,
		.body = body != NULL ? sl_buf_str(body) : NULL,
		.body_len = body != NULL ? body->len : 0,
		.idempotent = true,
	};
	return sl_call(client, &request, ret, reterr);
}

static enum sl_err not_understood(const char *operation, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "S3's %s is not understood", operation);
}

enum sl_err sl_s3_get_bucket_location(struct sl_client *client, const char *bucket,
	const char *owner, char **ret_region, struct sl_error *reterr)
{
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = call(client, "GetBucketLocation", bucket, owner, "location", NULL, NULL,
		&answer, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_auto_t *tree =
		sl_xml_tree_read(sl_buf_str(&answer.body), answer.body.len, "LocationConstraint");
	const char *text = json_string_value(tree);
	if (text == NULL) {
		return not_understood("GetBucketLocation", reterr);
	}
	/* The two oldest regions have names of their own here. */
	*ret_region = sl_strdup(*text == '\0'     ? "us-east-1"
			: strcmp(text, "EU") == 0 ? "eu-west-1"
						  : text);
	return SL_ERR_OK;
}

enum sl_err sl_s3_create_bucket(
	struct sl_client *client, const char *bucket, struct sl_error *reterr)
{
	const char *region = sl_aws_region(sl_client_aws(client));
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	if (strcmp(region, "us-east-1") != 0) { /* which cannot be named */
		sl_buf_printf(&body,
			"<CreateBucketConfiguration " NAMESPACE "><LocationConstraint>%s"
			"</LocationConstraint></CreateBucketConfiguration>",
			region);
	}
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	return call(client, "CreateBucket", bucket, NULL, NULL, &body, "application/xml", &answer,
		reterr);
}

/* GET of a subresource; `*ret_there` is false where S3 says that there is none. */
static enum sl_err get(struct sl_client *client, const char *operation, const char *bucket,
	const char *owner, const char *query, const char *absent, struct sl_answer *ret,
	bool *ret_there, struct sl_error *reterr)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	enum sl_err err = call(client, operation, bucket, owner, query, NULL, NULL, ret, &error);
	*ret_there = err == SL_ERR_OK;
	if (err != SL_ERR_OK && absent != NULL && sl_text_equal(error.provider.code, absent)) {
		return SL_ERR_OK;
	}
	if (err != SL_ERR_OK) {
		sl_error_move(reterr, &error);
	}
	return err;
}

enum sl_err sl_s3_get_subresource(struct sl_client *client, const char *bucket, const char *owner,
	enum sl_s3_subresource which, json_t **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	bool there = false;
	enum sl_err err = get(client, subresources[which].get, bucket, owner,
		subresources[which].query, subresources[which].absent, &answer, &there, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *tree = NULL;
	if (there) {
		/* Stand-ins call an empty one as they like, and no SDK looks at the name. */
		tree = sl_xml_tree_read(sl_buf_str(&answer.body), answer.body.len, NULL);
		if (tree == NULL) {
			return not_understood(subresources[which].get, reterr);
		}
	}
	if (json_is_string(tree)) { /* an empty element */
		json_decref(sl_take(&tree));
	}
	*ret = tree;
	return SL_ERR_OK;
}

enum sl_err sl_s3_put_subresource(struct sl_client *client, const char *bucket, const char *owner,
	enum sl_s3_subresource which, const json_t *value, struct sl_error *reterr)
{
	const char *root = subresources[which].root;
	SL_AUTO(sl_buf_finish)
	struct sl_buf inside = SL_BUF_INIT;
	if (!sl_xml_tree_write(&inside, root, value)) {
		return sl_error_set(reterr, SL_ERR_BAD_VALUE,
			"S3's %s cannot hold control characters", subresources[which].put);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	sl_buf_printf(&body, "<%s " NAMESPACE "%s", root, sl_buf_str(&inside) + strlen(root) + 1);
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	return call(client, subresources[which].put, bucket, owner, subresources[which].query,
		&body, "application/xml", &answer, reterr);
}

enum sl_err sl_s3_get_bucket_policy(struct sl_client *client, const char *bucket, const char *owner,
	json_t **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	bool there = false;
	enum sl_err err = get(client, "GetBucketPolicy", bucket, owner, "policy",
		"NoSuchBucketPolicy", &answer, &there, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	json_t *policy =
		there ? json_loadb(sl_buf_str(&answer.body), answer.body.len, 0, NULL) : NULL;
	if (there && !json_is_object(policy)) {
		json_decref(policy);
		return not_understood("GetBucketPolicy", reterr);
	}
	*ret = policy;
	return SL_ERR_OK;
}

enum sl_err sl_s3_put_bucket_policy(struct sl_client *client, const char *bucket, const char *owner,
	const json_t *policy, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *text = sl_json_text(policy);
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	sl_buf_puts(&body, text);
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	return call(client, "PutBucketPolicy", bucket, owner, "policy", &body, "application/json",
		&answer, reterr);
}
