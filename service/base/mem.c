/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail. Any thread. */

#include "mem.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p)
{
	if (p == NULL) {
		static const char message[] = "level=error msg=\"out of memory\"\n";
		ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);
		(void)ignored;
		abort();
	}
	return p;
}

void sl_bug(const char *message, const char *file, int line, const char *function)
{
	fprintf(stderr, "level=error msg=\"bug\" what=\"%s\" at=%s:%d function=%s\n", message, file,
		line, function);
	abort();
}

void *sl_calloc(size_t count, size_t size)
{
	return must(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *sl_reallocarray(void *p, size_t count, size_t size)
{
	return must(reallocarray(p, count > 0 ? count : 1, size > 0 ? size : 1));
}

char *sl_strdup(const char *s)
{
	return s == NULL ? NULL : must(strdup(s));
}

char *sl_strndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *sl_vasprintf(const char *format, va_list arguments)
{
	char *text = NULL;
	if (vasprintf(&text, format, arguments) < 0) {
		text = NULL;
	}
	return must(text);
}

char *sl_asprintf(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = sl_vasprintf(format, arguments);
	va_end(arguments);
	return text;
}

void sl_freep(void *address_of_pointer)
{
	void **pointer = address_of_pointer;
	free(*pointer);
	*pointer = NULL;
}

void sl_mem_trim(void)
{
	(void)malloc_trim(0);
}
