/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RECORD_H
#define SL_RECORD_H

/*
 * DynamoDB items, in wire form. The layout (docs/dynamodb.md) keeps a reader written for the
 * workshop working: fileName, celebrities, objects. No item passes 400 KB: an attribute that does
 * not fit is split into items "<key>#<attribute>#00000" …, counted in the first one as
 * "<attribute>Parts".
 */

#include <jansson.h>

#include "dynamodb.h"

/* An attribute up to this size stays in the first item; parts are at most this large. Leaves room
 * for the item's other attributes below 400 KB. */
#define SL_RECORD_PART_BYTES ((size_t)320 * 1024)

/** A new item with its partition key and videoId; the caller owns it. */
json_t *sl_record_item(const char *file_name, const char *video_id);

void sl_record_set_text(json_t *item, const char *name, const char *text); /* NULL: left out */
void sl_record_set_number(json_t *item, const char *name, int64_t number);
/** Compact JSON text of `root` (borrowed). */
void sl_record_set_json(json_t *item, const char *name, const json_t *root);

/* Collects one attribute that may be large: elements of a JSON array, or text. Parts are put
 * as they fill, so that memory stays bounded; the last, or only, one waits for _end. */
struct sl_record_parts {
	struct sl_client *aws;
	const char *table;
	const char *file_name;
	const char *video_id;
	const char *attribute;
	bool is_array; /* each part is a JSON array of its own */
	struct sl_buf current;
	int64_t count; /* parts already put */
};

/** Adds one array element (compact JSON text). */
SL_MUST_CHECK enum sl_err sl_record_parts_add(
	struct sl_record_parts *parts, const char *element, struct sl_error *reterr);

/** Adds text, cut between UTF-8 characters. */
SL_MUST_CHECK enum sl_err sl_record_parts_add_text(
	struct sl_record_parts *parts, const char *text, struct sl_error *reterr);

/** Sets the attribute in `item` when it fits there; else puts the last part and sets
 *  "<attribute>Parts". Everything is put before the item that counts it. */
SL_MUST_CHECK enum sl_err sl_record_parts_end(
	struct sl_record_parts *parts, json_t *item, struct sl_error *reterr);
void sl_record_parts_finish(struct sl_record_parts *parts);

#endif
