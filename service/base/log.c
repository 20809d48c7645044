/* SPDX-License-Identifier: Apache-2.0 */
/* logfmt lines on stderr. Threads that log at once would queue up at the file's lock in the kernel:
 * so one writes and the others leave their lines with it. */

#include "log.h"

#include <errno.h>
#include <pthread.h>
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

/* What nearly all values are made of. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= '-' && c <= '/') || c == '_' || c == ':';
}

/* Bare when it can be read bare; quoted otherwise, so that no value can forge a line. */
static void add_value(struct sl_buf *line, const char *text)
{
	size_t len = strlen(text);
	bool bare = len > 0;
	for (size_t i = 0, step; bare && i < len; i += step) {
		bool plain = is_plain(text[i]);
		step = plain ? 1 : showable(text + i, len - i);
		bare = plain || (step > 0 && strchr(" \"=\\", text[i]) == NULL);
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

static void add_name(struct sl_buf *line, const char *name)
{
	sl_buf_putc(line, ' ');
	sl_buf_puts(line, name);
	sl_buf_putc(line, '=');
}

static void add_text(struct sl_buf *line, const char *name, const char *text)
{
	if (text != NULL) {
		add_name(line, name);
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
			add_name(line, field->name);
			sl_buf_add_i64(line, field->number);
			break;
		default:
			add_name(line, field->name);
			sl_buf_puts(line, "***");
			break;
		}
	}
}

/* The calendar is worked out once a second and thread: it costs more than the rest of a line, and
 * the C library does it under one lock for all. */
static void tell_time(char out[static SL_CLOCK_RFC3339_SIZE])
{
	static _Thread_local int64_t second = INT64_MIN;
	static _Thread_local char text[SL_CLOCK_RFC3339_SIZE];
	int64_t now_ms = sl_clock_now_ms();
	if (now_ms / 1000 != second) {
		second = now_ms / 1000;
		sl_clock_rfc3339(now_ms, text);
	}
	memcpy(out, text, sizeof(text));
	char *fraction = out + SL_CLOCK_RFC3339_SIZE - sizeof("000Z");
	int ms = (int)(now_ms % 1000);
	fraction[0] = (char)('0' + ms / 100);
	fraction[1] = (char)('0' + ms / 10 % 10);
	fraction[2] = (char)('0' + ms % 10);
}

static void begin(struct sl_buf *line, enum sl_log_level level, const char *msg)
{
	char now[SL_CLOCK_RFC3339_SIZE];
	tell_time(now);
	sl_buf_puts(line, "time=");
	sl_buf_puts(line, now);
	add_name(line, "level");
	sl_buf_puts(line, level_names[level]);
	add_text(line, "msg", msg);
}

/* --- writing -------------------------------------------------------------------------------- */

/* A reader of stderr that is slower than this holds up whoever logs, as it would without us. */
#define WAITING_MAX ((size_t)1024 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards everything below */
static pthread_cond_t written = PTHREAD_COND_INITIALIZER;
static struct sl_buf waiting; /* lines for the thread that writes */
static bool writing;

static void write_all(const struct sl_buf *lines)
{
	for (size_t done = 0; done < lines->len;) {
		ssize_t len = write(STDERR_FILENO, lines->data + done, lines->len - done);
		if (len <= 0 && errno != EINTR) {
			return; /* a log that cannot be written cannot be complained about */
		}
		done += len > 0 ? (size_t)len : 0;
	}
}

static void send(struct sl_buf *line)
{
	sl_buf_putc(line, '\n');
	pthread_mutex_lock(&lock);
	while (writing && waiting.len > WAITING_MAX) {
		pthread_cond_wait(&written, &lock);
	}
	if (writing) {
		sl_buf_add(&waiting, line->data, line->len);
		pthread_mutex_unlock(&lock);
		return;
	}
	writing = true;
	struct sl_buf lines = *line;
	*line = (struct sl_buf)SL_BUF_INIT;
	while (lines.len > 0) {
		pthread_mutex_unlock(&lock);
		write_all(&lines);
		sl_buf_clear(&lines);
		pthread_mutex_lock(&lock);
		struct sl_buf empty = lines;
		lines = waiting;
		waiting = empty;
		pthread_cond_broadcast(&written);
	}
	writing = false;
	pthread_cond_broadcast(&written);
	pthread_mutex_unlock(&lock);
	sl_buf_finish(&lines);
}

void sl_log_flush(void)
{
	pthread_mutex_lock(&lock);
	while (writing) {
		pthread_cond_wait(&written, &lock);
	}
	pthread_mutex_unlock(&lock);
}

/* --- lines ---------------------------------------------------------------------------------- */

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
