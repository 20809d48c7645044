/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DEFS_H
#define SL_DEFS_H

/* Compiler attributes and ownership helpers that every file may use. */

#include <stddef.h>
#include <stdint.h>

/* The caller must look at the result. */
#define SL_MUST_CHECK __attribute__((warn_unused_result))
#define SL_PRINTF(format_index, first_argument) \
	__attribute__((format(printf, format_index, first_argument)))
#define SL_NORETURN __attribute__((noreturn))
#define SL_UNUSED   __attribute__((unused))

/*
 * A local that cleans itself up when it leaves scope:
 *     SL_AUTO(sl_buf_finish) struct sl_buf body = SL_BUF_INIT;
 * The function receives the address of the variable.
 */
#define SL_AUTO(cleanup_fn) __attribute__((cleanup(cleanup_fn)))

/* Hand ownership out of an SL_AUTO pointer: yields its value and leaves NULL behind. */
#define sl_take(pointer) \
	({ \
		__typeof__(*(pointer)) sl_taken_ = *(pointer); \
		*(pointer) = NULL; \
		sl_taken_; \
	})

#define SL_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* An invariant of ours is broken: logs where and aborts. A crash loses nothing here, because
 * accepted work is in PostgreSQL and its lease runs out; going on with a wrong state might. */
#define SL_BUG(message) sl_bug((message), __FILE__, __LINE__, __func__)

SL_NORETURN void sl_bug(const char *message, const char *file, int line, const char *function);

#endif
