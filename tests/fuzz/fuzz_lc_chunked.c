/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localcloud's decoder of aws-chunked bodies: the same bytes in one piece, or in pieces of the
 * size that the first byte gives, decode to the same.
 */

#include <stdint.h>
#include <string.h>

#include "chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_data(void *context, const void *bytes, size_t len)
{
	sl_buf_puts(context, "");
	sl_buf_add(context, bytes, len);
}

static void on_chunk_end(void *context, const char *signature)
{
	sl_buf_printf(context, "|%s|", signature);
}

static void on_trailer(void *context, const char *name, const char *value)
{
	if (strchr(name, '\n') || strchr(value, '\n')) {
		SL_BUG("a trailer of two lines");
	}
	sl_buf_printf(context, "%s=%s;", name, value);
}

static enum lc_chunked_state decode(
	const char *bytes, size_t len, size_t step, struct sl_buf *ret_decoded)
{
	const struct lc_chunked_sink sink = {.context = ret_decoded,
		.data = on_data,
		.chunk_end = on_chunk_end,
		.trailer = on_trailer};
	struct lc_chunked chunked;
	lc_chunked_init(&chunked, &sink);
	while (len > 0) {
		size_t piece = len < step ? len : step;
		if (!lc_chunked_feed(&chunked, bytes, piece)) {
			break;
		}
		bytes += piece;
		len -= piece;
	}
	if (lc_chunked_done(&chunked) != (chunked.state == LC_CHUNKED_DONE)) {
		SL_BUG("done, or not");
	}
	return chunked.state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf whole = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf pieces = SL_BUF_INIT;
	const char *bytes = (const char *)data + 1;
	size_t step = data[0] ? data[0] : 1;

	enum lc_chunked_state one = decode(bytes, size - 1, size, &whole);
	enum lc_chunked_state many = decode(bytes, size - 1, step, &pieces);
	if (one != many || whole.len != pieces.len ||
		memcmp(sl_buf_str(&whole), sl_buf_str(&pieces), whole.len) != 0) {
		SL_BUG("pieces decode to something else");
	}
	return 0;
}
