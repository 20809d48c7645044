/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3: finds bucket and key in path or host, routes by method and sub-resource, answers errors.
 * Entry points: lc_s3_start, lc_s3_stop, lc_s3_handle. Any HTTP thread.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "s3_internal.h"
#include "text.h"

enum level { SERVICE, BUCKET, OBJECT };

struct route {
	const char *method;
	enum level level;
	const char *query;  /* the parameter that must be there; NULL: none needed */
	const char *header; /* the header that must be there; NULL: none needed */
	s3_operation *operation;
	const char *name; /* AWS's */
};

/* The first that fits is taken. */
static const struct route routes[] = {
	{"GET", SERVICE, NULL, NULL, s3_list_buckets, "ListBuckets"},
	{"GET", BUCKET, "location", NULL, s3_get_location, "GetBucketLocation"},
	{"GET", BUCKET, "cors", NULL, s3_get_cors, "GetBucketCors"},
	{"PUT", BUCKET, "cors", NULL, s3_put_cors, "PutBucketCors"},
	{"DELETE", BUCKET, "cors", NULL, s3_delete_cors, "DeleteBucketCors"},
	{"GET", BUCKET, "lifecycle", NULL, s3_get_lifecycle, "GetBucketLifecycleConfiguration"},
	{"PUT", BUCKET, "lifecycle", NULL, s3_put_lifecycle, "PutBucketLifecycleConfiguration"},
	{"DELETE", BUCKET, "lifecycle", NULL, s3_delete_lifecycle, "DeleteBucketLifecycle"},
	{"GET", BUCKET, "encryption", NULL, s3_get_encryption, "GetBucketEncryption"},
	{"PUT", BUCKET, "encryption", NULL, s3_put_encryption, "PutBucketEncryption"},
	{"DELETE", BUCKET, "encryption", NULL, s3_delete_encryption, "DeleteBucketEncryption"},
	{"GET", BUCKET, "publicAccessBlock", NULL, s3_get_public_access, "GetPublicAccessBlock"},
	{"PUT", BUCKET, "publicAccessBlock", NULL, s3_put_public_access, "PutPublicAccessBlock"},
	{"DELETE", BUCKET, "publicAccessBlock", NULL, s3_delete_public_access,
		"DeletePublicAccessBlock"},
	{"GET", BUCKET, "ownershipControls", NULL, s3_get_ownership, "GetBucketOwnershipControls"},
	{"PUT", BUCKET, "ownershipControls", NULL, s3_put_ownership, "PutBucketOwnershipControls"},
	{"DELETE", BUCKET, "ownershipControls", NULL, s3_delete_ownership,
		"DeleteBucketOwnershipControls"},
	{"GET", BUCKET, "policy", NULL, s3_get_policy, "GetBucketPolicy"},
	{"PUT", BUCKET, "policy", NULL, s3_put_policy, "PutBucketPolicy"},
	{"DELETE", BUCKET, "policy", NULL, s3_delete_policy, "DeleteBucketPolicy"},
	{"GET", BUCKET, "notification", NULL, s3_get_notification,
		"GetBucketNotificationConfiguration"},
	{"PUT", BUCKET, "notification", NULL, s3_put_notification,
		"PutBucketNotificationConfiguration"},
	{"GET", BUCKET, "uploads", NULL, s3_list_uploads, "ListMultipartUploads"},
	{"POST", BUCKET, "delete", NULL, s3_delete_objects, "DeleteObjects"},
	{"GET", BUCKET, "list-type", NULL, s3_list_objects, "ListObjectsV2"},
	{"GET", BUCKET, NULL, NULL, s3_list_objects, "ListObjects"},
	{"HEAD", BUCKET, NULL, NULL, s3_head_bucket, "HeadBucket"},
	{"PUT", BUCKET, NULL, NULL, s3_create_bucket, "CreateBucket"},
	{"DELETE", BUCKET, NULL, NULL, s3_delete_bucket, "DeleteBucket"},
	{"POST", OBJECT, "uploads", NULL, s3_create_upload, "CreateMultipartUpload"},
	{"POST", OBJECT, "uploadId", NULL, s3_complete_upload, "CompleteMultipartUpload"},
	{"GET", OBJECT, "uploadId", NULL, s3_list_parts, "ListParts"},
	{"GET", OBJECT, "tagging", NULL, s3_get_object_tagging, "GetObjectTagging"},
	{"DELETE", OBJECT, "uploadId", NULL, s3_abort_upload, "AbortMultipartUpload"},
	{"PUT", OBJECT, "uploadId", "x-amz-copy-source", s3_upload_part_copy, "UploadPartCopy"},
	{"PUT", OBJECT, "uploadId", NULL, s3_upload_part, "UploadPart"},
	{"PUT", OBJECT, NULL, "x-amz-copy-source", s3_copy_object, "CopyObject"},
	{"PUT", OBJECT, NULL, NULL, s3_put_object, "PutObject"},
	{"GET", OBJECT, NULL, NULL, s3_get_object, "GetObject"},
	{"HEAD", OBJECT, NULL, NULL, s3_head_object, "HeadObject"},
	{"DELETE", OBJECT, NULL, NULL, s3_delete_object, "DeleteObject"},
};

