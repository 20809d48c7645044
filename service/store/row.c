/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in COPY's binary form: a count of columns, then each as its length and its value in network
 * order (https://www.postgresql.org/docs/current/sql-copy.html). Any thread. */

#include "row.h"

#include <endian.h>
#include <string.h>

#include "uuid.h"

#define UUID_BYTES 16

static void add_length(struct sl_buf *out, int32_t length)
{
	uint32_t wire = htobe32((uint32_t)length);
	sl_buf_add(out, &wire, sizeof(wire));
}

void sl_row_begin(struct sl_buf *out, int columns)
{
	uint16_t wire = htobe16((uint16_t)columns);
	sl_buf_add(out, &wire, sizeof(wire));
}

static unsigned char nibble(char digit)
{
	return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

void sl_row_uuid(struct sl_buf *out, const char *uuid)
{
	if (!sl_uuid_valid(uuid)) {
		SL_BUG("a row's UUID is none");
	}
	unsigned char bytes[UUID_BYTES];
	for (size_t i = 0; i < UUID_BYTES; i++) {
		uuid += *uuid == '-' ? 1 : 0;
		bytes[i] = (unsigned char)(nibble(uuid[0]) << 4 | nibble(uuid[1]));
		uuid += 2;
	}
	add_length(out, sizeof(bytes));
	sl_buf_add(out, bytes, sizeof(bytes));
}

void sl_row_i32(struct sl_buf *out, int32_t number)
{
	uint32_t wire = htobe32((uint32_t)number);
	add_length(out, sizeof(wire));
	sl_buf_add(out, &wire, sizeof(wire));
}

static void add_64(struct sl_buf *out, uint64_t bits)
{
	uint64_t wire = htobe64(bits);
	add_length(out, sizeof(wire));
	sl_buf_add(out, &wire, sizeof(wire));
}

void sl_row_i64(struct sl_buf *out, int64_t number)
{
	add_64(out, (uint64_t)number);
}

void sl_row_f64(struct sl_buf *out, double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof(bits));
	add_64(out, bits);
}

void sl_row_text(struct sl_buf *out, const char *text)
{
	if (text == NULL) {
		add_length(out, -1);
		return;
	}
	size_t len = strlen(text);
	if (len > INT32_MAX) {
		SL_BUG("a row's text is too long");
	}
	add_length(out, (int32_t)len);
	sl_buf_add(out, text, len);
}
