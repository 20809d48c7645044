/* SPDX-License-Identifier: Apache-2.0 */
/* CloudFormation's functions: sl_template_resolve(), sl_template_condition(), and which resources a
 * value refers to, sl_template_references(). Pure. */

#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "template_internal.h"
#include "text.h"

static enum sl_err broken(struct sl_error *reterr, const char *what, const char *name)
{
	return sl_error_set(reterr, SL_ERR_INTERNAL, "The template %s %s", what, name);
}

/* A scalar as text, owned; NULL when it is none. Parameters of type Number are text too. */
static char *text_of(const json_t *value)
{
	if (json_is_integer(value)) {
		return sl_asprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
	if (json_is_boolean(value)) {
		return sl_strdup(json_is_true(value) ? "true" : "false");
	}
	return sl_strdup(json_string_value(value));
}

static enum sl_err attribute(const struct sl_template *template, const char *name,
	const char *attribute_name, json_t **ret, struct sl_error *reterr)
{
	json_t *value =
		json_object_get(json_object_get(template->attributes, name), attribute_name);
	if (value == NULL) {
		SL_AUTO(sl_freep)
		char *both = sl_asprintf("%s.%s", name, attribute_name);
		return broken(reterr, "refers to something that is not known:", both);
	}
	*ret = json_incref(value);
	return SL_ERR_OK;
}

static enum sl_err do_ref(const struct sl_template *template, const json_t *argument, json_t **ret,
	struct sl_error *reterr)
{
	const char *name = json_string_value(argument);
	json_t *parameter = name != NULL ? json_object_get(template->parameters, name) : NULL;
	if (parameter != NULL) {
		*ret = json_incref(parameter);
		return SL_ERR_OK;
	}
	return name != NULL ? attribute(template, name, "Ref", ret, reterr)
			    : broken(reterr, "has a Ref", "without a name");
}

static enum sl_err do_get_att(const struct sl_template *template, const json_t *argument,
	json_t **ret, struct sl_error *reterr)
{
	const char *name = json_string_value(json_array_get(argument, 0));
	const char *member = json_string_value(json_array_get(argument, 1));
	return name != NULL && member != NULL ? attribute(template, name, member, ret, reterr)
					      : broken(reterr, "has a GetAtt", "without a name");
}

static enum sl_err do_if(const struct sl_template *template, const json_t *argument, json_t **ret,
	struct sl_error *reterr)
{
	const char *name = json_string_value(json_array_get(argument, 0));
	if (name == NULL || json_array_size(argument) != 3) {
		return broken(reterr, "has an If", "without condition, then and else");
	}
	bool holds = false;
	enum sl_err err = sl_template_condition(template, name, &holds, reterr);
	return err != SL_ERR_OK ? err
				: sl_template_resolve(template,
					  json_array_get(argument, holds ? 1 : 2), ret, reterr);
}

/* The arguments of a function that has some, resolved; the caller owns them. */
static enum sl_err arguments_of(const struct sl_template *template, const json_t *argument,
	size_t count, const char *function, json_t **ret, struct sl_error *reterr)
{
	json_t *list = NULL;
	enum sl_err err = sl_template_resolve(template, argument, &list, reterr);
	if (err == SL_ERR_OK && json_array_size(list) != count) {
		json_decref(list);
		err = broken(reterr, "has not what it takes for", function);
	}
	if (err == SL_ERR_OK) {
		*ret = list;
	}
	return err;
}

static enum sl_err do_equals(const struct sl_template *template, const json_t *argument,
	json_t **ret, struct sl_error *reterr)
{
	json_auto_t *both = NULL;
	enum sl_err err = arguments_of(template, argument, 2, "Equals", &both, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	SL_AUTO(sl_freep)
	char *left = text_of(json_array_get(both, 0));
	SL_AUTO(sl_freep)
	char *right = text_of(json_array_get(both, 1));
	*ret = json_boolean(left != NULL && sl_text_equal(left, right));
	return SL_ERR_OK;
}

static enum sl_err do_not(const struct sl_template *template, const json_t *argument, json_t **ret,
	struct sl_error *reterr)
{
	json_auto_t *one = NULL;
	enum sl_err err = arguments_of(template, argument, 1, "Not", &one, reterr);
	if (err == SL_ERR_OK) {
		*ret = json_boolean(!json_is_true(json_array_get(one, 0)));
	}
	return err;
}

static enum sl_err do_join(const struct sl_template *template, const json_t *argument, json_t **ret,
	struct sl_error *reterr)
{
	json_auto_t *both = NULL;
	enum sl_err err = arguments_of(template, argument, 2, "Join", &both, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *delimiter = json_string_value(json_array_get(both, 0));
	SL_AUTO(sl_buf_finish)
	struct sl_buf joined = SL_BUF_INIT;
	size_t i;
	const json_t *part;
	json_array_foreach (json_array_get(both, 1), i, part) {
		SL_AUTO(sl_freep)
		char *text = text_of(part);
		if (text == NULL || delimiter == NULL) {
			return broken(reterr, "has a Join", "of what is no text");
		}
		sl_buf_printf(&joined, "%s%s", i == 0 ? "" : delimiter, text);
	}
	*ret = json_string(sl_buf_str(&joined));
	return SL_ERR_OK;
}

static enum sl_err do_split(const struct sl_template *template, const json_t *argument,
	json_t **ret, struct sl_error *reterr)
{
	json_auto_t *both = NULL;
	enum sl_err err = arguments_of(template, argument, 2, "Split", &both, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const char *delimiter = json_string_value(json_array_get(both, 0));
	const char *text = json_string_value(json_array_get(both, 1));
	if (delimiter == NULL || *delimiter == '\0' || text == NULL) {
		return broken(reterr, "has a Split", "of what is no text");
	}
	json_t *parts = json_array();
	for (;;) {
		const char *end = strstr(text, delimiter);
		size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
		json_array_append_new(parts, json_stringn(text, len));
		if (end == NULL) {
			break;
		}
		text = end + strlen(delimiter);
	}
	*ret = parts;
	return SL_ERR_OK;
}

static enum sl_err do_select(const struct sl_template *template, const json_t *argument,
	json_t **ret, struct sl_error *reterr)
{
	json_auto_t *both = NULL;
	enum sl_err err = arguments_of(template, argument, 2, "Select", &both, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	const json_t *index = json_array_get(both, 0);
	json_t *found = json_array_get(json_array_get(both, 1), (size_t)json_integer_value(index));
	if (!json_is_integer(index) || found == NULL) {
		return broken(reterr, "has a Select", "of what is not there");
	}
	*ret = json_incref(found);
	return SL_ERR_OK;
}

/* --- Sub ------------------------------------------------------------------------------------ */

/* The next "${…}" at or behind `at`: its name, owned; NULL when there is none. `*ret_from` and
 * `*ret_to` bound it. "${!x}" is not one: it stands for "${x}". */
static char *next_variable(const char *at, const char **ret_from, const char **ret_to)
{
	const char *from = at;
	while ((from = strstr(from, "${")) != NULL && from[2] == '!') {
		from += 2;
	}
	const char *end = from != NULL ? strchr(from, '}') : NULL;
	if (end == NULL) {
		return NULL;
	}
	*ret_from = from;
	*ret_to = end + 1;
	return sl_strndup(from + 2, (size_t)(end - from - 2));
}

/* A variable as the Ref or GetAtt that it stands for; the caller owns it. */
static json_t *variable_function(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot == NULL
		? json_pack("{s:s}", "Ref", name)
		: json_pack("{s:[s#, s]}", "Fn::GetAtt", name, (int)(dot - name), dot + 1);
}

static void add_literal(struct sl_buf *out, const char *from, const char *to)
{
	while (from < to) {
		if (sl_text_starts_with(from, "${!")) {
			sl_buf_puts(out, "${");
			from += 3;
		} else {
			sl_buf_putc(out, *from++);
		}
	}
}

static enum sl_err do_sub(const struct sl_template *template, const json_t *argument, json_t **ret,
	struct sl_error *reterr)
{
	const char *at = json_string_value(argument);
	if (at == NULL) {
		return broken(reterr, "has a Sub", "that is no text");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	for (;;) {
		const char *from = at + strlen(at);
		const char *to = from;
		SL_AUTO(sl_freep)
		char *name = next_variable(at, &from, &to);
		add_literal(&out, at, from);
		if (name == NULL) {
			break;
		}
		json_auto_t *function = variable_function(name);
		json_auto_t *value = NULL;
		enum sl_err err = sl_template_resolve(template, function, &value, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		SL_AUTO(sl_freep)
		char *text = text_of(value);
		if (text == NULL) {
			return broken(reterr, "has a Sub of what is no text:", name);
		}
		sl_buf_puts(&out, text);
		at = to;
	}
	*ret = json_string(sl_buf_str(&out));
	return SL_ERR_OK;
}

/* --- all of them ---------------------------------------------------------------------------- */

typedef enum sl_err function_fn(const struct sl_template *template, const json_t *argument,
	json_t **ret, struct sl_error *reterr);

static enum sl_err do_condition(const struct sl_template *template, const json_t *argument,
	json_t **ret, struct sl_error *reterr)
{
	bool holds = false;
	const char *name = json_string_value(argument);
	enum sl_err err = sl_template_condition(template, name != NULL ? name : "", &holds, reterr);
	if (err == SL_ERR_OK) {
		*ret = json_boolean(holds);
	}
	return err;
}

static const struct {
	const char *name;
	function_fn *run;
} functions[] = {
	{"Ref", do_ref},
	{"Condition", do_condition},
	{"Fn::GetAtt", do_get_att},
	{"Fn::Sub", do_sub},
	{"Fn::If", do_if},
	{"Fn::Equals", do_equals},
	{"Fn::Not", do_not},
	{"Fn::Join", do_join},
	{"Fn::Split", do_split},
	{"Fn::Select", do_select},
};

/* The name of the function that an object is, or NULL. "Condition" is also a member of policies,
 * where it is an object. */
static const char *function_name(const json_t *value)
{
	if (!json_is_object(value) || json_object_size(value) != 1) {
		return NULL;
	}
	void *first = json_object_iter((json_t *)(uintptr_t)value);
	const char *name = json_object_iter_key(first);
	bool condition =
		strcmp(name, "Condition") == 0 && json_is_string(json_object_iter_value(first));
	return strcmp(name, "Ref") == 0 || condition || sl_text_starts_with(name, "Fn::") ? name
											  : NULL;
}

static enum sl_err call_function(const struct sl_template *template, const char *name,
	const json_t *argument, json_t **ret, struct sl_error *reterr)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(functions); i++) {
		if (strcmp(functions[i].name, name) == 0) {
			return functions[i].run(template, argument, ret, reterr);
		}
	}
	return broken(reterr, "uses a function that is not known here:", name);
}

static enum sl_err resolve_object(const struct sl_template *template, const json_t *value,
	json_t **ret, struct sl_error *reterr)
{
	json_auto_t *object = json_object();
	const char *name;
	json_t *member;
	json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
		json_auto_t *resolved = NULL;
		enum sl_err err = sl_template_resolve(template, member, &resolved, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		if (!json_is_null(resolved)) {
			json_object_set(object, name, resolved);
		}
	}
	*ret = json_incref(object);
	return SL_ERR_OK;
}

static enum sl_err resolve_list(const struct sl_template *template, const json_t *value,
	json_t **ret, struct sl_error *reterr)
{
	json_auto_t *list = json_array();
	size_t i;
	const json_t *element;
	json_array_foreach (value, i, element) {
		json_auto_t *resolved = NULL;
		enum sl_err err = sl_template_resolve(template, element, &resolved, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		if (!json_is_null(resolved)) {
			json_array_append(list, resolved);
		}
	}
	*ret = json_incref(list);
	return SL_ERR_OK;
}

enum sl_err sl_template_resolve(const struct sl_template *template, const json_t *value,
	json_t **ret, struct sl_error *reterr)
{
	const char *name = function_name(value);
	if (name != NULL) {
		return call_function(template, name, json_object_get(value, name), ret, reterr);
	}
	if (json_is_object(value)) {
		return resolve_object(template, value, ret, reterr);
	}
	if (json_is_array(value)) {
		return resolve_list(template, value, ret, reterr);
	}
	*ret = json_incref((json_t *)(uintptr_t)value);
	return SL_ERR_OK;
}

enum sl_err sl_template_condition(
	const struct sl_template *template, const char *name, bool *ret, struct sl_error *reterr)
{
	const json_t *condition =
		json_object_get(json_object_get(template->root, "Conditions"), name);
	if (condition == NULL) {
		return broken(reterr, "has no condition", name);
	}
	json_auto_t *value = NULL;
	enum sl_err err = sl_template_resolve(template, condition, &value, reterr);
	if (err == SL_ERR_OK) {
		*ret = json_is_true(value);
	}
	return err;
}

/* --- references ----------------------------------------------------------------------------- */

static enum sl_err refer(const struct sl_template *template, const char *name, size_t len,
	json_t *found, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *bare = sl_strndup(name, len);
	if (json_object_get(template->parameters, bare) != NULL) {
		return SL_ERR_OK;
	}
	if (json_object_get(json_object_get(template->root, "Resources"), bare) == NULL) {
		return broken(reterr, "refers to something that it does not have:", bare);
	}
	json_object_set_new(found, bare, json_true());
	return SL_ERR_OK;
}

static enum sl_err refer_sub(
	const struct sl_template *template, const char *at, json_t *found, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	while (err == SL_ERR_OK) {
		const char *from = NULL;
		const char *to = NULL;
		SL_AUTO(sl_freep)
		char *name = next_variable(at, &from, &to);
		if (name == NULL) {
			break;
		}
		err = refer(template, name, strcspn(name, "."), found, reterr);
		at = to;
	}
	return err;
}

enum sl_err sl_template_references(const struct sl_template *template, const json_t *value,
	json_t *found, struct sl_error *reterr)
{
	const char *function = function_name(value);
	const json_t *argument = function != NULL ? json_object_get(value, function) : NULL;
	const char *text = json_string_value(argument);
	if (sl_text_equal(function, "Fn::GetAtt")) {
		text = json_string_value(json_array_get(argument, 0));
	}
	bool named = sl_text_equal(function, "Ref") || sl_text_equal(function, "Fn::GetAtt");
	if (named && text != NULL) {
		return refer(template, text, strlen(text), found, reterr);
	}
	if (sl_text_equal(function, "Fn::Sub") && text != NULL) {
		return refer_sub(template, text, found, reterr);
	}
	enum sl_err err = SL_ERR_OK;
	const char *name;
	json_t *member;
	json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
		err = err != SL_ERR_OK ? err
				       : sl_template_references(template, member, found, reterr);
	}
	size_t i;
	json_array_foreach (value, i, member) {
		err = err != SL_ERR_OK ? err
				       : sl_template_references(template, member, found, reterr);
	}
	return err;
}
