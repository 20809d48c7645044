/* SPDX-License-Identifier: Apache-2.0 */
/* XML as JSON and back, without a schema: sl_xml_tree_read(), sl_xml_tree_write(). Pure. */

#include "xml_tree.h"

#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "xml.h"

/* Adds to the list of that name. Takes over `value`. */
static void add_child(json_t *parent, const struct sl_xml *xml, json_t *value)
{
	const struct sl_xml_name *element = &xml->stack[xml->depth - 1];
	SL_AUTO(sl_freep)
	char *name = sl_strndup(element->at, element->len);
	json_t *list = json_object_get(parent, name);
	if (list == NULL) {
		list = json_array();
		json_object_set_new(parent, name, list);
	}
	json_array_append_new(list, value);
}

/* Elements that are open: an object once a child has come, NULL before. */
struct reader {
	json_t *open[SL_XML_MAX_DEPTH];
	json_t *root;
};

static void reader_finish(struct reader *reader)
{
	for (size_t i = 0; i < SL_XML_MAX_DEPTH; i++) {
		json_decref(reader->open[i]);
	}
	json_decref(reader->root);
}

static void on_end(struct reader *reader, const struct sl_xml *xml)
{
	size_t depth = xml->depth; /* of this element, from 1 */
	json_t *value = sl_take(&reader->open[depth - 1]);
	if (value == NULL) {
		value = json_string(sl_xml_text(xml));
	}
	if (depth == 1) {
		reader->root = value;
		return;
	}
	if (reader->open[depth - 2] == NULL) {
		reader->open[depth - 2] = json_object();
	}
	add_child(reader->open[depth - 2], xml, value);
}

json_t *sl_xml_tree_read(const char *bytes, size_t len, const char *root)
{
	SL_AUTO(reader_finish)
	struct reader reader = {0};
	SL_AUTO(sl_xml_finish)
	struct sl_xml xml;
	sl_xml_init(&xml, bytes, len);
	bool right = root == NULL;
	enum sl_xml_event event;
	while ((event = sl_xml_next(&xml)) == SL_XML_START || event == SL_XML_END) {
		right = right || (xml.depth == 1 && sl_xml_is(&xml, root));
		if (event == SL_XML_END) {
			on_end(&reader, &xml);
		}
	}
	return event == SL_XML_DONE && right ? sl_take(&reader.root) : NULL;
}

const json_t *sl_xml_tree_list(const json_t *tree, const char *path)
{
	const json_t *at = tree;
	for (;;) {
		size_t len = strcspn(path, "/");
		SL_AUTO(sl_freep)
		char *name = sl_strndup(path, len);
		const json_t *list = json_object_get(at, name);
		if (list == NULL || path[len] == '\0') {
			return list;
		}
		at = json_array_get(list, 0);
		path += len + 1;
	}
}

const char *sl_xml_tree_text(const json_t *tree, const char *path)
{
	return json_string_value(json_array_get(sl_xml_tree_list(tree, path), 0));
}

bool sl_xml_add_text(struct sl_buf *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		if (c == '&' || c == '<' || c == '>' || c == '\t' || c == '\n' || c == '\r') {
			sl_buf_printf(out, "&#%d;", c);
		} else if (c < ' ') {
			return false;
		} else {
			sl_buf_putc(out, *at);
		}
	}
	return true;
}

static bool write_content(struct sl_buf *out, const json_t *value)
{
	if (json_is_object(value)) {
		const char *name;
		json_t *child;
		json_object_foreach ((json_t *)(uintptr_t)value, name, child) {
			if (!sl_xml_tree_write(out, name, child)) {
				return false;
			}
		}
		return true;
	}
	if (json_is_string(value)) {
		return sl_xml_add_text(out, json_string_value(value));
	}
	if (json_is_boolean(value)) {
		sl_buf_puts(out, json_is_true(value) ? "true" : "false");
	} else if (json_is_integer(value)) {
		sl_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
	return true;
}

bool sl_xml_tree_write(struct sl_buf *out, const char *name, const json_t *tree)
{
	if (json_is_array(tree)) {
		size_t i;
		const json_t *one;
		json_array_foreach (tree, i, one) {
			if (!sl_xml_tree_write(out, name, one)) {
				return false;
			}
		}
		return true;
	}
	if (*name == '\0' || strchr("-.0123456789", *name) != NULL) {
		return false; /* what was behind a prefix need not be a name */
	}
	sl_buf_printf(out, "<%s>", name);
	bool whole = write_content(out, tree);
	sl_buf_printf(out, "</%s>", name);
	return whole;
}
