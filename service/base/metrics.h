/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_METRICS_H
#define SL_METRICS_H

/*
 * What this process counts, for Prometheus: one table of families, each with its kind, labels and
 * the sentence of its HELP. Counting is lock-free and from any thread: a look-up of the labels'
 * values and one or two atomic additions. A combination of values gets its series when it is first
 * counted; beyond SL_METRICS_SERIES of them it is counted under "other", so that nothing that a
 * stranger sends can make a scrape grow. Values are words of ours, never of a client.
 */

#include "buf.h"
#include "defs.h"

/*  X(symbol, "name without prefix", kind, "labels, comma-separated", "help") */
#define SL_METRICS_TABLE(X) \
	X(HTTP_REQUESTS, "http_requests_total", COUNTER, "operation,status", \
		"Requests that were answered, by operation and class of their status.") \
	X(HTTP_SECONDS, "http_request_duration_seconds", HISTOGRAM, "operation,status", \
		"Seconds from a request's first line until its reply was sent.") \
	X(HTTP_IN_FLIGHT, "http_requests_in_flight", GAUGE, "server", \
		"Requests whose headers were read and that are not answered yet.") \
	X(HTTP_CONNECTIONS, "http_connections", GAUGE, "server", "Open HTTP connections.") \
	X(STEPS, "steps_total", COUNTER, "kind,outcome", \
		"Steps of videos that ended here: done, retried, failed, deferred (our own rate " \
		"limit), released (stopping) or lost (another worker had taken it over).") \
	X(STEPS_TAKEN_OVER, "steps_taken_over_total", COUNTER, "kind", \
		"Steps that were taken here from a worker whose lease had run out.") \
	X(STEP_SECONDS, "step_duration_seconds", HISTOGRAM, "kind", \
		"Seconds that a worker was busy with a step, whatever came of it.") \
	X(AWS_CALLS, "aws_calls_total", COUNTER, "service,operation,outcome", \
		"Calls of AWS that came to an end, retries and all, by the code of their error; " \
		"ok " \
		"where there was none.") \
	X(AWS_SECONDS, "aws_attempt_duration_seconds", HISTOGRAM, "service", \
		"Seconds of each attempt of a call of AWS.") \
	X(AWS_RETRIES, "aws_retries_total", COUNTER, "service", \
		"Attempts of calls that were sent again.") \
	X(AWS_THROTTLES, "aws_throttles_total", COUNTER, "service", \
		"Answers of AWS that asked for fewer calls or fewer open jobs.") \
	X(WEBHOOK_ATTEMPTS, "webhook_attempts_total", COUNTER, "outcome", \
		"Attempts to deliver a callback: delivered, retried or failed for good.") \
	X(WEBHOOK_SECONDS, "webhook_attempt_duration_seconds", HISTOGRAM, "", \
		"Seconds that a receiver took to answer, or not to.") \
	X(COST_REFUSED, "cost_cap_refused_total", COUNTER, "", \
		"Submissions and analyses that the monthly cap refused.")

enum sl_metric {
#define X(symbol, name, kind, labels, help) SL_METRIC_##symbol,
	SL_METRICS_TABLE(X)
#undef X
		SL_METRICS_COUNT_
};

#define SL_METRICS_LABELS 3   /* of a family, at most */
#define SL_METRICS_SERIES 512 /* of a family, at most; a power of two */

/* The values of a family's labels in their order; what is not used is NULL. */
struct sl_metric_labels {
	const char *value[SL_METRICS_LABELS];
};
/* clang-format off */
#define SL_LABELS(...) ((struct sl_metric_labels){{__VA_ARGS__}})
#define SL_NO_LABELS   ((struct sl_metric_labels){{NULL}})
/* clang-format on */

/** Adds to a counter, or to a gauge (negative: less). Lock-free. */
void sl_metric_add(enum sl_metric metric, int64_t by, struct sl_metric_labels labels);

/** One observation of a histogram. Lock-free. */
void sl_metric_observe_us(enum sl_metric metric, int64_t us, struct sl_metric_labels labels);

/** What a counter or gauge stands at; 0 where it was never touched. For tests. */
int64_t sl_metric_value(enum sl_metric metric, struct sl_metric_labels labels);

/** Appends all families with their HELP and TYPE in Prometheus' text format 0.0.4. */
void sl_metrics_render(struct sl_buf *out);

/** For what is not counted but looked up at each scrape: the lines before a family's samples.
 *  `kind` is "gauge" or "counter". */
void sl_metrics_family(struct sl_buf *out, const char *name, const char *kind, const char *help);

/** Appends one sample's name and labels (name, value, … NULL), the values escaped, and a space. */
void sl_metrics_sample(struct sl_buf *out, const char *name, ...) __attribute__((sentinel));

/** This process: resident memory, CPU, open files, start time, version. */
void sl_metrics_process(struct sl_buf *out);

#endif
