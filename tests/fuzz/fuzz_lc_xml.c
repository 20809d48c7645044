/* SPDX-License-Identifier: Apache-2.0 */
/* localcloud's reader of S3's XML bodies: a tree, and what is escaped reads back the same. */

#include <stdint.h>
#include <string.h>

#include "cloud.h"
#include "xml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_back(const struct lc_xml *element, struct sl_buf *out)
{
	for (; element; element = element->next) {
		sl_buf_puts(out, "<e>");
		lc_xml_escape(out, element->text);
		write_back(element->child, out);
		sl_buf_puts(out, "</e>");
	}
}

static void compare(const struct lc_xml *a, const struct lc_xml *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (strcmp(a->text, b->text) != 0) {
			SL_BUG("escaped text reads back as something else");
		}
		compare(a->child, b->child);
	}
	if (a || b) {
		SL_BUG("an element was lost");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *root = lc_xml_read((const char *)data, size);
	if (!root) {
		return 0;
	}
	SL_AUTO(sl_buf_finish)
	struct sl_buf out = SL_BUF_INIT;
	write_back(root, &out);
	SL_AUTO(lc_xml_destroyp)
	struct lc_xml *again = lc_xml_read(out.data, out.len);
	if (!again) {
		SL_BUG("what was written cannot be read");
	}
	compare(root, again);
	return 0;
}
