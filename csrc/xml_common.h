/*
 * xml_common.h - what the files that use libxml2 share: its limits and its silence.
 */
#ifndef VLUN_XML_COMMON_H
#define VLUN_XML_COMMON_H

#include <libxml/parser.h>

#include "internal.h"

#define XML_DEEPEST 250 /* libvirt follows backing chains of 200; libxml2 ends at 256 */
#define XML_LARGEST (128 * 1024 * 1024)

/* No network, no entities but XML's own five (a DOCTYPE is refused), CDATA as text. */
#define XML_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOCDATA | XML_PARSE_COMPACT)

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

/* A parser over text, whose _private is the guard; NULL, with a problem, if there can be none.  Close must follow. */
xmlParserCtxtPtr vlun_xml_open(const char *xml, size_t len, struct vlun_xml_guard *guard,
                               struct vlun_problems *problems);
/* Parses; false, with a problem, if the text is not well-formed or guard was offended. */
bool vlun_xml_parse(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems);
/* Frees the parser, which may be NULL, and its document; false, and the problems know it, if memory has ended since
 * open: then nothing that was made of the text is right. */
bool vlun_xml_close(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems);
bool vlun_xml_deeper(xmlParserCtxtPtr parser);

#endif
