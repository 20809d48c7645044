/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_XML_TREE_H
#define SL_XML_TREE_H

/*
 * Small XML documents as JSON, without a schema: an element that has children is an object with an
 * array for each name among them, {"Rule": [{"ID": ["a"]}, …]}; one that has none is a string.
 * Attributes and the order among different names are not kept. Pure; any thread.
 */

#include <jansson.h>

#include "buf.h"
#include "defs.h"

/** What is inside the root element, whose name must be `root` (NULL: any); NULL when it is not, or
 *  the document is not well-formed. The caller owns it. */
json_t *sl_xml_tree_read(const char *bytes, size_t len, const char *root);

/** The text at a path of names, "Role/Arn", the first of each, or NULL. Borrowed. */
const char *sl_xml_tree_text(const json_t *tree, const char *path);

/** The list at a path, the first of each name but the last; NULL when there is none. Borrowed. */
const json_t *sl_xml_tree_list(const json_t *tree, const char *path);

/** Appends character data, escaped. False for text that XML cannot hold. */
SL_MUST_CHECK bool sl_xml_add_text(struct sl_buf *out, const char *text);

/** Writes an element. Objects, strings, numbers and booleans may stand where an array would.
 *  False for a name or text that XML cannot hold. */
SL_MUST_CHECK bool sl_xml_tree_write(struct sl_buf *out, const char *name, const json_t *tree);

#endif
