/* SPDX-License-Identifier: Apache-2.0 */
/* Small XML answers: what is read, and what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem.h"
#include "xml.h"

/* The events of a document, one after the other: "+name" "-name=text" and "." or "!". */
static char *events(const char *document)
{
	SL_AUTO(sl_xml_finish)
	struct sl_xml xml;
	sl_xml_init(&xml, document, strlen(document));
	struct sl_buf out = SL_BUF_INIT;
	for (;;) {
		enum sl_xml_event event = sl_xml_next(&xml);
		if (event == SL_XML_DONE || event == SL_XML_BROKEN) {
			sl_buf_putc(&out, event == SL_XML_DONE ? '.' : '!');
			assert_int_equal(sl_xml_next(&xml), event);
			return sl_buf_steal(&out);
		}
		const struct sl_xml_name *name = &xml.stack[xml.depth - 1];
		sl_buf_printf(&out, "%c%.*s", event == SL_XML_START ? '+' : '-', (int)name->len,
			name->at);
		if (event == SL_XML_END && *sl_xml_text(&xml)) {
			sl_buf_printf(&out, "=%s", sl_xml_text(&xml));
		}
	}
}

static void documents_give_their_events(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"<a/>", "+a-a."},
		{"\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<a><b>x</b> <b c='1' d = \"2\"/></a>\n",
			"+a+b-b=x+b-b-a."},
		{"<s:a xmlns:s='u'>t</s:a>", "+a-a=t."},
		{"<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;</a>", "+a-a=<>&\"'A😀."},
		{"<a>1<!-- <b> -->2<![CDATA[<&>]]>3<?pi?>4</a>", "+a-a=12<&>34."},
		{"<a>x\r\ny\rz</a>", "+a-a=x\ny\nz."},
		{"<!-- c --><a></a ><!-- d -->", "+a-a."},
		/* not well-formed */
		{"", "!"},
		{"x", "!"},
		{"<a>", "+a!"},
		{"<a></b>", "+a!"},
		{"<s:a></t:a>", "+a!"},
		{"<a/><b/>", "+a-a!"},
		{"<a/>x", "+a-a!"},
		{"</a>", "!"},
		{"<a b></a>", "!"},
		{"<a b='1'c='2'/>", "!"},
		{"<a b='<'/>", "!"},
		{"<a b='1/>", "!"},
		{"<1/>", "!"},
		{"<a:/>", "!"},
		{"<:a/>", "!"},
		{"<a:b:c/>", "!"},
		{"<a:-b/>", "!"},
		{"<a>&nbsp;</a>", "+a!"},
		{"<a>&#0;</a>", "+a!"},
		{"<a>&#xD800;</a>", "+a!"},
		{"<a>&#x110000;</a>", "+a!"},
		{"<a>&#xFFFFFFFFF;</a>", "+a!"},
		{"<a>&#;</a>", "+a!"},
		{"<a>& </a>", "+a!"},
		{"<a>\x01</a>", "+a!"},
		{"<a>\xff</a>", "!"},
		{"<a><!-- </a>", "+a!"},
		{"<a><![CDATA[</a>", "+a!"},
		{"<![CDATA[x]]><a/>", "!"},
		{"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "!"},
	};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_freep)
		char *got = events(cases[i][0]);
		assert_string_equal(got, cases[i][1]);
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		SL_AUTO(sl_buf_finish)
		struct sl_buf document = SL_BUF_INIT;
		for (int i = 0; i < SL_XML_MAX_DEPTH + extra; i++) {
			sl_buf_puts(&document, "<a>");
		}
		for (int i = 0; i < SL_XML_MAX_DEPTH + extra; i++) {
			sl_buf_puts(&document, "</a>");
		}
		SL_AUTO(sl_freep)
		char *got = events(sl_buf_str(&document));
		assert_int_equal(got[strlen(got) - 1], extra ? '!' : '.');
	}
}

static void elements_are_found_by_the_end_of_their_path(void **state)
{
	(void)state;
	static const char document[] =
		"<R><Code>0</Code><Error><Code>1</Code><Code>2</Code></Error><Id/></R>";
	static const char *const cases[][2] = {{"Error/Code", "1"}, {"R/Error/Code", "1"},
		{"Code", "0"}, {"Id", ""}, {"X/Code", NULL}, {"X/R/Code", NULL}, {"ode", NULL}};
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		SL_AUTO(sl_freep)
		char *got = sl_xml_find(document, sizeof(document) - 1, cases[i][0]);
		if (cases[i][1]) {
			assert_string_equal(got, cases[i][1]);
		} else {
			assert_null(got);
		}
	}
	assert_null(sl_xml_find("<R><Code>1</Code>", 17, "Code"));
	assert_null(sl_xml_find(NULL, 0, "Code"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_give_their_events),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(elements_are_found_by_the_end_of_their_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
