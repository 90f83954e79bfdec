/*
 * name.c - drive names: sda, sdb, ... and their index, in bijective base 26 (facts 4).
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define LETTERS 26

/* Length of the prefix that libvirt accepts for disks, 0 if there is none. */
static size_t prefix_length(const char *text, size_t len) {
  static const char *const prefixes[] = {"sd", "hd", "vd", "xvd", "ubd"};
  for (size_t i = 0; i < VLUN_COUNT(prefixes); i++) {
    size_t n = strlen(prefixes[i]);
    if (len > n && memcmp(text, prefixes[i], n) == 0) return n;
  }
  return 0;
}

int32_t vlun_dev_index(const char *text, size_t len) {
  size_t start = prefix_length(text, len);
  if (start == 0) return -1;
  int32_t index = 0;
  for (size_t i = start; i < len; i++) {
    if (text[i] < 'a' || text[i] > 'z') return -1;
    index = index * LETTERS + (text[i] - 'a' + 1);
    if (index - 1 > VLUN_MAX_DEV_INDEX) return -1;
  }
  return index - 1;
}

bool vlun_dev_name(int32_t index, char *text, size_t size) {
  if (index < 0 || index > VLUN_MAX_DEV_INDEX) return false;
  char letters[8];
  size_t at = sizeof letters - 1;
  letters[at] = '\0';
  for (int32_t rest = index + 1; rest > 0; rest = (rest - 1) / LETTERS)
    letters[--at] = (char)('a' + (rest - 1) % LETTERS);
  return snprintf(text, size, "sd%s", letters + at) < (int)size;
}
