/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads small XML documents into a tree, by recursive descent. Entry points: lc_xml_*. Pure.
 */
#include "xml_read.h"

#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "text.h"

#define MAX_DEPTH    16
#define MAX_ELEMENTS 60000 /* 10,000 parts of an upload with up to 5 members each */

struct reader {
	const char *at, *end;
	unsigned elements;
};

static bool next_is(const struct reader *reader, const char *text)
{
	size_t len = strlen(text);
	return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, text, len) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && is_space(*reader->at)) {
		reader->at++;
	}
}

/* Moves behind the next `mark`; the bytes before it are told when wanted. */
static bool skip_past(struct reader *reader, const char *mark, struct sl_buf *ret_before)
{
	const char *found =
		memmem(reader->at, (size_t)(reader->end - reader->at), mark, strlen(mark));
	if (!found) {
		return false;
	}
	if (ret_before) {
		sl_buf_add(ret_before, reader->at, (size_t)(found - reader->at));
	}
	reader->at = found + strlen(mark);
	return true;
}

static void add_code_point(struct sl_buf *out, unsigned code)
{
	if (code < 0x80) {
		sl_buf_putc(out, (char)code);
	} else if (code < 0x800) {
		sl_buf_putc(out, (char)(0xC0 | code >> 6));
		sl_buf_putc(out, (char)(0x80 | (code & 0x3F)));
	} else if (code < 0x10000) {
		sl_buf_putc(out, (char)(0xE0 | code >> 12));
		sl_buf_putc(out, (char)(0x80 | (code >> 6 & 0x3F)));
		sl_buf_putc(out, (char)(0x80 | (code & 0x3F)));
	} else {
		sl_buf_putc(out, (char)(0xF0 | code >> 18));
		sl_buf_putc(out, (char)(0x80 | (code >> 12 & 0x3F)));
		sl_buf_putc(out, (char)(0x80 | (code >> 6 & 0x3F)));
		sl_buf_putc(out, (char)(0x80 | (code & 0x3F)));
	}
}

/* "#38" or "#x26", without & and ; */
static bool add_character_reference(struct sl_buf *out, const char *text, size_t len)
{
	bool hex = len > 1 && text[1] == 'x';
	unsigned code = 0;
	size_t from = hex ? 2 : 1;

	if (from >= len || len > 9) {
		return false;
	}
	for (size_t i = from; i < len; i++) {
		unsigned digit = text[i] >= '0' && text[i] <= '9' ? (unsigned)(text[i] - '0')
			: hex && (text[i] | 32) >= 'a' && (text[i] | 32) <= 'f'
			? (unsigned)((text[i] | 32) - 'a' + 10)
			: 99;
		if (digit == 99) {
			return false;
		}
		code = code * (hex ? 16 : 10) + digit;
	}
	if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
		return false;
	}
	add_code_point(out, code);
	return true;
}

static bool read_entity(struct reader *reader, struct sl_buf *out)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

	for (size_t i = 0; i < SL_ARRAY_SIZE(entities); i++) {
		if (next_is(reader, entities[i].name)) {
			sl_buf_putc(out, entities[i].c);
			reader->at += strlen(entities[i].name);
			return true;
		}
	}
	const char *semicolon = memchr(reader->at, ';', (size_t)(reader->end - reader->at));
	if (!semicolon || !next_is(reader, "&#") ||
		!add_character_reference(
			out, reader->at + 1, (size_t)(semicolon - reader->at - 1))) {
		return false;
	}
	reader->at = semicolon + 1;
	return true;
}

/* The local name at the cursor, owned by the caller; NULL when there is none. */
static char *read_name(struct reader *reader)
{
	const char *from = reader->at;
	while (reader->at < reader->end && !is_space(*reader->at) &&
		!strchr("<>/=\"'&", *reader->at)) {
		if (*reader->at == ':') {
			from = reader->at + 1;
		}
		reader->at++;
	}
	return reader->at > from ? sl_strndup(from, (size_t)(reader->at - from)) : NULL;
}

/* Up to the end of a start tag. */
static bool skip_attributes(struct reader *reader, bool *ret_empty)
{
	for (;;) {
		skip_space(reader);
		if (next_is(reader, "/>")) {
			reader->at += 2;
			*ret_empty = true;
			return true;
		}
		if (next_is(reader, ">")) {
			reader->at++;
			*ret_empty = false;
			return true;
		}
		SL_AUTO(sl_freep)
		char *name = read_name(reader);
		skip_space(reader);
		if (!name || !next_is(reader, "=")) {
			return false;
		}
		reader->at++;
		skip_space(reader);
		if (!next_is(reader, "\"") && !next_is(reader, "'")) {
			return false;
		}
		const char quote[2] = {*reader->at, '\0'};
		reader->at++;
		if (!skip_past(reader, quote, NULL)) {
			return false;
		}
	}
}

