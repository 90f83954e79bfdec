/*
 * xml_nodes.c - nodes of a host's element: found, made, changed and removed, each only as one row of the schema says.
 */
#include <string.h>

#include "xml_patch.h"

/* --- nodes -------------------------------------------------------------------------------------------- */

xmlNodePtr vlun_child_of(xmlNodePtr parent, const char *name, size_t len) {
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
    parent = vlun_child_of(parent, path, len);
    path += len + (path[len] == '/');
  }
  return parent;
}

bool vlun_append_indented(xmlNodePtr parent, xmlNodePtr node) {
  xmlNodePtr first = parent->children, last = parent->last;
  bool indented = first && last != first && xmlIsBlankNode(first) && xmlIsBlankNode(last);
  if (!(indented ? xmlAddPrevSibling(last, node) : xmlAddChild(parent, node))) {
    xmlFreeNode(node);
    return false;
  }
  xmlNodePtr indent = indented ? xmlNewDocText(parent->doc, first->content) : NULL;
  if (indent) xmlAddPrevSibling(node, indent); /* not before `last`: two texts side by side become one */
  return indent || !indented;
}

bool vlun_move_to(xmlNodePtr parent, xmlNodePtr node) {
  xmlUnlinkNode(node);
  return vlun_append_indented(parent, node);
}

void vlun_remove_with_indent(xmlNodePtr node) {
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

xmlNodePtr *vlun_list_elements(struct vlun_arena *arena, xmlNodePtr devices, size_t *count) {
  *count = 0;
  for (xmlNodePtr node = devices->children; node; node = node->next) *count += node->type == XML_ELEMENT_NODE;
  xmlNodePtr *list = vlun_alloc(arena, (*count + 1) * sizeof *list);
  size_t i = 1;
  for (xmlNodePtr node = devices->children; list && node; node = node->next)
    if (node->type == XML_ELEMENT_NODE) list[i++] = node;
  return list;
}

xmlNodePtr vlun_element_at(xmlNodePtr *element, size_t count, size_t place, const struct vlun_device *device) {
  xmlNodePtr node = place >= 1 && place <= count ? element[place] : NULL;
  return node && strcmp((const char *)node->name, device->record->shape->element) == 0 ? node : NULL;
}

xmlNodePtr vlun_element_of(xmlNodePtr *element, size_t count, const struct vlun_device *device) {
  return vlun_element_at(element, count, (size_t)device->place, device);
}

/* --- one row ------------------------------------------------------------------------------------------ */

/* The element at path below node, made where it is missing, with the constants that stand in the fresh one. */
static xmlNodePtr make_path(xmlNodePtr node, xmlNodePtr fresh, const char *path) {
  while (*path) {
    size_t len = strcspn(path, "/");
    xmlNodePtr next = vlun_child_of(node, path, len);
    fresh = fresh ? vlun_child_of(fresh, path, len) : NULL;
    if (!next) {
      next = xmlNewDocNode(node->doc, NULL, fresh ? fresh->name : (const xmlChar *)path, NULL);
      if (!next || !vlun_append_indented(node, next)) return NULL;
    }
    node = next;
    path += len + (path[len] == '/');
  }
  return node;
}

/* The fresh element carries every attribute that belongs there, constants included. */
static bool copy_attributes(xmlNodePtr to, xmlNodePtr from) {
  bool good = true;
  for (xmlAttrPtr attribute = from->properties; good && attribute; attribute = attribute->next) {
    xmlChar *text = attribute->children ? xmlNodeListGetString(from->doc, attribute->children, 1) : NULL;
    good = text || !attribute->children;
    good = good && xmlSetProp(to, attribute->name, text ? text : (const xmlChar *)"");
    xmlFree(text);
  }
  return good;
}

static void remove_path(xmlNodePtr node, const char *path, const char *attribute) {
  xmlNodePtr found = find_path(node, path);
  if (!found) return;
  if (attribute) xmlUnsetProp(found, (const xmlChar *)attribute);
  if (found != node && (!attribute || is_bare(found))) vlun_remove_with_indent(found);
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
    for (xmlNodePtr child; (child = vlun_child_of(node, row->elem, strcspn(row->elem, "/")));)
      vlun_remove_with_indent(child);
  }
}

/* Of the fresh element only what its own record owns is taken; outer rows may lie in it too (a source's seclabel). */
static bool replace_nested(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row,
                           const struct vlun_record *record) {
  xmlNodePtr from = find_path(fresh, row->elem), to = make_path(node, fresh, row->elem);
  if (!from || !to) return to != NULL;
  for (const struct vlun_shape *const *variant = row->variants; *variant; variant++) strip_owned(to, *variant);
  bool good = copy_attributes(to, from);
  for (xmlNodePtr child = from->children, next; good && child; child = next) {
    next = child->next;
    bool owned = child->type == XML_ELEMENT_NODE && vlun_owns_element(record->shape, (const char *)child->name);
    if (owned) good = vlun_move_to(to, child);
  }
  return good;
}

