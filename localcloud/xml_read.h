/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_XML_READ_H
#define LC_XML_READ_H

/* A small reader for the XML that S3's clients send: elements, text, entities, CDATA, comments.
 * No DOCTYPE, no external anything; prefixes are dropped from names, attributes skipped. */

#include <stddef.h>

struct lc_xml {
	char *name; /* local name */
	char *text; /* the text directly inside, joined and unescaped; never NULL */
	struct lc_xml *child, *next;
};

/** The document's root, owned by the caller; NULL when it is not well-formed, too deep (16) or
 *  has more than 60,000 elements. */
struct lc_xml *lc_xml_read(const char *bytes, size_t len);

void lc_xml_destroy(struct lc_xml *root);

/** Cleanup for SL_AUTO(lc_xml_destroyp) struct lc_xml *x. */
void lc_xml_destroyp(struct lc_xml **root);

/** The first child of this name, or NULL; `parent` may be NULL. */
const struct lc_xml *lc_xml_child(const struct lc_xml *parent, const char *name);

/** Its text, or NULL. */
const char *lc_xml_value(const struct lc_xml *parent, const char *name);

#endif
