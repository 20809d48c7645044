/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: as sent by anyone, and with fields that someone who knows the checksum would make. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cursor.h"
#include "mem.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sl_buf scope = {(char *)(uintptr_t) "fuzz", 4, 0};
static const char *const all_kinds[] = {"", "i", "f", "t", "it", "fti", "tttt"};

/* What is read is clean, and written again is the same text. */
static void check(const char *text, const char *kinds)
{
	SL_AUTO(sl_cursor_finish)
	struct sl_cursor cursor = {.count = 0};
	if (sl_cursor_read(text, &scope, kinds, &cursor, NULL) != SL_ERR_OK) {
		return;
	}
	for (size_t i = 0; i < cursor.count; i++) {
		const struct sl_cursor_field *field = &cursor.fields[i];
		if (field->kind != kinds[i] || (field->kind == 'f' && !isfinite(field->real)) ||
			(field->kind == 't' && field->text != NULL &&
				!sl_text_is_utf8(field->text, strlen(field->text)))) {
			SL_BUG("a cursor has a field that is not clean");
		}
	}
	SL_AUTO(sl_freep)
	char *again = sl_cursor_write(&scope, cursor.fields, cursor.count);
	if (cursor.count != strlen(kinds) || again == NULL || strcmp(again, text) != 0) {
		SL_BUG("a cursor has two written forms");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf text = SL_BUF_INIT;
	sl_buf_add(&text, data, size);
	struct sl_cursor_field fields[SL_CURSOR_MAX_FIELDS];
	size_t count = size / 8 < SL_CURSOR_MAX_FIELDS ? size / 8 : SL_CURSOR_MAX_FIELDS;
	for (size_t i = 0; i < count; i++) {
		int64_t number;
		memcpy(&number, data + i * 8, sizeof(number));
		fields[i] = SL_CURSOR_I64(number);
	}
	SL_AUTO(sl_freep)
	char *forged = sl_cursor_write(&scope, fields, count);
	SL_AUTO(sl_freep)
	char *with_text = sl_cursor_write(&scope, &SL_CURSOR_TEXT(sl_buf_str(&text)), 1);
	for (size_t i = 0; i < SL_ARRAY_SIZE(all_kinds); i++) {
		check(sl_buf_str(&text), all_kinds[i]);
		check(forged, all_kinds[i]);
		if (with_text != NULL) {
			check(with_text, all_kinds[i]);
		}
	}
	return 0;
}
