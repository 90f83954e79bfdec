/*
 * xml_patch.c - changes a host's own document: only the nodes that a change names, nothing else.
 * Namespaces, comments, passwords and elements that virtlun does not know stay as they are.
 */
#include <string.h>

#include <libxml/tree.h>
#include <libxml/xmlsave.h>

#include "xml_common.h"

/* --- nodes -------------------------------------------------------------------------------------------- */

static xmlNodePtr child_of(xmlNodePtr parent, const char *name, size_t len) {
  for (xmlNodePtr node = parent->children; node; node = node->next) {
    bool same =
        node->type == XML_ELEMENT_NODE && !(node->ns && node->ns->prefix) && strlen((const char *)node->name) == len;
    if (same && memcmp(node->name, name, len) == 0) return node;
  }
  return NULL;
}

/* The element at path a/b below parent, NULL if it is not there. */
static xmlNodePtr find_path(xmlNodePtr parent, const char *path) {
  while (parent && *path) {
    size_t len = strcspn(path, "/");
    parent = child_of(parent, path, len);
    path += len + (path[len] == '/');
  }
  return parent;
}

/* A new last child gets the indentation of the first; the text before the parent's end tag stays the last. */
static void append_indented(xmlNodePtr parent, xmlNodePtr node) {
  xmlNodePtr first = parent->children, last = parent->last;
  bool indented = first && last != first && xmlNodeIsText(first) && xmlNodeIsText(last);
  if (!indented) {
    xmlAddChild(parent, node);
    return;
  }
  xmlNodePtr indent = xmlNewDocText(parent->doc, first->content);
  xmlAddPrevSibling(last, node);
  if (indent) xmlAddPrevSibling(node, indent); /* not before `last`: two texts side by side become one */
}

static void remove_with_indent(xmlNodePtr node) {
  xmlNodePtr before = node->prev;
  if (before && xmlNodeIsText(before) && xmlIsBlankNode(before)) {
    xmlUnlinkNode(before);
    xmlFreeNode(before);
  }
  xmlUnlinkNode(node);
  xmlFreeNode(node);
}

static bool is_bare(xmlNodePtr node) {
  if (node->properties) return false;
  for (xmlNodePtr child = node->children; child; child = child->next)
    if (!xmlIsBlankNode(child)) return false;
  return true;
}

/* --- one row ------------------------------------------------------------------------------------------ */

/* The element at path below node, made where it is missing, with the constants that stand in the fresh one. */
static xmlNodePtr make_path(xmlNodePtr node, xmlNodePtr fresh, const char *path) {
  while (*path) {
    size_t len = strcspn(path, "/");
    xmlNodePtr next = child_of(node, path, len);
    fresh = fresh ? child_of(fresh, path, len) : NULL;
    if (!next) {
      next = xmlNewDocNode(node->doc, NULL, fresh ? fresh->name : (const xmlChar *)path, NULL);
      if (!next) return NULL;
      append_indented(node, next);
    }
    node = next;
    path += len + (path[len] == '/');
  }
  return node;
}

/* The fresh element carries every attribute that belongs there, constants included. */
static void copy_attributes(xmlNodePtr to, xmlNodePtr from) {
  for (xmlAttrPtr attribute = from->properties; attribute; attribute = attribute->next) {
    xmlChar *text = xmlNodeListGetString(from->doc, attribute->children, 1);
    xmlSetProp(to, attribute->name, text ? text : (const xmlChar *)"");
    xmlFree(text);
  }
}

static void remove_path(xmlNodePtr node, const char *path, const char *attribute) {
  xmlNodePtr found = find_path(node, path);
  if (!found) return;
  if (attribute) xmlUnsetProp(found, (const xmlChar *)attribute);
  if (found != node && (!attribute || is_bare(found))) remove_with_indent(found);
}

/* What the schema owns of a nested element goes; what it does not know stays (a source's slices, say). */
static void strip_owned(xmlNodePtr node, const struct vlun_shape *shape) {
  for (int i = 0; i < shape->count; i++) {
    const struct vlun_row *row = &shape->rows[i];
    if (!row->elem) continue;
    if (!*row->elem) {
      xmlUnsetProp(node, (const xmlChar *)row->attr);
      continue;
    }
    for (xmlNodePtr child; (child = child_of(node, row->elem, strcspn(row->elem, "/")));) remove_with_indent(child);
  }
}

