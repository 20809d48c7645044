/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_CHECKSUM_H
#define LC_CHECKSUM_H

/* CRC-32 (IEEE) and CRC-32C (Castagnoli), as S3's x-amz-checksum-* headers have them. Pure. */

#include <stddef.h>
#include <stdint.h>

/** Continues a checksum over further bytes; start with 0. */
uint32_t lc_crc32(uint32_t crc, const void *bytes, size_t len);
uint32_t lc_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
