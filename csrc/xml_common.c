/*
 * xml_common.c - opens libxml2 parsers that print nothing, reach no network and refuse DOCTYPEs and deep nesting.
 */
#include <stdio.h>
#include <string.h>

#include <libxml/parserInternals.h>

#include "xml_common.h"

static struct vlun_xml_guard *guard_of(void *parser) { return ((xmlParserCtxtPtr)parser)->_private; }

/* libxml2 2.12 made the error const; the cast below serves both. */
static void keep_error(void *parser, const xmlError *error) {
  struct vlun_xml_guard *guard = guard_of(parser);
  if (!guard || guard->error[0] || error->level < XML_ERR_ERROR) return;
  snprintf(guard->error, sizeof guard->error, "%s", error->message ? error->message : "unknown error");
  guard->error[strcspn(guard->error, "\n")] = '\0';
  guard->line = error->line;
}

static void refuse_doctype(void *parser, const xmlChar *name, const xmlChar *id, const xmlChar *system) {
  (void)name, (void)id, (void)system;
  guard_of(parser)->doctype = true;
  xmlStopParser(parser);
}

bool vlun_xml_deeper(xmlParserCtxtPtr parser) {
  struct vlun_xml_guard *guard = guard_of(parser);
  if (++guard->depth <= XML_DEEPEST) return true;
  guard->too_deep = true;
  xmlStopParser(parser);
  return false;
}

void vlun_xml_set_guard(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard) {
  parser->_private = guard;
  parser->sax->serror = (xmlStructuredErrorFunc)(void (*)(void))keep_error;
  parser->sax->internalSubset = refuse_doctype;
}

static void complain(struct vlun_problems *problems, enum vlun_code code, int line, const struct vlun_args *args) {
  struct vlun_model nowhere = {.line = line};
  vlun_complain(problems, &(struct vlun_spot){.model = &nowhere}, "", code, args);
}

xmlParserCtxtPtr vlun_xml_open(const char *xml, size_t len, struct vlun_problems *problems) {
  if (!vlun_xml_is_bearable(xml, len, problems)) return NULL;
  xmlParserCtxtPtr parser = len ? xmlCreateMemoryParserCtxt(xml, (int)len) : NULL;
  if (parser) {
    xmlCtxtUseOptions(parser, XML_OPTIONS);
    xmlDictSetLimit(parser->dict, XML_NAMES);
    return parser;
  }
  complain(problems, len ? P_no_memory : P_xml_malformed, 0, &(struct vlun_args){.a = "the document is empty"});
  return NULL;
}

bool vlun_xml_parse(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems) {
  xmlParseDocument(parser);
  if (guard->doctype) complain(problems, P_xml_doctype, 0, &(struct vlun_args){0});
  else if (guard->too_deep) complain(problems, P_xml_too_deep, 0, &(struct vlun_args){.e = "250"});
  else if (!parser->wellFormed && xmlDictGetUsage(parser->dict) > XML_NAMES)
    complain(problems, P_xml_crowded, 0, &(struct vlun_args){.a = "bytes of different names", .e = "1,000,000"});
  else if (parser->errNo == XML_ERR_NO_MEMORY) problems->arena.failed = true; /* wellFormed does not tell */
  else if (!parser->wellFormed)
    complain(problems, P_xml_malformed, guard->line,
             &(struct vlun_args){.a = guard->error[0] ? guard->error : "no document"});
  else return true;
  return false;
}
