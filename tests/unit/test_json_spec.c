/* SPDX-License-Identifier: Apache-2.0 */
/* JSON tables: every kind, both modes, and where each error points. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "json_spec.h"
#include "mem.h"

struct item {
	int64_t n;
	struct sl_json_strv tags;
};

struct inner {
	const char *name;
	struct sl_json_strv tags;
};

struct body {
	const char *text;
	int64_t number;
	double real;
	double quoted;
	bool flag;
	int colour;
	unsigned colours;
	struct inner inner;
	struct sl_json_array items;
	struct sl_json_strv words;
	json_t *any;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct sl_json_field item_spec[] = {
	SL_I64(struct item, n, 0, 9, SL_REQUIRED),
	SL_STRV(struct item, tags, 0, 2, 1, 3, SL_OPTIONAL),
	SL_JSON_END,
};

static const struct sl_json_field inner_spec[] = {
	SL_STR(struct inner, name, 1, 4, SL_REQUIRED),
	SL_STRV(struct inner, tags, 0, 9, 0, 9, SL_OPTIONAL),
	SL_JSON_END,
};

static const struct sl_json_field body_spec[] = {
	SL_STR(struct body, text, 1, 4, SL_REQUIRED),
	SL_I64(struct body, number, -5, 5, SL_OPTIONAL),
	SL_F64(struct body, real, 0, 100, SL_OPTIONAL),
	SL_F64S_AS(struct body, quoted, "start_time", SL_OPTIONAL),
	SL_BOOL_(struct body, flag, SL_OPTIONAL),
	SL_ENUM(struct body, colour, colours, SL_OPTIONAL),
	SL_ENUMS(struct body, colours, colours, 1, 3, SL_OPTIONAL),
	SL_OBJ(struct body, inner, inner_spec, SL_OPTIONAL),
	SL_ARRAY_AS(struct body, items, "a/b~c", struct item, item_spec, SL_OPTIONAL),
	SL_STRV(struct body, words, 1, 2, 1, 3, SL_OPTIONAL),
	SL_ANY_AS(struct body, any, "any", SL_OPTIONAL),
	SL_JSON_END,
};

static void every_kind_decodes_and_encodes_back(void **state)
{
	(void)state;
	static const char text[] =
		"{\"text\":\"한\",\"number\":-5,\"real\":1.5,\"start_time\":\"0.119\",\"flag\":"
		"true,"
		"\"colour\":\"blue\",\"colours\":[\"red\",\"blue\"],"
		"\"inner\":{\"name\":\"n\",\"tags\":[\"x\"]},"
		"\"a/b~c\":[{\"n\":1,\"tags\":[\"a\",\"b\"]},{\"n\":2,\"tags\":[]}],"
		"\"words\":[\"one\"],\"any\":[null,{\"k\":1}]}";
	json_auto_t *root = NULL;
	assert_int_equal(sl_json_parse(text, strlen(text), &root, NULL), SL_ERR_OK);
	struct body body = {0};
	assert_int_equal(sl_json_decode(root, body_spec, SL_JSON_STRICT, &body, NULL), SL_ERR_OK);
	assert_string_equal(body.text, "한");
	assert_int_equal(body.number, -5);
	assert_true(body.real > 1.49 && body.real < 1.51);
	assert_true(body.quoted > 0.1189 && body.quoted < 0.1191);
	assert_true(body.flag);
	assert_int_equal(body.colour, 2);
	assert_int_equal(body.colours, 1 | 4);
	assert_string_equal(body.inner.name, "n");
	assert_int_equal(body.items.count, 2);
	const struct item *items = body.items.items;
	assert_int_equal(items[1].n, 2);
	assert_string_equal(items[0].tags.items[1], "b");
	assert_string_equal(body.words.items[0], "one");
	assert_true(json_is_array(body.any));
	json_auto_t *encoded = sl_json_encode(body_spec, &body);
	SL_AUTO(sl_freep)
	char *again = sl_json_text(encoded);
	assert_string_equal(again, text);
	sl_json_finish(body_spec, &body);
	assert_null(body.items.items);
	assert_null(body.inner.tags.items);
}

static void what_is_absent_keeps_its_default(void **state)
{
	(void)state;
	json_auto_t *root = json_pack("{s:s}", "text", "x");
	struct body body = {.number = 3, .colour = 1, .colours = 7};
	assert_int_equal(sl_json_decode(root, body_spec, SL_JSON_STRICT, &body, NULL), SL_ERR_OK);
	assert_int_equal(body.number, 3);
	assert_int_equal(body.colour, 1);
	assert_int_equal(body.colours, 7);
	assert_null(body.any);
	sl_json_finish(body_spec, &body);
}

static void an_error_has_its_code_and_points_at_the_field(void **state)
{
	(void)state;
	static const struct {
		const char *members; /* beside "text" */
		enum sl_err err;
		const char *pointer;
	} rows[] = {
		{"\"text\":null", SL_ERR_WRONG_TYPE, "/text"},
		{"\"text\":1", SL_ERR_WRONG_TYPE, "/text"},
		{"\"text\":\"\"", SL_ERR_OUT_OF_RANGE, "/text"},
		{"\"text\":\"12345\"", SL_ERR_OUT_OF_RANGE, "/text"},
		{"\"text\":\"한국\"", SL_ERR_OUT_OF_RANGE, "/text"}, /* bytes count */
		{"\"flag\":true", SL_ERR_MISSING_FIELD, "/text"},
		{"\"text\":\"x\",\"other\":1", SL_ERR_UNKNOWN_FIELD, "/other"},
		{"\"text\":\"x\",\"a/b\":1", SL_ERR_UNKNOWN_FIELD, "/a~1b"},
		{"\"text\":\"x\",\"\":1", SL_ERR_UNKNOWN_FIELD, "/"},
		{"\"text\":\"x\",\"number\":6", SL_ERR_OUT_OF_RANGE, "/number"},
		{"\"text\":\"x\",\"number\":-6", SL_ERR_OUT_OF_RANGE, "/number"},
		{"\"text\":\"x\",\"number\":1.5", SL_ERR_WRONG_TYPE, "/number"},
		{"\"text\":\"x\",\"number\":6.0", SL_ERR_OUT_OF_RANGE, "/number"},
		{"\"text\":\"x\",\"number\":1e300", SL_ERR_WRONG_TYPE, "/number"},
		{"\"text\":\"x\",\"number\":\"1\"", SL_ERR_WRONG_TYPE, "/number"},
		{"\"text\":\"x\",\"real\":100.5", SL_ERR_OUT_OF_RANGE, "/real"},
		{"\"text\":\"x\",\"real\":\"1\"", SL_ERR_WRONG_TYPE, "/real"},
		{"\"text\":\"x\",\"start_time\":1", SL_ERR_WRONG_TYPE, "/start_time"},
		{"\"text\":\"x\",\"start_time\":\"\"", SL_ERR_WRONG_TYPE, "/start_time"},
		{"\"text\":\"x\",\"start_time\":\"1s\"", SL_ERR_WRONG_TYPE, "/start_time"},
		{"\"text\":\"x\",\"start_time\":\"nan\"", SL_ERR_WRONG_TYPE, "/start_time"},
		{"\"text\":\"x\",\"start_time\":\"inf\"", SL_ERR_WRONG_TYPE, "/start_time"},
		{"\"text\":\"x\",\"flag\":1", SL_ERR_WRONG_TYPE, "/flag"},
		{"\"text\":\"x\",\"colour\":\"pink\"", SL_ERR_BAD_VALUE, "/colour"},
		{"\"text\":\"x\",\"colour\":2", SL_ERR_WRONG_TYPE, "/colour"},
		{"\"text\":\"x\",\"colours\":\"red\"", SL_ERR_WRONG_TYPE, "/colours"},
		{"\"text\":\"x\",\"colours\":[]", SL_ERR_OUT_OF_RANGE, "/colours"},
		{"\"text\":\"x\",\"colours\":[\"red\",\"pink\"]", SL_ERR_BAD_VALUE, "/colours/1"},
		{"\"text\":\"x\",\"colours\":[\"red\",\"red\"]", SL_ERR_BAD_VALUE, "/colours/1"},
		{"\"text\":\"x\",\"colours\":[1]", SL_ERR_WRONG_TYPE, "/colours/0"},
		{"\"text\":\"x\",\"inner\":[]", SL_ERR_WRONG_TYPE, "/inner"},
		{"\"text\":\"x\",\"inner\":{}", SL_ERR_MISSING_FIELD, "/inner/name"},
		{"\"text\":\"x\",\"inner\":{\"name\":\"n\",\"tags\":[\"a\",1]}", SL_ERR_WRONG_TYPE,
			"/inner/tags/1"},
		{"\"text\":\"x\",\"a/b~c\":{}", SL_ERR_WRONG_TYPE, "/a~1b~0c"},
		{"\"text\":\"x\",\"a/b~c\":[1]", SL_ERR_WRONG_TYPE, "/a~1b~0c/0"},
		{"\"text\":\"x\",\"a/b~c\":[{\"n\":1,\"tags\":[\"a\"]},{\"n\":10}]",
			SL_ERR_OUT_OF_RANGE, "/a~1b~0c/1/n"},
		{"\"text\":\"x\",\"a/b~c\":[{\"n\":1,\"tags\":[\"a\",\"long\"]}]",
			SL_ERR_OUT_OF_RANGE, "/a~1b~0c/0/tags/1"},
		{"\"text\":\"x\",\"words\":[]", SL_ERR_OUT_OF_RANGE, "/words"},
		{"\"text\":\"x\",\"words\":[\"a\",\"b\",\"c\"]", SL_ERR_OUT_OF_RANGE, "/words"},
		{"\"text\":\"x\",\"words\":[null]", SL_ERR_WRONG_TYPE, "/words/0"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		SL_AUTO(sl_freep)
		char *text = sl_asprintf("{%s}", rows[i].members);
		json_auto_t *root = NULL;
		assert_int_equal(sl_json_parse(text, strlen(text), &root, NULL), SL_ERR_OK);
		struct body body = {0};
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_json_decode(root, body_spec, SL_JSON_STRICT, &body, &error);
		if (err != rows[i].err || error.code != err ||
			strcmp(error.pointer, rows[i].pointer) != 0) {
			fail_msg("%s: %s at %s", text, sl_err_code(err), error.pointer);
		}
		assert_null(body.items.items);
		assert_null(body.words.items);
		assert_null(body.inner.tags.items);
	}
	json_auto_t *list = json_array();
	struct body body = {0};
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_int_equal(
		sl_json_decode(list, body_spec, SL_JSON_STRICT, &body, &error), SL_ERR_WRONG_TYPE);
	assert_string_equal(error.pointer, ""); /* the document itself */
}

