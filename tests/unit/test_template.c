/* SPDX-License-Identifier: Apache-2.0 */
/* CloudFormation templates as provision reads them, and policy documents as it joins them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json_spec.h"
#include "mem.h"
#include "policy.h"
#include "template.h"
#include "text.h"

static const struct sl_template_place place = {"123456789012", "eu-west-1", "aws"};

/* A template of one resource R with this property P, beside parameters, conditions and A. */
static char *around(const char *property)
{
	return sl_asprintf("{\"Parameters\": {\"Name\": {\"Type\": \"String\", \"Default\": \"n\"},"
			   " \"Days\": {\"Type\": \"Number\", \"Default\": 7},"
			   " \"List\": {\"Type\": \"CommaDelimitedList\", \"Default\": \"a, b\"}},"
			   " \"Conditions\": {\"Yes\": {\"Fn::Equals\": [{\"Ref\": \"Days\"}, 7]},"
			   "  \"No\": {\"Fn::Not\": [{\"Condition\": \"Yes\"}]}},"
			   " \"Resources\": {\"R\": {\"Type\": \"T\", \"Properties\": {\"P\": %s}},"
			   "  \"A\": {\"Type\": \"T\"}}}",
		property);
}

static enum sl_err property_of(const char *property, json_t **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *json = around(property);
	SL_AUTO(sl_template_destroyp)
	struct sl_template *template = NULL;
	enum sl_err err = sl_template_create(json, &place, NULL, 0, &template, reterr);
	if (err != SL_ERR_OK) {
		return err;
	}
	sl_template_set(template, "A", "Ref", "a-ref");
	sl_template_set(template, "A", "Arn", "a-arn");
	return sl_template_properties(template, "R", ret, reterr);
}

static void functions_give_what_cloudformation_gives(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *property;
		const char *value; /* of {"P": …}, compact; NULL: P is left out */
	} cases[] = {
		{"\"x\"", "\"x\""},
		{"{\"Ref\": \"Name\"}", "\"n\""},
		{"{\"Ref\": \"Days\"}", "\"7\""},
		{"{\"Ref\": \"List\"}", "[\"a\",\"b\"]"},
		{"{\"Ref\": \"AWS::AccountId\"}", "\"123456789012\""},
		{"{\"Ref\": \"AWS::NoValue\"}", NULL},
		{"[1, {\"Ref\": \"AWS::NoValue\"}, {\"x\": {\"Ref\": \"AWS::NoValue\"}}]", "[1,{}]"},
		{"{\"Ref\": \"A\"}", "\"a-ref\""},
		{"{\"Fn::GetAtt\": [\"A\", \"Arn\"]}", "\"a-arn\""},
		{"{\"Fn::Sub\": \"${AWS::Partition}:${Name}/${A}:${A.Arn}${!Name}$\"}", "\"aws:n/a-ref:a-arn${Name}$\""},
		{"{\"Fn::Sub\": \"nothing\"}", "\"nothing\""},
		{"{\"Fn::If\": [\"Yes\", 1, {\"Ref\": \"AWS::NoValue\"}]}", "1"},
		{"{\"Fn::If\": [\"No\", 1, {\"Ref\": \"AWS::NoValue\"}]}", NULL},
		{"{\"Fn::Join\": [\"/*,\", {\"Ref\": \"List\"}]}", "\"a/*,b\""},
		{"{\"Fn::Split\": [\",\", \"a,,b\"]}", "[\"a\",\"\",\"b\"]"},
		{"{\"Fn::Select\": [0, {\"Fn::Split\": [\":\", \"https://h\"]}]}", "\"https\""},
		/* a member of policies, and no function */
		{"{\"Condition\": {\"Bool\": {\"k\": true}}}", "{\"Condition\":{\"Bool\":{\"k\":true}}}"},
	};
	/* clang-format on */
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		json_auto_t *properties = NULL;
		assert_int_equal(property_of(cases[i].property, &properties, NULL), SL_ERR_OK);
		const json_t *value = json_object_get(properties, "P");
		if (cases[i].value == NULL) {
			assert_null(value);
			continue;
		}
		SL_AUTO(sl_freep)
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		assert_string_equal(text, cases[i].value);
	}
}

