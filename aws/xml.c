/* SPDX-License-Identifier: Apache-2.0 */
/* A strict pull parser for small XML answers: sl_xml_next(). One thread per parser. */

#include "xml.h"

#include <string.h>

#include "mem.h"
#include "text.h"

#define MAX_NAME_BYTES 128

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ASCII only, and any byte of a multi-byte character: all that AWS uses and more. */
static bool is_name_char(char c)
{
	unsigned char u = (unsigned char)c;
	return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') ||
		u == '_' || u == ':' || u == '-' || u == '.' || u >= 0x80;
}

static size_t left(const struct sl_xml *xml)
{
	return (size_t)(xml->end - xml->at);
}

static bool looking_at(const struct sl_xml *xml, const char *text)
{
	size_t len = strlen(text);
	return left(xml) >= len && memcmp(xml->at, text, len) == 0;
}

static void skip_spaces(struct sl_xml *xml)
{
	while (xml->at < xml->end && is_space(*xml->at)) {
		xml->at++;
	}
}

/* Takes `text` away; false when it is not there. */
static bool take(struct sl_xml *xml, const char *text)
{
	if (!looking_at(xml, text)) {
		return false;
	}
	xml->at += strlen(text);
	return true;
}

/* Moves behind the next `text`; NULL, or where it began. */
static const char *skip_past(struct sl_xml *xml, const char *text)
{
	const char *found = memmem(xml->at, left(xml), text, strlen(text));
	if (found) {
		xml->at = found + strlen(text);
	}
	return found;
}

void sl_xml_init(struct sl_xml *xml, const char *bytes, size_t len)
{
	memset(xml, 0, sizeof(*xml));
	xml->at = bytes ? bytes : "";
	xml->end = xml->at + (bytes ? len : 0);
	xml->broken = !bytes || memchr(bytes, '\0', len) || !sl_text_is_utf8(bytes, len);
	if (!xml->broken) {
		(void)take(xml, "\xEF\xBB\xBF");
	}
}

void sl_xml_finish(struct sl_xml *xml)
{
	sl_buf_finish(&xml->text);
}

/* Namespaces in XML 1.0, section 3: what stands on either side of a name's only colon. */
static bool is_nc_name(const char *name, size_t len)
{
	return len > 0 && !strchr("-.0123456789", *name) && !memchr(name, ':', len);
}

static bool parse_name(struct sl_xml *xml, struct sl_xml_name *ret)
{
	const char *start = xml->at;
	while (xml->at < xml->end && is_name_char(*xml->at)) {
		xml->at++;
	}
	size_t full_len = (size_t)(xml->at - start);
	if (full_len == 0 || full_len > MAX_NAME_BYTES) {
		return false;
	}
	const char *colon = memchr(start, ':', full_len);
	const char *local = colon ? colon + 1 : start;
	size_t len = full_len - (size_t)(local - start);
	*ret = (struct sl_xml_name){local, len, full_len};
	return is_nc_name(local, len) && (!colon || is_nc_name(start, (size_t)(colon - start)));
}

/* Appends a code point that XML 1.0 allows in text. */
static bool put_code_point(struct sl_buf *out, uint32_t c)
{
	bool allowed = c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c < 0xD800) ||
		(c >= 0xE000 && c < 0xFFFE) || (c >= 0x10000 && c < 0x110000);
	if (!allowed) {
		return false;
	}
	if (c < 0x80) {
		sl_buf_putc(out, (char)c);
	} else if (c < 0x800) {
		sl_buf_putc(out, (char)(0xC0 | (c >> 6)));
		sl_buf_putc(out, (char)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		sl_buf_putc(out, (char)(0xE0 | (c >> 12)));
		sl_buf_putc(out, (char)(0x80 | ((c >> 6) & 0x3F)));
		sl_buf_putc(out, (char)(0x80 | (c & 0x3F)));
	} else {
		sl_buf_putc(out, (char)(0xF0 | (c >> 18)));
		sl_buf_putc(out, (char)(0x80 | ((c >> 12) & 0x3F)));
		sl_buf_putc(out, (char)(0x80 | ((c >> 6) & 0x3F)));
		sl_buf_putc(out, (char)(0x80 | (c & 0x3F)));
	}
	return true;
}