static void a_provider_may_add_fields_and_send_null(void **state)
{
	(void)state;
	static const char text[] = "{\"text\":\"x\",\"new\":{},\"number\":null,\"colours\":null,"
				   "\"a/b~c\":[{\"n\":1,\"m\":2,\"tags\":null}]}";
	json_auto_t *root = NULL;
	assert_int_equal(sl_json_parse(text, strlen(text), &root, NULL), SL_ERR_OK);
	struct body body = {.number = 4};
	assert_int_equal(sl_json_decode(root, body_spec, SL_JSON_LENIENT, &body, NULL), SL_ERR_OK);
	assert_int_equal(body.number, 4);
	assert_int_equal(body.items.count, 1);
	sl_json_finish(body_spec, &body);
	json_auto_t *null_text = json_pack("{s:n}", "text");
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	assert_int_equal(sl_json_decode(null_text, body_spec, SL_JSON_LENIENT, &body, &error),
		SL_ERR_MISSING_FIELD);
}

static void a_body_must_be_one_whole_json_document(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		enum sl_err err;
	} rows[] = {
#define ROW(literal, err) {(literal), sizeof(literal) - 1, (err)}
		ROW("{}", SL_ERR_OK),
		ROW(" [1] \n", SL_ERR_OK),
		ROW("", SL_ERR_BODY_NOT_JSON),
		ROW("1", SL_ERR_BODY_NOT_JSON),
		ROW("{", SL_ERR_BODY_NOT_JSON),
		ROW("{}x", SL_ERR_BODY_NOT_JSON),
		ROW("{}{}", SL_ERR_BODY_NOT_JSON),
		ROW("{}\0", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\\u0000b\":1}", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\":\"\\u0000\"}", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\":\"\\ud800\"}", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\":\"\xff\"}", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\":1e999}", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\":9223372036854775808}", SL_ERR_BODY_NOT_JSON),
		ROW("{'a':1}", SL_ERR_BODY_NOT_JSON),
		ROW("{\"a\":1,\"a\":1}", SL_ERR_DUPLICATE_KEY),
		ROW("{\"b\":[{\"a\":1,\"\\u0061\":1}]}", SL_ERR_DUPLICATE_KEY),
#undef ROW
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(rows); i++) {
		json_auto_t *root = NULL;
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = sl_json_parse(rows[i].text, rows[i].len, &root, &error);
		if (err != rows[i].err) {
			fail_msg("%s: %s", rows[i].text, sl_err_code(err));
		}
		assert_int_equal(error.detail != NULL, err != SL_ERR_OK);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf deep = SL_BUF_INIT;
	for (int i = 0; i < 100000; i++) {
		sl_buf_putc(&deep, '[');
	}
	json_auto_t *root = NULL;
	assert_int_equal(sl_json_parse(deep.data, deep.len, &root, NULL), SL_ERR_BODY_NOT_JSON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_decodes_and_encodes_back),
		cmocka_unit_test(what_is_absent_keeps_its_default),
		cmocka_unit_test(an_error_has_its_code_and_points_at_the_field),
		cmocka_unit_test(a_provider_may_add_fields_and_send_null),
		cmocka_unit_test(a_body_must_be_one_whole_json_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
