/* SPDX-License-Identifier: Apache-2.0 */
/* IAM's policy documents in localcloud: any JSON is checked and asked without harm, a refusal has
 * words, and a denial of everything always wins. */

#include <stdint.h>

#include "lc_policy.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *action;
	const char *resource;
} asked[] = {
	{"s3:GetObject", "arn:aws:s3:::bucket/uploads/a b.mp4"},
	{"sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:dead-letters"},
	{"rekognition:RecognizeCelebrities", "*"},
	{"sts:AssumeRole", ""},
};

static void ask(const json_t *document, const json_t *denial, const json_t *context)
{
	static const char *const principals[] = {
		"arn:aws:iam::123456789012:root", "123456789012", NULL};
	for (size_t i = 0; i < SL_ARRAY_SIZE(asked); i++) {
		const struct lc_policy_question question = {
			.action = asked[i].action,
			.resource = asked[i].resource,
			.context = context,
			.principal_kind = "AWS",
			.principals = principals,
		};
		enum lc_verdict verdict = lc_policy_decide(document, &question);
		if (verdict != lc_policy_decide(document, &question)) {
			SL_BUG("the same question has two answers");
		}
		enum lc_verdict denied = lc_policy_decide(denial, &question);
		if (denied != LC_EXPLICIT_DENY || lc_verdict_both(verdict, denied) != denied ||
			lc_verdict_both(denied, verdict) != denied) {
			SL_BUG("a denial did not win");
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	if (document == NULL) {
		return 0;
	}
	for (int kind = LC_POLICY_IDENTITY; kind <= LC_POLICY_RESOURCE; kind++) {
		SL_AUTO(sl_freep)
		char *words = NULL;
		if (!lc_policy_check(document, (enum lc_policy_kind)kind, &words) &&
			(words == NULL || *words == '\0')) {
			SL_BUG("refused without a word");
		}
	}
	json_auto_t *denial = json_pack("{s:s, s:[{s:s, s:s, s:s, s:s}]}", "Version", "2012-10-17",
		"Statement", "Effect", "Deny", "Principal", "*", "Action", "*", "Resource", "*");
	json_auto_t *context = json_pack("{s:s, s:s, s:s, s:[s, s]}", "aws:sourceaccount",
		"123456789012", "aws:sourcearn", "arn:aws:sns:us-east-1:123456789012:topic",
		"aws:securetransport", "true", "aws:tagkeys", "a", "b");
	ask(document, denial, context);
	return 0;
}
