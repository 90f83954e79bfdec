/*
 * xml_patch.h - what the files that change a host's document share: its nodes.
 */
#ifndef VLUN_XML_PATCH_H
#define VLUN_XML_PATCH_H

#include <libxml/tree.h>

#include "xml_common.h"

/* The first child element of that name, NULL if there is none. */
xmlNodePtr vlun_child_of(xmlNodePtr parent, const char *name, size_t len);
/* A new last child gets the indentation of the first; the text before the parent's end tag stays the last.  Like all
 * that changes nodes, it is false without memory: then the tree is of no use any more. */
bool vlun_append_indented(xmlNodePtr parent, xmlNodePtr node);
/* The same for a node of a fresh document. */
bool vlun_move_to(xmlNodePtr parent, xmlNodePtr node);
void vlun_remove_with_indent(xmlNodePtr node);
/* Makes one row of the host's element what it is in the fresh one. */
bool vlun_patch_row(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_shape *shape, const struct vlun_row *row,
                    const struct vlun_value *value);
/* The type attribute of the device follows its source; an empty drive keeps the type it had. */
bool vlun_patch_tags(xmlNodePtr node, xmlNodePtr fresh, const struct vlun_record *desired, uint64_t rows);

/* Element children in their order: vlun_device.place counts them from 1.  NULL without memory. */
xmlNodePtr *vlun_list_elements(struct vlun_arena *arena, xmlNodePtr devices, size_t *count);
/* The element of the host's device; NULL if the text is not the one that the device was read from. */
xmlNodePtr vlun_element_of(xmlNodePtr *element, size_t count, const struct vlun_device *device);
/* The same where the element stands at another place. */
xmlNodePtr vlun_element_at(xmlNodePtr *element, size_t count, size_t place, const struct vlun_device *device);
/* What the writer writes, parsed, so that nodes can be taken from it into doc.  NULL without memory. */
xmlDocPtr vlun_fresh_document(xmlDocPtr doc, const struct vlun_record *record, int indent);

/* The document that host was read from, with no other devices than the current ones of changes, in their order.  False
 * where that cannot be cut out of the text. */
bool vlun_excerpt(const char *xml, size_t len, const struct vlun_model *host, const struct vlun_changes *changes,
                  struct vlun_buffer *out);

/* Gives devices the boot order that an order wants (xml_boot.c).  False: another document, or no memory. */
bool vlun_boot_by_devices(struct vlun_arena *arena, xmlNodePtr root, const struct vlun_boot *boot);

#endif
