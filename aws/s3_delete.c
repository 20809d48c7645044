/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon S3: DeleteObjects, up to 1,000 keys at once. Entry point: sl_s3_delete_objects(). On the
 * thread of the client.
 */
#include <string.h>

#include "call.h"
#include "mem.h"
#include "s3_internal.h"
#include "xml.h"
#include "xml_tree.h"

static enum sl_err build_body(
	const char *const *keys, size_t count, struct sl_buf *xml, struct sl_error *reterr)
{
	sl_buf_puts(xml, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; i < count; i++) {
		sl_buf_puts(xml, "<Object><Key>");
		if (!sl_xml_add_text(xml, keys[i])) {
			return sl_error_set(reterr, SL_ERR_BAD_VALUE,
				"S3's DeleteObjects cannot name a key with control characters");
		}
		sl_buf_puts(xml, "</Key></Object>");
	}
	sl_buf_puts(xml, "<Quiet>true</Quiet></Delete>");
	return SL_ERR_OK;
}

/* What S3 could not delete: the first of them. */
struct refusal {
	char *key;
	char *code;
	char *message;
};

static void refusal_finish(struct refusal *refusal)
{
	free(refusal->key);
	free(refusal->code);
	free(refusal->message);
}

static void on_element(struct refusal *refusal, const struct sl_xml *xml)
{
	const struct {
		const char *path;
		char **member;
	} members[] = {
		{"DeleteResult/Error/Key", &refusal->key},
		{"DeleteResult/Error/Code", &refusal->code},
		{"DeleteResult/Error/Message", &refusal->message},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(members); i++) {
		if (*members[i].member == NULL && sl_xml_is(xml, members[i].path)) {
			*members[i].member = sl_strdup(sl_xml_text(xml));
		}
	}
}

static enum sl_err err_of_code(const char *code)
{
	if (strcmp(code, "AccessDenied") == 0) {
		return SL_ERR_AWS_FORBIDDEN;
	}
	if (strcmp(code, "SlowDown") == 0) {
		return SL_ERR_AWS_THROTTLED;
	}
	if (strcmp(code, "InternalError") == 0 || strcmp(code, "ServiceUnavailable") == 0) {
		return SL_ERR_AWS_UNAVAILABLE;
	}
	return SL_ERR_AWS_REJECTED;
}

static enum sl_err read_result(
	const struct sl_answer *answer, const char *bucket, struct sl_error *reterr)
{
	SL_AUTO(refusal_finish)
	struct refusal refusal = {0};
	SL_AUTO(sl_xml_finish)
	struct sl_xml xml;
	sl_xml_init(&xml, sl_buf_str(&answer->body), answer->body.len);
	bool is_result = false;
	enum sl_xml_event event;
	while ((event = sl_xml_next(&xml)) == SL_XML_START || event == SL_XML_END) {
		is_result |= xml.depth == 1 && sl_xml_is(&xml, "DeleteResult");
		if (event == SL_XML_END) {
			on_element(&refusal, &xml);
		}
	}
	if (event != SL_XML_DONE || !is_result) {
		return sl_error_set(
			reterr, SL_ERR_AWS_PROTOCOL, "S3's DeleteObjects is not understood");
	}
	if (refusal.code == NULL) {
		return SL_ERR_OK;
	}
	enum sl_err err = sl_error_set(reterr, err_of_code(refusal.code),
		"S3 did not delete s3://%s/%s: %s: %s", bucket,
		refusal.key != NULL ? refusal.key : "", refusal.code,
		refusal.message != NULL ? refusal.message : "");
	if (reterr != NULL) {
		reterr->provider = (struct sl_provider_error){
			.service = sl_strdup("s3"),
			.operation = sl_strdup("DeleteObjects"),
			.code = sl_take(&refusal.code),
			.message = sl_take(&refusal.message),
			.request_id = sl_strdup(answer->request_id),
			.http_status = answer->status,
		};
	}
	return err;
}

enum sl_err sl_s3_delete_objects(struct sl_client *client, const char *bucket,
	const char *const *keys, size_t count, struct sl_error *reterr)
{
	if (count == 0) {
		return SL_ERR_OK;
	}
	if (count > SL_S3_MAX_DELETE) {
		return sl_error_set(reterr, SL_ERR_OUT_OF_RANGE,
			"S3's DeleteObjects takes %d keys at most", SL_S3_MAX_DELETE);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf body = SL_BUF_INIT;
	SL_AUTO(sl_freep)
	char *digest = NULL;
	enum sl_err err = build_body(keys, count, &body, reterr);
	if (err == SL_ERR_OK) {
		err = sl_s3_content_md5(&body, &digest, reterr);
	}
	if (err != SL_ERR_OK) {
		return err;
	}
	const struct sl_pair query[] = {{"delete", ""}};
	const struct sl_pair headers[] = {
		{"Content-MD5", digest}, {"Content-Type", "application/xml"}};
	const struct sl_call call = {
		.service = SL_SERVICE_S3,
		.operation = "DeleteObjects",
		.method = "POST",
		.bucket = bucket,
		.path = "/",
		.query = query,
		.query_count = SL_ARRAY_SIZE(query),
		.headers = headers,
		.header_count = SL_ARRAY_SIZE(headers),
		.body = sl_buf_str(&body),
		.body_len = body.len,
		.idempotent = true,
	};
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	err = sl_call(client, &call, &answer, reterr);
	return err != SL_ERR_OK ? err : read_result(&answer, bucket, reterr);
}
