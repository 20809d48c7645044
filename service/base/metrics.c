/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families and their series. A series is found by hashing its labels' values into a table of
 * pointers, and put there once by compare-and-swap; it is never changed or freed. Any thread.
 */

#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

enum kind { COUNTER, GAUGE, HISTOGRAM };

#define PREFIX "spotlist_"
#define OTHER  "other"

/* Bounds of every histogram: from what a cached document takes to what a long step does. */
static const struct {
	int64_t us;
	const char *text;
} buckets[] = {
	{500, "0.0005"},
	{1000, "0.001"},
	{2500, "0.0025"},
	{5000, "0.005"},
	{10000, "0.01"},
	{25000, "0.025"},
	{50000, "0.05"},
	{100000, "0.1"},
	{250000, "0.25"},
	{500000, "0.5"},
	{1000000, "1"},
	{2500000, "2.5"},
	{5000000, "5"},
	{10000000, "10"},
	{30000000, "30"},
	{60000000, "60"},
	{300000000, "300"},
};

#define BUCKETS SL_ARRAY_SIZE(buckets)

struct series {
	const char *value[SL_METRICS_LABELS]; /* NULL where the family has no such label */
	_Atomic int64_t number;               /* counters and gauges; histograms: sum in us */
	_Atomic uint64_t counts[];            /* histograms: BUCKETS + 1, not cumulative */
};

struct family {
	const char *name;
	enum kind kind;
	const char *labels;
	const char *help;
};

static const struct family families[SL_METRICS_COUNT_] = {
#define X(symbol, name_, kind_, labels_, help_) \
	[SL_METRIC_##symbol] = {PREFIX name_, kind_, labels_, help_},
	SL_METRICS_TABLE(X)
#undef X
};

static _Atomic(struct series *) table[SL_METRICS_COUNT_][SL_METRICS_SERIES];
static _Atomic unsigned series_counts[SL_METRICS_COUNT_];

/* --- finding a series ---------------------------------------------------------------------- */

static uint32_t hash_labels(const struct sl_metric_labels *labels)
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	for (size_t i = 0; i < SL_METRICS_LABELS && labels->value[i] != NULL; i++) {
		for (const char *c = labels->value[i]; *c != '\0'; c++) {
			hash = (hash ^ (unsigned char)*c) * 16777619U;
		}
		hash = (hash ^ 0xffU) * 16777619U;
	}
	return hash ^ hash >> 15;
}

static bool same_labels(const struct series *series, const struct sl_metric_labels *labels)
{
	for (size_t i = 0; i < SL_METRICS_LABELS; i++) {
		const char *a = series->value[i];
		const char *b = labels->value[i];
		if (a != b && (a == NULL || b == NULL || strcmp(a, b) != 0)) {
			return false;
		}
	}
	return true;
}

static struct series *make_series(enum sl_metric metric, const struct sl_metric_labels *labels)
{
	size_t counts = families[metric].kind == HISTOGRAM ? BUCKETS + 1 : 0;
	struct series *series = sl_calloc(1, sizeof(*series) + counts * sizeof(uint64_t));
	for (size_t i = 0; i < SL_METRICS_LABELS; i++) {
		series->value[i] = sl_strdup(labels->value[i]);
	}
	return series;
}

static void free_series(struct series *series)
{
	for (size_t i = 0; i < SL_METRICS_LABELS; i++) {
		free((void *)(uintptr_t)series->value[i]);
	}
	free(series);
}

static struct series *find_series(
	enum sl_metric metric, const struct sl_metric_labels *labels, bool add)
{
	_Atomic(struct series *) *slots = table[metric];
	struct series *made = NULL;
	for (uint32_t i = hash_labels(labels);; i++) {
		_Atomic(struct series *) *slot = &slots[i % SL_METRICS_SERIES];
		struct series *there = atomic_load_explicit(slot, memory_order_acquire);
		if (there == NULL && !add) {
			return NULL;
		}
		if (there == NULL) {
			made = made != NULL ? made : make_series(metric, labels);
			if (atomic_compare_exchange_strong(slot, &there, made)) {
				atomic_fetch_add(&series_counts[metric], 1);
				return made;
			}
		}
		if (same_labels(there, labels)) {
			if (made != NULL) {
				free_series(made);
			}
			return there;
		}
	}
}

/* Three quarters of the table are for what comes; "other" finds a place in the rest. */
static struct series *series_of(enum sl_metric metric, const struct sl_metric_labels *labels)
{
	struct series *series = find_series(metric, labels, false);
	if (series != NULL) {
		return series;
	}
	if (atomic_load(&series_counts[metric]) < SL_METRICS_SERIES / 4 * 3) {
		return find_series(metric, labels, true);
	}
	struct sl_metric_labels other = *labels;
	for (size_t i = 0; i < SL_METRICS_LABELS && other.value[i] != NULL; i++) {
		other.value[i] = OTHER;
	}
	return find_series(metric, &other, true);
}

