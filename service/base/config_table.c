/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration by table, from the environment. Runs in main before threads start. */

#include "config_table.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "text.h"

static const char *environment_value(char **environ_, const char *name)
{
	size_t len = strlen(name);
	for (char **entry = environ_; *entry != NULL; entry++) {
		if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=') {
			return *entry + len + 1;
		}
	}
	return NULL;
}

/* Whether an entry has our prefix and no row in the table. */
static enum sl_err refuse_unknown(const struct sl_config_field *table, const char *prefix,
	const char *entry, struct sl_error *reterr)
{
	if (!sl_text_starts_with(entry, prefix)) {
		return SL_ERR_OK;
	}
	size_t len = strcspn(entry, "=");
	const struct sl_config_field *field = table;
	while (field->kind != SL_CONFIG_END_ &&
		!(strlen(field->name) == len && strncmp(field->name, entry, len) == 0)) {
		field++;
	}
	if (field->kind == SL_CONFIG_END_) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"%.*s is not a setting; `config --print` lists those there are", (int)len,
			entry);
	}
	return SL_ERR_OK;
}

SL_PRINTF(4, 5)
static enum sl_err refuse(const struct sl_config_field *field, const char *value,
	struct sl_error *reterr, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	SL_AUTO(sl_freep)
	char *allowed = sl_vasprintf(format, arguments);
	va_end(arguments);
	bool secret = (field->flags & SL_CONFIG_SECRET) != 0;
	return sl_error_set(reterr, SL_ERR_CONFIG, "%s is \"%s\"; it must be %s", field->name,
		secret ? "***" : value, allowed);
}

static enum sl_err parse_bool(const struct sl_config_field *field, const char *value, bool *target,
	struct sl_error *reterr)
{
	static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], value) == 0) {
			*target = i % 2 == 1;
			return SL_ERR_OK;
		}
	}
	return refuse(field, value, reterr, "yes or no");
}

static enum sl_err parse_enum(const struct sl_config_field *field, const char *value, int *target,
	struct sl_error *reterr)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf list = SL_BUF_INIT;
	for (int i = 0; field->names[i] != NULL; i++) {
		if (strcmp(field->names[i], value) == 0) {
			*target = i;
			return SL_ERR_OK;
		}
		sl_buf_printf(&list, "%s%s", i > 0 ? ", " : "", field->names[i]);
	}
	return refuse(field, value, reterr, "one of: %s", sl_buf_str(&list));
}

static void parse_list(const char *value, struct sl_config_list *target)
{
	for (const char *at = value; *at != '\0';) {
		at += strspn(at, ", ");
		size_t len = strcspn(at, ", ");
		if (len > 0) {
			target->items = sl_reallocarray(
				target->items, target->count + 1, sizeof(*target->items));
			target->items[target->count++] = sl_strndup(at, len);
		}
		at += len;
	}
}

static enum sl_err parse_value(const struct sl_config_field *field, const char *value, void *target,
	struct sl_error *reterr)
{
	switch (field->kind) {
	case SL_CONFIG_STR:
		*(char **)target = sl_strdup(value);
		return SL_ERR_OK;
	case SL_CONFIG_INT:
		if (!sl_text_parse_i64(value, field->min, field->max, target)) {
			return refuse(field, value, reterr, "a whole number from %lld to %lld",
				(long long)field->min, (long long)field->max);
		}
		return SL_ERR_OK;
	case SL_CONFIG_BOOL:
		return parse_bool(field, value, target, reterr);
	case SL_CONFIG_ENUM:
		return parse_enum(field, value, target, reterr);
	case SL_CONFIG_LIST:
		parse_list(value, target);
		return SL_ERR_OK;
	default:
		SL_BUG("unknown kind in a configuration table");
	}
}

static const char *fallback_of(const struct sl_config_field *field)
{
	return field->fallback != NULL ? field->fallback : "";
}

static enum sl_err load_field(
	const struct sl_config_field *field, char **environ_, void *target, struct sl_error *reterr)
{
	const char *value = environment_value(environ_, field->name);
	if (value == NULL || *value == '\0') {
		if (field->flags & SL_CONFIG_REQUIRED) {
			return sl_error_set(reterr, SL_ERR_CONFIG, "%s is not set. %s", field->name,
				field->help);
		}
		value = fallback_of(field);
	}
	return parse_value(field, value, target, reterr);
}

