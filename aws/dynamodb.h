/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DYNAMODB_H
#define SL_DYNAMODB_H

/*
 * Amazon DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/. Items and
 * keys are jansson objects in wire form: {"fileName": {"S": "…"}, …}. Tables: dynamodb_table.h.
 */

#include "client.h"

/** The largest item that DynamoDB takes: attribute names and values, in bytes. */
#define SL_DYNAMODB_MAX_ITEM_BYTES (400 * 1024)

/** The size of an item (or attribute value list) as DynamoDB counts it. Pure.
 *  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
size_t sl_dynamodb_item_size(const json_t *item);

SL_MUST_CHECK enum sl_err sl_dynamodb_put_item(
	struct sl_client *client, const char *table, const json_t *item, struct sl_error *reterr);

/** Whether items may be put: asks to put one in the place of an item that is not there, which
 *  DynamoDB refuses for that reason alone. Writes nothing. `partition_key` as below. */
SL_MUST_CHECK enum sl_err sl_dynamodb_may_put(struct sl_client *client, const char *table,
	const char *partition_key, const char *absent, struct sl_error *reterr);

/** Strongly consistent GetItem. `*ret_item` is NULL when there is none; the caller owns it. */
SL_MUST_CHECK enum sl_err sl_dynamodb_get_item(struct sl_client *client, const char *table,
	const json_t *key, json_t **ret_item, struct sl_error *reterr);

/** Whether there is an item: GetItem that sends back nothing but the key. `partition_key` is the
 *  key attribute's name, `value` its string. */
SL_MUST_CHECK enum sl_err sl_dynamodb_item_exists(struct sl_client *client, const char *table,
	const char *partition_key, const char *value, bool *ret, struct sl_error *reterr);

/** Puts any number of items with BatchWriteItem: splits at 25 items and 16 MB, and sends
 *  UnprocessedItems again with growing, jittered delays. The client's deadline is for all of it;
 *  items still unprocessed then are AWS_THROTTLED. What was written by then stays written: put
 *  the same items again. Items with the same key in `items` (an array) are the caller's error. */
SL_MUST_CHECK enum sl_err sl_dynamodb_batch_put(
	struct sl_client *client, const char *table, const json_t *items, struct sl_error *reterr);

/** Deletes any number of keys with BatchWriteItem, the same way. */
SL_MUST_CHECK enum sl_err sl_dynamodb_batch_delete(
	struct sl_client *client, const char *table, const json_t *keys, struct sl_error *reterr);

/** Gets any number of keys with BatchGetItem (100 a time, UnprocessedKeys again). The caller
 *  owns `*ret_items`, an array in no particular order; missing keys are absent. */
SL_MUST_CHECK enum sl_err sl_dynamodb_batch_get(struct sl_client *client, const char *table,
	const json_t *keys, json_t **ret_items, struct sl_error *reterr);

/* Query and Scan take the wire request (without TableName), so that expressions stay DynamoDB's
 * own; one page each: LastEvaluatedKey in the answer tells whether there is more. */
SL_MUST_CHECK enum sl_err sl_dynamodb_query(struct sl_client *client, const char *table,
	const json_t *request, json_t **ret_answer, struct sl_error *reterr);
SL_MUST_CHECK enum sl_err sl_dynamodb_scan(struct sl_client *client, const char *table,
	const json_t *request, json_t **ret_answer, struct sl_error *reterr);

#endif
