/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_LOG_H
#define SL_LOG_H

/*
 * Structured log, one logfmt line an event, on stderr. `msg` is constant text; what varies is in
 * fields. Only the server, the workers and main log, once per failure; libraries return errors.
 *
 *     sl_log(SL_LOG_INFO, "step done", SL_F("video_id", id), SL_F_I64("ms", ms), SL_F_END);
 *
 * Thread-safe. A line that is alone is written at once by whoever logs it, with one write(2); what
 * others log meanwhile goes with the next write, by the same thread. sl_log_flush() before the
 * process is killed by itself.
 */

#include "defs.h"
#include "err.h"

enum sl_log_level {
	SL_LOG_DEBUG,
	SL_LOG_INFO,
	SL_LOG_WARN,
	SL_LOG_ERROR,
};

struct sl_log_field {
	const char *name; /* NULL ends the list */
	const char *text; /* NULL: the number counts; a NULL text in SL_F leaves the field out */
	int64_t number;
	int kind; /* 0 end, 1 text, 2 number, 3 secret */
};

/* clang-format off */
#define SL_F(name_, text_)       (struct sl_log_field){(name_), (text_), 0, 1}
#define SL_F_I64(name_, number_) (struct sl_log_field){(name_), NULL, (number_), 2}
/* Prints *** whatever the value. */
#define SL_F_SECRET(name_)       (struct sl_log_field){(name_), NULL, 0, 3}
#define SL_F_END                 (struct sl_log_field){NULL, NULL, 0, 0}
/* clang-format on */

/** Lines below this level are dropped. Set once in main, before threads start. Default: INFO. */
void sl_log_set_level(enum sl_log_level level);

/** "debug", "info", "warn" or "error" to a level; -1 when it is none of them. */
int sl_log_level_parse(const char *name);

/** Writes one line; the fields end with SL_F_END. */
#define sl_log(level, msg, ...) \
	sl_log_fields((level), (msg), (const struct sl_log_field[]){__VA_ARGS__})
void sl_log_fields(enum sl_log_level level, const char *msg, const struct sl_log_field *fields);

/** Writes one line with the fields and everything that `error` tells (code, detail, provider). */
#define sl_log_error(level, msg, error, ...) \
	sl_log_error_fields((level), (msg), (error), (const struct sl_log_field[]){__VA_ARGS__})
void sl_log_error_fields(enum sl_log_level level, const char *msg, const struct sl_error *error,
	const struct sl_log_field *fields);

/** Waits until every line that was logged before is written. */
void sl_log_flush(void);

#endif
