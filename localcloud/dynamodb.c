/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamoDB: from X-Amz-Target to an operation and back, with the CRC that SDKs check. Entry:
 * lc_dynamodb_handle, on any HTTP thread. Map of the subject: lc_dynamodb.h.
 */

#include <pthread.h>
#include <string.h>

#include "lc_dynamodb.h"

#define TARGET_PREFIX "DynamoDB_20120810."
#define CONTENT_TYPE  "application/x-amz-json-1.0"

static const struct operation {
	const char *name;
	const struct lc_ddb_member *spec;
	lc_ddb_operation *run;
} operations[] = {
	{"CreateTable", lc_ddb_create_table_spec, lc_ddb_create_table},
	{"DescribeTable", lc_ddb_table_spec, lc_ddb_describe_table},
	{"DeleteTable", lc_ddb_table_spec, lc_ddb_delete_table},
	{"UpdateTable", lc_ddb_update_table_spec, lc_ddb_update_table},
	{"DescribeContinuousBackups", lc_ddb_table_spec, lc_ddb_describe_backups},
	{"UpdateContinuousBackups", lc_ddb_update_backups_spec, lc_ddb_update_backups},
	{"ListTables", lc_ddb_list_tables_spec, lc_ddb_list_tables},
	{"PutItem", lc_ddb_put_item_spec, lc_ddb_put_item},
	{"GetItem", lc_ddb_get_item_spec, lc_ddb_get_item},
	{"DeleteItem", lc_ddb_delete_item_spec, lc_ddb_delete_item},
	{"UpdateItem", lc_ddb_update_item_spec, lc_ddb_update_item},
	{"BatchWriteItem", lc_ddb_batch_write_item_spec, lc_ddb_batch_write_item},
	{"BatchGetItem", lc_ddb_batch_get_item_spec, lc_ddb_batch_get_item},
	{"Query", lc_ddb_query_spec, lc_ddb_query},
	{"Scan", lc_ddb_scan_spec, lc_ddb_scan},
};

/* --- the check sum ----------------------------------------------------------------------- */

static uint32_t crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_table_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;
		for (int bit = 0; bit < 8; bit++) {
			value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
		}
		crc_table[i] = value;
	}
}

/* CRC-32 of IEEE 802.3, as zlib's crc32(). */
static uint32_t crc32_of(const char *bytes, size_t len)
{
	pthread_once(&crc_once, crc_table_init);
	uint32_t crc = ~0u;
	for (size_t i = 0; i < len; i++) {
		crc = crc >> 8 ^ crc_table[(crc ^ (unsigned char)bytes[i]) & 0xff];
	}
	return ~crc;
}

/* --- replies ----------------------------------------------------------------------------- */

static json_t *error_body(const struct lc_ddb_error *error)
{
	/* The serializer's errors spell "Message", all others "message". */
	bool capital = strcmp(error->code, LC_DDB_SERIALIZATION) == 0;
	json_t *body = json_pack("{s:s, s:s}", "__type", error->code,
		capital ? "Message" : "message", error->message == NULL ? "" : error->message);
	if (error->item != NULL) {
		json_object_set(body, "Item", error->item);
	}
	return body;
}

static void finish_reply(struct lc_reply *reply)
{
	char crc[16];
	snprintf(crc, sizeof(crc), "%u", crc32_of(sl_buf_str(&reply->body), reply->body.len));
	lc_reply_header(reply, "x-amz-crc32", crc);
}

static const struct operation *operation_find(const char *target)
{
	size_t prefix = strlen(TARGET_PREFIX);
	if (target == NULL || strncmp(target, TARGET_PREFIX, prefix) != 0) {
		return NULL;
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(operations); i++) {
		if (strcmp(operations[i].name, target + prefix) == 0) {
			return &operations[i];
		}
	}
	return NULL;
}

/* The reply's body, or NULL with call->error set. */
static json_t *run(const struct lc_request *request, struct lc_ddb_call *call)
{
	const struct operation *operation =
		operation_find(lc_request_header(request, "x-amz-target"));
	if (operation == NULL) {
		lc_ddb_fail(&call->error, LC_DDB_UNKNOWN, "%s", "");
		return NULL;
	}
	json_error_t where;
	call->in = request->body == NULL
		? NULL
		: json_loadb(request->body, request->body_len, JSON_ALLOW_NUL, &where);
	if (call->in == NULL) {
		lc_ddb_fail(&call->error, LC_DDB_SERIALIZATION, "%s", "");
		return NULL;
	}
	if (!lc_ddb_check(call->in, operation->spec, &call->error)) {
		return NULL;
	}
	return operation->run(call);
}

void lc_dynamodb_handle(
	struct lc_cloud *cloud, const struct lc_request *request, struct lc_reply *reply)
{
	(void)cloud;
	struct lc_ddb_call call = {NULL, {NULL, NULL, NULL}};
	json_t *body = run(request, &call);
	if (body == NULL) {
		reply->status = strcmp(call.error.code, LC_DDB_INTERNAL) == 0 ? 500 : 400;
		body = error_body(&call.error);
	}
	lc_reply_json(reply, CONTENT_TYPE, body);
	finish_reply(reply);
	lc_ddb_error_finish(&call.error);
	json_decref(call.in);
}

void lc_dynamodb_start(struct lc_cloud *cloud)
{
	lc_ddb_store_start(cloud);
}

void lc_dynamodb_stop(void)
{
	lc_ddb_store_stop();
}
