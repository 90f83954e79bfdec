/*
 * xml_common.c - opens libxml2 parsers that print nothing, reach no network and refuse DOCTYPEs and deep nesting.
 */
#include <stdio.h>
#include <string.h>

#include <libxml/parserInternals.h>

#include "xml_common.h"

static struct vlun_xml_guard *guard_of(void *parser) { return ((xmlParserCtxtPtr)parser)->_private; }

static void note_memory(void *data, vlun_xml_error *error) {
  struct vlun_xml_guard *guard = data;
  if (error->code == XML_ERR_NO_MEMORY || !error->message) guard->no_memory = true;
}

static void keep_error(void *parser, vlun_xml_error *error) {
  struct vlun_xml_guard *guard = guard_of(parser);
  note_memory(guard, error);
  if (guard->error[0] || error->level < XML_ERR_ERROR) return;
  snprintf(guard->error, sizeof guard->error, "%s", error->message ? error->message : "");
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

/* libxml2 2.14 discourages the look, but has nothing else that tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
bool vlun_xml_translates(xmlParserCtxtPtr parser) { return parser->input->buf && parser->input->buf->encoder; }
#pragma GCC diagnostic pop

static void set_guard(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard) {
  parser->_private = guard;
  parser->sax->serror = keep_error;
  parser->sax->internalSubset = refuse_doctype;
}

static void complain(struct vlun_problems *problems, enum vlun_code code, int line, const struct vlun_args *args) {
  struct vlun_model nowhere = {.line = line};
  vlun_complain(problems, &(struct vlun_spot){.model = &nowhere}, "", code, args);
}

xmlParserCtxtPtr vlun_xml_open(const char *xml, size_t len, struct vlun_xml_guard *guard,
                               struct vlun_problems *problems) {
  xmlInitParser(); /* libxml2's first use is safe on several threads by this function alone */
  guard->handler = xmlStructuredError;
  guard->context = xmlStructuredErrorContext;
  xmlSetStructuredErrorFunc(guard, note_memory);
  bool bearable = vlun_xml_is_bearable(xml, len, problems);
  xmlParserCtxtPtr parser = len && bearable ? xmlCreateMemoryParserCtxt(xml, (int)len) : NULL;
  if (parser) {
    xmlCtxtUseOptions(parser, XML_OPTIONS);
    xmlDictSetLimit(parser->dict, XML_NAMES);
    set_guard(parser, guard);
  } else if (len) {
    guard->no_memory = bearable;
  } else {
    complain(problems, P_xml_malformed, 0, &(struct vlun_args){.a = "the document is empty"});
  }
  return parser;
}

/* What is behind the root is not always told: libxml2 2.9 ends at a zero byte there, and 2.15 looks no further when it
 * has met an unknown prefix. */
static bool has_ended(xmlParserCtxtPtr parser) { return parser->input->cur >= parser->input->end; }

/* To libxml2 2.9 a full dictionary is one without memory; to newer ones it is never full.  Its usage is that of pools,
 * each four times the one before, of which the last that is allowed may reach beyond the limit. */
static bool is_crowded(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard) {
  bool crowded = xmlDictGetUsage(parser->dict) > (parser->wellFormed ? 2 * XML_NAMES : XML_NAMES);
  if (crowded) guard->no_memory = false;
  return crowded;
}

bool vlun_xml_parse(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems) {
  xmlParseDocument(parser);
  bool crowded = is_crowded(parser, guard);
  bool good = parser->wellFormed && !guard->doctype && !guard->too_deep && !guard->no_memory && !crowded;
  if (guard->doctype) complain(problems, P_xml_doctype, 0, &(struct vlun_args){0});
  else if (guard->too_deep) complain(problems, P_xml_too_deep, 0, &(struct vlun_args){.e = "250"});
  else if (crowded)
    complain(problems, P_xml_crowded, 0, &(struct vlun_args){.a = "bytes of different names", .e = "1,000,000"});
  else if (!parser->wellFormed && !guard->no_memory)
    complain(problems, P_xml_malformed, guard->line,
             &(struct vlun_args){.a = guard->error[0] ? guard->error : "no document"});
  else if (good && !has_ended(parser)) {
    complain(problems, P_xml_malformed, parser->input->line,
             &(struct vlun_args){.a = "Extra content at the end of the document"});
    good = false;
  }
  return good;
}

bool vlun_xml_close(xmlParserCtxtPtr parser, struct vlun_xml_guard *guard, struct vlun_problems *problems) {
  if (parser) xmlFreeDoc(parser->myDoc);
  xmlFreeParserCtxt(parser);
  xmlSetStructuredErrorFunc(guard->context, guard->handler);
  xmlResetLastError(); /* its text would stay in memory */
  if (guard->no_memory) {
    complain(problems, P_no_memory, 0, &(struct vlun_args){0});
    problems->arena.failed = true;
  }
  return !guard->no_memory;
}
