/* SPDX-License-Identifier: Apache-2.0 */
/* The XML parser on any bytes: events nest, depth stays bounded, text stays UTF-8. */

#include <stdint.h>
#include <string.h>

#include "json_spec.h"
#include "mem.h"
#include "text.h"
#include "xml.h"
#include "xml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sl_xml_event walk(struct sl_xml *xml)
{
	size_t depth = 0;
	enum sl_xml_event event = sl_xml_next(xml);
	while (event == SL_XML_START || event == SL_XML_END) {
		if (event == SL_XML_START && (++depth != xml->depth || depth > SL_XML_MAX_DEPTH)) {
			SL_BUG("a start at the wrong depth");
		}
		if (event == SL_XML_END) {
			const char *text = sl_xml_text(xml);
			if (depth-- != xml->depth || !sl_text_is_utf8(text, strlen(text))) {
				SL_BUG("an end at the wrong depth, or with broken text");
			}
		}
		(void)sl_xml_is(xml, "Error/Code");
		event = sl_xml_next(xml);
	}
	if (event == SL_XML_DONE && depth != 0) {
		SL_BUG("done inside of an element");
	}
	return event;
}

/* What is read as a tree and can be written is read as the same tree again. */
static void read_as_tree(const char *bytes, size_t size, bool whole)
{
	json_auto_t *tree = sl_xml_tree_read(bytes, size, NULL);
	if ((tree != NULL) != whole) {
		SL_BUG("a tree of a broken document, or none of a whole one");
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf again = SL_BUF_INIT;
	if (tree == NULL || !sl_xml_tree_write(&again, "x", tree)) {
		return;
	}
	json_auto_t *second = sl_xml_tree_read(sl_buf_str(&again), again.len, "x");
	if (!json_equal(tree, second)) {
		SL_BUG("a tree that changes on its way through XML");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(sl_xml_finish)
	struct sl_xml xml;
	sl_xml_init(&xml, (const char *)data, size);
	enum sl_xml_event event = walk(&xml);
	SL_AUTO(sl_freep)
	char *found = sl_xml_find((const char *)data, size, "Code");
	if (found && event != SL_XML_DONE) {
		SL_BUG("found in a broken document");
	}
	read_as_tree((const char *)data, size, event == SL_XML_DONE);
	return 0;
}
