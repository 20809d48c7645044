/* SPDX-License-Identifier: Apache-2.0 */
/* Cues, cells and file names. Pure. */

#include "export_text.h"

#include <string.h>
#include <strings.h>

#include "caption_pieces.h"
#include "graphemes.h"
#include "text.h"
#include "timecode.h"

/* Leaves room for a suffix in 255, and for percent signs in a header. */
#define FILE_NAME_BYTES 120

/* --- captions ------------------------------------------------------------------------------ */

static void add_time(struct sl_buf *out, int64_t ms, char before_fraction)
{
	char time[SL_TIMECODE_SIZE];
	sl_timecode_format(time, ms);
	*strrchr(time, '.') = before_fraction;
	sl_buf_puts(out, time);
}

static void add_times(struct sl_buf *out, const struct sl_cue *cue, char before_fraction)
{
	add_time(out, cue->from_ms, before_fraction);
	sl_buf_puts(out, " --> ");
	add_time(out, cue->to_ms, before_fraction);
	sl_buf_putc(out, '\n');
}

/* With ">" escaped there is no "-->" either. */
static void add_escaped(struct sl_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			sl_buf_puts(out, "&amp;");
			break;
		case '<':
			sl_buf_puts(out, "&lt;");
			break;
		case '>':
			sl_buf_puts(out, "&gt;");
			break;
		default:
			sl_buf_putc(out, *text);
		}
	}
}

void sl_export_vtt_cue(struct sl_buf *out, const struct sl_cue *cue, bool voices)
{
	add_times(out, cue, '.');
	SL_AUTO(sl_buf_finish)
	struct sl_buf speaker = SL_BUF_INIT;
	if (voices && cue->speaker != NULL && sl_pieces_add_clean(&speaker, cue->speaker)) {
		sl_buf_puts(out, "<v ");
		add_escaped(out, speaker.data);
		sl_buf_putc(out, '>');
	}
	for (size_t i = 0; i < cue->line_count; i++) {
		add_escaped(out, cue->lines[i]);
		sl_buf_putc(out, '\n');
	}
	sl_buf_putc(out, '\n');
}

void sl_export_srt_cue(struct sl_buf *out, const struct sl_cue *cue, uint64_t number)
{
	sl_buf_add_i64(out, (int64_t)number);
	sl_buf_putc(out, '\n');
	add_times(out, cue, ',');
	for (size_t i = 0; i < cue->line_count; i++) {
		const char *text = cue->lines[i];
		for (const char *arrow; (arrow = strstr(text, "-->")) != NULL; text = arrow + 3) {
			sl_buf_add(out, text, (size_t)(arrow - text));
			sl_buf_puts(out, "→");
		}
		sl_buf_puts(out, text);
		sl_buf_putc(out, '\n');
	}
	sl_buf_putc(out, '\n');
}

/* --- tables -------------------------------------------------------------------------------- */

/* OWASP's list: what spreadsheets begin a formula with, and what they skip before it. */
static bool looks_like_a_formula(const char *text)
{
	static const char *const beginnings[] = {
		"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"};
	for (size_t i = 0; i < SL_ARRAY_SIZE(beginnings); i++) {
		if (sl_text_starts_with(text, beginnings[i])) {
			return true;
		}
	}
	return false;
}

void sl_export_csv_plain(struct sl_buf *out, const char *text, bool first)
{
	if (!first) {
		sl_buf_putc(out, ',');
	}
	sl_buf_puts(out, text != NULL ? text : "");
}

void sl_export_csv_text(struct sl_buf *out, const char *text, bool first, bool raw)
{
	sl_export_csv_plain(out, NULL, first);
	if (text == NULL || text[0] == '\0') {
		return;
	}
	bool guarded = !raw && looks_like_a_formula(text);
	/* Spaces at the ends, too, are kept by everybody only within quotes. */
	bool quoted =
		strpbrk(text, ",\"\r\n") != NULL || text[0] == ' ' || sl_text_ends_with(text, " ");
	sl_buf_puts(out, quoted ? "\"" : "");
	sl_buf_puts(out, guarded ? "'" : "");
	for (; *text != '\0'; text++) {
		sl_buf_puts(out, *text == '"' ? "\"" : "");
		sl_buf_putc(out, *text);
	}
	sl_buf_puts(out, quoted ? "\"" : "");
}

