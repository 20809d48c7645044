/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3's GetObject and HeadObject: conditions, ranges, stored headers and their overrides.
 * Entry points: s3_get_object, s3_head_object, s3_get_object_tagging. HTTP threads.
 */
#include <string.h>
#include <unistd.h>

#include "s3_internal.h"

static const struct {
	const char *query;
	const char *header;
} overrides[] = {
	{"response-content-type", "content-type"},
	{"response-content-language", "content-language"},
	{"response-expires", "expires"},
	{"response-cache-control", "cache-control"},
	{"response-content-disposition", "content-disposition"},
	{"response-content-encoding", "content-encoding"},
};

void s3_etag_header(struct s3_op *op, const char *etag)
{
	SL_AUTO(sl_freep)
	char *quoted = sl_asprintf("\"%s\"", etag);
	lc_reply_header(op->reply, "ETag", quoted);
}

static void add_stored_headers(struct s3_op *op, const struct s3_object *object)
{
	json_auto_t *headers = json_loads(object->headers, 0, NULL);
	const char *name;
	json_t *value;

	for (size_t i = 0; i < SL_ARRAY_SIZE(overrides); i++) {
		SL_AUTO(sl_freep)
		char *wanted = lc_request_query(op->request, overrides[i].query);
		if (wanted) {
			(void)json_object_set_new(
				headers, overrides[i].header, json_string_nocheck(wanted));
		}
	}
	json_object_foreach (headers, name, value) {
		lc_reply_header(op->reply, name, json_string_value(value));
	}
}

static void add_object_headers(struct s3_op *op, const struct s3_object *object)
{
	char modified[S3_HTTP_DATE_SIZE];
	s3_http_date(object->modified_ms, modified);
	lc_reply_header(op->reply, "Last-Modified", modified);
	lc_reply_header(op->reply, "Accept-Ranges", "bytes");
	s3_etag_header(op, object->etag);
}

static void send_object(struct s3_op *op, const struct s3_object *object, int fd)
{
	struct lc_reply *reply = op->reply;
	int64_t from = 0;
	int64_t len = object->size;

	switch (s3_parse_range(
		lc_request_header(op->request, "range"), object->size, &from, &len)) {
	case S3_RANGE_BAD: {
		SL_AUTO(sl_buf_finish)
		struct sl_buf extra = SL_BUF_INIT;
		s3_element(&extra, "RangeRequested", lc_request_header(op->request, "range"));
		s3_element_i64(&extra, "ActualObjectSize", object->size);
		s3_error(op, 416, "InvalidRange", sl_buf_str(&extra),
			"The requested range is not satisfiable");
		SL_AUTO(sl_freep)
		char *total = sl_asprintf("bytes */%lld", (long long)object->size);
		lc_reply_header(reply, "Content-Range", total);
		close(fd);
		return;
	}
	case S3_RANGE_PART: {
		SL_AUTO(sl_freep)
		char *range = sl_asprintf("bytes %lld-%lld/%lld", (long long)from,
			(long long)(from + len - 1), (long long)object->size);
		lc_reply_header(reply, "Content-Range", range);
		reply->status = 206;
		break;
	}
	case S3_RANGE_ALL:
		break;
	}
	add_stored_headers(op, object);
	add_object_headers(op, object);
	reply->file_fd = fd;
	reply->file_from = from;
	reply->file_len = len;
}

/* False when there is none, which is answered. */
static bool open_object(struct s3_op *op, struct s3_object *object, int *ret_fd)
{
	switch (s3_store_get(op->bucket, op->key, object, ret_fd)) {
	case LC_OBJECT_NO_BUCKET:
		s3_no_such_bucket(op);
		return false;
	case LC_OBJECT_NO_KEY:
		s3_no_such_key(op, op->key);
		return false;
	case LC_OBJECT_OK:
		return true;
	}
	return false;
}

void s3_get_object(struct s3_op *op)
{
	SL_AUTO(s3_object_finish)
	struct s3_object object = {NULL};
	int fd = -1;

	if (!open_object(op, &object, &fd)) {
		return;
	}
	switch (s3_check_conditions(op->request, "", &object)) {
	case S3_FAILED:
		close(fd);
		s3_error(op, 412, "PreconditionFailed", NULL,
			"At least one of the pre-conditions you specified did not hold");
		return;
	case S3_NOT_MODIFIED:
		close(fd);
		op->reply->status = 304;
		add_object_headers(op, &object);
		return;
	case S3_PASS:
		send_object(op, &object, fd);
	}
}

void s3_head_object(struct s3_op *op)
{
	s3_get_object(op); /* http.c sends no body for HEAD */
}

/* Objects cannot be given tags here. But the AWS CLI looks for them before it copies a large one,
 * and stops where it is refused. */
void s3_get_object_tagging(struct s3_op *op)
{
	SL_AUTO(s3_object_finish)
	struct s3_object object = {NULL};
	int fd = -1;

	if (open_object(op, &object, &fd)) {
		close(fd);
		sl_buf_puts(s3_xml(op, "Tagging"), "<TagSet></TagSet></Tagging>");
	}
}
