/* SPDX-License-Identifier: Apache-2.0 */
/* S3 URIs: what a submission may name as its source. Pure functions. */

#include "source.h"

#include <string.h>

#include "mem.h"
#include "text.h"

#define POINTER "/source"

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
static bool bucket_valid(const char *name, size_t len)
{
	if (len < 3 || len > 63) {
		return false;
	}
	if (strspn(name, "0123456789.") >= len) {
		return false; /* formatted like an IP address */
	}
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool inner = (c == '-' || c == '.') && i > 0 && i + 1 < len;
		if (!letter && !inner) {
			return false;
		}
		if (c == '.' && name[i - 1] == '.') {
			return false;
		}
	}
	return true;
}

enum sl_err sl_source_parse(
	const char *uri, char **ret_bucket, char **ret_key, struct sl_error *reterr)
{
	const char *separator = strstr(uri, "://");
	if (separator == NULL) {
		return sl_error_set_at(reterr, SL_ERR_BAD_SOURCE, POINTER,
			"must be an S3 URI, s3://bucket/key, or \"upload\"");
	}
	if (!sl_text_starts_with(uri, "s3://")) {
		return sl_error_set_at(reterr, SL_ERR_UNSUPPORTED_SCHEME, POINTER,
			"\"%.*s\" is not supported; put the file into S3 or use \"upload\"",
			(int)(separator - uri < 16 ? separator - uri : 16), uri);
	}
	const char *bucket = uri + strlen("s3://");
	size_t bucket_len = strcspn(bucket, "/");
	if (!bucket_valid(bucket, bucket_len)) {
		return sl_error_set_at(reterr, SL_ERR_BAD_SOURCE, POINTER,
			"the bucket's name must be 3 to 63 of a-z, 0-9, '-' and '.'");
	}
	const char *key = bucket + bucket_len;
	if (*key == '/') {
		key++;
	}
	if (*key == '\0') {
		return sl_error_set_at(
			reterr, SL_ERR_BAD_SOURCE, POINTER, "names a bucket but no object in it");
	}
	if (strlen(key) > 1024) {
		return sl_error_set_at(reterr, SL_ERR_BAD_SOURCE, POINTER,
			"the key is %zu bytes long; S3 allows 1,024", strlen(key));
	}
	*ret_bucket = sl_strndup(bucket, bucket_len);
	*ret_key = sl_strdup(key);
	return SL_ERR_OK;
}

enum sl_err sl_source_check_size(int64_t size_bytes, struct sl_error *reterr)
{
	if (size_bytes <= 0) {
		return sl_error_set_at(
			reterr, SL_ERR_SOURCE_EMPTY, POINTER, "the object has no bytes");
	}
	if (size_bytes > SL_SOURCE_MAX_BYTES) {
		return sl_error_set_at(reterr, SL_ERR_SOURCE_TOO_LARGE, POINTER,
			"the object has %lld bytes; Rekognition takes at most %lld",
			(long long)size_bytes, (long long)SL_SOURCE_MAX_BYTES);
	}
	return SL_ERR_OK;
}
