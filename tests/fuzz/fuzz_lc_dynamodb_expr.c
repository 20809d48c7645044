/* SPDX-License-Identifier: Apache-2.0 */
/* DynamoDB's expressions: the first byte chooses the grammar, the rest is an expression, which is
 * then used on an item. What is refused has words; what an update makes is a valid item. */

#include <stdint.h>

#include "lc_dynamodb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char item_text[] =
	"{\"k\":{\"S\":\"d\"},\"a\":{\"S\":\"Abc\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"AAE=\"},"
	"\"l\":{\"L\":[{\"S\":\"0\"},{\"M\":{\"x\":{\"N\":\"1\"}}},{\"NULL\":true}]},"
	"\"m\":{\"M\":{\"p\":{\"M\":{\"q\":{\"S\":\"deep\"}}}}},\"ss\":{\"SS\":[\"x\",\"y\"]},"
	"\"ns\":{\"NS\":[\"1\",\"2.5\"]},\"t\":{\"BOOL\":false}}";

static const char placeholders[] =
	"{\"ExpressionAttributeNames\":{\"#a\":\"a\",\"#l\":\"l\"},"
	"\"ExpressionAttributeValues\":{\":a\":{\"S\":\"Abc\"},\":n\":{\"N\":\"-1.5\"},"
	"\":b\":{\"B\":\"AA==\"},\":l\":{\"L\":[{\"N\":\"1\"}]},\":s\":{\"SS\":[\"x\"]},"
	"\":m\":{\"M\":{}},\":t\":{\"BOOL\":true},\":ty\":{\"S\":\"SS\"}}}";

static void use(const struct lc_ddb_expr *expr, enum lc_ddb_grammar grammar, json_t *item)
{
	struct lc_ddb_error error = {NULL, NULL, NULL};
	if (grammar == LC_DDB_CONDITION_GRAMMAR) {
		(void)lc_ddb_matches(expr, item);
		(void)lc_ddb_matches(expr, NULL);
		return;
	}
	json_auto_t *part = lc_ddb_project(expr, item);
	if (!lc_ddb_item_check(part, &error)) {
		SL_BUG("a projection is not a valid item");
	}
	if (grammar == LC_DDB_UPDATE_GRAMMAR) {
		bool done = lc_ddb_update(expr, item, &error);
		if (done ? !lc_ddb_item_check(item, &error) : error.message == NULL) {
			SL_BUG("an update left an invalid item, or failed without words");
		}
		(void)lc_ddb_item_size(item);
	}
	lc_ddb_error_finish(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	enum lc_ddb_grammar grammar = (enum lc_ddb_grammar)(data[0] % 3);
	json_auto_t *source = json_stringn((const char *)data + 1, size - 1);
	json_auto_t *in = json_loads(placeholders, 0, NULL);
	json_auto_t *item = json_loads(item_text, 0, NULL);
	if (source == NULL) { /* not UTF-8: a request cannot hold it */
		return 0;
	}
	json_object_set(in, "Expression", source);
	SL_AUTO(lc_ddb_names_finish)
	struct lc_ddb_names names = {NULL, NULL, NULL, NULL};
	SL_AUTO(lc_ddb_expr_finish)
	struct lc_ddb_expr expr = {NULL, NULL, 0, NULL};
	struct lc_ddb_error error = {NULL, NULL, NULL};
	if (!lc_ddb_names_init(&names, in, &error)) {
		SL_BUG("the placeholders are valid");
	}
	if (lc_ddb_expr_parse(&expr, in, "Expression", grammar, &names, &error)) {
		use(&expr, grammar, item);
	} else if (error.code == NULL || error.message == NULL) {
		SL_BUG("a refusal without words");
	}
	lc_ddb_error_finish(&error);
	return 0;
}
