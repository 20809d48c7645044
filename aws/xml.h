/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_XML_H
#define SL_XML_H

/*
 * A strict pull parser for the small XML answers of S3, SNS and STS. No DTD, so no entities but
 * the predefined ones and numeric references; bounded depth; namespaces prefixes are cut off;
 * attributes are checked and skipped. One thread per parser.
 *
 *     SL_AUTO(sl_xml_finish) struct sl_xml xml;
 *     sl_xml_init(&xml, bytes, len);
 *     while ((event = sl_xml_next(&xml)) == SL_XML_START || event == SL_XML_END) { … }
 *     if (event != SL_XML_DONE) → AWS_PROTOCOL
 */

#include <stdbool.h>

#include "buf.h"
#include "defs.h"

#define SL_XML_MAX_DEPTH 32

enum sl_xml_event {
	SL_XML_START,  /* an element begins: sl_xml_is() */
	SL_XML_END,    /* the innermost element ends: sl_xml_is(), sl_xml_text() */
	SL_XML_DONE,   /* the document was well-formed and is over */
	SL_XML_BROKEN, /* it is not well-formed, not UTF-8, or too deep; stays so */
};

struct sl_xml_name {
	const char *at; /* borrowed from the document, not NUL-terminated, without prefix */
	size_t len;
	size_t full_len; /* with prefix, which ends where `at + len` does */
};

struct sl_xml {
	const char *at;
	const char *end;
	struct sl_xml_name stack[SL_XML_MAX_DEPTH];
	size_t depth; /* elements that are open, the one that just ended included */
	bool root_seen;
	bool end_pending; /* the last event was END: the element leaves the stack at the next call
			   */
	bool self_closed; /* the last START was <empty/>: its END comes next */
	bool broken;
	struct sl_buf text; /* character data since the last tag, decoded */
};

/** `bytes` must outlive the parser. */
void sl_xml_init(struct sl_xml *xml, const char *bytes, size_t len);
void sl_xml_finish(struct sl_xml *xml);

enum sl_xml_event sl_xml_next(struct sl_xml *xml);

/** Whether the innermost open elements are these: "Contents/Key" is a Key right inside a Contents,
 *  wherever that is. At START and END the element of the event is the last one. */
bool sl_xml_is(const struct sl_xml *xml, const char *path);

/** At END: the decoded character data since the last tag, which is the whole content of an element
 *  without children. Borrowed until the next call; never NULL. */
const char *sl_xml_text(const struct sl_xml *xml);

/** The text of the first element that sl_xml_is() `path`, owned by the caller; NULL when there is
 *  none or the document is broken anywhere. */
char *sl_xml_find(const char *bytes, size_t len, const char *path);

#endif
