/* SPDX-License-Identifier: Apache-2.0 */
/* What clients say of codings and of what they have. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "encoding.h"

static void gzip_is_taken_by_who_says_so(void **state)
{
	(void)state;
	static const char *const takes[] = {"gzip", "GZIP", "x-gzip", "gzip, deflate, br", "*",
		"br;q=1.0, gzip;q=0.001", "identity, *;q=0.5", " \tgzip ", "gzip;q=1", ",,gzip",
		"deflate;q=0, gzip;q=0.5, *;q=0"};
	static const char *const refuses[] = {"", "identity", "br", "gzip;q=0", "gzip; q=0.000",
		"*;q=0", "gzip;q=0, *", "gzipp", "agzip", "deflate, br", "q=1", ";q=1", "gzi",
		"gzip;q=0;x=1", "gzip;q=0.0 , br"};
	assert_false(sl_encoding_takes_gzip(NULL));
	for (size_t i = 0; i < SL_ARRAY_SIZE(takes); i++) {
		if (!sl_encoding_takes_gzip(takes[i])) {
			fail_msg("\"%s\" takes gzip", takes[i]);
		}
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(refuses); i++) {
		if (sl_encoding_takes_gzip(refuses[i])) {
			fail_msg("\"%s\" does not take gzip", refuses[i]);
		}
	}
}

static void an_etag_is_compared_weakly(void **state)
{
	(void)state;
	static const char *const matches[] = {"\"a-1\"", "W/\"a-1\"", "*", "\"x\", \"a-1\"",
		"\"x\",W/\"a-1\" ,\"y\"", " \"a-1\" "};
	static const char *const differs[] = {
		"", "a-1", "\"a-1", "\"a-1-gzip\"", "w/\"a-1\"", "\"A-1\"", "\"\"", "W/", "\"a-\""};
	assert_false(sl_encoding_etag_matches(NULL, "\"a-1\""));
	for (size_t i = 0; i < SL_ARRAY_SIZE(matches); i++) {
		if (!sl_encoding_etag_matches(matches[i], "\"a-1\"")) {
			fail_msg("%s names \"a-1\"", matches[i]);
		}
	}
	for (size_t i = 0; i < SL_ARRAY_SIZE(differs); i++) {
		if (sl_encoding_etag_matches(differs[i], "\"a-1\"")) {
			fail_msg("%s does not name \"a-1\"", differs[i]);
		}
	}
}

/* Unpacks with zlib; returns the length. */
static size_t unpack(const struct sl_buf *packed, char *out, size_t max)
{
	z_stream z = {0};
	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	z.next_in = (Bytef *)packed->data;
	z.avail_in = (uInt)packed->len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)max;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return max - z.avail_out;
}

static void what_is_packed_can_be_unpacked(void **state)
{
	(void)state;
	static char bytes[300000];
	static char back[sizeof(bytes) + 1];
	unsigned seed = 1;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1103515245U + 12345U;
		bytes[i] = (char)(seed >> 16); /* nothing to gain */
	}
	static const size_t lengths[] = {0, 1, 1000, sizeof(bytes)};
	for (size_t i = 0; i < SL_ARRAY_SIZE(lengths); i++) {
		struct sl_buf packed = SL_BUF_INIT;
		sl_encoding_gzip(bytes, lengths[i], &packed);
		assert_int_equal(unpack(&packed, back, sizeof(back)), lengths[i]);
		assert_memory_equal(back, bytes, lengths[i]);
		sl_buf_finish(&packed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_is_taken_by_who_says_so),
		cmocka_unit_test(an_etag_is_compared_weakly),
		cmocka_unit_test(what_is_packed_can_be_unpacked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
