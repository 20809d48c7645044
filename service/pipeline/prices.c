/* SPDX-License-Identifier: Apache-2.0 */
/* The price table: reading it, and looking up in it. Read in main before threads start. */

#include "prices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "json_spec.h"
#include "mem.h"

#define MAX_BYTES      (1 << 20)
#define MAX_DOLLARS    1000000000
#define NANO_DIGITS    9
#define MAX_REGION_LEN 64

static const struct {
	const char *name;
	int64_t per;
	int64_t least;
} units[SL_UNITS_] = {
#define X(symbol, name_, per_, least_) [SL_UNIT_##symbol] = {name_, per_, least_},
	SL_UNITS_TABLE(X)
#undef X
};

const char *sl_unit_name(enum sl_unit unit)
{
	return units[unit].name;
}

int64_t sl_unit_per(enum sl_unit unit)
{
	return units[unit].per;
}

int64_t sl_unit_least(enum sl_unit unit)
{
	return units[unit].least;
}

/* --- decimals ------------------------------------------------------------------------------ */

bool sl_dollars_parse(const char *text, int digits, int64_t *ret)
{
	int64_t whole = 0;
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len > 10) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		whole = whole * 10 + (text[i] - '0');
	}
	const char *at = text + len;
	bool has_point = *at == '.';
	at += has_point ? 1 : 0;
	size_t places = strspn(at, "0123456789");
	if (whole > MAX_DOLLARS || at[places] != '\0' || (has_point && places == 0) ||
		(!has_point && places > 0)) {
		return false;
	}
	for (int i = 0; i < digits; i++) {
		whole = whole * 10 + ((size_t)i < places ? at[i] - '0' : 0);
	}
	for (size_t i = (size_t)digits; i < places; i++) {
		if (at[i] != '0') {
			return false;
		}
	}
	*ret = whole;
	return true;
}

void sl_dollars_format(int64_t micros, char ret[static SL_DOLLARS_SIZE])
{
	snprintf(ret, SL_DOLLARS_SIZE, "%lld.%06lld", (long long)(micros / 1000000),
		(long long)(micros % 1000000));
}

/* --- reading ------------------------------------------------------------------------------- */

static bool is_date(const char *text)
{
	char whole[32];
	int64_t unused;
	snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", text);
	return strlen(text) == 10 && sl_clock_parse_rfc3339(whole, &unused);
}

static enum sl_err wrong(struct sl_error *reterr, const char *where, const char *what)
{
	return sl_error_set(reterr, SL_ERR_CONFIG, "the price table: %s %s", where, what);
}

static enum sl_err read_region(
	const char *name, json_t *node, struct sl_price_region *ret, struct sl_error *reterr)
{
	if (!json_is_object(node) || json_object_size(node) != SL_UNITS_) {
		SL_AUTO(sl_freep)
		char *what = sl_asprintf(
			"must be an object with a price for each of %d units", (int)SL_UNITS_);
		return wrong(reterr, name, what);
	}
	for (int i = 0; i < SL_UNITS_; i++) {
		const char *price = json_string_value(json_object_get(node, units[i].name));
		if (price == NULL || !sl_dollars_parse(price, NANO_DIGITS, &ret->nanos[i])) {
			SL_AUTO(sl_freep)
			char *where = sl_asprintf("%s/%s", name, units[i].name);
			return wrong(reterr, where,
				"must be a string with dollars such as \"0.0075\", nine decimals "
				"at most");
		}
	}
	return SL_ERR_OK;
}

static enum sl_err read_regions(
	json_t *node, const char *fallback, struct sl_prices *prices, struct sl_error *reterr)
{
	size_t count = json_object_size(node);
	if (count == 0) {
		return wrong(reterr, "regions", "must be an object of regions");
	}
	prices->regions = sl_calloc(count, sizeof(*prices->regions));
	const char *name;
	json_t *region;
	json_object_foreach (node, name, region) {
		struct sl_price_region *next = &prices->regions[prices->region_count++];
		next->name = sl_strndup(name, MAX_REGION_LEN);
		enum sl_err err = read_region(next->name, region, next, reterr);
		if (err != SL_ERR_OK) {
			return err;
		}
		if (strcmp(next->name, fallback) == 0) {
			prices->fallback = next;
		}
	}
	return prices->fallback != NULL
		? SL_ERR_OK
		: wrong(reterr, "default_region", "must be one of the regions");
}

