/*
 * xml.h - models from XML and XML from models; what is behind it is known to the files xml_* alone.
 */
#ifndef VLUN_XML_H
#define VLUN_XML_H

#include "steps.h"

void vlun_write_record(struct vlun_buffer *buffer, const struct vlun_record *record, int indent);
void vlun_write_model(struct vlun_buffer *buffer, const struct vlun_model *model);

/* Reads a <domain> or the document of one device.  False, with a problem, if it is not that. */
bool vlun_read(struct vlun_model *model, const char *xml, size_t len, struct vlun_problems *problems);

/* Checks every `raw` of the run: well-formed elements that the schema does not own. */
void vlun_check_raw(struct vlun_check *check);
/* Everything that can be checked (steps.c). */
void vlun_check_all(struct vlun_check *check);
/* Checks a description that is to be written for no known host, and fills in what it leaves out.  False if problems
 * has errors, be they older, or if there is no memory. */
bool vlun_settle(struct vlun_model *model, struct vlun_problems *problems);

/* Applies changes to the host's own document, touching nothing else.  The changes' current devices must have
 * been read from this very text, and no two changes may have the same. */
bool vlun_patch(const char *xml, size_t len, const struct vlun_changes *changes, struct vlun_buffer *out,
                struct vlun_problems *problems);

/* The elements of changes, each as it stands and as it will be; text is NULL where there is none. */
struct vlun_text {
  const char *text;
  size_t len;
};
struct vlun_element {
  struct vlun_text before, after;
};
/* elements: zeroed, one for each change; their texts are in the arena.  A change without a description (action CHANGE,
 * desired NULL) leaves its element as it is, and has only the first. */
bool vlun_elements(const char *xml, size_t len, const struct vlun_model *host, const struct vlun_changes *changes,
                   struct vlun_element *elements, struct vlun_arena *arena, struct vlun_problems *problems);

/* What a domain's document says of a device and its model does not keep. */
struct vlun_unread {
  struct vlun_unread *next;
  size_t device;     /* its number, from 1 */
  const char *place; /* "encryption", "source/slices", "driver@queues" */
  const char *xml;   /* of an element directly below the device's own; NULL for everything else */
};
/* All of it, device by device; model was read from the very text. */
bool vlun_unread(struct vlun_arena *arena, const char *xml, size_t len, const struct vlun_model *model,
                 struct vlun_unread **list, struct vlun_problems *problems);

/* How a domain is to boot by its devices, beginning with one of them if `first` is set.  A device that the description
 * denies a boot order gets none; host was read from the very text. */
struct vlun_boot {
  const struct vlun_model *desired;
  struct vlun_model *host;
  const struct vlun_device *first;
};
bool vlun_boot(const char *xml, size_t len, const struct vlun_boot *boot, struct vlun_buffer *out,
               struct vlun_problems *problems);

#endif
