/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PARAMS_H
#define SL_PARAMS_H

/*
 * Query parameters -> C structs by table. A table names each parameter of an operation once:
 *
 *     struct page { int64_t from_ms, limit; };
 *     static const struct sl_param page_params[] = {
 *             SL_PARAM_TIME(struct page, from_ms, "from"),
 *             SL_PARAM_INTEGER(struct page, limit, "limit", 1, 1000),
 *             SL_PARAM_END,
 *     };
 *     struct page page = {.from_ms = -1, .limit = 100};
 *     enum sl_err err = sl_params_read(request, page_params, &page);
 *
 * What is absent keeps the value that was there (the default). Strings are borrowed from the
 * request. Everything refused is BAD_PARAMETER at "?name".
 */

#include "query.h"
#include "request.h"

/* Values of a parameter that may be given again and again. */
#define SL_PARAM_TEXTS_MAX 16
struct sl_param_texts {
	const char *items[SL_PARAM_TEXTS_MAX];
	size_t count;
};

enum sl_param_kind {
	SL_PARAM_END_,
	SL_PARAM_TIME_,   /* int64_t, milliseconds: see timecode.h */
	SL_PARAM_DATE_,   /* int64_t, milliseconds since 1970: RFC 3339, or a date's first moment */
	SL_PARAM_NUMBER_, /* double in [min, max], written without an exponent */
	SL_PARAM_INTEGER_, /* int64_t in [min, max] */
	SL_PARAM_BOOL_,    /* bool: "true" or "false" */
	SL_PARAM_WORDS_,   /* unsigned: bit set over `words`, separated by commas */
	SL_PARAM_CHOICE_,  /* int: index in `words` */
	SL_PARAM_TEXT_,    /* const char *: 1 to `max` characters */
	SL_PARAM_TEXTS_,   /* struct sl_param_texts: each 1 to `max` characters */
};

struct sl_param {
	const char *name;
	enum sl_param_kind kind;
	size_t offset;
	double min, max;
	const char *const *words; /* NULL-terminated, at most 32 */
};

/* clang-format off */
/* A member of another type does not compile. */
#define SL_PARAM_(struct_, member_, type_, name_, kind_, ...) \
	{.name = (name_), .kind = (kind_), .offset = offsetof(struct_, member_) + \
		_Generic(((struct_ *)NULL)->member_, type_: 0), __VA_ARGS__}
#define SL_PARAM_TIME(struct_, member_, name_) \
	SL_PARAM_(struct_, member_, int64_t, name_, SL_PARAM_TIME_, .min = 0)
#define SL_PARAM_DATE(struct_, member_, name_) \
	SL_PARAM_(struct_, member_, int64_t, name_, SL_PARAM_DATE_, .min = 0)
#define SL_PARAM_NUMBER(struct_, member_, name_, min_, max_) \
	SL_PARAM_(struct_, member_, double, name_, SL_PARAM_NUMBER_, .min = (min_), .max = (max_))
/* Bounds of up to 2^53. */
#define SL_PARAM_INTEGER(struct_, member_, name_, min_, max_) \
	SL_PARAM_(struct_, member_, int64_t, name_, SL_PARAM_INTEGER_, .min = (min_), .max = (max_))
#define SL_PARAM_BOOL(struct_, member_, name_) \
	SL_PARAM_(struct_, member_, bool, name_, SL_PARAM_BOOL_, .min = 0)
#define SL_PARAM_WORDS(struct_, member_, name_, words_) \
	SL_PARAM_(struct_, member_, unsigned, name_, SL_PARAM_WORDS_, .words = (words_))
#define SL_PARAM_CHOICE(struct_, member_, name_, words_) \
	SL_PARAM_(struct_, member_, int, name_, SL_PARAM_CHOICE_, .words = (words_))
#define SL_PARAM_TEXT(struct_, member_, name_, max_) \
	SL_PARAM_(struct_, member_, const char *, name_, SL_PARAM_TEXT_, .max = (max_))
#define SL_PARAM_TEXTS(struct_, member_, name_, max_) \
	SL_PARAM_(struct_, member_, struct sl_param_texts, name_, SL_PARAM_TEXTS_, .max = (max_))
#define SL_PARAM_END {.name = NULL, .kind = SL_PARAM_END_}
/* clang-format on */

/**
 * Fills `target` by the table. Refuses parameters that are not in it, and those given twice that
 * may not be. On failure members up to the one refused may have been filled.
 */
SL_MUST_CHECK enum sl_err sl_params_decode(const struct sl_query *query,
	const struct sl_param *params, void *target, struct sl_error *reterr);

/** The same for a request, into its error. */
SL_MUST_CHECK enum sl_err sl_params_read(
	struct sl_request *request, const struct sl_param *params, void *target);

/** What a list is of, for its cursors: the operation, the path and all parameters but `cursor` and
 *  `limit`, in whatever order they came. Appended. */
void sl_params_scope(const struct sl_request *request, struct sl_buf *out);

/** Refuses a parameter: `pointer` is "?name", and the sentence is "must be …" or the like. */
enum sl_err sl_params_refuse(
	struct sl_request *request, const char *pointer, const char *format, ...) SL_PRINTF(3, 4);

#endif
