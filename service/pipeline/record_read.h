/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RECORD_READ_H
#define SL_RECORD_READ_H

/*
 * Reads what record.h writes: items by name, and attributes whether they are split or not. Strongly
 * consistent; by GetItem and BatchGetItem, never by a scan. On the thread of the client.
 */

#include <jansson.h>

#include "client.h"
#include "err.h"

/** The item, or NULL when there is none; the caller owns it. */
SL_MUST_CHECK enum sl_err sl_record_get(struct sl_client *aws, const char *table,
	const char *file_name, json_t **ret_item, struct sl_error *reterr);

/** The items of a list of names (a JSON array of strings) that exist, as an object by name; the
 *  caller owns it. Up to 100 names, for the sake of memory. */
SL_MUST_CHECK enum sl_err sl_record_get_many(struct sl_client *aws, const char *table,
	const json_t *names, json_t **ret_items, struct sl_error *reterr);

/** An attribute that is a string; NULL when it is not there or is none. Borrowed. */
const char *sl_record_text(const json_t *item, const char *attribute);

/** An attribute that is a whole number; false when it is not there or is none. */
bool sl_record_number(const json_t *item, const char *attribute, int64_t *ret);

/** "<file_name>#<attribute>#00007"; the caller owns it. */
char *sl_record_part_name(const char *file_name, const char *attribute, int64_t part);

/** How many parts the attribute is split into; 0: it is whole, or not there. */
int64_t sl_record_part_count(const json_t *item, const char *attribute);

/** One part of an attribute, or all of it. */
typedef enum sl_err sl_record_each(void *context, const char *text, struct sl_error *reterr);

/**
 * Calls `each` for the parts of an attribute in order. The names of those that are missing go to
 * `missing` (a JSON array), and the attribute's own name when it is not there at all.
 */
SL_MUST_CHECK enum sl_err sl_record_read(struct sl_client *aws, const char *table,
	const json_t *item, const char *attribute, sl_record_each *each, void *context,
	json_t *missing, struct sl_error *reterr);

#endif
