/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_MEM_H
#define SL_MEM_H

/*
 * Allocation that cannot fail: out of memory aborts the process. Every input is capped before it
 * is stored, so an allocation failure is a machine in trouble and not an answer to a request.
 * All functions are thread-safe. Memory is released with free().
 */

#include <stdarg.h>
#include <stdlib.h>

#include "defs.h"

/** Zeroed memory for `count` elements of `size` bytes; overflow of the product aborts. */
void *sl_calloc(size_t count, size_t size);

/** Grows or shrinks `p` to `count` elements of `size` bytes; new bytes are not zeroed. */
void *sl_reallocarray(void *p, size_t count, size_t size);

/** A copy of `s`, owned by the caller; NULL stays NULL. */
char *sl_strdup(const char *s);

/** A NUL-terminated copy of the first `n` bytes of `s`, owned by the caller. */
char *sl_strndup(const char *s, size_t n);

/** A formatted string, owned by the caller. */
char *sl_asprintf(const char *format, ...) SL_PRINTF(1, 2);
char *sl_vasprintf(const char *format, va_list arguments) SL_PRINTF(1, 0);

/** Gives freed memory back to the system, for when much of it was used once. Some milliseconds. */
void sl_mem_trim(void);

/** Cleanup for `SL_AUTO(sl_freep) char *s`. The argument is the address of the pointer. */
void sl_freep(void *address_of_pointer);

#endif
