/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's operations on buckets: create, delete, head, list, location. Entry points: the
 * s3_operations. HTTP threads.
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