/* What `target` held before is not ours to free. */
static void forget_members(const struct sl_config_field *table, void *target)
{
	for (const struct sl_config_field *field = table; field->kind != SL_CONFIG_END_; field++) {
		void *member = (char *)target + field->offset;
		if (field->kind == SL_CONFIG_STR) {
			*(char **)member = NULL;
		} else if (field->kind == SL_CONFIG_LIST) {
			*(struct sl_config_list *)member = (struct sl_config_list){NULL, 0};
		}
	}
}

enum sl_err sl_config_load(const struct sl_config_field *table, const char *prefix, char **environ_,
	void *target, struct sl_error *reterr)
{
	forget_members(table, target);
	enum sl_err err = SL_ERR_OK;
	for (char **entry = environ_; err == SL_ERR_OK && *entry != NULL; entry++) {
		err = refuse_unknown(table, prefix, *entry, reterr);
	}
	const struct sl_config_field *field = table;
	for (; err == SL_ERR_OK && field->kind != SL_CONFIG_END_; field++) {
		err = load_field(field, environ_, (char *)target + field->offset, reterr);
	}
	if (err != SL_ERR_OK) {
		sl_config_finish(table, target);
	}
	return err;
}

void sl_config_survey(const struct sl_config_field *table, const char *prefix, char **environ_,
	void *target, void (*on_problem)(void *context, const struct sl_error *error),
	void *context)
{
	forget_members(table, target);
	for (char **entry = environ_; *entry != NULL; entry++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (refuse_unknown(table, prefix, *entry, &error) != SL_ERR_OK) {
			on_problem(context, &error);
		}
	}
	for (const struct sl_config_field *field = table; field->kind != SL_CONFIG_END_; field++) {
		void *member = (char *)target + field->offset;
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (load_field(field, environ_, member, &error) != SL_ERR_OK) {
			on_problem(context, &error);
			if (parse_value(field, fallback_of(field), member, NULL) != SL_ERR_OK) {
				SL_BUG("a default that is not allowed");
			}
		}
	}
}

static void print_value(const struct sl_config_field *field, const void *member, FILE *out)
{
	switch (field->kind) {
	case SL_CONFIG_STR:
		fputs(*(char *const *)member != NULL ? *(char *const *)member : "", out);
		break;
	case SL_CONFIG_INT:
		fprintf(out, "%lld", (long long)*(const int64_t *)member);
		break;
	case SL_CONFIG_BOOL:
		fputs(*(const bool *)member ? "yes" : "no", out);
		break;
	case SL_CONFIG_ENUM:
		fputs(field->names[*(const int *)member], out);
		break;
	default: {
		const struct sl_config_list *list = member;
		for (size_t i = 0; i < list->count; i++) {
			fprintf(out, "%s%s", i > 0 ? "," : "", list->items[i]);
		}
		break;
	}
	}
}

void sl_config_print(const struct sl_config_field *table, const void *source, FILE *out)
{
	for (const struct sl_config_field *field = table; field->kind != SL_CONFIG_END_; field++) {
		fprintf(out, "# %s\n%s=", field->help, field->name);
		if (field->flags & SL_CONFIG_SECRET) {
			fputs("***", out);
		} else {
			print_value(field, (const char *)source + field->offset, out);
		}
		fputc('\n', out);
	}
}

void sl_config_finish(const struct sl_config_field *table, void *target)
{
	for (const struct sl_config_field *field = table; field->kind != SL_CONFIG_END_; field++) {
		void *member = (char *)target + field->offset;
		if (field->kind == SL_CONFIG_STR) {
			sl_freep(member);
		} else if (field->kind == SL_CONFIG_LIST) {
			struct sl_config_list *list = member;
			for (size_t i = 0; i < list->count; i++) {
				free(list->items[i]);
			}
			free(list->items);
			*list = (struct sl_config_list){NULL, 0};
		}
	}
}
