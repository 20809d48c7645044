/* SPDX-License-Identifier: Apache-2.0 */
/* Reading values out of a statement's rows: sl_pg_text() and its kin. A column that is not there
 * or holds another type is a mistake of ours and aborts. On one thread at a time. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pg_private.h"
#include "text.h"

void sl_pg_rows_finish(struct sl_pg_rows *rows)
{
	PQclear(rows->result);
	rows->result = NULL;
	rows->count = 0;
}

static int column_of(const struct sl_pg_rows *rows, int row, const char *column)
{
	const PGresult *result = rows->result;
	if (row < 0 || row >= PQntuples(result)) {
		SL_BUG("no such row");
	}
	/* Not PQfnumber(), which folds case and allocates. */
	const int count = PQnfields(result);
	for (int i = 0; i < count; i++) {
		if (strcmp(PQfname(result, i), column) == 0) {
			return i;
		}
	}
	SL_BUG("no such column in a statement's rows");
}

const char *sl_pg_text(const struct sl_pg_rows *rows, int row, const char *column)
{
	int index = column_of(rows, row, column);
	return PQgetisnull(rows->result, row, index) ? NULL : PQgetvalue(rows->result, row, index);
}

size_t sl_pg_text_len(const struct sl_pg_rows *rows, int row, const char *column)
{
	return (size_t)PQgetlength(rows->result, row, column_of(rows, row, column));
}

int64_t sl_pg_i64(const struct sl_pg_rows *rows, int row, const char *column)
{
	const char *text = sl_pg_text(rows, row, column);
	int64_t number = 0;
	if (text && !sl_text_parse_i64(text, INT64_MIN, INT64_MAX, &number)) {
		SL_BUG("a column is no 64-bit integer");
	}
	return number;
}

double sl_pg_f64(const struct sl_pg_rows *rows, int row, const char *column)
{
	const char *text = sl_pg_text(rows, row, column);
	if (!text) {
		return 0;
	}
	char *end = NULL;
	double number = strtod(text, &end);
	if (end == text || *end != '\0') {
		SL_BUG("a column is no number");
	}
	return number;
}

bool sl_pg_bool(const struct sl_pg_rows *rows, int row, const char *column)
{
	const char *text = sl_pg_text(rows, row, column);
	if (text && strcmp(text, "t") != 0 && strcmp(text, "f") != 0) {
		SL_BUG("a column is no boolean");
	}
	return text && text[0] == 't';
}

bool sl_pg_null(const struct sl_pg_rows *rows, int row, const char *column)
{
	return sl_pg_text(rows, row, column) == NULL;
}
