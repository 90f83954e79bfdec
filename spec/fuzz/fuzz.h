/*
 * fuzz.h - what the fuzz targets share: how a property is demanded, and what text may come out.
 */
#ifndef VLUN_FUZZ_H
#define VLUN_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run with the property that was broken, so that the fuzzer keeps the input. */
#define DEMAND(property)                                                                                               \
  do {                                                                                                                 \
    if (property) break;                                                                                               \
    fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #property);                                             \
    abort();                                                                                                           \
  } while (0)

/* Whether XML 1.0 can carry the text: UTF-8 without NUL and without controls but tab and ends of lines. */
static inline bool is_xml_text(const char *text, size_t len) {
  const unsigned char *p = (const unsigned char *)text;
  for (size_t i = 0; i < len;) {
    size_t n = p[i] >= 0x80 ? vlun_utf8_length(p + i, len - i) : p[i] >= 0x20 || memchr("\t\n\r", p[i], 3) ? 1 : 0;
    if (n == 0) return false;
    i += n;
  }
  return true;
}

/* Whether both documents say the same of a device. */
static inline bool same_device(const struct vlun_device *a, const struct vlun_device *b) {
  struct vlun_buffer left = {0}, right = {0};
  vlun_write_record(&left, a->record, 0);
  vlun_write_record(&right, b->record, 0);
  bool same = left.len == right.len && memcmp(left.text, right.text, left.len) == 0;
  vlun_buffer_free(&left);
  vlun_buffer_free(&right);
  return same;
}

#endif
