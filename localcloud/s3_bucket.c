/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's operations on buckets: create, delete, head, list, location; CORS and lifecycle, which
 * are kept and returned but govern nothing here. Entry points: the s3_operations. HTTP threads.
 */
#include <ctype.h>
#include <string.h>

#include "s3_internal.h"
#include "text.h"

/* Lower-case letters, digits, dots and hyphens, 3 to 63, no IP address, no odd edges. */
static bool valid_bucket_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t len = strlen(name);

	return len >= 3 && len <= 63 && strspn(name, allowed) == len &&
		isalnum((unsigned char)name[0]) && isalnum((unsigned char)name[len - 1]) &&
		!strstr(name, "..") && name[strspn(name, "0123456789.")] != '\0' &&
		!sl_text_starts_with(name, "xn--") && !sl_text_ends_with(name, "-s3alias");
}

static void add_owner(struct sl_buf *xml)
{
	sl_buf_puts(
		xml, "<Owner><ID>" LC_ACCOUNT "</ID><DisplayName>localcloud</DisplayName></Owner>");
}

void s3_list_buckets(struct s3_op *op)
{
	struct sl_buf *xml = s3_xml(op, "ListAllMyBucketsResult");
	add_owner(xml);
	sl_buf_puts(xml, "<Buckets>");
	s3_store_list_buckets(xml);
	sl_buf_puts(xml, "</Buckets></ListAllMyBucketsResult>");
}

/* The region that the body asks for is the one we play; false after an error reply. */
static bool check_location(struct s3_op *op)
{
	if (op->request->body_len == 0) {
		if (strcmp(op->cloud->region, "us-east-1") == 0) {
			return true;
		}
		s3_error(op, 400, "IllegalLocationConstraintException", NULL,
			"The unspecified location constraint is incompatible for the region "
			"specific "
			"endpoint this request was sent to.");
		return false;
	}
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, "CreateBucketConfiguration");
	if (!root) {
		s3_malformed_xml(op);
		return false;
	}
	const char *location = lc_xml_value(root, "LocationConstraint");
	if (strcmp(location ? location : "us-east-1", op->cloud->region) == 0) {
		return true;
	}
	s3_error(op, 400, "IllegalLocationConstraintException", NULL,
		"The %s location constraint is incompatible for the region specific endpoint this "
		"request was sent to.",
		location ? location : "unspecified");
	return false;
}

void s3_create_bucket(struct s3_op *op)
{
	if (!valid_bucket_name(op->bucket)) {
		s3_error(op, 400, "InvalidBucketName", NULL, "The specified bucket is not valid.");
		return;
	}
	if (!check_location(op)) {
		return;
	}
	/* Creating one's own bucket again succeeds in us-east-1, and only there. */
	if (!s3_store_create_bucket(op->bucket) && strcmp(op->cloud->region, "us-east-1") != 0) {
		s3_error(op, 409, "BucketAlreadyOwnedByYou", NULL,
			"Your previous request to create the named bucket succeeded and you "
			"already "
			"own it.");
		return;
	}
	SL_AUTO(sl_freep)
	char *location = sl_asprintf("/%s", op->bucket);
	lc_reply_header(op->reply, "Location", location);
}

void s3_delete_bucket(struct s3_op *op)
{
	switch (s3_store_delete_bucket(op->bucket)) {
	case S3_DELETED:
		op->reply->status = 204;
		break;
	case S3_NO_BUCKET:
		s3_no_such_bucket(op);
		break;
	case S3_NOT_EMPTY:
		s3_error(op, 409, "BucketNotEmpty", NULL,
			"The bucket you tried to delete is not empty");
		break;
	}
}

void s3_head_bucket(struct s3_op *op)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	lc_reply_header(op->reply, "x-amz-bucket-region", op->cloud->region);
}

void s3_get_location(struct s3_op *op)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	struct sl_buf *xml = s3_xml(op, "LocationConstraint");
	if (strcmp(op->cloud->region, "us-east-1") != 0) { /* which S3 spells as nothing */
		lc_xml_escape(xml, op->cloud->region);
	}
	sl_buf_puts(xml, "</LocationConstraint>");
}

/* --- configurations that are kept as they came ---------------------------------------------- */

static void get_config(
	struct s3_op *op, const char *kind, const char *absent_code, const char *absent_message)
{
	if (!s3_store_has_bucket(op->bucket)) {
		s3_no_such_bucket(op);
		return;
	}
	SL_AUTO(sl_freep)
	char *document = s3_store_get_config(op->bucket, kind);
	if (!document) {
		s3_error(op, 404, absent_code, NULL, "%s", absent_message);
		return;
	}
	op->reply->content_type = "application/xml";
	sl_buf_puts(&op->reply->body, document);
}

static void put_config(struct s3_op *op, const char *kind, const char *root_name, const char *rule)
{
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = s3_body_xml(op, root_name);
	if (!root || !lc_xml_child(root, rule)) {
		s3_malformed_xml(op);
		return;
	}
	SL_AUTO(sl_freep)
	char *document = sl_strndup(op->request->body, op->request->body_len);
	if (!s3_store_set_config(op->bucket, kind, document)) {
		s3_no_such_bucket(op);
	}
}

static void delete_config(struct s3_op *op, const char *kind)
{
	if (!s3_store_set_config(op->bucket, kind, NULL)) {
		s3_no_such_bucket(op);
		return;
	}
	op->reply->status = 204;
}

void s3_get_cors(struct s3_op *op)
{
	get_config(op, "cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist");
}

void s3_put_cors(struct s3_op *op)
{
	put_config(op, "cors", "CORSConfiguration", "CORSRule");
}

void s3_delete_cors(struct s3_op *op)
{
	delete_config(op, "cors");
}

void s3_get_lifecycle(struct s3_op *op)
{
	get_config(op, "lifecycle", "NoSuchLifecycleConfiguration",
		"The lifecycle configuration does not exist");
}

void s3_put_lifecycle(struct s3_op *op)
{
	put_config(op, "lifecycle", "LifecycleConfiguration", "Rule");
}

void s3_delete_lifecycle(struct s3_op *op)
{
	delete_config(op, "lifecycle");
}
