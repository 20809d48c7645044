/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Item sizes as DynamoDB counts them:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dynamodb.h"
#include "json_spec.h"

static const struct {
	const char *item;
	size_t size;
} cases[] = {
	{"{}", 0},
	/* "the length of the attribute name, plus the UTF-8 bytes of the string" */
	{"{\"a\": {\"S\": \"\"}}", 1},
	{"{\"shirt-color\": {\"S\": \"R\"}, \"shirt-size\": {\"S\": \"M\"}}",
		23}, /* the page's own */
	{"{\"\xed\x95\x9c\": {\"S\": \"\xed\x95\x9c\xea\xb5\xad\xf0\x9f\x8e\xac\"}}", 3 + 10},
	{"{\"a\": {\"S\": \"\\u0000\\\"\\n\"}}", 1 + 3},
	/* "1 byte per two significant digits, plus 1 byte"; leading and trailing zeroes count not
	 */
	{"{\"n\": {\"N\": \"27\"}}", 1 + 2},
	{"{\"n\": {\"N\": \"-27\"}}", 1 + 3},
	{"{\"n\": {\"N\": \"123\"}}", 1 + 3},
	{"{\"n\": {\"N\": \"1234\"}}", 1 + 3},
	{"{\"n\": {\"N\": \"001200\"}}", 1 + 2},
	{"{\"n\": {\"N\": \"0\"}}", 1 + 1},
	{"{\"n\": {\"N\": \"-0.00\"}}", 1 + 1},
	{"{\"n\": {\"N\": \"0.0012\"}}", 1 + 2},
	{"{\"n\": {\"N\": \"99.58\"}}", 1 + 3},
	{"{\"n\": {\"N\": \"1.5\"}}", 1 + 3}, /* two bytes of digits: aligned at the point */
	{"{\"n\": {\"N\": \"1E+2\"}}", 1 + 2},
	{"{\"n\": {\"N\": \"12e-2\"}}", 1 + 2},
	{"{\"n\": {\"N\": \"99999999999999999999999999999999999999\"}}", 1 + 20},
	/* binary: the raw bytes, not the base64 */
	{"{\"b\": {\"B\": \"\"}}", 1},
	{"{\"b\": {\"B\": \"AA==\"}}", 1 + 1},
	{"{\"b\": {\"B\": \"AAA=\"}}", 1 + 2},
	{"{\"b\": {\"B\": \"AAAA\"}}", 1 + 3},
	{"{\"b\": {\"BS\": [\"AAAA\", \"AA==\"]}}", 1 + 4},
	/* "the length of the attribute name + 1 byte" */
	{"{\"z\": {\"NULL\": true}}", 2},
	{"{\"t\": {\"BOOL\": false}}", 2},
	/* "3 bytes of overhead, regardless of its contents"; "each element 1 byte of overhead" */
	{"{\"l\": {\"L\": []}}", 1 + 3},
	{"{\"m\": {\"M\": {}}}", 1 + 3},
	{"{\"l\": {\"L\": [{\"S\": \"ab\"}, {\"N\": \"7\"}]}}", 1 + 3 + (2 + 1) + (2 + 1)},
	{"{\"m\": {\"M\": {\"key\": {\"S\": \"value\"}}}}", 1 + 3 + (3 + 5 + 1)},
	{"{\"m\": {\"M\": {\"l\": {\"L\": [{\"NULL\": true}]}}}}", 1 + 3 + (1 + (3 + (1 + 1)) + 1)},
	{"{\"s\": {\"SS\": [\"ab\", \"c\"]}}", 1 + 3},
	{"{\"s\": {\"NS\": [\"12\", \"-3\"]}}", 1 + 2 + 3},
	/* a list of attribute values by itself */
	{"[{\"S\": \"abc\"}, {\"BOOL\": true}]", 3 + 1},
};

static void sizes_are_those_of_the_documentation(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		json_auto_t *item = json_loads(cases[i].item, JSON_ALLOW_NUL, NULL);
		assert_non_null(item);
		size_t size = sl_dynamodb_item_size(item);
		if (size != cases[i].size) {
			fail_msg("%s: %zu, not %zu", cases[i].item, size, cases[i].size);
		}
	}
}

static void what_is_no_item_has_no_size(void **state)
{
	(void)state;
	static const char *const items[] = {"{\"\": {}}", "{\"\": {\"S\": 1}}", "{\"\": 7}",
		"{\"\": {\"\": \"x\"}}", "[[], 1, null]", "{\"\": {\"SS\": \"x\"}}",
		"{\"\": {\"N\": \"\"}}", "{\"\": {\"B\": \"=\"}}"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(items); i++) {
		json_auto_t *item = json_loads(items[i], 0, NULL);
		assert_non_null(item);
		assert_in_range(sl_dynamodb_item_size(item), 0, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_of_the_documentation),
		cmocka_unit_test(what_is_no_item_has_no_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
