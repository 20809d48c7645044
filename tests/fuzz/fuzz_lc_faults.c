/* SPDX-License-Identifier: Apache-2.0 */
/* localcloud's rules of faults: what was read is shown so that it reads back, and choosing ends. */

#include <stdint.h>
#include <string.h>

#include "fault_rules.h"
#include "json_spec.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forget_counts(json_t *rules)
{
	size_t i;
	json_t *rule;
	json_array_foreach (rules, i, rule) {
		json_object_del(rule, "matched");
		json_object_del(rule, "fired");
	}
}

static void choose(struct lc_fault_rules *rules)
{
	for (int i = 0; i < 8; i++) {
		int64_t delay_ms = -1;
		(void)lc_fault_rules_request(rules, "s3", "PutObject", &delay_ms);
		if (delay_ms < 0 || delay_ms > 600000) {
			SL_BUG("a delay out of bounds");
		}
		(void)lc_fault_rules_page(
			rules, LC_FAULT_PAGE_TWICE, "rekognition", "GetLabelDetection");
		(void)lc_fault_rules_notice(rules, "arn:aws:sns:us-east-1:0:t", &delay_ms);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_freep)
	char *why = NULL;
	struct lc_fault_rules *rules = lc_fault_rules_parse((const char *)data, size, &why);
	if (!rules) {
		if (!why || !*why) {
			SL_BUG("refused without a word");
		}
		return 0;
	}
	choose(rules);
	json_auto_t *shown = lc_fault_rules_json(rules);
	lc_fault_rules_destroy(rules);
	forget_counts(json_object_get(shown, "rules"));
	forget_counts(json_object_get(shown, "notifications"));
	SL_AUTO(sl_freep)
	char *text = sl_json_text(shown);
	rules = lc_fault_rules_parse(text, strlen(text), &why);
	if (!rules) {
		SL_BUG("what is shown cannot be read");
	}
	lc_fault_rules_destroy(rules);
	return 0;
}