static void what_is_not_known_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *property;
		const char *says;
	} cases[] = {
		{"{\"Ref\": \"Nobody\"}", "Nobody"},
		{"{\"Fn::GetAtt\": [\"Nobody\", \"Arn\"]}", "Nobody"},
		{"{\"Fn::GetAtt\": [\"A\", \"Colour\"]}", "A.Colour"},
		{"{\"Fn::Sub\": \"${Nobody}\"}", "Nobody"},
		{"{\"Fn::Sub\": [\"${x}\", {\"x\": 1}]}", "Sub"},
		{"{\"Fn::Base64\": \"x\"}", "Fn::Base64"},
		{"{\"Fn::If\": [\"Maybe\", 1, 2]}", "Maybe"},
		{"{\"Fn::Join\": [\",\"]}", "Join"},
		{"{\"Fn::Select\": [2, [1]]}", "Select"},
		{"{\"Ref\": \"R\"}", "circle: R"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		json_auto_t *properties = NULL;
		assert_int_equal(
			property_of(cases[i].property, &properties, &error), SL_ERR_INTERNAL);
		assert_non_null(strstr(error.detail, cases[i].says));
		assert_null(properties);
	}
}

static void parameters_are_checked(void **state)
{
	(void)state;
	static const char json[] =
		"{\"Parameters\": {\"Must\": {\"Type\": \"String\", \"AllowedPattern\": "
		"\"[a-z]{2,3}\"},"
		" \"One\": {\"Type\": \"String\", \"Default\": \"x\", \"AllowedValues\": [\"x\","
		" \"y\"]},"
		" \"Few\": {\"Type\": \"Number\", \"Default\": 1, \"MinValue\": 1, \"MaxValue\": "
		"9}}, \"Resources\": {}}";
	static const struct {
		struct sl_pair given[2];
		size_t count;
		const char *says; /* NULL: it is fine */
	} cases[] = {
		{{{"Must", "ab"}}, 1, NULL},
		{{{"Must", "ab"}, {"Must", "abc"}}, 2, NULL},
		{{{NULL, NULL}}, 0, "Must is missing"},
		{{{"Must", "abcd"}}, 1, "[a-z]{2,3}"},
		{{{"Must", "ab\nc"}}, 1, "must match"},
		{{{"Must", "ab"}, {"One", "z"}}, 2, "x, y"},
		{{{"Must", "ab"}, {"Few", "10"}}, 2, "1 to 9"},
		{{{"Must", "ab"}, {"Few", "many"}}, 2, "a number"},
		{{{"Must", "ab"}, {"Other", "x"}}, 2, "no parameter Other"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		SL_AUTO(sl_template_destroyp)
		struct sl_template *template = NULL;
		enum sl_err err = sl_template_create(
			json, &place, cases[i].given, cases[i].count, &template, &error);
		assert_int_equal(err, cases[i].says ? SL_ERR_BAD_PARAMETER : SL_ERR_OK);
		assert_true(cases[i].says == NULL || strstr(error.detail, cases[i].says));
	}
}

static enum sl_err order(const char *resources, char **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_freep)
	char *json = sl_asprintf("{\"Conditions\": {\"No\": {\"Fn::Equals\": [1, 2]}},"
				 " \"Resources\": %s}",
		resources);
	SL_AUTO(sl_template_destroyp)
	struct sl_template *template = NULL;
	enum sl_err err = sl_template_create(json, &place, NULL, 0, &template, reterr);
	struct sl_buf names = SL_BUF_INIT;
	for (size_t i = 0; err == SL_ERR_OK && i < sl_template_count(template); i++) {
		sl_buf_puts(&names, sl_template_name(template, i));
	}
	*ret = sl_buf_steal(&names);
	return err;
}

