/*
 * xml_common.h - what the files that use libxml2 share: its limits and its silence.
 */
#ifndef VLUN_XML_COMMON_H
#define VLUN_XML_COMMON_H

#include <libxml/parser.h>

#include "internal.h"

#define XML_DEEPEST 250 /* libvirt follows backing chains of 200; libxml2 ends at 256 */
/* 100,000 drives take 40 MB, and libvirt's protocol carries 4 MiB in one text (VIR_NET_MESSAGE_STRING_MAX). */
#define XML_LARGEST (64 * 1024 * 1024)
/* Bytes of different names: libxml2 compares a new one with hundreds of others when there are many. */
#define XML_NAMES ((size_t)1000000)

/* No network, no entities but XML's own five (a DOCTYPE is refused), CDATA as text. */
#define XML_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOCDATA | XML_PARSE_COMPACT)

/* What a parser's callbacks write down instead of printing. */
struct vlun_xml_guard {
  char error[160];
  int line;
  int depth;
  bool doctype, too_deep;
};

/* Whether libxml2 can read the text without working on it for long (xml_limits.c); false, with a problem, if not. */
bool vlun_xml_is_bearable(const char *xml, size_t len, struct vlun_problems *problems);
/* A parser over text that keeps its errors in guard; NULL, with a problem, if there can be none. */
xmlParserCtxtPtr vlun_xml_open(const char *xml, size_t len, struct vlun_problems *problems);
/* Parses; false, with a problem, if the text is not well-formed or guard was offended. */
bool vlun_xml_parse(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems);
/* Callbacks for parser->sax; they expect parser->_private to be the guard. */
void vlun_xml_set_guard(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard);
bool vlun_xml_deeper(xmlParserCtxtPtr parser);

#endif