/* Of the fresh element only what its own record owns is taken; outer rows may lie in it too (a source's seclabel). */
static void replace_nested(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row,
                           const struct vlun_record *record) {
  xmlNodePtr from = find_path(fresh, row->elem), to = make_path(node, fresh, row->elem);
  if (!from || !to) return;
  for (const struct vlun_shape *const *variant = row->variants; *variant; variant++) strip_owned(to, *variant);
  copy_attributes(to, from);
  for (xmlNodePtr child = from->children; child; child = child->next) {
    bool owned = child->type == XML_ELEMENT_NODE && vlun_owns_element(record->shape, (const char *)child->name);
    xmlNodePtr copy = owned ? xmlDocCopyNode(child, to->doc, 1) : NULL;
    if (copy) append_indented(to, copy);
  }
}

static void replace_text(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row) {
  xmlNodePtr to = make_path(node, fresh, row->elem), from = find_path(fresh, row->elem);
  xmlChar *text = from ? xmlNodeGetContent(from) : NULL;
  xmlNodePtr content = to && text ? xmlNewDocText(to->doc, text) : NULL;
  if (content) {
    xmlNodeSetContent(to, NULL);
    xmlAddChild(to, content);
  }
  xmlFree(text);
}

static void set_attribute(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row) {
  xmlNodePtr from = find_path(fresh, row->elem);
  xmlChar *text = from ? xmlGetNoNsProp(from, (const xmlChar *)row->attr) : NULL;
  bool made = find_path(node, row->elem) == NULL;
  xmlNodePtr to = text ? make_path(node, fresh, row->elem) : NULL;
  if (to && made) copy_attributes(to, from);
  if (to) xmlSetProp(to, (const xmlChar *)row->attr, text);
  xmlFree(text);
}

/* Makes one row of the host's element what it is in the fresh one. */
static void patch_row(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row, const struct vlun_value *value) {
  bool gone = value->no || (row->kind == KIND_FLAG && !value->u.number);
  if (!row->elem || row->kind == KIND_RAW) return;
  if (gone) remove_path(node, row->elem, row->attr);
  else if (row->kind == KIND_RECORD) replace_nested(node, fresh, row, value->u.record);
  else if (row->kind == KIND_FLAG) make_path(node, fresh, row->elem);
  else if (row->attr) set_attribute(node, fresh, row);
  else replace_text(node, fresh, row);
}

/* --- one device --------------------------------------------------------------------------------------- */

