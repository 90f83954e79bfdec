/*
 * form.c - the forms of text: what a character may be, and which texts are a path, a serial number, an alias.
 */
#include <string.h>

#include "internal.h"

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

static bool is_alnum(char c) { return vlun_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Whether all of text is alphanumeric or in `also`. */
static bool all_of(const char *text, size_t len, const char *also) {
  for (size_t i = 0; i < len; i++)
    if (!is_alnum(text[i]) && (text[i] == '\0' || !strchr(also, text[i]))) return false;
  return true;
}

static bool all_hex(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!vlun_is_hex(text[i])) return false;
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
    if (!vlun_is_digit(text[i])) return false;
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
    if (!vlun_is_digit(text[i])) return false;
  return form_iscsi_name(text, name);
}

static bool form_uuid(const char *text, size_t len) {
  if (len != 36) return false;
  for (size_t i = 0; i < len; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !vlun_is_hex(text[i])) return false;
  }
  return true;
}

const struct vlun_form vlun_forms[] = {
#define FORM(id, expected) {#id, expected, form_##id},
#include "schema/forms.def"
#undef FORM
};