/* What would otherwise be mistaken for a plain request on the bucket or object. */
static const char *const not_offered[] = {
	"accelerate",
	"acl",
	"analytics",
	"attributes",
	"intelligent-tiering",
	"inventory",
	"legal-hold",
	"logging",
	"metrics",
	"object-lock",
	"policyStatus",
	"replication",
	"requestPayment",
	"restore",
	"retention",
	"select",
	"tagging",
	"torrent",
	"versioning",
	"versionId",
	"versions",
	"website",
};

/* --- replies ------------------------------------------------------------------------------- */

void s3_error(
	struct s3_op *op, int status, const char *code, const char *extra, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *message = sl_vasprintf(format, arguments);
	va_end(arguments);

	struct sl_buf *body = &op->reply->body;
	sl_buf_clear(body);
	op->reply->status = status;
	op->reply->content_type = "application/xml";
	sl_buf_puts(body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	s3_element(body, "Code", code);
	s3_element(body, "Message", message);
	sl_buf_puts(body, extra ? extra : "");
	s3_element(body, "Resource", op->request->raw_path);
	s3_element(body, "RequestId", op->request->request_id);
	sl_buf_puts(body, "<HostId>localcloud</HostId></Error>");
}

void s3_no_such_bucket(struct s3_op *op)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element(&extra, "BucketName", op->bucket);
	s3_error(
		op, 404, "NoSuchBucket", sl_buf_str(&extra), "The specified bucket does not exist");
}

void s3_no_such_key(struct s3_op *op, const char *key)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	s3_element(&extra, "Key", key);
	s3_error(op, 404, "NoSuchKey", sl_buf_str(&extra), "The specified key does not exist.");
}

void s3_malformed_xml(struct s3_op *op)
{
	s3_error(op, 400, "MalformedXML", NULL,
		"The XML you provided was not well-formed or did not validate against our "
		"published "
		"schema");
}

void s3_internal_error(struct s3_op *op, const char *what)
{
	sl_log(SL_LOG_ERROR, what, SL_F("reason", strerror(errno)),
		SL_F("request_id", op->request->request_id), SL_F_END);
	s3_error(op, 500, "InternalError", NULL,
		"We encountered an internal error. Please try again.");
}

struct sl_buf *s3_xml(struct s3_op *op, const char *root)
{
	op->reply->content_type = "application/xml";
	sl_buf_clear(&op->reply->body);
	sl_buf_printf(&op->reply->body,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
		root);
	return &op->reply->body;
}

void s3_element(struct sl_buf *xml, const char *name, const char *text)
{
	sl_buf_printf(xml, "<%s>", name);
	lc_xml_escape(xml, text);
	sl_buf_printf(xml, "</%s>", name);
}

void s3_element_i64(struct sl_buf *xml, const char *name, int64_t number)
{
	sl_buf_printf(xml, "<%s>%lld</%s>", name, (long long)number, name);
}