/* Parses what the writer wrote, so that nodes can be taken from it. */
static xmlDocPtr fresh_document(const struct vlun_record *record, int indent) {
  struct vlun_buffer buffer = {0};
  vlun_write_record(&buffer, record, indent);
  xmlDocPtr doc = buffer.failed ? NULL
                                : xmlReadMemory(buffer.text, (int)buffer.len, NULL, NULL,
                                                XML_OPTIONS | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  vlun_buffer_free(&buffer);
  return doc;
}

/* The type attribute of the device follows its source. */
static void patch_tags(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_shape *shape, uint64_t rows) {
  for (int i = 0; i < shape->count; i++)
    if (shape->rows[i].kind == KIND_TAG && (rows & BIT(shape->rows[i].of))) set_attribute(node, fresh, &shape->rows[i]);
}

static bool patch_device(struct vlun_arena *arena, xmlNodePtr node, const struct vlun_change *change) {
  const struct vlun_record *desired = change->desired->record;
  struct vlun_record *merged = vlun_record_merge(arena, change->current->record, desired);
  xmlDocPtr fresh = merged ? fresh_document(merged, 0) : NULL;
  if (!fresh) return false;
  bool emptied = false;
  for (uint64_t rest = change->rows; rest; rest &= rest - 1) {
    int row = __builtin_ctzll(rest);
    const struct vlun_value *value = vlun_get(desired, row);
    emptied = emptied || (value->no && desired->shape->rows[row].kind == KIND_RECORD);
    patch_row(node, xmlDocGetRootElement(fresh), &desired->shape->rows[row], value);
  }
  if (!emptied) patch_tags(node, xmlDocGetRootElement(fresh), desired->shape, change->rows);
  xmlFreeDoc(fresh);
  return true;
}

static bool add_device(xmlNodePtr devices, const struct vlun_change *change) {
  xmlDocPtr fresh = fresh_document(change->desired->record, 4);
  xmlNodePtr copy = fresh ? xmlDocCopyNode(xmlDocGetRootElement(fresh), devices->doc, 1) : NULL;
  if (copy) append_indented(devices, copy);
  xmlFreeDoc(fresh);
  return copy != NULL;
}

/* --- all changes -------------------------------------------------------------------------------------- */

/* Element children in their order: vlun_device.place counts them from 1. */
static xmlNodePtr *list_elements(struct vlun_arena *arena, xmlNodePtr devices, size_t *count) {
  *count = 0;
  for (xmlNodePtr node = devices->children; node; node = node->next) *count += node->type == XML_ELEMENT_NODE;
  xmlNodePtr *list = vlun_alloc(arena, (*count + 1) * sizeof *list);
  size_t i = 1;
  for (xmlNodePtr node = devices->children; list && node; node = node->next)
    if (node->type == XML_ELEMENT_NODE) list[i++] = node;
  return list;
}

static bool apply(struct vlun_arena *arena, xmlNodePtr devices, const struct vlun_changes *changes) {
  size_t count;
  xmlNodePtr *element = list_elements(arena, devices, &count);
  if (!element) return false;
  for (size_t i = 0; i < changes->count; i++) {
    const struct vlun_change *change = &changes->list[i];
    size_t place = change->current ? (size_t)change->current->place : 0;
    if (change->current && (place < 1 || place > count)) return false;
    bool good = true;
    if (change->action == ACTION_ADD) good = add_device(devices, change);
    else if (change->action == ACTION_CHANGE) good = patch_device(arena, element[place], change);
    else remove_with_indent(element[place]);
    if (!good) return false;
  }
  return true;
}

/* A device's own document is its element; in a domain they are below <devices>. */
static xmlNodePtr devices_of(xmlDocPtr doc, struct vlun_arena *arena, const struct vlun_changes *changes, bool *good) {
  xmlNodePtr root = xmlDocGetRootElement(doc);
  if (strcmp((const char *)root->name, "domain") == 0) return child_of(root, "devices", 7);
  *good = changes->count == 0 || (changes->count == 1 && changes->list[0].action == ACTION_CHANGE &&
                                  patch_device(arena, root, &changes->list[0]));
  return NULL;
}

static void save(xmlDocPtr doc, struct vlun_buffer *out) {
  xmlBufferPtr buffer = xmlBufferCreate();
  xmlSaveCtxtPtr saver = buffer ? xmlSaveToBuffer(buffer, "UTF-8", XML_SAVE_NO_DECL) : NULL;
  if (saver) {
    bool good = xmlSaveDoc(saver, doc) >= 0;
    good = xmlSaveClose(saver) >= 0 && good;
    if (good) vlun_buffer_add(out, (const char *)xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
  }
  if (!out->len) out->failed = true;
  xmlBufferFree(buffer);
}

static bool patch_document(xmlDocPtr doc, const struct vlun_changes *changes, struct vlun_buffer *out) {
  struct vlun_arena arena = {0};
  bool good = true;
  xmlNodePtr devices = devices_of(doc, &arena, changes, &good);
  if (devices) good = apply(&arena, devices, changes);
  if (good) save(doc, out);
  good = good && !arena.failed && !out->failed;
  vlun_arena_free(&arena);
  return good;
}

bool vlun_patch(const char *xml, size_t len, const struct vlun_changes *changes, struct vlun_buffer *out,
                struct vlun_problems *problems) {
  struct vlun_xml_guard guard = {0};
  xmlParserCtxtPtr parser = vlun_xml_open(xml, len, problems);
  if (!parser) return false;
  vlun_xml_set_guard(parser, &guard);
  bool good = vlun_xml_parse(parser, &guard, problems);
  xmlDocPtr doc = parser->myDoc;
  if (good && !patch_document(doc, changes, out)) {
    problems->arena.failed = true;
    good = false;
  }
  xmlFreeDoc(doc);
  xmlFreeParserCtxt(parser);
  return good;
}