struct table {
	const char *date;
	const char *source;
	const char *default_region;
	json_t *regions;
};

static const struct sl_json_field table_spec[] = {
	SL_STR(struct table, date, 10, 10, SL_REQUIRED),
	SL_STR(struct table, source, 1, 4096, SL_REQUIRED),
	SL_STR(struct table, default_region, 1, MAX_REGION_LEN, SL_REQUIRED),
	SL_ANY_AS(struct table, regions, "regions", SL_REQUIRED),
	SL_JSON_END,
};

enum sl_err sl_prices_parse(
	const char *text, size_t len, struct sl_prices **ret, struct sl_error *reterr)
{
	SL_AUTO(sl_json_decrefp)
	json_t *root = NULL;
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	struct table table = {0};
	enum sl_err err = sl_json_parse(text, len, &root, &why);
	if (err == SL_ERR_OK) {
		err = sl_json_decode(root, table_spec, SL_JSON_STRICT, &table, &why);
	}
	if (err != SL_ERR_OK) {
		return wrong(reterr, why.pointer != NULL ? why.pointer : "",
			why.detail != NULL ? why.detail : sl_err_title(err));
	}
	if (!is_date(table.date)) {
		return wrong(reterr, "/date", "must be a date such as 2026-11-23");
	}
	SL_AUTO(sl_prices_destroyp)
	struct sl_prices *prices = sl_calloc(1, sizeof(*prices));
	prices->date = sl_strdup(table.date);
	prices->source = sl_strdup(table.source);
	err = read_regions(table.regions, table.default_region, prices, reterr);
	if (err == SL_ERR_OK) {
		sl_prices_choose(prices, prices->fallback->name);
		*ret = sl_take(&prices);
	}
	return err;
}

static void close_filep(FILE **file)
{
	if (*file != NULL) {
		fclose(*file);
	}
}

enum sl_err sl_prices_load(const char *path, struct sl_prices **ret, struct sl_error *reterr)
{
	if (*path == '\0') {
		return sl_prices_parse(sl_prices_text, strlen(sl_prices_text), ret, reterr);
	}
	SL_AUTO(close_filep)
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return sl_error_set(reterr, SL_ERR_CONFIG, "SPOTLIST_PRICES=%s cannot be read: %s",
			path, strerror(errno));
	}
	SL_AUTO(sl_freep)
	char *text = sl_calloc(1, MAX_BYTES + 1);
	size_t len = fread(text, 1, MAX_BYTES + 1, file);
	if (len > MAX_BYTES) {
		return sl_error_set(reterr, SL_ERR_CONFIG,
			"SPOTLIST_PRICES=%s has more than %d bytes", path, MAX_BYTES);
	}
	SL_AUTO(sl_error_finish)
	struct sl_error why = SL_ERROR_INIT;
	enum sl_err err = sl_prices_parse(text, len, ret, &why);
	return err == SL_ERR_OK
		? err
		: sl_error_set(reterr, err, "SPOTLIST_PRICES=%s: %s", path, why.detail);
}

void sl_prices_destroy(struct sl_prices *prices)
{
	if (prices == NULL) {
		return;
	}
	for (size_t i = 0; i < prices->region_count; i++) {
		free(prices->regions[i].name);
	}
	free(prices->regions);
	free(prices->region);
	free(prices->date);
	free(prices->source);
	free(prices);
}

void sl_prices_destroyp(struct sl_prices **prices)
{
	sl_prices_destroy(*prices);
	*prices = NULL;
}

void sl_prices_choose(struct sl_prices *prices, const char *region)
{
	free(prices->region);
	prices->region = sl_strdup(region);
	prices->here = prices->fallback;
	for (size_t i = 0; i < prices->region_count; i++) {
		if (strcmp(prices->regions[i].name, region) == 0) {
			prices->here = &prices->regions[i];
		}
	}
}
