/* SPDX-License-Identifier: Apache-2.0 */
/* What is typed into a search: no list is empty, each has a term that must be said, and no term is
 * empty or holds a quote. */

#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "search_terms.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const json_t *list)
{
	size_t i;
	json_t *term;
	bool positive = false;
	json_array_foreach (list, i, term) {
		const char *text = json_string_value(json_object_get(term, "text"));
		if (text == NULL || *text == '\0' || strchr(text, '"') != NULL) {
			SL_BUG("a term is no term");
		}
		positive = positive || json_is_false(json_object_get(term, "not"));
	}
	if (!positive) {
		SL_BUG("a list says only what must not be said");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!sl_text_is_utf8((const char *)data, size) || memchr(data, '\0', size) != NULL) {
		return 0; /* the query string's parser refuses it */
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_add(&text, data, size);
	json_auto_t *lists = NULL;
	if (sl_search_terms_parse(sl_buf_str(&text), &lists, NULL) != SL_ERR_OK) {
		return 0;
	}
	size_t i;
	json_t *list;
	json_array_foreach (lists, i, list) {
		check_list(list);
	}
	if (i == 0) {
		SL_BUG("a question without terms");
	}
	return 0;
}
