/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings and times: what is accepted has one spelling, and comes back the same. */

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "text.h"
#include "uuid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_0_MS    (-62167219200000)
#define YEAR_9999_MS 253402300799999

static void base64(const char *text, size_t len)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf bytes = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf again = SL_BUF_INIT;
	if (sl_text_base64_decode(&bytes, text, len)) {
		sl_text_base64(&again, sl_buf_str(&bytes), bytes.len);
		if (again.len != len || memcmp(sl_buf_str(&again), text, len) != 0) {
			SL_BUG("two spellings of the same base64");
		}
	}
}

static void utf8(const char *text, size_t len)
{
	if (memchr(text, '\0', len) != NULL) {
		return; /* jansson, the other opinion, takes no NUL */
	}
	json_t *string = json_stringn(text, len);
	if ((string != NULL) != sl_text_is_utf8(text, len)) {
		SL_BUG("two opinions on UTF-8");
	}
	json_decref(string);
}

static void times(const char *text)
{
	int64_t ms;
	int64_t again;
	char rfc3339[SL_CLOCK_RFC3339_SIZE];
	char amz[SL_CLOCK_AMZ_SIZE];
	if (sl_clock_parse_rfc3339(text, &ms) && ms >= YEAR_0_MS && ms <= YEAR_9999_MS) {
		sl_clock_rfc3339(ms, rfc3339);
		if (!sl_clock_parse_rfc3339(rfc3339, &again) || again != ms) {
			SL_BUG("an RFC 3339 time changes");
		}
	}
	if (sl_clock_parse_amz(text, &ms) && ms >= YEAR_0_MS && ms <= YEAR_9999_MS) {
		sl_clock_amz(ms, amz);
		if (!sl_clock_parse_amz(amz, &again) || again != ms) {
			SL_BUG("a basic ISO 8601 time changes");
		}
	}
}

static void numbers(const char *text)
{
	int64_t number;
	if (sl_text_parse_i64(text, -1000, INT64_MAX, &number) && number < -1000) {
		SL_BUG("a number out of its range");
	}
	if (sl_uuid_valid(text) && strlen(text) != SL_UUID_SIZE - 1) {
		SL_BUG("a UUID of another length");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_freep)
	char *text = sl_strndup((const char *)data, size); /* up to a NUL, if there is one */
	base64((const char *)data, size);
	utf8((const char *)data, size);
	times(text);
	numbers(text);
	return 0;
}
