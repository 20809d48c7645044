/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of files that may be MP4: what is found is plausible, and what is asked for lies ahead. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "mp4_header.h"
#include "timecode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just that size, so that one byte too far is noticed. */
	SL_AUTO(sl_freep)
	unsigned char *piece = sl_calloc(size > 0 ? size : 1, 1);
	if (size > 0) {
		memcpy(piece, data, size);
	}
	struct sl_mp4_header header = {0};
	int64_t next = -1;
	switch (sl_mp4_header_find(piece, size, 1000, &header, &next)) {
	case SL_MP4_FOUND:
		if (header.duration_ms <= 0 || header.duration_ms > SL_TIMECODE_MAX_MS + 1000 ||
			header.width < 0 || header.height < 0) {
			SL_BUG("a header that cannot be");
		}
		break;
	case SL_MP4_MORE:
		if (next <= 1000) {
			SL_BUG("what is asked for has been seen");
		}
		break;
	case SL_MP4_NONE:
		break;
	}
	return 0;
}
