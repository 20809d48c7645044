/* SPDX-License-Identifier: Apache-2.0 */
/* JSON tables: the first byte chooses the mode, the rest is a body. What decodes must encode to
 * something that decodes and encodes to the same text. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct item {
	const char *s;
	int64_t i;
	struct sl_json_strv tags;
};

struct body {
	const char *s;
	int64_t i;
	double f;
	double fs;
	bool b;
	int e;
	unsigned set;
	struct item one;
	struct sl_json_array many;
	struct sl_json_strv tags;
	json_t *any;
};

static const char *const names[] = {"red", "green", "blue", NULL};

static const struct sl_json_field item_spec[] = {
	SL_STR(struct item, s, 0, 8, SL_OPTIONAL),
	SL_I64(struct item, i, -10, 10, SL_REQUIRED),
	SL_STRV(struct item, tags, 0, 3, 0, 5, SL_OPTIONAL),
	SL_JSON_END,
};

static const struct sl_json_field body_spec[] = {
	SL_STR(struct body, s, 1, 16, SL_OPTIONAL),
	SL_I64(struct body, i, INT64_MIN, INT64_MAX, SL_OPTIONAL),
	SL_F64(struct body, f, -1000, 1000, SL_OPTIONAL),
	SL_F64S_AS(struct body, fs, "f/s~", SL_OPTIONAL),
	SL_BOOL_(struct body, b, SL_OPTIONAL),
	SL_ENUM(struct body, e, names, SL_OPTIONAL),
	SL_ENUMS(struct body, set, names, 0, 3, SL_OPTIONAL),
	SL_OBJ(struct body, one, item_spec, SL_OPTIONAL),
	SL_ARRAY_AS(struct body, many, "many", struct item, item_spec, SL_OPTIONAL),
	SL_STRV(struct body, tags, 0, 100, 0, 100, SL_OPTIONAL),
	SL_ANY_AS(struct body, any, "any", SL_OPTIONAL),
	SL_JSON_END,
};

/* The text that the decoded body encodes to, or NULL when it does not decode. */
static char *normal_form(const char *text, size_t len, enum sl_json_mode mode)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_json_decrefp)
	json_t *root = NULL;
	enum sl_err err = sl_json_parse(text, len, &root, &error);
	struct body body = {0};
	if (err == SL_ERR_OK) {
		err = sl_json_decode(root, body_spec, mode, &body, &error);
	}
	if (err != SL_ERR_OK) {
		if (error.code != err || error.detail == NULL || body.many.items != NULL ||
			body.tags.items != NULL || body.one.tags.items != NULL) {
			SL_BUG("a refused body says nothing, or leaves something behind");
		}
		return NULL;
	}
	SL_AUTO(sl_json_decrefp)
	json_t *encoded = sl_json_encode(body_spec, &body);
	sl_json_finish(body_spec, &body);
	return sl_json_text(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1) {
		return 0;
	}
	enum sl_json_mode mode = data[0] % 2 == 0 ? SL_JSON_STRICT : SL_JSON_LENIENT;
	SL_AUTO(sl_freep)
	char *once = normal_form((const char *)data + 1, size - 1, mode);
	if (once == NULL) {
		return 0;
	}
	SL_AUTO(sl_freep)
	char *twice = normal_form(once, strlen(once), SL_JSON_STRICT);
	if (twice == NULL || strcmp(once, twice) != 0) {
		SL_BUG("what was encoded decodes to something else");
	}
	return 0;
}
