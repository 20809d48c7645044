/* SPDX-License-Identifier: Apache-2.0 */
/* The query protocol for administration: forms of any length, answers as trees. sl_query_call() on
 * the thread of the client. */

#include <string.h>

#include "endpoints.h"
#include "json_spec.h"
#include "mem.h"
#include "query_internal.h"
#include "xml_tree.h"

void sl_form_finish(struct sl_form *form)
{
	for (size_t i = 0; i < form->count; i++) {
		free((char *)(uintptr_t)form->fields[i].name);
		free((char *)(uintptr_t)form->fields[i].value);
	}
	free(form->fields);
	*form = (struct sl_form){0};
}

/* Takes over `name`. */
static void add_named(struct sl_form *form, char *name, const char *value)
{
	form->fields = sl_reallocarray(form->fields, form->count + 1, sizeof(*form->fields));
	form->fields[form->count++] = (struct sl_pair){name, sl_strdup(value)};
}

void sl_form_add(struct sl_form *form, const char *name, const char *value)
{
	if (value != NULL) {
		add_named(form, sl_strdup(name), value);
	}
}

void sl_form_add_map(struct sl_form *form, const char *name, const json_t *map)
{
	int number = 0;
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)map, key, value) {
		number++;
		add_named(form, sl_asprintf("%s.entry.%d.key", name, number), key);
		add_named(form, sl_asprintf("%s.entry.%d.value", name, number),
			json_string_value(value));
	}
}

void sl_form_add_list(
	struct sl_form *form, const char *name, const char *const *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add_named(form, sl_asprintf("%s.member.%zu", name, i + 1), values[i]);
	}
}

enum sl_err sl_query_lacks(
	enum sl_service service, const char *operation, const char *what, struct sl_error *reterr)
{
	return sl_error_set(reterr, SL_ERR_AWS_PROTOCOL, "The answer of %s's %s has no %s",
		sl_service_name(service), operation, what);
}

enum sl_err sl_query_call(struct sl_client *client, enum sl_service service, const char *operation,
	struct sl_form *form, json_t **ret_result, struct sl_error *reterr)
{
	SL_AUTO(sl_form_finish)
	struct sl_form owned = *form;
	*form = (struct sl_form){0};
	const struct sl_call call = {
		.service = service,
		.operation = operation,
		.method = "POST",
		.path = "/",
		.query = owned.fields,
		.query_count = owned.count,
		.idempotent = true,
	};
	SL_AUTO(sl_answer_finish)
	struct sl_answer answer = {0};
	enum sl_err err = sl_call(client, &call, &answer, reterr);
	if (err != SL_ERR_OK || ret_result == NULL) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *root = sl_asprintf("%sResponse", operation);
	SL_AUTO(sl_freep)
	char *inner = sl_asprintf("%sResult", operation);
	json_auto_t *tree = sl_xml_tree_read(sl_buf_str(&answer.body), answer.body.len, root);
	if (tree == NULL) {
		return sl_query_lacks(service, operation, "meaning", reterr);
	}
	json_t *result = json_array_get(sl_xml_tree_list(tree, inner), 0);
	*ret_result = json_is_object(result) ? json_incref(result) : json_object();
	return SL_ERR_OK;
}