static void resources_come_behind_what_they_need(void **state)
{
	(void)state;
	static const struct {
		const char *resources;
		const char *names;
		const char *says; /* of an error */
	} cases[] = {
		{"{\"A\": {}, \"B\": {}}", "AB", NULL},
		{"{\"A\": {\"Properties\": {\"x\": [{\"Fn::Sub\": \"${C.Arn}\"}]}},"
		 " \"B\": {\"DependsOn\": [\"A\"]}, \"C\": {}}",
			"CAB", NULL},
		{"{\"A\": {\"DependsOn\": \"B\"}, \"B\": {\"Condition\": \"No\"}}", "A", NULL},
		{"{\"A\": {\"DependsOn\": \"B\"},"
		 " \"B\": {\"Properties\": {\"x\": {\"Fn::GetAtt\": [\"A\", \"Arn\"]}}},"
		 " \"C\": {}}",
			"", "circle: A B"},
		{"{\"A\": {\"DependsOn\": \"Z\"}}", "", "Z"},
		{"{\"A\": {\"Condition\": \"Perhaps\"}}", "", "Perhaps"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		SL_AUTO(sl_freep)
		char *names = NULL;
		enum sl_err err = order(cases[i].resources, &names, &error);
		assert_int_equal(err, cases[i].says ? SL_ERR_INTERNAL : SL_ERR_OK);
		assert_string_equal(names, cases[i].names);
		assert_true(cases[i].says == NULL || strstr(error.detail, cases[i].says));
	}
}

static void our_template_is_read_with_and_without_an_endpoint(void **state)
{
	(void)state;
	const struct sl_pair given[] = {{"BucketName", "b-1"}, {"Endpoint", "https://h/sns"}};
	for (size_t count = 1; count <= 2; count++) {
		SL_AUTO(sl_template_destroyp)
		struct sl_template *template = NULL;
		assert_int_equal(
			sl_template_create(sl_template_json, &place, given, count, &template, NULL),
			SL_ERR_OK);
		size_t subscriptions = 0;
		for (size_t i = 0; i < sl_template_count(template); i++) {
			const char *type =
				sl_template_type(template, sl_template_name(template, i));
			subscriptions += sl_text_equal(type, "AWS::SNS::Subscription") ? 1 : 0;
		}
		assert_int_equal(subscriptions, count == 1 ? 0 : 3);
	}
}

/* --- policies ------------------------------------------------------------------------------- */

static json_t *parse(const char *text)
{
	return json_loads(text, 0, NULL);
}

static void policies_are_equal_when_they_say_the_same(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		bool equal;
	} cases[] = {
		{"{\"x\": \"a\"}", "{\"x\": [\"a\"]}", true},
		{"{\"x\": [\"a\", \"b\"]}", "{\"x\": [\"b\", \"a\", \"b\"]}", true},
		{"{\"x\": true, \"y\": 1}", "{\"y\": \"1\", \"x\": [\"true\"]}", true},
		{"{\"x\": \"a\"}", "{\"x\": \"A\"}", false},
		{"{\"x\": \"a\"}", "{\"x\": \"a\", \"y\": \"b\"}", false},
		{"{\"x\": []}", "{\"x\": \"a\"}", false},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		json_auto_t *a = parse(cases[i].a);
		json_auto_t *b = parse(cases[i].b);
		assert_int_equal(sl_policy_equal(a, b), cases[i].equal);
	}
	assert_true(sl_policy_equal(NULL, NULL));
	json_auto_t *empty = json_object();
	assert_false(sl_policy_equal(NULL, empty));
}

static void statements_of_others_stay_in_a_policy(void **state)
{
	(void)state;
	json_auto_t *wanted = parse("{\"Version\": \"2012-10-17\", \"Statement\":"
				    " [{\"Sid\": \"ours\", \"Action\": \"a\"}]}");
	json_auto_t *have = parse("{\"Statement\": [{\"Sid\": \"ours\", \"Action\": \"old\"},"
				  " {\"Sid\": \"theirs\"}, {\"Action\": \"no sid\"},"
				  " {\"Sid\": \"__default_statement_ID\"}]}");
	assert_false(sl_policy_includes(have, wanted));
	json_auto_t *merged = sl_policy_merge(have, wanted);
	json_auto_t *expected =
		parse("{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"theirs\"},"
		      " {\"Action\": \"no sid\"}, {\"Sid\": \"ours\", \"Action\": \"a\"}]}");
	assert_true(json_equal(merged, expected));
	assert_true(sl_policy_includes(merged, wanted));
	json_auto_t *fresh = sl_policy_merge(NULL, wanted);
	assert_true(json_equal(fresh, wanted));
	/* one statement, not in a list */
	json_auto_t *single = parse("{\"Statement\": {\"Sid\": \"ours\", \"Action\": [\"a\"]}}");
	assert_true(sl_policy_includes(single, wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_give_what_cloudformation_gives),
		cmocka_unit_test(what_is_not_known_is_refused),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(resources_come_behind_what_they_need),
		cmocka_unit_test(our_template_is_read_with_and_without_an_endpoint),
		cmocka_unit_test(policies_are_equal_when_they_say_the_same),
		cmocka_unit_test(statements_of_others_stay_in_a_policy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
