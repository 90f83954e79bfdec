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

/* What an error callback gets, which libxml2 2.12 made const. */
#if LIBXML_VERSION >= 21200
typedef const xmlError vlun_xml_error;
#else
typedef xmlError vlun_xml_error;
#endif

/* What libxml2 tells from open to close is written down here instead of printed.  Not every function of its trees says
 * that memory has ended, but this thread's handler of errors hears of it. */
struct vlun_xml_guard {
  char error[160];
  int line;
  int depth;
  bool doctype, too_deep, no_memory;
  xmlStructuredErrorFunc handler; /* the thread's own, and what it is called with */
  void *context;
};

/* Whether libxml2 can read the text without working on it for long (xml_limits.c); false, with a problem, if not. */
bool vlun_xml_is_bearable(const char *xml, size_t len, struct vlun_problems *problems);
/* A parser over text, whose _private is the guard; NULL, with a problem, if there can be none.  Close must follow. */
xmlParserCtxtPtr vlun_xml_open(const char *xml, size_t len, struct vlun_xml_guard *guard,
                               struct vlun_problems *problems);
/* Parses; false, with a problem, if the text is not well-formed or guard was offended. */
bool vlun_xml_parse(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems);
/* Frees the parser, which may be NULL, and its document; false, and the problems know it, if memory has ended since
 * open: then nothing that was made of the text is right. */
bool vlun_xml_close(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems);
bool vlun_xml_deeper(xmlParserCtxtPtr parser);
/* Whether the parser reads a translation of the text, in which positions are not those of the text. */
bool vlun_xml_translates(xmlParserCtxtPtr parser);

#endif