static bool replace_text(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row) {
  xmlNodePtr to = make_path(node, fresh, row->elem), from = find_path(fresh, row->elem);
  xmlChar *text = from ? xmlNodeGetContent(from) : NULL;
  xmlNodePtr content = to && text ? xmlNewDocText(to->doc, text) : NULL;
  if (content) {
    xmlNodeSetContent(to, NULL);
    xmlAddChild(to, content);
  }
  xmlFree(text);
  return content || !from;
}

static bool set_attribute(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_row *row) {
  xmlNodePtr from = find_path(fresh, row->elem);
  xmlChar *text = from ? xmlGetNoNsProp(from, (const xmlChar *)row->attr) : NULL;
  bool made = find_path(node, row->elem) == NULL;
  xmlNodePtr to = text ? make_path(node, fresh, row->elem) : NULL;
  bool good = to && (!made || copy_attributes(to, from)) && xmlSetProp(to, (const xmlChar *)row->attr, text);
  good = good || !from || !xmlHasProp(from, (const xmlChar *)row->attr);
  xmlFree(text);
  return good;
}

/* Whether another row of the device stands in the nested element of this one: startupPolicy in a source, say. */
static bool is_of_another_row(const struct vlun_shape *shape, const struct vlun_row *row, const char *child,
                              const char *attr) {
  size_t len = strlen(row->elem);
  for (int i = 0; i < shape->count; i++) {
    const struct vlun_row *other = &shape->rows[i];
    if (other == row || !other->elem || strncmp(other->elem, row->elem, len) != 0) continue;
    const char *rest = other->elem + len;
    if (attr ? *rest == '\0' && other->attr && strcmp(other->attr, attr) == 0
             : *rest == '/' && strcmp(rest + 1, child) == 0)
      return true;
  }
  return false;
}

/* Indentation of children that are gone. */
static void drop_blanks(xmlNodePtr node) {
  for (xmlNodePtr child = node->children, next; child; child = next) {
    next = child->next;
    if (!xmlIsBlankNode(child)) continue;
    xmlUnlinkNode(child);
    xmlFreeNode(child);
  }
}

/* Takes everything out of a nested element but what other rows of the device have in it, and the element too if it is
 * bare then: what is not in the drive any more has no slices and no secrets. */
static void remove_nested(xmlNodePtr node, const struct vlun_shape *shape, const struct vlun_row *row) {
  xmlNodePtr found = find_path(node, row->elem), next;
  if (!found) return;
  for (xmlAttrPtr attr = found->properties, after; attr; attr = after) {
    after = attr->next;
    if (!is_of_another_row(shape, row, NULL, (const char *)attr->name)) xmlRemoveProp(attr);
  }
  for (xmlNodePtr child = found->children; child; child = next) {
    next = child->next;
    bool kept = child->type != XML_ELEMENT_NODE || is_of_another_row(shape, row, (const char *)child->name, NULL);
    if (!kept) vlun_remove_with_indent(child);
  }
  if (is_bare(found)) vlun_remove_with_indent(found);
  else if (!xmlFirstElementChild(found)) drop_blanks(found);
}

bool vlun_patch_row(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_shape *shape, const struct vlun_row *row,
                    const struct vlun_value *value) {
  bool gone = value->no || (row->kind == KIND_FLAG && !value->u.number);
  if (!row->elem || row->kind == KIND_RAW) return true;
  if (gone && row->kind == KIND_RECORD) remove_nested(node, shape, row);
  else if (gone) remove_path(node, row->elem, row->attr);
  else if (row->kind == KIND_RECORD) return replace_nested(node, fresh, row, value->u.record);
  else if (row->kind == KIND_FLAG) return make_path(node, fresh, row->elem) != NULL;
  else if (row->attr) return set_attribute(node, fresh, row);
  else return replace_text(node, fresh, row);
  return true;
}

bool vlun_patch_tags(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_record *desired, uint64_t rows) {
  const struct vlun_shape *shape = desired->shape;
  for (int i = 0; i < shape->count; i++) {
    const struct vlun_row *row = &shape->rows[i];
    bool changed = row->kind == KIND_TAG && (rows & BIT(row->of)) && vlun_has(desired, row->of);
    if (changed && !set_attribute(node, fresh, row)) return false;
  }
  return true;
}