void s3_element_time(struct sl_buf *xml, const char *name, int64_t time_ms)
{
	char text[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(time_ms, text);
	s3_element(xml, name, text);
}

struct lc_xml *s3_body_xml(struct s3_op *op, const char *root_name)
{
	/* Every XML body of S3 is a POST or a small PUT and stays in memory. */
	struct lc_xml *root =
		op->request->body ? lc_xml_read(op->request->body, op->request->body_len) : NULL;
	if (root && strcmp(root->name, root_name) != 0) {
		lc_xml_destroy(root);
		return NULL;
	}
	return root;
}

static bool write_file(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0;
	while (ok && len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR) {
			ok = false;
		} else if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return fd >= 0 && close(fd) == 0 && ok;
}

char *s3_body_to_file(struct s3_op *op)
{
	const struct lc_request *request = op->request;
	char *file = s3_store_new_name();
	SL_AUTO(sl_freep)
	char *path = s3_store_path(file);
	bool ok = request->body ? write_file(path, request->body, request->body_len)
				: rename(request->body_path, path) == 0;
	if (ok) {
		return file;
	}
	s3_internal_error(op, "cannot store an object");
	s3_store_remove_file(file);
	free(file);
	return NULL;
}

/* --- the address --------------------------------------------------------------------------- */

static bool is_ip_address(const char *host)
{
	return host[0] == '[' || host[strspn(host, "0123456789.")] == '\0';
}

/* The bucket of "<bucket>.<anything>", owned by the caller; NULL for a path-style host: an IP
 * address, a bare name, or one that begins with "s3" or "localcloud" as its own label. */
static char *host_bucket(const struct lc_request *request)
{
	const char *header = lc_request_header(request, "host");
	if (!header) {
		return NULL;
	}
	SL_AUTO(sl_freep)
	char *host = sl_strdup(header);
	char *port = strrchr(host, ':');
	if (port && port[1 + strspn(port + 1, "0123456789")] == '\0') {
		*port = '\0';
	}
	if (is_ip_address(host) || !strchr(host, '.') || sl_text_starts_with(host, "s3.") ||
		sl_text_starts_with(host, "s3-") || sl_text_starts_with(host, "localcloud.")) {
		return NULL;
	}
	/* Bucket names may have dots themselves where the rest of the name is known. */
	char *end = strstr(host, ".s3.");
	if (!end) {
		end = strstr(host, ".s3-");
	}
	if (!end && sl_text_ends_with(host, ".localhost")) {
		end = host + strlen(host) - strlen(".localhost");
	}
	return sl_strndup(host, end ? (size_t)(end - host) : strcspn(host, "."));
}

/* False when the path is not valid percent-encoded UTF-8 without NUL. */
static bool decode_part(const char *text, size_t len, char **ret)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	if (!sl_text_percent_decode(&decoded, text, len, false) ||
		strlen(sl_buf_str(&decoded)) != decoded.len ||
		!sl_text_is_utf8(sl_buf_str(&decoded), decoded.len)) {
		return false;
	}
	if (decoded.len > 0) {
		*ret = sl_buf_steal(&decoded);
	}
	return true;
}

static bool read_address(struct s3_op *op)
{
	const char *path = op->request->raw_path;
	path += *path == '/';

	op->bucket = host_bucket(op->request);
	if (!op->bucket) {
		size_t len = strcspn(path, "/");
		if (!decode_part(path, len, &op->bucket)) {
			return false;
		}
		path += len;
		path += *path == '/';
	}
	return decode_part(path, strlen(path), &op->key);
}

/* --- rules by name, for tests of what AWS refuses (docs/localcloud.md) ---------------------- */

static bool is_about_the_bucket_itself(const struct s3_op *op)
{
	return !op->key &&
		(strcmp(op->request->method, "PUT") == 0 ||
			strcmp(op->request->method, "DELETE") == 0);
}

/* True when the bucket's name alone decided. */
static bool refused_by_name(struct s3_op *op)
{
	if (!op->bucket || is_about_the_bucket_itself(op)) {
		return false;
	}
	if (sl_text_starts_with(op->bucket, "forbidden-") && op->key) {
		s3_error(op, 403, "AccessDenied", NULL, "Access Denied");
		return true;
	}
	if (!sl_text_starts_with(op->bucket, "other-region-")) {
		return false;
	}
	const char *region =
		strcmp(op->cloud->region, "eu-west-1") == 0 ? "us-west-2" : "eu-west-1";
	SL_AUTO(sl_buf_finish)
	struct sl_buf extra = SL_BUF_INIT;
	sl_buf_puts(&extra, "<Endpoint>");
	lc_xml_escape(&extra, op->bucket);
	sl_buf_printf(&extra, ".s3.%s.amazonaws.com</Endpoint>", region);
	s3_element(&extra, "Bucket", op->bucket);
	s3_error(op, 301, "PermanentRedirect", sl_buf_str(&extra),
		"The bucket you are attempting to access must be addressed using the specified "
		"endpoint. Please send all future requests to this endpoint.");
	lc_reply_header(op->reply, "x-amz-bucket-region", region);
	return true;
}

