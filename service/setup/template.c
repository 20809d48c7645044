/* SPDX-License-Identifier: Apache-2.0 */
/* A CloudFormation template: sl_template_create() reads and orders it; the rest tells what is in
 * it. Functions are in template_value.c, parameters in template_parameter.c. Pure. */

#include "template.h"

#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "template_internal.h"
#include "text.h"

void sl_template_destroy(struct sl_template *template)
{
	if (template == NULL) {
		return;
	}
	json_decref(template->root);
	json_decref(template->parameters);
	json_decref(template->resources);
	json_decref(template->attributes);
	json_decref(template->needs);
	json_decref(template->order);
	free(template);
}

void sl_template_destroyp(struct sl_template **template)
{
	sl_template_destroy(*template);
}

/* Keeps the resources whose condition holds. */
static enum sl_err choose_resources(struct sl_template *template, struct sl_error *reterr)
{
	const char *name;
	json_t *resource;
	json_object_foreach (json_object_get(template->root, "Resources"), name, resource) {
		const char *condition = json_string_value(json_object_get(resource, "Condition"));
		bool holds = true;
		if (condition != NULL) {
			enum sl_err err =
				sl_template_condition(template, condition, &holds, reterr);
			if (err != SL_ERR_OK) {
				return err;
			}
		}
		if (holds) {
			json_object_set(template->resources, name, resource);
		}
	}
	return SL_ERR_OK;
}

/* "DependsOn" is a name or a list of names. */
static enum sl_err add_dependencies(struct sl_template *template, const json_t *resource,
	json_t *found, struct sl_error *reterr)
{
	json_t *depends = json_object_get(resource, "DependsOn");
	json_auto_t *list = json_is_array(depends) ? json_incref(depends)
		: depends != NULL                  ? json_pack("[O]", depends)
						   : json_array();
	enum sl_err err = SL_ERR_OK;
	size_t i;
	json_t *name;
	json_array_foreach (list, i, name) {
		json_auto_t *reference = json_pack("{s:O}", "Ref", name);
		if (err == SL_ERR_OK) {
			err = sl_template_references(template, reference, found, reterr);
		}
	}
	return err;
}

static enum sl_err find_needs(struct sl_template *template, struct sl_error *reterr)
{
	const char *name;
	json_t *resource;
	json_object_foreach (template->resources, name, resource) {
		json_t *found = json_object();
		json_object_set_new(template->needs, name, found);
		enum sl_err err = sl_template_references(
			template, json_object_get(resource, "Properties"), found, reterr);
		if (err == SL_ERR_OK) {
			err = add_dependencies(template, resource, found, reterr);
		}
		if (err != SL_ERR_OK) {
			return err;
		}
	}
	return SL_ERR_OK;
}

static bool is_placed(const struct sl_template *template, const char *name)
{
	size_t i;
	const json_t *placed;
	json_array_foreach (template->order, i, placed) {
		if (strcmp(json_string_value(placed), name) == 0) {
			return true;
		}
	}
	return false;
}

/* What the conditions leave out is not waited for. */
static bool is_ready(const struct sl_template *template, const char *name)
{
	const char *other;
	json_t *value;
	json_object_foreach (json_object_get(template->needs, name), other, value) {
		if (json_object_get(template->resources, other) != NULL &&
			!is_placed(template, other)) {
			return false;
		}
	}
	return true;
}

/* Places each resource behind what it needs, otherwise as the template has them. */
static enum sl_err order_resources(struct sl_template *template, struct sl_error *reterr)
{
	bool moved = true;
	while (moved) {
		moved = false;
		const char *name;
		json_t *resource;
		json_object_foreach (template->resources, name, resource) {
			if (!is_placed(template, name) && is_ready(template, name)) {
				json_array_append_new(template->order, json_string(name));
				moved = true;
			}
		}
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf stuck = SL_BUF_INIT;
	const char *name;
	json_t *resource;
	json_object_foreach (template->resources, name, resource) {
		if (!is_placed(template, name)) {
			sl_buf_printf(&stuck, " %s", name);
		}
	}
	return stuck.len == 0
		? SL_ERR_OK
		: sl_error_set(reterr, SL_ERR_INTERNAL, "The template goes round in a circle:%s",
			  sl_buf_str(&stuck));
}

enum sl_err sl_template_create(const char *json, const struct sl_template_place *place,
	const struct sl_pair *parameters, size_t count, struct sl_template **ret,
	struct sl_error *reterr)
{
	SL_AUTO(sl_template_destroyp)
	struct sl_template *template = sl_calloc(1, sizeof(*template));
	template->root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	template->parameters = json_object();
	template->resources = json_object();
	template->attributes = json_object();
	template->needs = json_object();
	template->order = json_array();
	if (!json_is_object(json_object_get(template->root, "Resources"))) {
		return sl_error_set(reterr, SL_ERR_INTERNAL, "The template has no Resources");
	}
	enum sl_err err = sl_template_take_parameters(template, place, parameters, count, reterr);
	if (err == SL_ERR_OK) {
		err = choose_resources(template, reterr);
	}
	if (err == SL_ERR_OK) {
		err = find_needs(template, reterr);
	}
	if (err == SL_ERR_OK) {
		err = order_resources(template, reterr);
	}
	if (err == SL_ERR_OK) {
		*ret = sl_take(&template);
	}
	return err;
}

size_t sl_template_count(const struct sl_template *template)
{
	return json_array_size(template->order);
}

const char *sl_template_name(const struct sl_template *template, size_t index)
{
	return json_string_value(json_array_get(template->order, index));
}

const char *sl_template_type(const struct sl_template *template, const char *name)
{
	const char *type = json_string_value(
		json_object_get(json_object_get(template->resources, name), "Type"));
	return type != NULL ? type : "";
}

bool sl_template_needs(const struct sl_template *template, const char *name, const char *other)
{
	return json_object_get(json_object_get(template->needs, name), other) != NULL;
}

void sl_template_set(
	struct sl_template *template, const char *name, const char *attribute, const char *value)
{
	json_t *attributes = json_object_get(template->attributes, name);
	if (attributes == NULL) {
		attributes = json_object();
		json_object_set_new(template->attributes, name, attributes);
	}
	json_object_set_new(attributes, attribute, json_string(value));
}

enum sl_err sl_template_properties(
	struct sl_template *template, const char *name, json_t **ret, struct sl_error *reterr)
{
	json_t *properties =
		json_object_get(json_object_get(template->resources, name), "Properties");
	return sl_template_resolve(template, properties, ret, reterr);
}

enum sl_err sl_template_outputs(struct sl_template *template, json_t **ret, struct sl_error *reterr)
{
	json_auto_t *outputs = json_array();
	const char *name;
	json_t *output;
	json_object_foreach (json_object_get(template->root, "Outputs"), name, output) {
		json_auto_t *value = NULL;
		enum sl_err err = sl_template_resolve(
			template, json_object_get(output, "Value"), &value, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		json_array_append_new(outputs,
			json_pack("[O, O]", json_object_get(output, "Description"), value));
	}
	*ret = json_incref(outputs);
	return SL_ERR_OK;
}
