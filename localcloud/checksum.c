/* SPDX-License-Identifier: Apache-2.0 */
/* The two CRCs of S3. Entry points: lc_crc32, lc_crc32c. Pure; tables are made once. */
#include "checksum.h"

#include <pthread.h>

static uint32_t tables[2][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	static const uint32_t polynomials[2] = {0xEDB88320u, 0x82F63B78u}; /* reflected */

	for (int t = 0; t < 2; t++) {
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t crc = byte;
			for (int bit = 0; bit < 8; bit++) {
				crc = crc & 1 ? crc >> 1 ^ polynomials[t] : crc >> 1;
			}
			tables[t][byte] = crc;
		}
	}
}

static uint32_t update(const uint32_t table[256], uint32_t crc, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc = crc >> 8 ^ table[(crc ^ at[i]) & 0xFF];
	}
	return ~crc;
}

uint32_t lc_crc32(uint32_t crc, const void *bytes, size_t len)
{
	pthread_once(&once, make_tables);
	return update(tables[0], crc, bytes, len);
}

uint32_t lc_crc32c(uint32_t crc, const void *bytes, size_t len)
{
	pthread_once(&once, make_tables);
	return update(tables[1], crc, bytes, len);
}
