/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a template: given or by default, checked by what the template says of them. Pure.
 */

#include <regex.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "template_internal.h"
#include "text.h"

static enum sl_err bad(struct sl_error *reterr, const char *name, const char *value,
	const char *why, const char *what)
{
	return sl_error_set(reterr, SL_ERR_BAD_PARAMETER, "Parameter %s cannot be \"%s\": %s%s",
		name, value, why, what);
}

static enum sl_err check_pattern(
	const char *name, const char *value, const char *pattern, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *whole = sl_asprintf("^(%s)$", pattern);
	regex_t regex;
	if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB) != 0) {
		return sl_error_set(reterr, SL_ERR_INTERNAL,
			"The pattern of parameter %s is no regular expression", name);
	}
	bool fits = regexec(&regex, value, 0, NULL, 0) == 0;
	regfree(&regex);
	return fits ? SL_ERR_OK : bad(reterr, name, value, "it must match ", pattern);
}

static enum sl_err check_number(
	const char *name, const char *value, const json_t *declaration, struct sl_error *reterr)
{
	const json_t *min = json_object_get(declaration, "MinValue");
	const json_t *max = json_object_get(declaration, "MaxValue");
	int64_t number = 0;
	if (!sl_text_parse_i64(value, min != NULL ? json_integer_value(min) : INT64_MIN,
		    max != NULL ? json_integer_value(max) : INT64_MAX, &number)) {
		SL_AUTO(sl_freep)
		char *range = sl_asprintf("%lld to %lld", (long long)json_integer_value(min),
			(long long)json_integer_value(max));
		return bad(reterr, name, value, "it must be a number, ", range);
	}
	return SL_ERR_OK;
}

static enum sl_err check_choice(
	const char *name, const char *value, const json_t *choices, struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf list = SL_BUF_INIT;
	size_t i;
	const json_t *choice;
	json_array_foreach (choices, i, choice) {
		if (sl_text_equal(json_string_value(choice), value)) {
			return SL_ERR_OK;
		}
		sl_buf_printf(&list, "%s%s", i == 0 ? "" : ", ", json_string_value(choice));
	}
	return bad(reterr, name, value, "it must be one of ", sl_buf_str(&list));
}

static json_t *list_of(const char *value)
{
	json_t *list = json_array();
	for (const char *at = value;; at++) {
		at += strspn(at, " ");
		size_t len = strcspn(at, ",");
		size_t kept = len;
		while (kept > 0 && at[kept - 1] == ' ') {
			kept--;
		}
		json_array_append_new(list, json_stringn(at, kept));
		at += len;
		if (*at == '\0') {
			return list;
		}
	}
}

static enum sl_err take(struct sl_template *template, const char *name, const char *value,
	const json_t *declaration, struct sl_error *reterr)
{
	const char *type = json_string_value(json_object_get(declaration, "Type"));
	const char *pattern = json_string_value(json_object_get(declaration, "AllowedPattern"));
	const json_t *choices = json_object_get(declaration, "AllowedValues");
	enum sl_err err = SL_ERR_OK;
	if (pattern != NULL) {
		err = check_pattern(name, value, pattern, reterr);
	}
	if (!err && choices != NULL) {
		err = check_choice(name, value, choices, reterr);
	}
	if (!err && sl_text_equal(type, "Number")) {
		err = check_number(name, value, declaration, reterr);
	}
	if (err) {
		return err;
	}
	bool is_list = sl_text_equal(type, "CommaDelimitedList");
	json_t *taken = is_list ? list_of(value) : json_string(value);
	if (taken == NULL) {
		return bad(reterr, name, "…", "it must be UTF-8", "");
	}
	json_object_set_new(template->parameters, name, taken);
	return SL_ERR_OK;
}

/* What the caller gave, the last one; or NULL. */
static const char *given_value(const struct sl_pair *given, size_t count, const char *name)
{
	const char *value = NULL;
	for (size_t i = 0; i < count; i++) {
		value = strcmp(given[i].name, name) == 0 ? given[i].value : value;
	}
	return value;
}

static char *default_of(const json_t *declaration)
{
	const json_t *value = json_object_get(declaration, "Default");
	return json_is_integer(value)
		? sl_asprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
		: sl_strdup(json_string_value(value));
}

static void take_place(struct sl_template *template, const struct sl_template_place *place)
{
	json_object_set_new(template->parameters, "AWS::AccountId", json_string(place->account));
	json_object_set_new(template->parameters, "AWS::Region", json_string(place->region));
	json_object_set_new(template->parameters, "AWS::Partition", json_string(place->partition));
	json_object_set_new(template->parameters, "AWS::NoValue", json_null());
}

enum sl_err sl_template_take_parameters(struct sl_template *template,
	const struct sl_template_place *place, const struct sl_pair *given, size_t count,
	struct sl_error *reterr)
{
	take_place(template, place);
	json_t *declared = json_object_get(template->root, "Parameters");
	for (size_t i = 0; i < count; i++) {
		if (json_object_get(declared, given[i].name) == NULL) {
			return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
				"The template has no parameter %s: see spotlist provision "
				"--template",
				given[i].name);
		}
	}
	const char *name;
	json_t *declaration;
	json_object_foreach (declared, name, declaration) {
		SL_AUTO(sl_freep)
		char *fallback = default_of(declaration);
		const char *value = given_value(given, count, name);
		value = value != NULL ? value : fallback;
		if (value == NULL) {
			return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
				"Parameter %s is missing: --parameter %s=…", name, name);
		}
		enum sl_err err = take(template, name, value, declaration, reterr);
		if (err) {
			return err;
		}
	}
	return SL_ERR_OK;
}