/* --- counting ------------------------------------------------------------------------------ */

void sl_metric_add(enum sl_metric metric, int64_t by, struct sl_metric_labels labels)
{
	atomic_fetch_add_explicit(&series_of(metric, &labels)->number, by, memory_order_relaxed);
}

void sl_metric_observe_us(enum sl_metric metric, int64_t us, struct sl_metric_labels labels)
{
	struct series *series = series_of(metric, &labels);
	size_t bucket = 0;
	while (bucket < BUCKETS && us > buckets[bucket].us) {
		bucket++;
	}
	atomic_fetch_add_explicit(&series->counts[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&series->number, us, memory_order_relaxed);
}

int64_t sl_metric_value(enum sl_metric metric, struct sl_metric_labels labels)
{
	const struct series *series = find_series(metric, &labels, false);
	return series != NULL ? atomic_load(&series->number) : 0;
}

/* --- the text ------------------------------------------------------------------------------ */

void sl_metrics_family(struct sl_buf *out, const char *name, const char *kind, const char *help)
{
	sl_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void add_label(struct sl_buf *out, char before, const char *name, const char *value)
{
	sl_buf_putc(out, before);
	sl_buf_puts(out, name);
	sl_buf_puts(out, "=\"");
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\\' || *c == '"') {
			sl_buf_putc(out, '\\');
			sl_buf_putc(out, *c);
		} else if (*c == '\n') {
			sl_buf_puts(out, "\\n");
		} else {
			sl_buf_putc(out, *c);
		}
	}
	sl_buf_putc(out, '"');
}

void sl_metrics_sample(struct sl_buf *out, const char *name, ...)
{
	va_list arguments;
	va_start(arguments, name);
	sl_buf_puts(out, name);
	char before = '{';
	for (const char *label = va_arg(arguments, const char *); label != NULL;
		label = va_arg(arguments, const char *)) {
		add_label(out, before, label, va_arg(arguments, const char *));
		before = ',';
	}
	sl_buf_puts(out, before == ',' ? "} " : " ");
	va_end(arguments);
}

/* Name and labels of a series; `suffix` and `le` are a histogram's. */
static void add_sample(struct sl_buf *out, const struct family *family, const struct series *series,
	const char *suffix, const char *le)
{
	sl_buf_puts(out, family->name);
	sl_buf_puts(out, suffix);
	char before = '{';
	const char *label = family->labels;
	for (size_t i = 0; i < SL_METRICS_LABELS && series->value[i] != NULL; i++) {
		char name[32];
		size_t len = strcspn(label, ",");
		snprintf(name, sizeof(name), "%.*s", (int)len, label);
		label += label[len] == ',' ? len + 1 : len;
		add_label(out, before, name, series->value[i]);
		before = ',';
	}
	if (le != NULL) {
		add_label(out, before, "le", le);
		before = ',';
	}
	sl_buf_puts(out, before == ',' ? "} " : " ");
}

static void add_histogram(
	struct sl_buf *out, const struct family *family, const struct series *series)
{
	uint64_t count = 0;
	for (size_t i = 0; i <= BUCKETS; i++) {
		count += atomic_load_explicit(&series->counts[i], memory_order_relaxed);
		add_sample(out, family, series, "_bucket", i < BUCKETS ? buckets[i].text : "+Inf");
		sl_buf_printf(out, "%" PRIu64 "\n", count);
	}
	int64_t us = atomic_load_explicit(&series->number, memory_order_relaxed);
	add_sample(out, family, series, "_sum", NULL);
	sl_buf_printf(out, "%" PRId64 ".%06" PRId64 "\n", us / 1000000, us % 1000000);
	add_sample(out, family, series, "_count", NULL);
	sl_buf_printf(out, "%" PRIu64 "\n", count);
}

void sl_metrics_render(struct sl_buf *out)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	for (size_t i = 0; i < SL_METRICS_COUNT_; i++) {
		const struct family *family = &families[i];
		sl_metrics_family(out, family->name, kinds[family->kind], family->help);
		if (family->labels[0] == '\0') { /* it stands at 0 before it was ever counted */
			(void)series_of((enum sl_metric)i, &SL_NO_LABELS);
		}
		for (size_t j = 0; j < SL_METRICS_SERIES; j++) {
			const struct series *series =
				atomic_load_explicit(&table[i][j], memory_order_acquire);
			if (series == NULL) {
				continue;
			}
			if (family->kind == HISTOGRAM) {
				add_histogram(out, family, series);
			} else {
				add_sample(out, family, series, "", NULL);
				sl_buf_printf(out, "%" PRId64 "\n", atomic_load(&series->number));
			}
		}
	}
}
