/* SPDX-License-Identifier: Apache-2.0 */
/* logfmt lines on stderr. A line is built in a buffer and written with one write(2). */

#include "log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "text.h"

static enum sl_log_level threshold = SL_LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void sl_log_set_level(enum sl_log_level level)
{
	threshold = level;
}

int sl_log_level_parse(const char *name)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(level_names); i++) {
		if (strcmp(level_names[i], name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

/*
 * The length of the character at `p` when a line may show it as it is: no control character, no
 * C1 control (a terminal takes U+009B for ESC [), no line or paragraph separator, nothing that is
 * not UTF-8. Else 0: its first byte must be escaped.
 */
static size_t showable(const char *p, size_t left)
{
	size_t len = sl_text_utf8_sequence(p, left);
	const unsigned char *c = (const unsigned char *)p;
	bool control = len == 1 && (c[0] < ' ' || c[0] == 0x7f);
	bool c1 = len == 2 && c[0] == 0xc2 && c[1] < 0xa0;
	bool separator = len == 3 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
	return control || c1 || separator ? 0 : len;
}

/* Bare when it can be read bare; quoted otherwise, so that no value can forge a line. */
static void add_value(struct sl_buf *line, const char *text)
{
	size_t len = strlen(text);
	bool bare = len > 0 && strcspn(text, " \"=\\") == len;
	for (size_t i = 0, step; bare && i < len; i += step) {
		step = showable(text + i, len - i);
		bare = step > 0;
	}
	if (bare) {
		sl_buf_puts(line, text);
		return;
	}
	sl_buf_putc(line, '"');
	for (size_t i = 0; i < len;) {
		size_t step = showable(text + i, len - i);
		if (text[i] == '"' || text[i] == '\\') {
			sl_buf_putc(line, '\\');
		}
		if (step > 0) {
			sl_buf_add(line, text + i, step);
			i += step;
		} else if (text[i] == '\n') {
			sl_buf_puts(line, "\\n");
			i++;
		} else {
			sl_buf_printf(line, "\\x%02x", (unsigned char)text[i]);
			i++;
		}
	}
	sl_buf_putc(line, '"');
}

static void add_text(struct sl_buf *line, const char *name, const char *text)
{
	if (text != NULL) {
		sl_buf_printf(line, " %s=", name);
		add_value(line, text);
	}
}

static void add_fields(struct sl_buf *line, const struct sl_log_field *fields)
{
	for (const struct sl_log_field *field = fields; field->name != NULL; field++) {
		switch (field->kind) {
		case 1:
			add_text(line, field->name, field->text);
			break;
		case 2:
			sl_buf_printf(line, " %s=%lld", field->name, (long long)field->number);
			break;
		default:
			sl_buf_printf(line, " %s=***", field->name);
			break;
		}
	}
}

static void begin(struct sl_buf *line, enum sl_log_level level, const char *msg)
{
	char now[SL_CLOCK_RFC3339_SIZE];
	sl_clock_rfc3339(sl_clock_now_ms(), now);
	sl_buf_printf(line, "time=%s level=%s", now, level_names[level]);
	add_text(line, "msg", msg);
}

static void send(struct sl_buf *line)
{
	sl_buf_putc(line, '\n');
	ssize_t written = write(STDERR_FILENO, line->data, line->len);
	(void)written; /* a log that cannot be written cannot be complained about */
}

void sl_log_fields(enum sl_log_level level, const char *msg, const struct sl_log_field *fields)
{
	if (level < threshold) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf line = SL_BUF_INIT;
	begin(&line, level, msg);
	add_fields(&line, fields);
	send(&line);
}

void sl_log_error_fields(enum sl_log_level level, const char *msg, const struct sl_error *error,
	const struct sl_log_field *fields)
{
	if (level < threshold) {
		return;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf line = SL_BUF_INIT;
	begin(&line, level, msg);
	add_fields(&line, fields);
	add_text(&line, "err", sl_err_code(error->code));
	add_text(&line, "detail", error->detail);
	add_text(&line, "pointer", error->pointer);
	add_text(&line, "provider", error->provider.service);
	add_text(&line, "provider_operation", error->provider.operation);
	add_text(&line, "provider_code", error->provider.code);
	add_text(&line, "provider_message", error->provider.message);
	add_text(&line, "provider_request_id", error->provider.request_id);
	send(&line);
}
