/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings and percent-encoding: what was decoded is clean, and survives a round trip. */

#include <stdint.h>
#include <string.h>

#include "query.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const char *text, size_t len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf encoded = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf decoded = SL_BUF_INIT;
	sl_text_percent_encode(&encoded, text, len, "");
	if (!sl_text_percent_decode(&decoded, sl_buf_str(&encoded), encoded.len, true) ||
		decoded.len != len || memcmp(sl_buf_str(&decoded), text, len) != 0) {
		SL_BUG("percent-encoding is not reversible");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(sl_query_finish)
	struct sl_query query = {NULL, 0};
	static const char *const names[] = {"a", "q", NULL};
	SL_AUTO(sl_buf_finish)
	struct sl_buf copy = SL_BUF_INIT; /* NUL-terminated, as in life */
	sl_buf_add(&copy, data, size);
	round_trip(copy.data, copy.len);
	if (sl_query_parse(copy.data, copy.len, &query, &error) != SL_ERR_OK) {
		if (query.count != 0 || error.code != SL_ERR_BAD_PARAMETER) {
			SL_BUG("a refused query leaves something behind");
		}
		return 0;
	}
	for (size_t i = 0; i < query.count; i++) {
		const char *name = query.parameters[i].name;
		const char *value = query.parameters[i].value;
		if (!sl_text_is_utf8(name, strlen(name)) ||
			!sl_text_is_utf8(value, strlen(value)) ||
			sl_query_get(&query, name) == NULL) {
			SL_BUG("a decoded parameter is not clean");
		}
	}
	(void)!sl_query_only(&query, names, &error);
	return 0;
}