/* True when the request wants the bucket to belong to somebody else. */
static bool refused_by_owner(struct s3_op *op)
{
	const char *owner = lc_request_header(op->request, "x-amz-expected-bucket-owner");
	if (!op->bucket || !owner || strcmp(owner, LC_ACCOUNT) == 0) {
		return false;
	}
	s3_error(op, 403, "AccessDenied", NULL, "Access Denied");
	return true;
}

/* --- routing ------------------------------------------------------------------------------- */

static bool has_query(const struct lc_request *request, const char *name)
{
	SL_AUTO(sl_freep)
	char *value = lc_request_query(request, name);
	return value != NULL;
}

/* A parameter that nobody would heed: not offered, and not what the route is for. */
static const char *query_not_offered(const struct lc_request *request, const struct route *route)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(not_offered); i++) {
		bool heeded = route && sl_text_equal(route->query, not_offered[i]);
		if (!heeded && has_query(request, not_offered[i])) {
			return not_offered[i];
		}
	}
	return NULL;
}

static const struct route *find_route(const struct s3_op *op)
{
	enum level level = op->key ? OBJECT : op->bucket ? BUCKET : SERVICE;

	for (size_t i = 0; i < SL_ARRAY_SIZE(routes); i++) {
		const struct route *route = &routes[i];
		if (route->level == level && strcmp(route->method, op->request->method) == 0 &&
			(!route->query || has_query(op->request, route->query)) &&
			(!route->header || lc_request_header(op->request, route->header))) {
			return route;
		}
	}
	return NULL;
}

static void route(struct s3_op *op)
{
	const struct route *found = find_route(op);
	const char *unknown = query_not_offered(op->request, found);
	if (unknown) {
		s3_error(op, 501, "NotImplemented", NULL,
			"localcloud does not offer the sub-resource or parameter '%s'", unknown);
		return;
	}
	if (!found) {
		s3_error(op, 405, "MethodNotAllowed", NULL,
			"The specified method is not allowed against this resource.");
		return;
	}
	found->operation(op);
}

bool lc_s3_address(const struct lc_request *request, char **ret_bucket, char **ret_key)
{
	struct s3_op op = {.request = request};
	bool readable = read_address(&op);
	if (readable) {
		*ret_bucket = op.bucket;
		*ret_key = op.key;
	} else {
		free(op.bucket);
		free(op.key);
	}
	return readable;
}

const char *lc_s3_operation_name(const struct lc_request *request)
{
	struct s3_op op = {.request = request};
	const struct route *found = read_address(&op) ? find_route(&op) : NULL;
	free(op.bucket);
	free(op.key);
	return found ? found->name : NULL;
}

void lc_s3_handle(struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	struct s3_op op = {.cloud = cloud, .request = request, .reply = reply};

	if (!read_address(&op)) {
		s3_error(&op, 400, "InvalidURI", NULL, "Couldn't parse the specified URI.");
	} else if (op.key && strlen(op.key) > S3_MAX_KEY) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf extra = SL_BUF_INIT;
		s3_element_i64(&extra, "Size", (int64_t)strlen(op.key));
		s3_element_i64(&extra, "MaxSizeAllowed", S3_MAX_KEY);
		s3_error(&op, 400, "KeyTooLongError", sl_buf_str(&extra), "Your key is too long");
	} else if (!refused_by_name(&op) && !refused_by_owner(&op)) {
		route(&op);
	}
	free(op.bucket);
	free(op.key);
}

void lc_s3_start(struct lc_cloud *cloud)
{
	s3_store_open(cloud);
}

void lc_s3_stop(void)
{
	s3_store_close();
}
