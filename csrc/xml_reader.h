/*
 * xml_reader.h - a reader at work: what xml_read.c, which knows the domain, and xml_device.c, which knows devices,
 * share.
 */
#ifndef VLUN_XML_READER_H
#define VLUN_XML_READER_H

#include <string.h>

#include "xml_common.h"

#define NESTED 4 /* device, source, host: records within records */
#define MEMO 256

enum place { AT_TOP, IN_DOMAIN, IN_OS, IN_FEATURES, IN_IOTHREADIDS, IN_DEVICES, IN_RECORD, IN_TEXT };

struct level {
  enum place place;
  int draft;        /* IN_RECORD: number of the record that is being read */
  const char *path; /* IN_RECORD: the element below that record, as a row spells it */
  size_t len;
  int text_row;   /* row that takes the text, -1 for none */
  int entered_by; /* row of the outer record that holds this one, -1 if this level opens none */
  int outer;      /* number of that outer record */
};

/* Names of a document are interned by libxml2, so a pair of pointers that was looked up once is known for the rest. */
struct memo {
  const struct vlun_shape *shape;
  const char *path;
  const xmlChar *name;
  size_t len;
  bool attribute;
  int row;
};

struct reader {
  struct vlun_xml_guard guard; /* first: parser->_private points here */
  struct vlun_model *model;
  struct vlun_problems *problems;
  struct level level[XML_DEEPEST + 1];
  int depth, skip;
  struct vlun_draft draft[NESTED];
  const char *tag[NESTED]; /* which variant the device's type attribute asks for */
  const char *foreign;     /* why the device at hand is none of ours */
  const char *given_alias;
  const char *chain; /* the backing chain that is being skipped */
  const char *bound; /* what belongs to the source and has no row */
  uint64_t unclear;
  bool has_bus, not_ours;
  unsigned met;      /* elements of the domain that may stand in it once, as bits */
  const char *twice; /* one that stands there again */
  int place;
  size_t from, to; /* where in the text the device at hand begins and ends */
  struct vlun_buffer text;
  const char **text_target;     /* IN_TEXT: where the text goes */
  const char *name, *iothreads; /* of the domain, as text */
  struct memo memo[MEMO];
};

static inline const char *intern(struct reader *r, const xmlChar *text, size_t len) {
  return vlun_copy(&r->model->arena, (const char *)text, len);
}

static inline bool is(const xmlChar *name, const char *text) { return strcmp((const char *)name, text) == 0; }

static inline const xmlChar *attribute(int count, const xmlChar **attributes, const char *name, size_t *len) {
  for (int i = 0; i < count; i++, attributes += 5) {
    if (!is(attributes[0], name)) continue;
    *len = (size_t)(attributes[4] - attributes[3]);
    return attributes[3];
  }
  return NULL;
}

static inline struct level *push(struct reader *r, enum place place) {
  struct level *level = &r->level[++r->depth];
  *level = (struct level){.place = place, .path = "", .text_row = -1, .entered_by = -1};
  return level;
}

/* Whether an element name is that of a device with rows (xml_device.c). */
const struct vlun_shape *vlun_device_shape(const xmlChar *name);
/* A device below <devices>, or at the top of its own document. */
void vlun_start_device(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes);
/* An element somewhere in a device; false if no row is interested in it. */
bool vlun_start_in_device(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes);
/* The end of a level that one of these began. */
void vlun_end_in_device(struct reader *r, const struct level *level);
/* An element that nobody is interested in; r->skip counts those around it. */
void vlun_note_skipped(struct reader *r, const xmlChar *name);

#endif
