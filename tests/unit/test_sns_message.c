/* SPDX-License-Identifier: Apache-2.0 */
/* SNS messages: what is an envelope, and what was signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "json_spec.h"
#include "mem.h"
#include "sns_fixture.h"
#include "text.h"

/* --- the envelope --------------------------------------------------------------------------- */

static void every_type_parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(sns_types); i++) {
		SL_AUTO(sl_json_decrefp)
		json_t *message = sns_make_message(sns_types[i], "1");
		json_object_set_new(message, "Signature", json_string("AA=="));
		SL_AUTO(sl_freep)
		char *text = sl_json_text(message);
		SL_AUTO(sl_sns_message_finish)
		struct sl_sns_message parsed = {0};
		expect_err(sns_parse_text(text, &parsed), SL_ERR_OK, sns_types[i]);
		assert_int_equal(parsed.type, (int)i);
		assert_string_equal(parsed.topic_arn, TOPIC);
		assert_string_equal(parsed.timestamp, SENT);
		assert_int_equal(parsed.token != NULL, i != SL_SNS_NOTIFICATION);
		assert_int_equal(parsed.subject != NULL, i == SL_SNS_NOTIFICATION);
	}
}

static void an_envelope_without_a_required_key_is_refused(void **state)
{
	(void)state;
	static const char *const keys[] = {"Type", "MessageId", "TopicArn", "Message", "Timestamp",
		"SignatureVersion", "Signature", "SigningCertURL", "Token", "SubscribeURL"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(keys); i++) {
		for (int how = 0; how < 3; how++) {
			SL_AUTO(sl_json_decrefp)
			json_t *message = sns_make_message("SubscriptionConfirmation", "1");
			json_object_set_new(message, "Signature", json_string("AA=="));
			if (how == 0) {
				json_object_del(message, keys[i]);
			} else {
				json_object_set_new(
					message, keys[i], how == 1 ? json_null() : json_integer(1));
			}
			SL_AUTO(sl_freep)
			char *text = sl_json_text(message);
			struct sl_sns_message parsed = {0};
			expect_err(
				sns_parse_text(text, &parsed), SL_ERR_SNS_NOT_A_MESSAGE, keys[i]);
			assert_null(parsed.root);
		}
	}
}

static void what_is_no_envelope_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"not JSON",
		"[]",
		"\"Notification\"",
		"{}",
		"{\"Records\": []}",
		"{\"Type\": \"Notification\"",
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		struct sl_sns_message parsed = {0};
		expect_err(sns_parse_text(texts[i], &parsed), SL_ERR_SNS_NOT_A_MESSAGE, texts[i]);
	}
}

struct edit {
	const char *name;
	const char *from; /* text to replace in a good message */
	const char *to;
	enum sl_err expected;
};

static void envelopes_are_read_strictly(void **state)
{
	(void)state;
	static const struct edit edits[] = {
		{"a type that is not known", "\"Notification\"", "\"Raw\"",
			SL_ERR_SNS_NOT_A_MESSAGE},
		{"the casing that Lambda gets", "SigningCertURL", "SigningCertUrl",
			SL_ERR_SNS_NOT_A_MESSAGE},
		{"a key twice", "{\"Type\"", "{\"Message\":\"forged\",\"Type\"",
			SL_ERR_SNS_NOT_A_MESSAGE},
		{"a NUL inside", "Amazon S3", "Amazon\\u0000S3", SL_ERR_SNS_NOT_A_MESSAGE},
		{"a time that is none", SENT, "yesterday", SL_ERR_SNS_NOT_A_MESSAGE},
		{"bytes behind", "{\"Type\"", "{}{\"Type\"", SL_ERR_SNS_NOT_A_MESSAGE},
		{"a null Subject", "\"Amazon S3 Notification\"", "null", SL_ERR_OK},
		{"a key that is not known", "{\"Type\"", "{\"X\":[1],\"Type\"", SL_ERR_OK},
	};
	SL_AUTO(sl_json_decrefp)
	json_t *message = sns_make_message("Notification", "1");
	json_object_set_new(message, "Signature", json_string("AA=="));
	SL_AUTO(sl_freep)
	char *text = sl_json_text(message);
	for (size_t i = 0; i < SL_ARRAY_SIZE(edits); i++) {
		SL_AUTO(sl_freep)
		char *edited = sns_replace(text, edits[i].from, edits[i].to);
		SL_AUTO(sl_sns_message_finish)
		struct sl_sns_message parsed = {0};
		expect_err(sns_parse_text(edited, &parsed), edits[i].expected, edits[i].name);
	}
}

static void the_string_to_sign_is_that_of_the_documentation(void **state)
{
	(void)state;
	static const struct {
		const char *message;
		const char *expected;
	} cases[] = {
		{"{\"Type\":\"Notification\",\"MessageId\":\"i\",\"TopicArn\":\"t\",\"Subject\":"
		 "\"s\","
		 "\"Message\":\"a\\nb\\u00e9\",\"Timestamp\":\"" SENT
		 "\",\"SignatureVersion\":\"1\","
		 "\"Signature\":\"x\",\"SigningCertURL\":\"u\",\"Token\":\"no\"}",
			"Message\na\nb\xc3\xa9\nMessageId\ni\nSubject\ns\nTimestamp\n" SENT
			"\nTopicArn\nt\nType\nNotification\n"},
		{"{\"Type\":\"Notification\",\"MessageId\":\"i\",\"TopicArn\":\"t\",\"Subject\":"
		 "null,"
		 "\"Message\":\"\",\"Timestamp\":\"" SENT "\",\"SignatureVersion\":\"1\","
		 "\"Signature\":\"x\",\"SigningCertURL\":\"u\"}",
			"Message\n\nMessageId\ni\nTimestamp\n" SENT
			"\nTopicArn\nt\nType\nNotification\n"},
		{"{\"Type\":\"UnsubscribeConfirmation\",\"MessageId\":\"i\",\"TopicArn\":\"t\","
		 "\"Message\":\"m\",\"Timestamp\":\"" SENT "\",\"SignatureVersion\":\"1\","
		 "\"Signature\":\"x\",\"SigningCertURL\":\"u\",\"Token\":\"k\",\"SubscribeURL\":"
		 "\"v\","
		 "\"Subject\":\"not signed here\"}",
			"Message\nm\nMessageId\ni\nSubscribeURL\nv\nTimestamp\n" SENT
			"\nToken\nk\nTopicArn\nt\nType\nUnsubscribeConfirmation\n"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_sns_message_finish)
		struct sl_sns_message parsed = {0};
		SL_AUTO(sl_buf_finish)
		struct sl_buf text = SL_BUF_INIT;
		expect_err(sns_parse_text(cases[i].message, &parsed), SL_ERR_OK, cases[i].message);
		sl_sns_message_canonical(&parsed, &text);
		assert_string_equal(sl_buf_str(&text), cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_parses),
		cmocka_unit_test(an_envelope_without_a_required_key_is_refused),
		cmocka_unit_test(what_is_no_envelope_is_refused),
		cmocka_unit_test(envelopes_are_read_strictly),
		cmocka_unit_test(the_string_to_sign_is_that_of_the_documentation),
	};
	return cmocka_run_group_tests(tests, sns_setup, sns_teardown);
}
