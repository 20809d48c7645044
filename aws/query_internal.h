/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_QUERY_INTERNAL_H
#define SL_QUERY_INTERNAL_H

/* Inside aws/: an operation of the query protocol with a form of any length (SNS, IAM). */

#include "call.h"

struct sl_form {
	struct sl_pair *fields; /* both strings of each are owned */
	size_t count;
};
void sl_form_finish(struct sl_form *form);

/** Adds a field; NULL as the value adds nothing. */
void sl_form_add(struct sl_form *form, const char *name, const char *value);

/** "Attributes.entry.1.key", "….value" and so on, of an object of strings; NULL adds nothing. */
void sl_form_add_map(struct sl_form *form, const char *name, const json_t *map);

/** "ActionNames.member.1" and so on. */
void sl_form_add_list(
	struct sl_form *form, const char *name, const char *const *values, size_t count);

/** Sends it; sending twice must be harmless. `*ret_result` is what is in <OperationResult>, as
 *  xml_tree.h has it, {} when there is nothing; `ret_result` may be NULL. Takes over `form`. */
SL_MUST_CHECK enum sl_err sl_query_call(struct sl_client *client, enum sl_service service,
	const char *operation, struct sl_form *form, json_t **ret_result, struct sl_error *reterr);

/** An error for an answer that lacks what it must have. */
enum sl_err sl_query_lacks(
	enum sl_service service, const char *operation, const char *what, struct sl_error *reterr);

#endif
