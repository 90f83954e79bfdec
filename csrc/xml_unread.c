/*
 * xml_unread.c - finds what a document says of a device and its model does not keep.  It knows no field: each element
 * is held against what the writer makes of the model.
 */
#include <libxml/xmlsave.h>

#include "xml_patch.h"

struct walk {
  struct vlun_arena *arena;
  struct vlun_unread **end; /* where the next one is hung up */
  const struct vlun_device *device;
  size_t number;
};

static const char *xml_of(struct vlun_arena *arena, xmlNodePtr node) {
  xmlBufferPtr buffer = xmlBufferCreate();
  int len = buffer ? xmlNodeDump(buffer, node->doc, node, 0, 0) : -1;
  const char *text = len < 0 ? NULL : vlun_copy(arena, (const char *)xmlBufferContent(buffer), (size_t)len);
  if (!text) arena->failed = true;
  xmlBufferFree(buffer);
  return text;
}

/* node: an element directly below the device's own, NULL for anything else. */
static void note(struct walk *w, const char *place, xmlNodePtr node) {
  struct vlun_unread *unread = vlun_alloc(w->arena, sizeof *unread);
  if (!unread) return;
  *unread = (struct vlun_unread){.device = w->number, .place = place, .xml = node ? xml_of(w->arena, node) : NULL};
  *w->end = unread;
  w->end = &unread->next;
}

/* The writer leaves an element out that has nothing but constants. */
static bool is_constant(const struct walk *w, const char *path, const char *attribute) {
  const struct vlun_shape *shape = w->device->record->shape;
  for (int i = 0; i < shape->count; i++) {
    const struct vlun_row *row = &shape->rows[i];
    if (row->kind == KIND_LIT && strcmp(row->elem, path) == 0 && strcmp(row->attr, attribute) == 0) return true;
  }
  return false;
}

static void compare_attributes(struct walk *w, xmlNodePtr node, xmlNodePtr fresh, const char *path) {
  for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next) {
    const char *name = (const char *)attribute->name;
    bool kept = !attribute->ns && fresh && xmlHasProp(fresh, attribute->name);
    if (!kept && !is_constant(w, path, name)) note(w, vlun_printf(w->arena, "%s@%s", path, name), NULL);
  }
}

/* The children of a fresh element that are nobody's twin yet: the first of each name.  The writer knows few names, but
 * a list may have a million elements. */
struct twins {
  xmlNodePtr next[VLUN_MAX_ROWS];
  size_t count;
};

static bool is_named(const xmlNode *node, const xmlChar *name) {
  return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, name);
}

static void list_twins(struct twins *twins, xmlNodePtr fresh) {
  for (xmlNodePtr child = fresh ? fresh->children : NULL; child; child = child->next) {
    size_t i = 0;
    while (i < twins->count && !is_named(child, twins->next[i]->name)) i++;
    if (child->type == XML_ELEMENT_NODE && i == twins->count && i < VLUN_MAX_ROWS) twins->next[twins->count++] = child;
  }
}

/* The first child of that name that is nobody's twin yet. */
static xmlNodePtr take_twin(struct twins *twins, const xmlNode *node) {
  for (size_t i = 0; i < twins->count && !node->ns; i++) {
    xmlNodePtr twin = twins->next[i];
    if (!twin || !is_named(twin, node->name)) continue;
    xmlNodePtr next = twin->next;
    while (next && !is_named(next, twin->name)) next = next->next;
    twins->next[i] = next;
    return twin;
  }
  return NULL;
}

static void compare(struct walk *w, xmlNodePtr node, xmlNodePtr fresh, const char *path) {
  struct twins twins = {.count = 0};
  compare_attributes(w, node, fresh, path);
  list_twins(&twins, fresh);
  for (xmlNodePtr child = node->children; child; child = child->next) {
    if (child->type != XML_ELEMENT_NODE) continue;
    const char *name = (const char *)child->name;
    xmlNodePtr twin = take_twin(&twins, child);
    const char *place = *path ? vlun_printf(w->arena, "%s/%s", path, name) : name;
    bool known = !*path && !child->ns && vlun_owns_element(w->device->record->shape, name);
    bool given = known && w->device->given_alias && strcmp(name, "alias") == 0;
    if (given || !place) continue;
    if (twin || (known && !vlun_child_of(fresh, name, strlen(name)))) compare(w, child, twin, place);
    else note(w, *path ? place : vlun_copy(w->arena, name, strlen(name)), *path || child->ns ? NULL : child);
  }
}

static void compare_device(struct walk *w, xmlNodePtr node) {
  xmlDocPtr fresh = vlun_fresh_document(node->doc, w->device->record, 0);
  if (fresh) compare(w, node, xmlDocGetRootElement(fresh), "");
  else w->arena->failed = true;
  xmlFreeDoc(fresh);
}

static void compare_devices(struct walk *w, xmlNodePtr root, const struct vlun_model *model) {
  size_t count;
  xmlNodePtr devices = root ? vlun_child_of(root, "devices", 7) : NULL;
  xmlNodePtr *element = devices ? vlun_list_elements(w->arena, devices, &count) : NULL;
  for (size_t i = 0; element && i < model->count; i++) {
    w->device = &model->device[i];
    w->number = i + 1;
    xmlNodePtr node = w->device->foreign ? NULL : vlun_element_of(element, count, w->device);
    if (node) compare_device(w, node);
  }
}

bool vlun_unread(struct vlun_arena *arena, const char *xml, size_t len, const struct vlun_model *model,
                 struct vlun_unread **list, struct vlun_problems *problems) {
  struct vlun_xml_guard guard = {0};
  xmlParserCtxtPtr parser = vlun_xml_open(xml, len, &guard, problems);
  bool good = parser && vlun_xml_parse(parser, &guard, problems);
  struct walk w = {.arena = arena, .end = list};
  *list = NULL;
  if (good) compare_devices(&w, xmlDocGetRootElement(parser->myDoc), model);
  return vlun_xml_close(parser, &guard, problems) && good;
}