/* --- file names ---------------------------------------------------------------------------- */

/* Bidirectional controls could show another ending than there is. */
static bool is_unsafe(uint32_t code)
{
	return (code < 0x80 && strchr("/\\:*?\"<>|", (int)code) != NULL) ||
		(code >= 0x200E && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
		(code >= 0x2066 && code <= 0x2069) || code == 0x61C || code == 0xFEFF ||
		code == 0xFFFD;
}

/* Windows has these as devices, with any ending. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = {"con", "prn", "aux", "nul"};
	size_t len = strcspn(name, ". ");
	for (size_t i = 0; i < SL_ARRAY_SIZE(reserved); i++) {
		if (len == 3 && strncasecmp(name, reserved[i], 3) == 0) {
			return true;
		}
	}
	return len == 4 && name[3] >= '0' && name[3] <= '9' &&
		(strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0);
}

static void trim(struct sl_buf *name)
{
	if (name->data == NULL) {
		return;
	}
	size_t skip = strspn(name->data, ". ");
	if (skip > 0) {
		memmove(name->data, name->data + skip, name->len - skip + 1);
		name->len -= skip;
	}
	while (name->len > 0 && strchr(". ", name->data[name->len - 1]) != NULL) {
		name->data[--name->len] = '\0';
	}
}

static void make_name(struct sl_buf *out, const char *title)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf clean = SL_BUF_INIT;
	(void)sl_pieces_add_clean(&clean, title);
	for (size_t at = 0; at < clean.len;) {
		struct sl_grapheme next = sl_grapheme_at(clean.data + at, clean.len - at);
		if (out->len + next.len > FILE_NAME_BYTES) {
			break;
		}
		if (is_unsafe(next.first)) {
			sl_buf_putc(out, '_');
		} else {
			sl_buf_add(out, clean.data + at, next.len);
		}
		at += next.len;
	}
	trim(out);
	if (strspn(sl_buf_str(out), "_ .-") == out->len) {
		sl_buf_clear(out);
	}
}

/* What clients get that know no other: ASCII, and no escapes that they might not know either. */
static void make_plain(struct sl_buf *out, const char *name)
{
	size_t letters = 0;
	for (size_t left = strlen(name); left > 0;) {
		struct sl_grapheme next = sl_grapheme_at(name, left);
		bool plain = next.len == 1 && next.first < 0x7F && next.first != '%';
		sl_buf_add(out, plain ? name : "_", 1);
		letters += plain && *name != '_' && *name != ' ' ? 1 : 0;
		name += next.len;
		left -= next.len;
	}
	if (letters == 0) {
		sl_buf_clear(out);
	}
}

void sl_export_disposition(
	struct sl_buf *out, const char *title, const char *id, const char *suffix)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf name = SL_BUF_INIT;
	SL_AUTO(sl_buf_finish)
	struct sl_buf plain = SL_BUF_INIT;
	make_name(&name, title != NULL ? title : "");
	make_plain(&plain, sl_buf_str(&name));
	if (name.len == 0) {
		sl_buf_puts(&name, id);
	}
	if (plain.len == 0) {
		sl_buf_puts(&plain, id);
	}
	const char *guard = is_reserved(name.data) || is_reserved(plain.data) ? "_" : "";
	sl_buf_printf(out, "attachment; filename=\"%s%s%s\"; filename*=UTF-8''%s", guard,
		plain.data, suffix, guard);
	sl_text_percent_encode(out, name.data, name.len, "");
	sl_text_percent_encode(out, suffix, strlen(suffix), "");
}

/* --- edit decision lists ------------------------------------------------------------------- */

void sl_export_edl_text(struct sl_buf *out, const char *text, unsigned columns)
{
	SL_AUTO(sl_buf_finish)
	struct sl_buf clean = SL_BUF_INIT;
	(void)sl_pieces_add_clean(&clean, text);
	for (size_t at = 0; at < clean.len;) {
		struct sl_grapheme next = sl_grapheme_at(clean.data + at, clean.len - at);
		if (next.columns > columns) {
			break;
		}
		columns -= next.columns;
		if (next.first == '|') {
			sl_buf_putc(out, '/');
		} else {
			sl_buf_add(out, clean.data + at, next.len);
		}
		at += next.len;
	}
}
