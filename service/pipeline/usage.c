/* SPDX-License-Identifier: Apache-2.0 */
/* Charges, reservations, and the month's sums. Any thread, most inside a transaction. */

#include "usage.h"

#include <string.h>
#include <time.h>

#include "clock.h"
#include "json_spec.h"
#include "mem.h"
#include "metrics.h"

enum sl_err sl_usage_charge(const struct sl_config *config, struct sl_pg *pg, const char *video_id,
	const char *part, const struct sl_cost_facts *facts, bool more, struct sl_error *reterr)
{
	const struct sl_price_region *prices = config->prices->here;
	struct sl_cost cost;
	sl_cost_of(prices, facts, &cost);
	SL_AUTO(sl_freep)
	char *lines = sl_cost_booking(prices, &cost, part);
	return sl_pg_exec(pg, SL_SQL_cost_charge, NULL, reterr, SL_PG_TEXT(video_id),
		SL_PG_TEXT(part), SL_PG_TEXT(lines), SL_PG_TEXT(prices->name),
		SL_PG_TEXT(config->prices->date), SL_PG_BOOL(more));
}

enum sl_err sl_usage_refund(
	struct sl_pg *pg, const char *video_id, const char *part, struct sl_error *reterr)
{
	return sl_pg_exec(
		pg, SL_SQL_cost_refund, NULL, reterr, SL_PG_TEXT(video_id), SL_PG_TEXT(part));
}

int64_t sl_usage_next_month_ms(int64_t now_ms)
{
	time_t now_s = (time_t)(now_ms / 1000);
	struct tm day;
	gmtime_r(&now_s, &day);
	struct tm first = {.tm_year = day.tm_year, .tm_mon = day.tm_mon + 1, .tm_mday = 1};
	return (int64_t)timegm(&first) * 1000;
}

static enum sl_err refuse(const struct sl_config *config, const struct sl_pg_rows *rows,
	int64_t micros, struct sl_error *reterr)
{
	char cap[SL_DOLLARS_SIZE];
	char spent[SL_DOLLARS_SIZE];
	char reserved[SL_DOLLARS_SIZE];
	char wanted[SL_DOLLARS_SIZE];
	char again[SL_CLOCK_RFC3339_SIZE];
	sl_dollars_format(config->monthly_cap_micros, cap);
	sl_dollars_format(sl_pg_i64(rows, 0, "spent"), spent);
	sl_dollars_format(sl_pg_i64(rows, 0, "reserved"), reserved);
	sl_dollars_format(micros, wanted);
	int64_t now_ms = sl_clock_now_ms();
	int64_t again_ms = sl_usage_next_month_ms(now_ms);
	sl_clock_rfc3339(again_ms, again);
	sl_metric_add(SL_METRIC_COST_REFUSED, 1, SL_NO_LABELS);
	sl_error_set(reterr, SL_ERR_COST_CAP,
		"the monthly cap is $%s: $%s is spent, $%s reserved for what is under way, and "
		"this is "
		"estimated at $%s; the count starts again at %s, or raise SPOTLIST_MONTHLY_CAP",
		cap, spent, reserved, wanted, again);
	if (reterr != NULL) {
		reterr->retry_after_ms = again_ms - now_ms;
	}
	return SL_ERR_COST_CAP;
}

enum sl_err sl_usage_reserve(const struct sl_config *config, struct sl_pg *pg, const char *video_id,
	int64_t micros, bool always, struct sl_error *reterr)
{
	if (config->monthly_cap_micros < 0) {
		return SL_ERR_OK;
	}
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_exec(pg, SL_SQL_cost_reserve, &rows, reterr, SL_PG_TEXT(video_id),
		SL_PG_I64(micros), always ? SL_PG_NULL : SL_PG_I64(config->monthly_cap_micros));
	return err == SL_ERR_OK && !sl_pg_bool(&rows, 0, "granted")
		? refuse(config, &rows, micros, reterr)
		: err;
}

enum sl_err sl_usage_expect(const struct sl_config *config, struct sl_pg *pg, const char *video_id,
	int64_t micros, bool raise, struct sl_error *reterr)
{
	return config->monthly_cap_micros < 0
		? SL_ERR_OK
		: sl_pg_exec(pg, SL_SQL_cost_expect, NULL, reterr, SL_PG_TEXT(video_id),
			  SL_PG_I64(micros), SL_PG_BOOL(raise));
}

enum sl_err sl_usage_release(struct sl_pg *pg, const char *video_id, struct sl_error *reterr)
{
	return sl_pg_exec(pg, SL_SQL_cost_release, NULL, reterr, SL_PG_TEXT(video_id));
}

enum sl_err sl_usage_month(
	struct sl_pg *pg, int64_t *ret_spent, int64_t *ret_reserved, struct sl_error *reterr)
{
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	enum sl_err err = sl_pg_run(pg, SL_SQL_cost_month, NULL, 0, &rows, reterr);
	if (err == SL_ERR_OK) {
		*ret_spent = sl_pg_i64(&rows, 0, "spent");
		*ret_reserved = sl_pg_i64(&rows, 0, "reserved");
	}
	return err;
}

json_t *sl_usage_prices_json(const struct sl_prices *prices)
{
	const struct sl_price_region *found = prices->here;
	json_t *root = json_pack("{s:s, s:s, s:s}", "date", prices->date, "source", prices->source,
		"region", found->name);
	if (strcmp(found->name, prices->region) != 0) {
		json_object_set_new(root, "note",
			json_sprintf("the table has no prices for %s: those of %s were taken",
				prices->region, found->name));
	}
	return root;
}

enum sl_err sl_usage_read(const struct sl_config *config, struct sl_pg *pg, const char *month,
	struct sl_buf *out, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *about = sl_usage_prices_json(config->prices);
	SL_AUTO(sl_freep)
	char *prices = sl_json_text(about);
	SL_AUTO(sl_freep)
	char *first = month != NULL ? sl_asprintf("%s-01", month) : NULL;
	SL_AUTO(sl_pg_rows_finish)
	struct sl_pg_rows rows = {0};
	int64_t cap = config->monthly_cap_micros;
	enum sl_err err = sl_pg_exec(pg, SL_SQL_usage_get, &rows, reterr, SL_PG_TEXT(first),
		cap < 0 ? SL_PG_NULL : SL_PG_I64(cap), SL_PG_TEXT(prices));
	if (err == SL_ERR_OK) {
		sl_buf_puts(out, sl_pg_text(&rows, 0, "body"));
	}
	return err;
}
