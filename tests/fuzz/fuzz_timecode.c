/* SPDX-License-Identifier: Apache-2.0 */
/* Times in a video: what is read is in range, and its written form means the same. */

#include <stdint.h>

#include "buf.h"
#include "timecode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_add(&text, data, size);
	int64_t ms = -1;
	if (!sl_timecode_parse(sl_buf_str(&text), &ms)) {
		if (ms != -1) {
			SL_BUG("a refused time leaves something behind");
		}
		return 0;
	}
	if (ms < 0 || ms > SL_TIMECODE_MAX_MS) {
		SL_BUG("a time is out of range");
	}
	char written[SL_TIMECODE_SIZE];
	sl_timecode_format(written, ms);
	int64_t again = -1;
	if (!sl_timecode_parse(written, &again) || again != ms) {
		SL_BUG("a time does not survive being written");
	}
	return 0;
}
