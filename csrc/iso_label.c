/*
 * iso_label.c - volume labels as images store them, made into text that can be printed.
 * Gets bytes of a stranger and trusts none of them; does not know where they were found.
 */
#include "iso_common.h"

#define REPLACEMENT 0xFFFD

/* Not shown are controls, halves of pairs, what is no character, and what is invisible or turns the direction of
 * writing: with those a label could pretend to be another one. */
static bool is_shown(uint32_t c) {
  static const struct {
    uint32_t first, last;
  } hidden[] = {{0, 0x1F},        {0x7F, 0x9F},     {0xAD, 0xAD},      {0x61C, 0x61C},   {0x180E, 0x180E},
                {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},  {0xD800, 0xDFFF}, {0xFDD0, 0xFDEF},
                {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF}};
  for (size_t i = 0; i < VLUN_COUNT(hidden); i++)
    if (c >= hidden[i].first && c <= hidden[i].last) return false;
  return (c & 0xFFFE) != 0xFFFE;
}

/* Adds one character at `at`, and returns where the next one goes. */
static char *put(char *at, uint32_t c) {
  if (!is_shown(c)) c = REPLACEMENT;
  int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
  *at++ = (char)(lead[more] | c >> (6 * more));
  while (more-- > 0) *at++ = (char)(0x80 | (c >> (6 * more) & 0x3F));
  return at;
}

static void finish(const char *label, char *end) {
  while (end > label && end[-1] == ' ') end--;
  *end = '\0';
}

/* Some programs pad with NUL where the standard wants blanks. */
static size_t until_nul(const uint8_t *field, size_t size) {
  const uint8_t *end = memchr(field, 0, size);
  return end ? (size_t)(end - field) : size;
}

static size_t sequence(const uint8_t *p, size_t left) { return p[0] < 0x80 ? 1 : vlun_utf8_length(p, left); }

static bool is_utf8(const uint8_t *field, size_t size) {
  size_t i = 0, n;
  while (i < size && (n = sequence(field + i, size - i)) > 0) i += n;
  return i == size;
}

/* The character of a sequence of n bytes that is known to be good. */
static uint32_t decoded(const uint8_t *p, size_t n) {
  if (n == 1) return p[0];
  uint32_t c = p[0] & (0x7Fu >> n);
  for (size_t i = 1; i < n; i++) c = c << 6 | (p[i] & 0x3Fu);
  return c;
}

void vlun_label_bytes(char *label, const uint8_t *field, size_t size) {
  char *end = label;
  size = until_nul(field, size);
  bool utf8 = is_utf8(field, size);
  for (size_t i = 0, n; i < size; i += n) {
    n = utf8 ? sequence(field + i, size - i) : 1;
    end = put(end, decoded(field + i, n));
  }
  finish(label, end);
}

static uint32_t unit(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }

/* Both standards say UCS-2, and programs write UTF-16: a pair of halves is one character. */
void vlun_label_wide(char *label, const uint8_t *field, size_t size) {
  char *end = label;
  for (size_t i = 0; i + 1 < size && unit(field + i) != 0; i += 2) {
    uint32_t c = unit(field + i), next = i + 3 < size ? unit(field + i + 2) : 0;
    bool pair = c >= 0xD800 && c <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF;
    if (pair) {
      c = 0x10000 + ((c - 0xD800) << 10 | (next - 0xDC00));
      i += 2;
    }
    end = put(end, c);
  }
  finish(label, end);
}

/* The last byte counts those that are used, the first of which says how wide the characters are. */
void vlun_label_dstring(char *label, const uint8_t *field, size_t size) {
  size_t used = field[size - 1];
  label[0] = '\0';
  if (used < 2 || used > size - 1) return;
  if (field[0] == 16) vlun_label_wide(label, field + 1, used - 1);
  if (field[0] != 8) return;
  char *end = label;
  for (size_t i = 1; i < used && field[i] != 0; i++) end = put(end, field[i]);
  finish(label, end);
}