static bool digit_value(char c, uint32_t base, uint32_t *ret)
{
	uint32_t value = 16;
	if (c >= '0' && c <= '9') {
		value = (uint32_t)(c - '0');
	} else if (c >= 'a' && c <= 'f') {
		value = (uint32_t)(c - 'a') + 10;
	} else if (c >= 'A' && c <= 'F') {
		value = (uint32_t)(c - 'A') + 10;
	}
	*ret = value;
	return value < base;
}

/* "#65;" or "#x41;" */
static bool parse_numeric(struct sl_xml *xml, struct sl_buf *out)
{
	uint32_t base = take(xml, "#x") ? 16 : 10;
	if (base == 10) {
		xml->at++;
	}
	uint32_t c = 0;
	uint32_t digit = 0;
	int digits = 0;
	while (xml->at < xml->end && digits < 8 && digit_value(*xml->at, base, &digit)) {
		c = c * base + digit;
		digits++;
		xml->at++;
	}
	return digits > 0 && take(xml, ";") && put_code_point(out, c);
}

/* At the character behind '&'. */
static bool parse_reference(struct sl_xml *xml, struct sl_buf *out)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {{"lt;", '<'}, {"gt;", '>'}, {"amp;", '&'}, {"quot;", '"'}, {"apos;", '\''}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(entities); i++) {
		if (take(xml, entities[i].name)) {
			sl_buf_putc(out, entities[i].c);
			return true;
		}
	}
	return looking_at(xml, "#") && parse_numeric(xml, out);
}

/* Character data up to the next tag. Outside of the root only white space may stand. */
static bool parse_text(struct sl_xml *xml)
{
	while (xml->at < xml->end && *xml->at != '<') {
		char c = *xml->at++;
		if (xml->depth == 0 ? !is_space(c) : ((unsigned char)c < 0x20 && !is_space(c))) {
			return false;
		}
		if (c == '&') {
			if (!parse_reference(xml, &xml->text)) {
				return false;
			}
		} else if (c == '\r') {
			sl_buf_putc(&xml->text, '\n'); /* XML 1.0 section 2.11: line ends */
			(void)take(xml, "\n");
		} else {
			sl_buf_putc(&xml->text, c);
		}
	}
	return true;
}

/* name = "value" */
static bool parse_attribute(struct sl_xml *xml)
{
	struct sl_xml_name name;
	if (!parse_name(xml, &name)) {
		return false;
	}
	skip_spaces(xml);
	if (!take(xml, "=")) {
		return false;
	}
	skip_spaces(xml);
	const char *quote = looking_at(xml, "'") ? "'" : "\"";
	if (!take(xml, quote)) {
		return false;
	}
	const char *start = xml->at;
	const char *close = skip_past(xml, quote);
	return close && !memchr(start, '<', (size_t)(close - start));
}

/* Behind the '<' of a start tag. */
static enum sl_xml_event parse_start(struct sl_xml *xml)
{
	struct sl_xml_name name;
	bool second_root = xml->depth == 0 && xml->root_seen;
	if (second_root || xml->depth == SL_XML_MAX_DEPTH || !parse_name(xml, &name)) {
		return SL_XML_BROKEN;
	}
	for (;;) {
		bool spaced = xml->at < xml->end && is_space(*xml->at);
		skip_spaces(xml);
		if (take(xml, "/>")) {
			xml->self_closed = true;
			break;
		}
		if (take(xml, ">")) {
			break;
		}
		if (!spaced || !parse_attribute(xml)) {
			return SL_XML_BROKEN;
		}
	}
	xml->stack[xml->depth++] = name;
	xml->root_seen = true;
	sl_buf_clear(&xml->text);
	return SL_XML_START;
}

