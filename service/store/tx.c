/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: begin, the caller's work, commit; rolled back on any error and tried again when
 * it met another transaction. Entry point: sl_pg_tx(). On the thread that owns the connection. */

#include <sys/random.h>

#include "clock.h"
#include "pg_private.h"

#define ATTEMPTS        5
#define BACKOFF_BASE_MS 10
#define BACKOFF_CAP_MS  200

int64_t sl_pg_backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms)
{
	int64_t span_ms = base_ms;
	while (attempt-- > 0 && span_ms < cap_ms) {
		span_ms *= 2;
	}
	if (span_ms > cap_ms) {
		span_ms = cap_ms;
	}
	uint32_t random = 0;
	/* Up to 256 bytes are never interrupted; without them the full span is still right. */
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		return span_ms;
	}
	return (int64_t)(random % (uint64_t)(span_ms + 1));
}

/* A connection that does not come back clean is closed, which rolls back as well. */
static void roll_back(struct sl_pg *pg)
{
	if (pg->copy_target) {
		sl_pg_copy_abort(pg);
	}
	if (pg->conn && PQtransactionStatus(pg->conn) != PQTRANS_IDLE) {
		PQclear(sl_pg_issue(pg->conn, "ROLLBACK", &pg->patience));
	}
	if (pg->conn && PQtransactionStatus(pg->conn) != PQTRANS_IDLE) {
		sl_pg_drop(pg);
	}
}

static enum sl_err commit(struct sl_pg *pg, const char *name, struct sl_error *reterr)
{
	if (pg->copy_target) {
		SL_BUG("a transaction ends with COPY under way");
	}
	if (pg->tx_failure) {
		/* COMMIT would answer ROLLBACK, and look like success. */
		return sl_error_set(reterr, pg->tx_failure,
			"%s: a statement of the transaction failed earlier", name);
	}
	return sl_pg_command(pg, "COMMIT", name, reterr);
}

static enum sl_err attempt_once(
	struct sl_pg *pg, const char *name, sl_tx_fn *fn, void *context, struct sl_error *reterr)
{
	enum sl_err err = sl_pg_command(pg, "BEGIN ISOLATION LEVEL READ COMMITTED", name, reterr);
	if (err) {
		return err;
	}
	pg->tx = name;
	pg->tx_failure = SL_ERR_OK;
	err = fn(pg, context, reterr);
	if (!err) {
		err = commit(pg, name, reterr);
	}
	if (err) {
		roll_back(pg);
	}
	pg->tx = NULL;
	return err;
}

enum sl_err sl_pg_tx(
	struct sl_pg *pg, const char *name, sl_tx_fn *fn, void *context, struct sl_error *reterr)
{
	if (pg->tx) {
		SL_BUG("a transaction inside a transaction");
	}
	for (unsigned attempt = 0;; attempt++) {
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		enum sl_err err = attempt_once(pg, name, fn, context, &error);
		if (!err) {
			return SL_ERR_OK;
		}
		if (err != SL_ERR_DATABASE_CONFLICT || attempt + 1 == ATTEMPTS) {
			sl_error_move(reterr, &error);
			return err;
		}
		sl_clock_sleep(sl_pg_backoff_ms(attempt, BACKOFF_BASE_MS, BACKOFF_CAP_MS));
	}
}

const char *sl_pg_open_tx(const struct sl_pg *pg)
{
	return pg->tx;
}
