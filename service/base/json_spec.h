/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_JSON_SPEC_H
#define SL_JSON_SPEC_H

/*
 * JSON <-> C structs by table. A table names each member once:
 *
 *     struct frames { int64_t interval_ms; };
 *     static const struct sl_json_field frames_spec[] = {
 *             SL_I64(struct frames, interval_ms, 100, 600000, SL_OPTIONAL),
 *             SL_JSON_END,
 *     };
 *
 * Decoding fills the struct; what is absent and optional keeps the value that was there (the
 * default). Decoded strings and json_t are borrowed from the root. Not thread-safe per root
 * (jansson counts references without locks): one tree, one thread.
 */

#include <jansson.h>
#include <stdbool.h>

#include "defs.h"
#include "err.h"

enum sl_json_kind {
	SL_JSON_END_,
	SL_JSON_STR,   /* const char * */
	SL_JSON_I64,   /* int64_t */
	SL_JSON_F64,   /* double; integers are accepted */
	SL_JSON_F64S,  /* double written as a JSON string ("0.119"), as Transcribe does */
	SL_JSON_BOOL,  /* bool */
	SL_JSON_ENUM,  /* int: index in `names` */
	SL_JSON_OBJ,   /* struct, inline */
	SL_JSON_ARRAY, /* struct sl_json_array of structs, decoded by `spec` */
	SL_JSON_STRV,  /* struct sl_json_strv */
	SL_JSON_ENUMS, /* unsigned: bit set over `names`, from an array of distinct strings */
	SL_JSON_ANY,   /* json_t *, borrowed */
};

/* An array of structs; `items` is owned by the decoded struct: see sl_json_finish(). */
struct sl_json_array {
	void *items;
	size_t count;
};

/* An array of strings; `items` is owned, the strings are borrowed. */
struct sl_json_strv {
	const char **items;
	size_t count;
};

enum sl_json_flags {
	SL_REQUIRED = 0,
	SL_OPTIONAL = 1, /* may be absent (or null in lenient mode) */
};

struct sl_json_field {
	const char *name;
	enum sl_json_kind kind;
	size_t offset;
	enum sl_json_flags flags;
	int64_t min, max;                 /* STR: length in bytes; I64, F64: value; arrays: count */
	int64_t item_min, item_max;       /* STRV: length of each string in bytes */
	const struct sl_json_field *spec; /* OBJ, ARRAY */
	size_t item_size;                 /* ARRAY: sizeof the struct */
	const char *const *names;         /* ENUM, ENUMS: NULL-terminated */
};

/* clang-format off */
#define SL_JSON_FIELD_(struct_, member_, wire_, kind_, flags_, ...) \
	{.name = (wire_), .kind = (kind_), .offset = offsetof(struct_, member_), .flags = (flags_), __VA_ARGS__}
#define SL_STR(struct_, member_, min_, max_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_STR, flags_, .min = (min_), .max = (max_))
#define SL_STR_AS(struct_, member_, wire_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_STR, flags_, .min = 0, .max = INT64_MAX)
#define SL_I64(struct_, member_, min_, max_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_I64, flags_, .min = (min_), .max = (max_))
#define SL_I64_AS(struct_, member_, wire_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_I64, flags_, .min = INT64_MIN, .max = INT64_MAX)
#define SL_F64(struct_, member_, min_, max_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_F64, flags_, .min = (min_), .max = (max_))
#define SL_F64_AS(struct_, member_, wire_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_F64, flags_, .min = INT64_MIN, .max = INT64_MAX)
#define SL_F64S_AS(struct_, member_, wire_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_F64S, flags_, .min = INT64_MIN, .max = INT64_MAX)
#define SL_BOOL_(struct_, member_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_BOOL, flags_, .min = 0)
#define SL_ENUM(struct_, member_, names_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_ENUM, flags_, .names = (names_))
#define SL_ENUMS(struct_, member_, names_, min_, max_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_ENUMS, flags_, .names = (names_), .min = (min_), .max = (max_))
#define SL_OBJ(struct_, member_, spec_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_OBJ, flags_, .spec = (spec_))
#define SL_OBJ_AS(struct_, member_, wire_, spec_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_OBJ, flags_, .spec = (spec_))
#define SL_ARRAY_AS(struct_, member_, wire_, item_, spec_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_ARRAY, flags_, .spec = (spec_), .item_size = sizeof(item_), .min = 0, .max = INT64_MAX)
#define SL_STRV(struct_, member_, min_, max_, item_min_, item_max_, flags_) \
	SL_JSON_FIELD_(struct_, member_, #member_, SL_JSON_STRV, flags_, .min = (min_), .max = (max_), .item_min = (item_min_), .item_max = (item_max_))
#define SL_ANY_AS(struct_, member_, wire_, flags_) \
	SL_JSON_FIELD_(struct_, member_, wire_, SL_JSON_ANY, flags_, .min = 0)
#define SL_JSON_END {.name = NULL, .kind = SL_JSON_END_}
/* clang-format on */

enum sl_json_mode {
	SL_JSON_STRICT,  /* a client's request: unknown fields and null are errors */
	SL_JSON_LENIENT, /* a provider's answer: unknown fields are skipped, null is absent */
};

/**
 * Parses a whole body. Duplicate keys, trailing bytes, embedded NUL and nesting deeper than
 * jansson's limit are errors (BODY_NOT_JSON, DUPLICATE_KEY). The caller owns `*ret_root`.
 */
SL_MUST_CHECK enum sl_err sl_json_parse(
	const char *body, size_t len, json_t **ret_root, struct sl_error *reterr);

/**
 * Fills `target` from `root` by the table. On failure `reterr` has the JSON pointer of the field
 * and `target` owns nothing. On success call sl_json_finish() when arrays were declared.
 */
SL_MUST_CHECK enum sl_err sl_json_decode(const json_t *root, const struct sl_json_field *spec,
	enum sl_json_mode mode, void *target, struct sl_error *reterr);

/** Frees the arrays that decoding allocated, and zeroes them. */
void sl_json_finish(const struct sl_json_field *spec, void *target);

/** The object that the table makes of `source`; NULL strings and NULL json_t are left out. The
 *  caller owns it. */
json_t *sl_json_encode(const struct sl_json_field *spec, const void *source);

/** Compact JSON text, UTF-8 unescaped, owned by the caller. */
char *sl_json_text(const json_t *root);

/** Cleanup for SL_AUTO(sl_json_decrefp) json_t *x (jansson's json_auto_t does the same). */
void sl_json_decrefp(json_t **root);

#endif
