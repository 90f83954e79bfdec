/*
 * xml_write.c - writes records as libvirt's XML into one buffer, in the order of the schema's rows.
 * It trusts what it is given: text that XML cannot carry was refused by check.c.  Written by hand because libxml2's
 * writers cost ten to fifty times as much.
 */
#include <limits.h>
#include <string.h>

#include "internal.h"

#define TYPICAL_DEVICE 384 /* bytes of XML */
#define DEEPEST 8          /* device, source, reservations, source ... */

struct element {
  const char *name;
  size_t len;
  bool content; /* its start tag is closed */
  bool text;    /* and what follows is text, so that nothing may be indented */
};

struct writer {
  struct vlun_buffer *out;
  struct element open[DEEPEST];
  int depth, indent;
  const char *last; /* path of the element that is open, for the common case that the next row has the same */
};

#define ADD(w, literal) vlun_buffer_add((w)->out, literal, sizeof(literal) - 1)

static void add_indent(struct writer *w) {
  static const char spaces[] = "                                ";
  size_t n = (size_t)(w->indent + 2 * w->depth);
  vlun_buffer_add(w->out, spaces, n < sizeof spaces ? n : sizeof spaces - 1);
}

static void add_escaped(struct writer *w, const char *text, size_t len) {
  static const char *const escapes[UCHAR_MAX + 1] = {
      ['&'] = "&amp;",  ['<'] = "&lt;",  ['>'] = "&gt;",   ['\''] = "&apos;",
      ['"'] = "&quot;", ['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;"};
  size_t done = 0;
  for (size_t i = 0; i < len; i++) {
    const char *escape = escapes[(unsigned char)text[i]];
    if (!escape) continue;
    vlun_buffer_add(w->out, text + done, i - done);
    vlun_buffer_add(w->out, escape, strlen(escape));
    done = i + 1;
  }
  vlun_buffer_add(w->out, text + done, len - done);
}

/* --- elements ----------------------------------------------------------------------------------------- */

static void begin_content(struct writer *w) {
  if (w->depth == 0 || w->open[w->depth - 1].content) return;
  w->open[w->depth - 1].content = true;
  ADD(w, ">\n");
}

static void open_element(struct writer *w, const char *name, size_t len) {
  begin_content(w);
  add_indent(w);
  ADD(w, "<");
  vlun_buffer_add(w->out, name, len);
  w->open[w->depth++] = (struct element){.name = name, .len = len};
}

static void close_element(struct writer *w) {
  const struct element *element = &w->open[--w->depth];
  if (!element->content) {
    ADD(w, "/>\n");
    return;
  }
  if (!element->text) add_indent(w);
  ADD(w, "</");
  vlun_buffer_add(w->out, element->name, element->len);
  ADD(w, ">\n");
}

static void close_to(struct writer *w, int depth) {
  while (w->depth > depth) close_element(w);
  w->last = NULL;
}

/* Length of the first name of a path. */
static size_t first_name(const char *path) {
  size_t len = 0;
  while (path[len] && path[len] != '/') len++;
  return len;
}

/* Makes the element `path` (a or a/b) below depth `base` the open one; true if it had to be opened. */
static bool enter(struct writer *w, int base, const char *path) {
  if (w->last == path) return false;
  int level = base;
  size_t len = first_name(path);
  while (*path && level < w->depth && w->open[level].len == len && memcmp(w->open[level].name, path, len) == 0) {
    path += len + (path[len] == '/');
    len = first_name(path);
    level++;
  }
  close_to(w, level);
  bool opened = *path != '\0';
  while (*path) {
    open_element(w, path, len);
    path += len + (path[len] == '/');
    len = first_name(path);
  }
  return opened;
}

/* Plain text is the schema's own or a number, and needs no escaping. */
static void add_attribute(struct writer *w, const char *name, const char *text, size_t len, bool plain) {
  ADD(w, " ");
  vlun_buffer_add(w->out, name, strlen(name));
  ADD(w, "='");
  if (plain) vlun_buffer_add(w->out, text, len);
  else add_escaped(w, text, len);
  ADD(w, "'");
}

static void add_text(struct writer *w, const char *text, size_t len) {
  struct element *element = &w->open[w->depth - 1];
  element->content = element->text = true;
  ADD(w, ">");
  add_escaped(w, text, len);
}

/* --- rows --------------------------------------------------------------------------------------------- */

static void write_rows(struct writer *w, const struct vlun_record *record);

static void add_literal(struct writer *w, const struct vlun_row *row) {
  add_attribute(w, row->attr, row->text, strlen(row->text), true);
}

/* Equal texts of the schema are mostly one and the same. */
static bool is_same(const char *a, const char *b) { return a == b || (a && strcmp(a, b) == 0); }

/* Constants stand before the other attributes of their element. */
static void add_literals_before(struct writer *w, const struct vlun_shape *shape, int number) {
  const char *elem = shape->rows[number].elem;
  int first = number;
  while (first > 0 && is_same(shape->rows[first - 1].elem, elem)) first--;
  for (int i = first; i < number; i++)
    if (shape->rows[i].kind == KIND_LIT) add_literal(w, &shape->rows[i]);
}

static void write_list(struct writer *w, int base, const struct vlun_row *row, const struct vlun_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    close_to(w, base);
    enter(w, base, row->elem);
    write_rows(w, list->item[i]);
  }
}

static void write_scalar(struct writer *w, const struct vlun_row *row, const struct vlun_value *value) {
  char scratch[32];
  size_t len;
  const char *text = vlun_print(row, value, scratch, &len);
  if (row->attr) add_attribute(w, row->attr, text, len, row->kind != KIND_STR);
  else add_text(w, text, len);
}

static void write_value(struct writer *w, int base, const struct vlun_shape *shape, int number,
                        const struct vlun_value *value) {
  const struct vlun_row *row = &shape->rows[number];
  if (row->kind == KIND_RAW) {
    close_to(w, base);
    begin_content(w);
    add_indent(w);
    vlun_buffer_add(w->out, value->u.text, value->len);
    ADD(w, "\n");
    return;
  }
  if (!row->elem || (row->kind == KIND_FLAG && !value->u.number)) return;
  if (row->kind == KIND_LIST) {
    write_list(w, base, row, value->u.list);
    return;
  }
  if (enter(w, base, row->elem) && row->attr) add_literals_before(w, shape, number);
  w->last = row->elem;
  if (row->kind == KIND_RECORD) {
    write_rows(w, value->u.record);
    w->last = NULL;
  } else if (row->kind != KIND_FLAG) {
    write_scalar(w, row, value);
  }
}

static const char *tag_of(const struct vlun_record *record, const struct vlun_row *row) {
  const struct vlun_value *variant = vlun_has(record, row->of);
  return variant ? variant->u.record->shape->tag : row->text;
}

/* Attributes of the record's own element are its first rows. */
static int write_own_rows(struct writer *w, const struct vlun_record *record) {
  int i = 0;
  for (; i < record->shape->count; i++) {
    const struct vlun_row *row = &record->shape->rows[i];
    if (!row->elem || *row->elem) break;
    const struct vlun_value *value = vlun_has(record, i);
    if (row->kind == KIND_LIT) add_literal(w, row);
    else if (row->kind == KIND_TAG) add_attribute(w, row->attr, tag_of(record, row), strlen(tag_of(record, row)), true);
    else if (value) write_scalar(w, row, value);
  }
  return i;
}

static void write_rows(struct writer *w, const struct vlun_record *record) {
  int base = w->depth, own = write_own_rows(w, record);
  w->last = NULL;
  const struct vlun_value *value = record->value;
  for (uint64_t rest = record->set; rest; rest &= rest - 1, value++) {
    int number = __builtin_ctzll(rest);
    if (number >= own && !value->no) write_value(w, base, record->shape, number, value);
  }
}

void vlun_write_record(struct vlun_buffer *buffer, const struct vlun_record *record, int indent) {
  struct writer w = {.out = buffer, .indent = indent};
  open_element(&w, record->shape->element, strlen(record->shape->element));
  write_rows(&w, record);
  close_to(&w, 0);
}

/* --- models ------------------------------------------------------------------------------------------- */

static bool is_written(const struct vlun_device *device) { return !device->foreign && !vlun_is_absent(device); }

/* HBAs come first and by their index, as their drives need them; drives keep the order of the description. */
void vlun_write_model(struct vlun_buffer *buffer, const struct vlun_model *model) {
  const struct vlun_record *controller[VLUN_MAX_CONTROLLER + 1] = {NULL};
  vlun_buffer_room(buffer, model->count * TYPICAL_DEVICE); /* at once: text that moves as it grows leaves holes */
  for (size_t i = 0; i < model->count; i++) {
    const struct vlun_device *device = &model->device[i];
    int64_t index = vlun_is(device, SHAPE_controller) ? vlun_number(device->record, VLUN_controller_index, -1) : -1;
    if (index >= 0 && index <= VLUN_MAX_CONTROLLER && is_written(device)) controller[index] = device->record;
  }
  for (size_t i = 0; i < VLUN_COUNT(controller); i++)
    if (controller[i]) vlun_write_record(buffer, controller[i], 0);
  for (size_t i = 0; i < model->count; i++)
    if (vlun_device_is_drive(&model->device[i]) && is_written(&model->device[i]))
      vlun_write_record(buffer, model->device[i].record, 0);
}
