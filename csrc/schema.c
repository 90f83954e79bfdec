/*
 * schema.c - expands the schema's .def files into tables.
 * Behaviour of a value belongs to kind.c, of a rule to rules.c; this file has none but lookups.
 */
#include <string.h>

#include "internal.h"

#define WORDS(list) static const char *const words_of_##list[] = {
#define WORD(list, id, text) text,
#define END_WORDS(list) };
#include "schema/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS

#define WORDS(list) \
  static const struct vlun_words list_of_##list = {#list, words_of_##list, VLUN_COUNT(words_of_##list)};
#define WORD(list, id, text)
#define END_WORDS(list)
#include "schema/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS

#define MODEL(id, ...) [W(model, id)] = {__VA_ARGS__},
const struct vlun_hba vlun_hbas[W(model, count)] = {
#include "schema/hba.def"
};
#undef MODEL

enum {
#define FORM(id, expected) FORM_##id,
#include "schema/forms.def"
#undef FORM
};

/* What the rows of the .def files are written with. */
#define ANY_DEVICE UINT64_MAX
#define WORDLIST(list) &list_of_##list
#define FORMTYPE(id) &vlun_forms[FORM_##id]
#define RANGE(low, high) .min = (low), .max = (high)
#define DEFAULT(v) .dflt_for = ANY_DEVICE, .dflt = (v)
#define DEFAULT_CDROM(v) .dflt_for = BIT(W(device, cdrom)), .dflt = (v)
#define IMPLIED(v) .implied_for = ANY_DEVICE, .implied = (v)
#define IMPLIED_CDROM(v) .implied_for = BIT(W(device, cdrom)), .implied = (v)
#define WHEN(shape, id, set) .when = {.row = VLUN_##shape##_##id, .words = (set)}
#define VARIANTS(...) (const struct vlun_shape *const[]) {__VA_ARGS__, NULL}

#define SHAPE(id, element, tag) static const struct vlun_row rows_of_##id[] = {
#define ROW(shape, id, kind_, elem_, attr_, ...) \
  {.key = #id, .kind = KIND_##kind_, .elem = elem_, .attr = attr_, __VA_ARGS__},
#define END_SHAPE(id) };
#include "schema/schema.def"
#undef SHAPE
#undef ROW
#undef END_SHAPE

#define SHAPE(id, element, tag) {#id, element, tag, rows_of_##id, VLUN_COUNT(rows_of_##id)},
#define ROW(...)
#define END_SHAPE(id)
const struct vlun_shape vlun_shapes[SHAPE_count] = {
#include "schema/schema.def"
};
#undef SHAPE
#undef ROW
#undef END_SHAPE

/* A presence bit must exist for every row. */
#define SHAPE(id, element, tag) _Static_assert(VLUN_##id##_count <= VLUN_MAX_ROWS, "too many rows in " #id);
#define ROW(...)
#define END_SHAPE(id)
#include "schema/schema.def"
#undef SHAPE
#undef ROW
#undef END_SHAPE

/* clang-format off */
int vlun_common_row(const struct vlun_shape *shape, enum vlun_common key) {
#define COMMON(shape, key) [SHAPE_##shape][COMMON_##key] = VLUN_##shape##_##key + 1
  static const unsigned char rows[SHAPE_count][COMMON_count] = {
      COMMON(controller, absent), COMMON(controller, address), COMMON(controller, alias),
      COMMON(disk, absent), COMMON(disk, address), COMMON(disk, alias), COMMON(disk, boot), COMMON(disk, raw),
      COMMON(hostdev, absent), COMMON(hostdev, address), COMMON(hostdev, alias), COMMON(hostdev, boot),
      COMMON(other, alias), COMMON(other, boot)};
#undef COMMON
  return rows[shape - vlun_shapes][key] - 1;
}
/* clang-format on */

int vlun_row_of_key(const struct vlun_shape *shape, const char *key) {
  for (int i = 0; i < shape->count; i++)
    if (shape->rows[i].key[0] == key[0] && strcmp(shape->rows[i].key, key) == 0) return i; /* few begin alike */
  return -1;
}

bool vlun_row_is_sayable(const struct vlun_row *row) {
  return row->doc && !(row->flags & INTERNAL) && row->kind != KIND_TAG;
}

bool vlun_row_is_switch(const struct vlun_row *row) {
  enum vlun_kind kind = row->kind;
  return kind == KIND_BOOL || kind == KIND_YESNO || kind == KIND_ONOFF || kind == KIND_FLAG || kind == KIND_SET;
}

bool vlun_owns_element(const struct vlun_shape *shape, const char *name) {
  size_t len = strlen(name);
  for (int i = 0; i < shape->count; i++) {
    const char *elem = shape->rows[i].elem;
    if (elem && *elem && strncmp(elem, name, len) == 0 && (elem[len] == '\0' || elem[len] == '/')) return true;
  }
  return false;
}
