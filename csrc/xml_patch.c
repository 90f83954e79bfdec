/*
 * xml_patch.c - changes a host's own document: only the nodes that a change names, nothing else.
 * Namespaces, comments, passwords and elements that virtlun does not know stay as they are.
 */
#include <string.h>

#include <libxml/xmlsave.h>

#include "xml_patch.h"

/* --- one device --------------------------------------------------------------------------------------- */

/* Both documents have one table of names, so that a node can move from one to the other: a copy that libxml2 cannot
 * end for want of memory, it loses. */
static xmlDocPtr parse_beside(xmlDocPtr doc, const char *text, size_t len) {
  xmlParserCtxtPtr parser = xmlNewParserCtxt();
  if (!parser) return NULL;
  xmlDictFree(parser->dict);
  parser->dict = doc->dict;
  xmlDictReference(parser->dict);
  xmlDocPtr fresh =
      xmlCtxtReadMemory(parser, text, (int)len, NULL, NULL, XML_OPTIONS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  xmlFreeParserCtxt(parser);
  return fresh;
}

xmlDocPtr vlun_fresh_document(xmlDocPtr doc, const struct vlun_record *record, int indent) {
  struct vlun_buffer buffer = {0};
  vlun_write_record(&buffer, record, indent);
  xmlDocPtr fresh = buffer.failed ? NULL : parse_beside(doc, buffer.text, buffer.len);
  vlun_buffer_free(&buffer);
  return fresh;
}

/* A running domain's document has the number that the domain runs under. */
static bool is_running(xmlDocPtr doc) {
  xmlNodePtr root = xmlDocGetRootElement(doc);
  return root && xmlHasProp(root, (const xmlChar *)"id");
}

/* The chain below an image belongs to that image: with another one it would be opened as that one's, and an empty
 * <backingStore/>, which libvirt writes below every image that has none, would hide what the new one stands on.  What
 * a running domain says of it is what libvirt found by itself in the present image, read as the present format. */
static void drop_chain(xmlNodePtr node, const struct vlun_change *change) {
  bool reread = (change->rows & BIT(VLUN_disk_format)) && is_running(node->doc);
  xmlNodePtr chain = vlun_child_of(node, "backingStore", 12);
  if (chain && (reread || (change->rows & BIT(VLUN_disk_source)))) vlun_remove_with_indent(chain);
}

/* The cookies of a source are for its server, and for no other one. */
static void drop_cookies(xmlNodePtr node, const struct vlun_change *change) {
  xmlNodePtr source = vlun_child_of(node, "source", 6), cookies = source ? vlun_child_of(source, "cookies", 7) : NULL;
  if (cookies && (change->rows & BIT(VLUN_disk_source))) vlun_remove_with_indent(cookies);
}

static void drop_bound(xmlNodePtr node, const struct vlun_change *change) {
  if (change->desired->record->shape != &vlun_shapes[SHAPE_disk]) return;
  drop_chain(node, change);
  drop_cookies(node, change);
}

static bool patch_device(struct vlun_arena *arena, xmlNodePtr node, const struct vlun_change *change) {
  const struct vlun_record *desired = change->desired->record;
  struct vlun_record *merged = vlun_record_merge(arena, change->current->record, desired);
  xmlDocPtr fresh = merged ? vlun_fresh_document(node->doc, merged, 0) : NULL;
  xmlNodePtr from = fresh ? xmlDocGetRootElement(fresh) : NULL;
  bool good = from != NULL;
  uint64_t said = change->rows & desired->set; /* nobody says how a tray is to be written */
  for (uint64_t rest = said; good && rest; rest &= rest - 1) {
    int row = __builtin_ctzll(rest);
    good = vlun_patch_row(node, from, desired->shape, &desired->shape->rows[row], vlun_get(desired, row));
  }
  good = good && vlun_patch_tags(node, from, desired, change->rows);
  if (good) drop_bound(node, change);
  else arena->failed = true;
  xmlFreeDoc(fresh);
  return good;
}

static bool add_device(struct vlun_arena *arena, xmlNodePtr devices, const struct vlun_change *change) {
  xmlDocPtr fresh = change->element ? parse_beside(devices->doc, change->element, strlen(change->element))
                                    : vlun_fresh_document(devices->doc, change->desired->record, 4);
  bool good = fresh && vlun_move_to(devices, xmlDocGetRootElement(fresh));
  if (!good) arena->failed = true;
  xmlFreeDoc(fresh);
  return good;
}

/* --- all changes -------------------------------------------------------------------------------------- */

static bool apply_change(struct vlun_arena *arena, xmlNodePtr devices, xmlNodePtr *element, size_t count,
                         const struct vlun_change *change) {
  if (change->action == VLUN_ADD) return add_device(arena, devices, change);
  xmlNodePtr node = vlun_element_of(element, count, change->current);
  if (!node) return false;
  element[change->current->place] = NULL; /* nobody may come back to it */
  if (change->action == VLUN_CHANGE) return patch_device(arena, node, change);
  vlun_remove_with_indent(node);
  return true;
}

static bool apply(struct vlun_arena *arena, xmlNodePtr devices, const struct vlun_changes *changes) {
  size_t count;
  xmlNodePtr *element = vlun_list_elements(arena, devices, &count);
  for (size_t i = 0; element && i < changes->count; i++)
    if (!apply_change(arena, devices, element, count, &changes->list[i])) return false;
  return element != NULL;
}

/* What is to be done to a document: one of these.  elements: what becomes of each changed element, instead of the whole
 * document, which is then of no use any more. */
struct order {
  const struct vlun_changes *changes;
  const struct vlun_boot *boot;
  struct vlun_element *elements;
  struct vlun_arena *arena; /* of the elements */
  bool excerpt;             /* the document has only the elements of changes, in their order */
};

/* In a domain the devices are below <devices>; a device's own document can only be changed. */
static bool patch_root(struct vlun_arena *arena, xmlNodePtr root, const struct vlun_changes *changes) {
  if (!root) return false;
  if (strcmp((const char *)root->name, "domain") == 0) {
    xmlNodePtr devices = vlun_child_of(root, "devices", 7);
    return devices ? apply(arena, devices, changes) : changes->count == 0;
  }
  bool whole = changes->count == 1 && changes->list[0].action == VLUN_CHANGE;
  return changes->count == 0 || (whole && patch_device(arena, root, &changes->list[0]));
}

static void save(xmlDocPtr doc, xmlNodePtr only, struct vlun_buffer *out) {
  xmlBufferPtr buffer = xmlBufferCreate();
  xmlSaveCtxtPtr saver = buffer ? xmlSaveToBuffer(buffer, "UTF-8", XML_SAVE_NO_DECL) : NULL;
  if (saver) {
    bool good = (only ? xmlSaveTree(saver, only) : xmlSaveDoc(saver, doc)) >= 0;
    good = xmlSaveClose(saver) >= 0 && good;
    if (good) vlun_buffer_add(out, (const char *)xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
  }
  if (!out->len) out->failed = true;
  xmlBufferFree(buffer);
}

static bool keep_text(struct vlun_arena *arena, struct vlun_buffer *buffer, struct vlun_text *text) {
  if (buffer->failed) arena->failed = true;
  else text->text = vlun_copy(arena, buffer->text, buffer->len);
  text->len = buffer->len;
  vlun_buffer_free(buffer);
  return text->text != NULL;
}

static bool keep_node(struct vlun_arena *arena, xmlNodePtr node, struct vlun_text *text) {
  struct vlun_buffer buffer = {0};
  save(node->doc, node, &buffer);
  return keep_text(arena, &buffer, text);
}

static bool keep_new(struct vlun_arena *arena, const struct vlun_record *record, struct vlun_text *text) {
  struct vlun_buffer buffer = {0};
  vlun_write_record(&buffer, record, 0);
  return keep_text(arena, &buffer, text);
}

/* A change without a description leaves its element as it is. */
static bool take_element(struct vlun_arena *arena, xmlNodePtr node, const struct vlun_change *change,
                         const struct order *order, struct vlun_element *taken) {
  if (!node || !keep_node(order->arena, node, &taken->before)) return false;
  if (change->action == VLUN_REMOVE || !change->desired) return true;
  return patch_device(arena, node, change) && keep_node(order->arena, node, &taken->after);
}

static bool take_elements(struct vlun_arena *arena, xmlNodePtr root, const struct order *order) {
  size_t count;
  xmlNodePtr devices = root ? vlun_child_of(root, "devices", 7) : NULL;
  xmlNodePtr *element = devices ? vlun_list_elements(arena, devices, &count) : NULL;
  for (size_t i = 0, taken = 0; element && i < order->changes->count; i++) {
    const struct vlun_change *change = &order->changes->list[i];
    struct vlun_element *into = &order->elements[i];
    bool good;
    if (change->action == VLUN_ADD) {
      good = keep_new(order->arena, change->desired->record, &into->after);
    } else {
      size_t place = order->excerpt ? ++taken : (size_t)change->current->place;
      xmlNodePtr node = vlun_element_at(element, count, place, change->current);
      good = take_element(arena, node, change, order, into);
    }
    if (!good) return false;
  }
  return element != NULL || order->changes->count == 0;
}

static bool patch_document(xmlDocPtr doc, const struct order *order, struct vlun_buffer *out,
                           struct vlun_xml_guard *guard) {
  struct vlun_arena arena = {0};
  xmlNodePtr root = xmlDocGetRootElement(doc);
  bool good;
  if (order->elements) good = take_elements(&arena, root, order);
  else if (order->boot) good = vlun_boot_by_devices(&arena, root, order->boot);
  else good = patch_root(&arena, root, order->changes);
  if (good && !order->elements) save(doc, NULL, out);
  if (arena.failed || out->failed || (order->arena && order->arena->failed)) guard->no_memory = true;
  vlun_arena_free(&arena);
  return good && !guard->no_memory;
}

static bool run(const char *xml, size_t len, const struct order *order, struct vlun_buffer *out,
                struct vlun_problems *problems) {
  struct vlun_xml_guard guard = {0};
  xmlParserCtxtPtr parser = vlun_xml_open(xml, len, &guard, problems);
  bool good = parser && vlun_xml_parse(parser, &guard, problems);
  if (good && !patch_document(parser->myDoc, order, out, &guard)) {
    const struct vlun_args args = {.a = "it is not the document that was compared"};
    if (!guard.no_memory) vlun_complain(problems, &(struct vlun_spot){0}, "", P_bad_patch, &args);
    good = false;
  }
  return vlun_xml_close(parser, &guard, problems) && good;
}

bool vlun_patch(const char *xml, size_t len, const struct vlun_changes *changes, struct vlun_buffer *out,
                struct vlun_problems *problems) {
  return run(xml, len, &(struct order){.changes = changes}, out, problems);
}

bool vlun_elements(const char *xml, size_t len, const struct vlun_model *host, const struct vlun_changes *changes,
                   struct vlun_element *elements, struct vlun_arena *arena, struct vlun_problems *problems) {
  struct vlun_buffer none = {0}, excerpt = {0};
  struct order order = {.changes = changes, .elements = elements, .arena = arena};
  if (changes->count == 0) return true;
  order.excerpt = vlun_excerpt(xml, len, host, changes, &excerpt);
  bool good =
      order.excerpt ? run(excerpt.text, excerpt.len, &order, &none, problems) : run(xml, len, &order, &none, problems);
  vlun_buffer_free(&excerpt);
  return good;
}

bool vlun_boot(const char *xml, size_t len, const struct vlun_boot *boot, struct vlun_buffer *out,
               struct vlun_problems *problems) {
  return run(xml, len, &(struct order){.boot = boot}, out, problems);
}