/* Behind the "</" of an end tag. */
static enum sl_xml_event parse_end(struct sl_xml *xml)
{
	struct sl_xml_name name;
	if (xml->depth == 0 || !parse_name(xml, &name)) {
		return SL_XML_BROKEN;
	}
	skip_spaces(xml);
	const struct sl_xml_name *open = &xml->stack[xml->depth - 1];
	bool same = name.full_len == open->full_len &&
		memcmp(name.at + name.len - name.full_len, open->at + open->len - open->full_len,
			name.full_len) == 0;
	if (!same || !take(xml, ">")) {
		return SL_XML_BROKEN;
	}
	xml->end_pending = true;
	return SL_XML_END;
}

/* A comment, processing instruction or CDATA section at `at`. `ret_skipped` tells that there was
 * one; false when it is broken or a DTD. */
static bool parse_special(struct sl_xml *xml, bool *ret_skipped)
{
	*ret_skipped = true;
	if (take(xml, "<!--")) {
		return skip_past(xml, "-->");
	}
	if (take(xml, "<?")) {
		return skip_past(xml, "?>");
	}
	if (xml->depth > 0 && take(xml, "<![CDATA[")) {
		const char *start = xml->at;
		const char *close = skip_past(xml, "]]>");
		if (close) {
			sl_buf_add(&xml->text, start, (size_t)(close - start));
		}
		return close;
	}
	*ret_skipped = false;
	return !looking_at(xml, "<!");
}

static enum sl_xml_event parse_event(struct sl_xml *xml)
{
	if (xml->self_closed) {
		xml->self_closed = false;
		xml->end_pending = true;
		return SL_XML_END;
	}
	if (xml->end_pending) {
		xml->end_pending = false;
		xml->depth--;
		sl_buf_clear(&xml->text);
	}
	for (;;) {
		if (!parse_text(xml)) {
			return SL_XML_BROKEN;
		}
		if (xml->at == xml->end) {
			return xml->depth == 0 && xml->root_seen ? SL_XML_DONE : SL_XML_BROKEN;
		}
		bool skipped = false;
		if (!parse_special(xml, &skipped)) {
			return SL_XML_BROKEN;
		}
		if (!skipped) {
			return take(xml, "</") ? parse_end(xml) : (xml->at++, parse_start(xml));
		}
	}
}

enum sl_xml_event sl_xml_next(struct sl_xml *xml)
{
	enum sl_xml_event event = xml->broken ? SL_XML_BROKEN : parse_event(xml);
	xml->broken = event == SL_XML_BROKEN;
	return event;
}

bool sl_xml_is(const struct sl_xml *xml, const char *path)
{
	size_t level = xml->depth;
	size_t end = strlen(path);
	while (end > 0) {
		const char *slash = memrchr(path, '/', end);
		size_t start = slash ? (size_t)(slash - path) + 1 : 0;
		if (level == 0) {
			return false;
		}
		const struct sl_xml_name *name = &xml->stack[--level];
		if (name->len != end - start || memcmp(name->at, path + start, name->len) != 0) {
			return false;
		}
		end = start > 0 ? start - 1 : 0;
	}
	return true;
}

const char *sl_xml_text(const struct sl_xml *xml)
{
	return sl_buf_str(&xml->text);
}

char *sl_xml_find(const char *bytes, size_t len, const char *path)
{
	SL_AUTO(sl_xml_finish)
	struct sl_xml xml;
	sl_xml_init(&xml, bytes, len);
	SL_AUTO(sl_freep)
	char *found = NULL;
	enum sl_xml_event event = sl_xml_next(&xml);
	while (event == SL_XML_START || event == SL_XML_END) {
		if (event == SL_XML_END && !found && sl_xml_is(&xml, path)) {
			found = sl_strdup(sl_xml_text(&xml));
		}
		event = sl_xml_next(&xml);
	}
	return event == SL_XML_DONE ? sl_take(&found) : NULL;
}
