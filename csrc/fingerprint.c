/*
 * fingerprint.c - numbers that tell whether bytes are still the same.
 */
#include <string.h>

#include "fingerprint.h"

/* FNV-1a by words of eight bytes, whose high bits the shift brings down. */
uint64_t vlun_fingerprint(uint64_t sum, const void *bytes, size_t len) {
  for (const char *p = bytes; len;) {
    uint64_t word = 0;
    size_t step = len < sizeof word ? len : sizeof word;
    memcpy(&word, p, step);
    sum = (sum ^ word) * UINT64_C(1099511628211);
    sum ^= sum >> 32;
    p += step;
    len -= step;
  }
  return sum;
}
