/*
 * kind.c - the kinds of values: how each is parsed from text, printed and compared.
 * Sees one value at a time; what values mean together belongs to rules.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* --- parsing ------------------------------------------------------------------------------------------ */

/* Base 10, or base 16 after 0x where the kind is hexadecimal or the number is the host's own (facts 6). */
static enum vlun_verdict parse_number(const char *text, size_t len, struct vlun_value *value) {
  char digits[24];
  if (len == 0 || len >= sizeof digits) return BAD_TEXT;
  memcpy(digits, text, len);
  digits[len] = '\0';
  bool hex = len > 2 && memcmp(text, "0x", 2) == 0;
  const char *start = digits + (hex ? 2 : 0);
  for (const char *p = start; *p; p++)
    if (hex ? !vlun_is_hex(*p) : !vlun_is_digit(*p)) return BAD_TEXT;
  unsigned long long number = strtoull(start, NULL, hex ? 16 : 10);
  if (number > INT64_MAX) return BAD_TEXT;
  value->u.number = (int64_t)number;
  return PARSED;
}

static enum vlun_verdict parse_switch(const char *text, size_t len, const char *yes, const char *no,
                                      struct vlun_value *value) {
  value->u.number = len == strlen(yes) && memcmp(text, yes, len) == 0;
  bool is_no = len == strlen(no) && memcmp(text, no, len) == 0;
  return value->u.number || is_no ? PARSED : BAD_TEXT;
}

static enum vlun_verdict parse_word(const struct vlun_words *words, const char *text, size_t len,
                                    struct vlun_value *value) {
  for (int i = 0; i < words->count; i++) {
    if (strncmp(words->word[i], text, len) != 0 || words->word[i][len] != '\0') continue;
    value->u.number = i;
    return PARSED;
  }
  return UNKNOWN_WORD;
}

/* Text stays where it is: whoever owns it must outlive the value. */
enum vlun_verdict vlun_parse(const struct vlun_row *row, const char *text, size_t len, struct vlun_value *value) {
  switch (row->kind) {
    case KIND_INT:
    case KIND_HEX: return parse_number(text, len, value);
    case KIND_YESNO: return parse_switch(text, len, "yes", "no", value);
    case KIND_ONOFF: return parse_switch(text, len, "on", "off", value);
    case KIND_BOOL: return parse_switch(text, len, "true", "false", value);
    case KIND_ENUM: return parse_word(row->words, text, len, value);
    case KIND_FLAG: value->u.number = 1; return PARSED;
    case KIND_STR:
    case KIND_RAW:
      if (len > UINT32_MAX) return BAD_TEXT;
      value->u.text = text;
      value->len = (uint32_t)len;
      return PARSED;
    default: return BAD_TEXT;
  }
}

/* --- printing ----------------------------------------------------------------------------------------- */

/* Written by hand because snprintf costs more than all the rest of writing a device. */
static const char *print_decimal(int64_t number, char scratch[32], size_t *len) {
  uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
  char *p = scratch + 32;
  do *--p = (char)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0) *--p = '-';
  *len = (size_t)(scratch + 32 - p);
  return p;
}

static const char *fixed(const char *text, size_t *len) {
  *len = strlen(text);
  return text;
}

const char *vlun_print(const struct vlun_row *row, const struct vlun_value *value, char scratch[32], size_t *len) {
  switch (row->kind) {
    case KIND_INT: return print_decimal(value->u.number, scratch, len);
    case KIND_HEX:
      *len = (size_t)snprintf(scratch, 32, "0x%0*" PRIx64, row->width, (uint64_t)value->u.number);
      return scratch;
    case KIND_YESNO: return fixed(value->u.number ? "yes" : "no", len);
    case KIND_ONOFF: return fixed(value->u.number ? "on" : "off", len);
    case KIND_BOOL: return fixed(value->u.number ? "true" : "false", len);
    case KIND_ENUM: return fixed(row->words->word[value->u.number], len);
    case KIND_STR:
    case KIND_RAW: *len = value->len; return value->u.text;
    default: return fixed("", len);
  }
}

/* --- comparing ---------------------------------------------------------------------------------------- */

static bool equal_text(const struct vlun_row *row, const struct vlun_value *a, const struct vlun_value *b) {
  if (a->len != b->len) return false;
  if (row->flags & UPPERCASE) return strncasecmp(a->u.text, b->u.text, a->len) == 0;
  return memcmp(a->u.text, b->u.text, a->len) == 0;
}

static bool equal_lists(const struct vlun_list *a, const struct vlun_list *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (!vlun_agrees(a->item[i], b->item[i])) return false;
  return true;
}

bool vlun_equal(const struct vlun_row *row, const struct vlun_value *a, const struct vlun_value *b) {
  switch (row->kind) {
    case KIND_STR: return equal_text(row, a, b);
    case KIND_RECORD: return vlun_agrees(a->u.record, b->u.record);
    case KIND_LIST: return equal_lists(a->u.list, b->u.list);
    case KIND_RAW: return true; /* Raw XML counts at creation only. */
    default: return a->u.number == b->u.number;
  }
}

/* "Explicitly not" agrees with absence, and so does a flag that is off: its element is what would be there.  So does
 * what libvirt means when it writes nothing. */
static bool agrees_with_absence(const struct vlun_row *row, const struct vlun_value *value,
                                const struct vlun_record *current) {
  if (row->elem == NULL || value->no || (row->kind == KIND_FLAG && !value->u.number)) return true;
  bool disk = current->shape == &vlun_shapes[SHAPE_disk];
  uint64_t device = BIT(disk ? vlun_number(current, VLUN_disk_device, W(device, disk)) : W(device, disk));
  return (row->implied_for & device) && row->implied == value->u.number;
}

bool vlun_value_agrees(int number, const struct vlun_value *value, const struct vlun_record *current) {
  const struct vlun_row *row = &current->shape->rows[number];
  const struct vlun_value *other = vlun_has(current, number);
  return other && !value->no ? vlun_equal(row, value, other) : !other && agrees_with_absence(row, value, current);
}

bool vlun_agrees(const struct vlun_record *desired, const struct vlun_record *current) {
  if (desired->shape != current->shape) return false;
  const struct vlun_value *value = desired->value;
  for (uint64_t rest = desired->set; rest; rest &= rest - 1)
    if (!vlun_value_agrees(__builtin_ctzll(rest), value++, current)) return false;
  return true;
}
