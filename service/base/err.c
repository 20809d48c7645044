/* SPDX-License-Identifier: Apache-2.0 */
/* The error catalogue as a table, and the life of struct sl_error. */

#include "err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static const struct {
	const char *code;
	const char *title;
	int status;
	bool retryable;
} catalogue[] = {
#define X(symbol, code_, status_, retryable_, title_) \
	[SL_ERR_##symbol] = {.code = (code_), \
		.title = (title_), \
		.status = (status_), \
		.retryable = (retryable_)},
	SL_ERR_CATALOGUE(X)
#undef X
};

static unsigned row(enum sl_err err)
{
	unsigned index = (unsigned)err;
	return index < SL_ERR_COUNT_ ? index : SL_ERR_INTERNAL;
}

const char *sl_err_code(enum sl_err err)
{
	return catalogue[row(err)].code;
}

int sl_err_status(enum sl_err err)
{
	return catalogue[row(err)].status;
}

const char *sl_err_title(enum sl_err err)
{
	return catalogue[row(err)].title;
}

bool sl_err_retryable(enum sl_err err)
{
	return catalogue[row(err)].retryable;
}

enum sl_err sl_err_from_code(const char *code)
{
	for (unsigned i = 0; code != NULL && i < SL_ERR_COUNT_; i++) {
		if (strcmp(catalogue[i].code, code) == 0) {
			return (enum sl_err)i;
		}
	}
	return SL_ERR_INTERNAL;
}

SL_PRINTF(4, 0)
static enum sl_err set(struct sl_error *reterr, enum sl_err code, const char *pointer,
	const char *format, va_list arguments)
{
	if (reterr == NULL) {
		return code;
	}
	/* Formatted first: the arguments may be strings of the error that is being replaced. */
	char *detail = sl_vasprintf(format, arguments);
	char *pointer_copy = sl_strdup(pointer);
	sl_error_finish(reterr);
	reterr->code = code;
	reterr->detail = detail;
	reterr->pointer = pointer_copy;
	return code;
}

enum sl_err sl_error_set(struct sl_error *reterr, enum sl_err code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	set(reterr, code, NULL, format, arguments);
	va_end(arguments);
	return code;
}

enum sl_err sl_error_set_at(
	struct sl_error *reterr, enum sl_err code, const char *pointer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	set(reterr, code, pointer, format, arguments);
	va_end(arguments);
	return code;
}

struct sl_provider_error sl_error_copy_provider(const struct sl_provider_error *from)
{
	return (struct sl_provider_error){
		.service = sl_strdup(from->service),
		.operation = sl_strdup(from->operation),
		.code = sl_strdup(from->code),
		.message = sl_strdup(from->message),
		.request_id = sl_strdup(from->request_id),
		.http_status = from->http_status,
	};
}

void sl_error_move(struct sl_error *to, struct sl_error *from)
{
	if (to == NULL) {
		sl_error_finish(from);
		return;
	}
	if (to != from) {
		sl_error_finish(to);
		*to = *from;
		*from = (struct sl_error)SL_ERROR_INIT;
	}
}

void sl_error_finish(struct sl_error *error)
{
	free(error->pointer);
	free(error->detail);
	free(error->provider.service);
	free(error->provider.operation);
	free(error->provider.code);
	free(error->provider.message);
	free(error->provider.request_id);
	*error = (struct sl_error)SL_ERROR_INIT;
}
