/* SPDX-License-Identifier: Apache-2.0 */
/* How the doctor tells what it found, and what it never tells. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkup.h"
#include "findings.h"
#include "mem.h"

static char *printed(const struct sl_finding *finding, const struct sl_secrets *secrets, bool json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	sl_finding_print(finding, "bucket", secrets, json, out);
	fclose(out);
	return text;
}

static void assert_printed(const char *found, const char *remedy, const struct sl_secrets *secrets,
	const char *expected)
{
	SL_AUTO(sl_findings_finish)
	struct sl_findings findings = {0};
	sl_find(&findings, SL_FOUND_FAIL, remedy, "%s", found);
	SL_AUTO(sl_freep)
	char *text = printed(&findings.items[0], secrets, false);
	assert_string_equal(text, expected);
}

static void a_finding_is_one_line_of_whole_sentences(void **state)
{
	(void)state;
	const struct sl_secrets none = {0};
	assert_printed("it is gone", "Make it", &none, "FAIL  bucket: it is gone. Make it.\n");
	assert_printed("it is gone. ", "Make it.", &none, "FAIL  bucket: it is gone. Make it.\n");
	assert_printed("is it there?", NULL, &none, "FAIL  bucket: is it there?\n");
	assert_printed(
		"two\r\nlines\x1b[31m \xff", NULL, &none, "FAIL  bucket: two  lines [31m  .\n");
}

static void json_has_the_same(void **state)
{
	(void)state;
	const struct sl_secrets none = {0};
	SL_AUTO(sl_findings_finish)
	struct sl_findings findings = {0};
	sl_find(&findings, SL_FOUND_WARN, "Do \"this\"", "%d of them", 3);
	sl_find(&findings, SL_FOUND_OK, NULL, "fine");
	SL_AUTO(sl_freep)
	char *first = printed(&findings.items[0], &none, true);
	SL_AUTO(sl_freep)
	char *second = printed(&findings.items[1], &none, true);
	assert_string_equal(first,
		"{\"check\":\"bucket\",\"status\":\"warn\",\"found\":\"3 of them\","
		"\"remedy\":\"Do \\\"this\\\"\"}\n");
	assert_string_equal(
		second, "{\"check\":\"bucket\",\"status\":\"ok\",\"found\":\"fine\"}\n");
	assert_int_equal(sl_findings_worst(&findings), SL_FOUND_WARN);
}

static void secrets_of_the_environment_are_never_printed(void **state)
{
	(void)state;
	char *environment[] = {
		(char *)(uintptr_t) "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG",
		(char *)(uintptr_t) "AWS_SESSION_TOKEN=FwoGZXIvYXdzEJr",
		(char *)(uintptr_t) "PGPASSWORD=correct horse",
		(char *)(uintptr_t) "HTTPS_PROXY=http://u:pr%40xy-pass@proxy:3128",
		(char *)(uintptr_t) "SPOTLIST_DATABASE_URL=host=x password='quoted one' dbname=y",
		(char *)(uintptr_t) "OTHER_URL=postgresql://u@h/d?password=in-a-query&x=y",
		(char *)(uintptr_t) "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/a-path",
		NULL,
	};
	static const struct {
		const char *found;
		const char *expected;
	} cases[] = {
		{"key wJalrXUtnFEMI/K7MDENG.", "FAIL  bucket: key ***.\n"},
		{"FwoGZXIvYXdzEJrFwoGZXIvYXdzEJr", "FAIL  bucket: ******.\n"},
		{"correct horse", "FAIL  bucket: ***.\n"},
		{"pr%40xy-pass or pr@xy-pass", "FAIL  bucket: *** or ***.\n"},
		{"quoted one, in-a-query", "FAIL  bucket: ***, ***.\n"},
		{"/var/run/a-path", "FAIL  bucket: /var/run/a-path.\n"},
	};
	const struct sl_config config = {0};
	SL_AUTO(sl_secrets_finish)
	struct sl_secrets secrets = {0};
	sl_secrets_collect(&secrets, environment, &config);
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		assert_printed(cases[i].found, NULL, &secrets, cases[i].expected);
	}
}

static void arns_are_taken_apart(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *account; /* NULL: it is none */
		const char *resource;
	} cases[] = {
		{"arn:aws:iam::123456789012:role/a/b:c", "123456789012", "role/a/b:c"},
		{"arn:aws-cn:sns:cn-north-1:123456789012:t", "123456789012", "t"},
		{"arn:aws:s3:::bucket", "", "bucket"},
		{"arn:aws:iam::123456789012:", NULL, NULL},
		{"arn:aws:iam::123456789012", NULL, NULL},
		{"urn:aws:iam::123456789012:role/x", NULL, NULL},
		{"", NULL, NULL},
		{NULL, NULL, NULL},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_arn_finish)
		struct sl_arn arn = {0};
		assert_int_equal(sl_arn_parse(cases[i].text, &arn), cases[i].account != NULL);
		if (cases[i].account != NULL) {
			assert_string_equal(arn.account, cases[i].account);
			assert_string_equal(arn.resource, cases[i].resource);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finding_is_one_line_of_whole_sentences),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(secrets_of_the_environment_are_never_printed),
		cmocka_unit_test(arns_are_taken_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
