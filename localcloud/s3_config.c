/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's configurations of buckets that are kept and returned as they came but govern nothing here:
 * CORS, lifecycle, encryption, public access, ownership, policy. Entry points: the s3_operations.
 * HTTP threads.
 */
#include <jansson.h>
#include <string.h>

#include "s3_internal.h"

/* Documents whose handling differs in names only. */
struct kind {
	const char *name;
	const char *root;
	const char *child; /* one that must be there; NULL: none */
	const char *absent_code;
	const char *absent_message;
};

static const struct kind cors = {"cors", "CORSConfiguration", "CORSRule", "NoSuchCORSConfiguration",
	"The CORS configuration does not exist"};
static const struct kind lifecycle = {"lifecycle", "LifecycleConfiguration", "Rule",
	"NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"};
static const struct kind encryption = {"encryption", "ServerSideEncryptionConfiguration", "Rule",
	"ServerSideEncryptionConfigurationNotFoundError",
	"The server side encryption configuration was not found"};
static const struct kind public_access = {"publicAccessBlock", "PublicAccessBlockConfiguration",
	NULL, "NoSuchPublicAccessBlockConfiguration",
	"The public access block configuration was not found"};
static const struct kind ownership = {"ownershipControls", "OwnershipControls", "Rule",
	"OwnershipControlsNotFoundError", "The bucket ownership controls were not found"};
static const struct kind policy = {
	"policy", NULL, NULL, "NoSuchBucketPolicy", "The bucket policy does not exist"};

static void get_config(struct s3_op *op, const struct kind *kind, const char *content_type)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(sl_freep)
	char *document = s3_store_get_config(op->bucket, kind->name);
	if (!document) {
		s3_error(op, 404, kind->absent_code, NULL, "%s", kind->absent_message);
		return;
	}
	op->reply->content_type = content_type;
	sl_buf_puts(&op->reply->body, document);
}

static void keep(struct s3_op *op, const struct kind *kind)
{
	SL_AUTO(sl_freep)
	char *document = sl_strndup(op->request->body, op->request->body_len);
	if (!s3_store_set_config(op->bucket, kind->name, document)) {
		s3_no_such_bucket(op);
	}
}

static void put_config(struct s3_op *op, const struct kind *kind)
{
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, kind->root);
	if (!root || (kind->child && !lc_xml_child(root, kind->child))) {
		s3_malformed_xml(op);
		return;
	}
	keep(op, kind);
}

static void delete_config(struct s3_op *op, const struct kind *kind)
{
	if (!s3_store_set_config(op->bucket, kind->name, NULL)) {
		s3_no_such_bucket(op);
		return;
	}
	op->reply->status = 204;
}

#define OPERATIONS(kind_) \
	void s3_get_##kind_(struct s3_op *op) \
	{ \
		get_config(op, &(kind_), "application/xml"); \
	} \
	void s3_put_##kind_(struct s3_op *op) \
	{ \
		put_config(op, &(kind_)); \
	} \
	void s3_delete_##kind_(struct s3_op *op) \
	{ \
		delete_config(op, &(kind_)); \
	}

OPERATIONS(cors)
OPERATIONS(lifecycle)
OPERATIONS(encryption)
OPERATIONS(public_access)
OPERATIONS(ownership)

void s3_get_policy(struct s3_op *op)
{
	get_config(op, &policy, "application/json");
}

void s3_put_policy(struct s3_op *op)
{
	json_auto_t *document = op->request->body
		? json_loadb(op->request->body, op->request->body_len, JSON_REJECT_DUPLICATES, NULL)
		: NULL;
	const json_t *statements = json_object_get(document, "Statement");
	if (!json_is_object(document)) {
		s3_error(op, 400, "MalformedPolicy", NULL,
			"Policies must be valid JSON and the first byte must be '{'");
	} else if (!statements) {
		s3_error(op, 400, "MalformedPolicy", NULL, "Missing required field Statement");
	} else {
		keep(op, &policy);
		op->reply->status = op->reply->status == 200 ? 204 : op->reply->status;
	}
}

void s3_delete_policy(struct s3_op *op)
{
	delete_config(op, &policy);
}
