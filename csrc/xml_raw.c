/*
 * xml_raw.c - checks the XML that a recipe adds by hand (raw): well-formed, and nothing that has a key of its own.
 */
#include <string.h>

#include <libxml/tree.h>

#include "xml_common.h"

static void complain(struct vlun_check *check, enum vlun_code code, const struct vlun_args *args) {
  check->code = code;
  vlun_complain_here(check, "raw", args);
}

static void check_elements(struct vlun_check *check, xmlNodePtr root) {
  const struct vlun_shape *shape = check->spot.device->record->shape;
  for (xmlNodePtr node = root->children; node; node = node->next) {
    const char *name = (const char *)node->name;
    if (node->type == XML_ELEMENT_NODE && vlun_owns_element(shape, name))
      complain(check, P_owned_element, &(struct vlun_args){.v = name});
    if (node->type == XML_TEXT_NODE && !xmlIsBlankNode(node))
      complain(check, P_bad_xml, &(struct vlun_args){.a = "there is text outside of the elements"});
  }
}

/* The fragment is parsed inside an element of our own, because a document has only one root. */
static void check_raw(struct vlun_check *check, const struct vlun_value *raw) {
  struct vlun_buffer buffer = {0};
  struct vlun_problems problems = {0};
  struct vlun_xml_guard guard = {0};
  vlun_buffer_add(&buffer, "<raw>", 5);
  vlun_buffer_add(&buffer, raw->u.text, raw->len);
  vlun_buffer_add(&buffer, "</raw>", 6);
  if (!buffer.failed) {
    xmlParserCtxtPtr parser = vlun_xml_open(buffer.text, buffer.len, &guard, &problems);
    bool good = parser && vlun_xml_parse(parser, &guard, &problems);
    if (good) check_elements(check, xmlDocGetRootElement(parser->myDoc));
    vlun_xml_close(parser, &guard, &problems);
  }
  if (problems.count) complain(check, P_bad_xml, &(struct vlun_args){.a = problems.list[0].problem.message});
  if (buffer.failed || problems.arena.failed) check->problems->arena.failed = true;
  vlun_problems_clear(&problems);
  vlun_buffer_free(&buffer);
}

void vlun_check_raw(struct vlun_check *check) {
  for (size_t i = 0; i < check->count; i++)
    for (size_t j = 0; j < check->models[i]->count; j++) {
      const struct vlun_device *device = &check->models[i]->device[j];
      const struct vlun_value *raw = vlun_common(device->record, COMMON_raw);
      if (!raw) continue;
      check->spot = (struct vlun_spot){.model = check->models[i], .device = device, .domain = i};
      check_raw(check, raw);
    }
}
