/*
 * check.c - checks every value of a description against its own row: range, length, form, and whether the row
 * counts here at all.  What several fields or devices mean together belongs to rules.c.
 */
#include <inttypes.h>
#include <string.h>

#include "internal.h"

static void complain(struct vlun_check *check, const struct vlun_trail *trail, enum vlun_code code,
                     const struct vlun_args *args) {
  vlun_complain(check->problems, &check->spot, vlun_trail_text(&check->problems->arena, trail), code, args);
}

static const char *decimal(struct vlun_check *check, int64_t number) {
  return vlun_printf(&check->problems->arena, "%" PRId64, number);
}

static const char *range_text(struct vlun_check *check, const struct vlun_row *row) {
  if (row->min == row->max) return decimal(check, row->min);
  if (row->max == INT64_MAX) return vlun_printf(&check->problems->arena, "%" PRId64 " and more", row->min);
  return vlun_printf(&check->problems->arena, "%" PRId64 "..%" PRId64, row->min, row->max);
}

static void check_number(struct vlun_check *check, const struct vlun_trail *trail, const struct vlun_row *row,
                         const struct vlun_value *value) {
  if (value->u.number >= row->min && value->u.number <= row->max) return;
  complain(check, trail, P_out_of_range,
           &(struct vlun_args){.v = decimal(check, value->u.number), .e = range_text(check, row)});
}

static void check_text(struct vlun_check *check, const struct vlun_trail *trail, const struct vlun_row *row,
                       const struct vlun_value *value) {
  const char *what;
  size_t bad = vlun_bad_byte(value->u.text, value->len, row->kind == KIND_RAW, &what);
  if (bad) {
    complain(check, trail, P_bad_text, &(struct vlun_args){.a = decimal(check, (int64_t)bad), .b = what});
    return;
  }
  if (!row->form) return;
  bool fits = row->form->fits(value->u.text, value->len);
  bool length = value->len >= row->min && value->len <= row->max;
  if (fits && length) return;
  const char *text = vlun_shown(&check->problems->arena, value->u.text, value->len);
  if (!fits) complain(check, trail, P_bad_form, &(struct vlun_args){.v = text, .e = row->form->expected});
  else
    complain(check, trail, P_bad_length,
             &(struct vlun_args){.v = text, .a = decimal(check, value->len), .e = range_text(check, row)});
}

/* Whether the row counts, given what another row of the record says or is by default. */
static void check_when(struct vlun_check *check, const struct vlun_trail *trail, const struct vlun_record *record,
                       const struct vlun_row *row, const struct vlun_value *value) {
  const struct vlun_row *other = &record->shape->rows[row->when.row];
  int64_t word = vlun_number(record, row->when.row, other->dflt_for ? other->dflt : other->implied);
  const struct vlun_value *decides = vlun_get(record, row->when.row);
  bool said = value->origin != ORIGIN_HOST || (decides && decides->origin != ORIGIN_HOST);
  if (row->when.words & BIT(word) || !said || value->no) return;
  complain(check, trail, P_not_here,
           &(struct vlun_args){.a = other->flags & INTERNAL ? "the drive" : other->key,
                               .b = other->words->word[word],
                               .e = vlun_word_list(&check->problems->arena, other->words, row->when.words)});
}

static void check_record(struct vlun_check *check, const struct vlun_trail *trail, const struct vlun_record *record);

static void check_list(struct vlun_check *check, struct vlun_trail *trail, const struct vlun_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    trail->number = i + 1;
    check_record(check, trail, list->item[i]);
  }
}

static void check_value(struct vlun_check *check, struct vlun_trail *trail, const struct vlun_record *record,
                        const struct vlun_row *row, const struct vlun_value *value) {
  if (row->when.words) check_when(check, trail, record, row, value);
  if (value->origin == ORIGIN_HOST) return; /* what a host has is not the recipe's error */
  if (value->no) {
    if (row->flags & (REQUIRED | LASTING)) complain(check, trail, P_not_removable, &(struct vlun_args){.v = "false"});
    return;
  }
  switch (row->kind) {
    case KIND_INT:
    case KIND_HEX: check_number(check, trail, row, value); break;
    case KIND_STR:
    case KIND_RAW: check_text(check, trail, row, value); break;
    case KIND_RECORD: check_record(check, trail, value->u.record); break;
    case KIND_LIST: check_list(check, trail, value->u.list); break;
    default: break; /* Switches and words cannot be wrong once they are parsed. */
  }
}

/* An alias identifies a device as well as its other identity does. */
static void check_required(struct vlun_check *check, const struct vlun_trail *trail, const struct vlun_record *record) {
  const struct vlun_shape *shape = record->shape;
  for (int i = 0; i < shape->count; i++) {
    const struct vlun_row *row = &shape->rows[i];
    if (!(row->flags & REQUIRED) || record->set & BIT(i)) continue;
    if ((row->flags & IDENTITY) && vlun_common(record, COMMON_alias)) continue;
    if (!trail && check->spot.device && check->spot.device->unclear & BIT(i)) continue;
    complain(check, trail, P_required, &(struct vlun_args){.v = row->key, .a = row->doc});
  }
}

static void check_record(struct vlun_check *check, const struct vlun_trail *up, const struct vlun_record *record) {
  const struct vlun_value *value = record->value;
  struct vlun_trail trail = {.up = up};
  for (uint64_t rest = record->set; rest; rest &= rest - 1, value++) {
    int row = __builtin_ctzll(rest);
    if (!up) check->spot.row = row + 1;
    trail.key = record->shape->rows[row].key;
    trail.number = 0;
    check_value(check, &trail, record, &record->shape->rows[row], value);
  }
  if (!up) check->spot.row = 0;
  check_required(check, up, record);
}

void vlun_check_fields(struct vlun_check *check, const struct vlun_record *record) {
  check_record(check, NULL, record);
}
