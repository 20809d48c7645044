/* SPDX-License-Identifier: Apache-2.0 */
/* COPY … FROM STDIN: rows of text are escaped into a buffer that is sent in pieces of about
 * 64 KiB; rows that were made ahead (row.c) are sent as they are. Entry points:
 * sl_pg_copy_begin(), _row(), _begin_made(), _made(), _end(), inside a transaction.
 * On the thread that owns the connection. */

#include "pg_private.h"

#define PIECE_BYTES 65536U

/* The transaction is lost: COMMIT must not be tried. */
static enum sl_err failed(struct sl_pg *pg, enum sl_err err)
{
	if (!pg->tx_failure) {
		pg->tx_failure = err;
	}
	return err;
}

/* https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format" */
static const char made_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
static const char made_trailer[] = "\377\377";

static enum sl_err begin(
	struct sl_pg *pg, const char *target, const char *options, struct sl_error *reterr)
{
	if (!pg->tx || pg->copy_target) {
		SL_BUG("COPY needs an open transaction and no other COPY");
	}
	enum sl_err err = sl_pg_ready(pg, reterr);
	if (err) {
		return failed(pg, err);
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf sql = SL_BUF_INIT;
	sl_buf_printf(&sql, "COPY %s FROM STDIN%s", target, options);
	SL_AUTO(sl_pg_clearp)
	PGresult *result = sl_pg_issue(pg->conn, sl_buf_str(&sql), &pg->patience);
	if (PQresultStatus(result) != PGRES_COPY_IN) {
		return failed(pg, sl_pg_result_error(pg->conn, result, sl_buf_str(&sql), reterr));
	}
	pg->copy_target = target;
	pg->copy_columns = 0;
	pg->copy_made = false;
	sl_buf_clear(&pg->copy);
	return SL_ERR_OK;
}

enum sl_err sl_pg_copy_begin(struct sl_pg *pg, const char *target, struct sl_error *reterr)
{
	return begin(pg, target, "", reterr);
}

enum sl_err sl_pg_copy_begin_made(struct sl_pg *pg, const char *target, struct sl_error *reterr)
{
	enum sl_err err = begin(pg, target, " (FORMAT binary)", reterr);
	if (!err) {
		pg->copy_made = true;
		sl_buf_add(&pg->copy, made_header, sizeof(made_header) - 1);
	}
	return err;
}

/* What stands behind the backslash; everything else stands for itself. */
static const char escapes[256] = {['\\'] = '\\', ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};

static void add_escaped(struct sl_buf *out, const char *text)
{
	const char *plain = text;
	for (; *text != '\0'; text++) {
		const char escape = escapes[(unsigned char)*text];
		if (escape != '\0') {
			sl_buf_add(out, plain, (size_t)(text - plain));
			sl_buf_add(out, (const char[]){'\\', escape}, 2);
			plain = text + 1;
		}
	}
	sl_buf_add(out, plain, (size_t)(text - plain));
}

/* The connection broke, or the server takes nothing. */
static enum sl_err not_sent(struct sl_pg *pg, struct sl_error *reterr)
{
	const char *target = pg->copy_target;
	enum sl_err err = PQstatus(pg->conn) == CONNECTION_OK
		? sl_pg_hung(target, reterr)
		: sl_pg_result_error(pg->conn, NULL, target, reterr);
	sl_pg_drop(pg);
	pg->copy_target = target; /* rows may still be offered */
	return failed(pg, err);
}

static enum sl_err send_buffer(struct sl_pg *pg, struct sl_error *reterr)
{
	size_t at = 0;
	if (!pg->conn) {
		return sl_error_set(reterr, pg->tx_failure, "%s: the connection was lost earlier",
			pg->copy_target);
	}
	while (at < pg->copy.len) {
		/* In slices: libpq counts in int and keeps a copy until it is sent. */
		size_t len = pg->copy.len - at;
		if (len > PIECE_BYTES) {
			len = PIECE_BYTES;
		}
		/* Sent at once: libpq would keep in memory what the server does not take. */
		if (PQputCopyData(pg->conn, pg->copy.data + at, (int)len) != 1 ||
			!sl_pg_flush(pg->conn, &pg->patience)) {
			return not_sent(pg, reterr);
		}
		at += len;
	}
	sl_buf_clear(&pg->copy);
	return SL_ERR_OK;
}

enum sl_err sl_pg_copy_row(
	struct sl_pg *pg, const struct sl_pg_param *values, int count, struct sl_error *reterr)
{
	if (!pg->copy_target || pg->copy_made) {
		SL_BUG("a row without COPY, or a row of text between rows that were made");
	}
	if (pg->copy_columns != 0 && pg->copy_columns != count) {
		SL_BUG("rows of one COPY differ in their number of columns");
	}
	pg->copy_columns = count;
	for (int i = 0; i < count; i++) {
		const char *text = values[i].is_number ? values[i].number : values[i].text;
		if (i > 0) {
			sl_buf_putc(&pg->copy, '\t');
		}
		if (text) {
			add_escaped(&pg->copy, text);
		} else {
			sl_buf_add(&pg->copy, "\\N", 2);
		}
	}
	sl_buf_putc(&pg->copy, '\n');
	return pg->copy.len >= PIECE_BYTES ? send_buffer(pg, reterr) : SL_ERR_OK;
}

enum sl_err sl_pg_copy_made(struct sl_pg *pg, const void *rows, size_t len, struct sl_error *reterr)
{
	if (!pg->copy_target || !pg->copy_made) {
		SL_BUG("rows that were made go into a COPY that was begun for them");
	}
	sl_buf_add(&pg->copy, rows, len);
	return pg->copy.len >= PIECE_BYTES ? send_buffer(pg, reterr) : SL_ERR_OK;
}

/* Reads until the command is over; the first failure counts. */
static enum sl_err drain(struct sl_pg *pg, const char *target, struct sl_error *reterr)
{
	enum sl_err err = SL_ERR_OK;
	for (;;) {
		if (!sl_pg_await(pg->conn, &pg->patience)) {
			sl_pg_drop(pg);
			return sl_pg_hung(target, reterr);
		}
		SL_AUTO(sl_pg_clearp)
		PGresult *result = PQgetResult(pg->conn);
		if (!result) {
			return err;
		}
		ExecStatusType status = PQresultStatus(result);
		if (!err && status != PGRES_COMMAND_OK) {
			err = sl_pg_result_error(pg->conn, result, target, reterr);
		}
		if (status == PGRES_COPY_IN) {
			return err; /* cannot be ended: the connection broke */
		}
	}
}

enum sl_err sl_pg_copy_end(struct sl_pg *pg, struct sl_error *reterr)
{
	if (!pg->copy_target) {
		SL_BUG("the end of a COPY that did not begin");
	}
	if (pg->copy_made) {
		sl_buf_add(&pg->copy, made_trailer, sizeof(made_trailer) - 1);
	}
	enum sl_err err = send_buffer(pg, reterr);
	if (err) {
		return err;
	}
	const char *target = pg->copy_target;
	pg->copy_target = NULL;
	if (PQputCopyEnd(pg->conn, NULL) != 1) {
		return failed(pg, sl_pg_result_error(pg->conn, NULL, target, reterr));
	}
	err = drain(pg, target, reterr);
	return err ? failed(pg, err) : SL_ERR_OK;
}

void sl_pg_copy_abort(struct sl_pg *pg)
{
	pg->copy_target = NULL;
	if (pg->conn && PQputCopyEnd(pg->conn, "given up") == 1) {
		(void)drain(pg, "COPY", NULL);
	}
}
