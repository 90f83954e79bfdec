/*
 * kind.c - the kinds of values: how each is parsed from text, printed and compared; and the forms of text.
 * Sees one value at a time; what values mean together belongs to rules.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* --- text --------------------------------------------------------------------------------------------- */

size_t vlun_utf8_length(const unsigned char *p, size_t left) {
  uint32_t c;
  size_t n;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) n = 2, c = p[0] & 0x1F;
  else if ((p[0] & 0xF0) == 0xE0) n = 3, c = p[0] & 0x0F;
  else if (p[0] >= 0xF0 && p[0] <= 0xF4) n = 4, c = p[0] & 0x07;
  else return 0;
  if (left < n) return 0;
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xC0) != 0x80) return 0;
    c = c << 6 | (p[i] & 0x3F);
  }
  bool overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
  bool no_character = (c >= 0xD800 && c <= 0xDFFF) || c == 0xFFFE || c == 0xFFFF || c > 0x10FFFF;
  return overlong || no_character ? 0 : n;
}

size_t vlun_bad_byte(const char *text, size_t len, bool lines, const char **what) {
  const unsigned char *p = (const unsigned char *)text;
  for (size_t i = 0; i < len;) {
    bool blank = lines && (p[i] == '\t' || p[i] == '\n' || p[i] == '\r');
    if ((p[i] >= 0x20 && p[i] < 0x7F) || blank) {
      i++;
      continue;
    }
    size_t n = p[i] < 0x80 ? 0 : vlun_utf8_length(p + i, len - i);
    if (n == 0) {
      *what = p[i] == 0 ? "NUL" : p[i] < 0x80 ? "a control character" : "not UTF-8";
      return i + 1;
    }
    i += n;
  }
  return 0;
}

/* ASCII only, and independent of the locale, unlike <ctype.h>. */
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/* Whether all of text is alphanumeric or in `also`. */
static bool all_of(const char *text, size_t len, const char *also) {
  for (size_t i = 0; i < len; i++)
    if (!is_alnum(text[i]) && (text[i] == '\0' || !strchr(also, text[i]))) return false;
  return true;
}

static bool all_hex(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!is_hex(text[i])) return false;
  return true;
}

static bool begins(const char *text, size_t len, const char *prefix) {
  size_t n = strlen(prefix);
  return len >= n && memcmp(text, prefix, n) == 0;
}

static bool form_text(const char *text, size_t len) {
  (void)text;
  return len > 0;
}

static bool form_path(const char *text, size_t len) { return len > 1 && text[0] == '/'; }

static bool form_dev(const char *text, size_t len) { return vlun_dev_index(text, len) >= 0; }

static bool form_alias(const char *text, size_t len) {
  return len > 3 && begins(text, len, "ua-") && all_of(text + 3, len - 3, "-_");
}

static bool form_serial(const char *text, size_t len) { return all_of(text, len, "_.+- "); }

static bool form_wwn(const char *text, size_t len) {
  size_t skip = begins(text, len, "0x") ? 2 : 0;
  return len - skip == 16 && all_hex(text + skip, 16);
}

static bool form_printable(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] < ' ' || text[i] > '~') return false;
  return true;
}

static bool form_loadparm(const char *text, size_t len) { return all_of(text, len, ". "); }

static bool form_adapter(const char *text, size_t len) {
  const size_t prefix = strlen("scsi_host");
  if (!begins(text, len, "scsi_host") || len == prefix) return false;
  for (size_t i = prefix; i < len; i++)
    if (!is_digit(text[i])) return false;
  return true;
}

static bool form_naa(const char *text, size_t len) {
  return len == 20 && begins(text, len, "naa.") && all_hex(text + 4, 16);
}

static bool form_iscsi_name(const char *text, size_t len) {
  bool known = begins(text, len, "iqn.") || begins(text, len, "eui.") || begins(text, len, "naa.");
  return known && all_of(text, len, ".:-_");
}

static bool form_iscsi_lun(const char *text, size_t len) {
  const char *slash = memchr(text, '/', len);
  size_t name = slash ? (size_t)(slash - text) : len;
  if (!slash || name + 1 == len) return false;
  for (size_t i = name + 1; i < len; i++)
    if (!is_digit(text[i])) return false;
  return form_iscsi_name(text, name);
}

static bool form_uuid(const char *text, size_t len) {
  if (len != 36) return false;
  for (size_t i = 0; i < len; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

const struct vlun_form vlun_forms[] = {
#define FORM(id, expected) {#id, expected, form_##id},
#include "schema/forms.def"
#undef FORM
};

/* --- parsing ------------------------------------------------------------------------------------------ */

/* Base 10, or base 16 after 0x where the kind is hexadecimal or the number is the host's own (facts 6). */
static enum vlun_verdict parse_number(const char *text, size_t len, struct vlun_value *value) {
  char digits[24];
  if (len == 0 || len >= sizeof digits) return BAD_TEXT;
  memcpy(digits, text, len);
  digits[len] = '\0';
  bool hex = begins(text, len, "0x") && len > 2;
  const char *start = digits + (hex ? 2 : 0);
  for (const char *p = start; *p; p++)
    if (hex ? !is_hex(*p) : !is_digit(*p)) return BAD_TEXT;
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