static struct lc_xml *read_element(struct reader *reader, unsigned depth);

static bool read_end_tag(struct reader *reader, const char *name)
{
	reader->at += 2;
	SL_AUTO(sl_freep)
	char *end_name = read_name(reader);
	skip_space(reader);
	if (!sl_text_equal(end_name, name) || !next_is(reader, ">")) {
		return false;
	}
	reader->at++;
	return true;
}

/* One piece of content: text, entity, comment, CDATA or a child. */
static bool read_piece(
	struct reader *reader, unsigned depth, struct sl_buf *text, struct lc_xml ***tail)
{
	if (next_is(reader, "<!--")) {
		return skip_past(reader, "-->", NULL);
	}
	if (next_is(reader, "<![CDATA[")) {
		reader->at += strlen("<![CDATA[");
		return skip_past(reader, "]]>", text);
	}
	if (next_is(reader, "<")) {
		**tail = read_element(reader, depth + 1);
		if (!**tail) {
			return false;
		}
		*tail = &(**tail)->next;
		return true;
	}
	if (next_is(reader, "&")) {
		return read_entity(reader, text);
	}
	if (*reader->at == '\0') {
		return false;
	}
	sl_buf_putc(text, *reader->at++);
	return true;
}

static bool read_content(struct reader *reader, unsigned depth, struct lc_xml *element)
{
	struct sl_buf text = SL_BUF_INIT;
	struct lc_xml **tail = &element->child;
	bool ok = true;

	while (ok && reader->at < reader->end && !next_is(reader, "</")) {
		ok = read_piece(reader, depth, &text, &tail);
	}
	element->text = sl_buf_steal(&text);
	return ok && next_is(reader, "</") && read_end_tag(reader, element->name);
}

static struct lc_xml *read_element(struct reader *reader, unsigned depth)
{
	if (depth > MAX_DEPTH || ++reader->elements > MAX_ELEMENTS) {
		return NULL;
	}
	reader->at++; /* < */
	char *name = read_name(reader);
	bool empty = false;
	if (!name || !skip_attributes(reader, &empty)) {
		free(name);
		return NULL;
	}
	struct lc_xml *element = sl_calloc(1, sizeof *element);
	element->name = name;
	if (empty) {
		element->text = sl_strdup("");
		return element;
	}
	if (!read_content(reader, depth, element)) {
		lc_xml_destroy(element);
		return NULL;
	}
	return element;
}

/* White space, comments and processing instructions around the root. */
static bool skip_misc(struct reader *reader)
{
	for (;;) {
		skip_space(reader);
		if (next_is(reader, "<?")) {
			if (!skip_past(reader, "?>", NULL)) {
				return false;
			}
		} else if (next_is(reader, "<!--")) {
			if (!skip_past(reader, "-->", NULL)) {
				return false;
			}
		} else {
			return true;
		}
	}
}

struct lc_xml *lc_xml_read(const char *bytes, size_t len)
{
	struct reader reader = {.at = bytes, .end = bytes + len};

	if (next_is(&reader, "\xEF\xBB\xBF")) {
		reader.at += 3;
	}
	if (!skip_misc(&reader) || !next_is(&reader, "<")) {
		return NULL;
	}
	struct lc_xml *root = read_element(&reader, 1);
	if (root && (!skip_misc(&reader) || reader.at != reader.end)) {
		lc_xml_destroy(root);
		return NULL;
	}
	return root;
}

void lc_xml_destroy(struct lc_xml *root)
{
	while (root) {
		struct lc_xml *next = root->next;
		lc_xml_destroy(root->child);
		free(root->name);
		free(root->text);
		free(root);
		root = next;
	}
}

void lc_xml_destroyp(struct lc_xml **root)
{
	lc_xml_destroy(*root);
	*root = NULL;
}

const struct lc_xml *lc_xml_child(const struct lc_xml *parent, const char *name)
{
	const struct lc_xml *child = parent ? parent->child : NULL;
	while (child && strcmp(child->name, name) != 0) {
		child = child->next;
	}
	return child;
}

const char *lc_xml_value(const struct lc_xml *parent, const char *name)
{
	const struct lc_xml *child = lc_xml_child(parent, name);
	return child ? child->text : NULL;
}
