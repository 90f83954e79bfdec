/*
 * iso.c - fuzzes the look into images of discs.  An image is large and mostly empty, so the input is its size in
 * blocks (three bytes), and then pieces: block (two bytes), offset in it (one, of eight bytes each), length (one), and
 * so many bytes.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define BLOCK 2048

static void write_image(int fd, const uint8_t *data, size_t size) {
  off_t blocks = data[0] | data[1] << 8 | (off_t)data[2] << 16;
  DEMAND(ftruncate(fd, blocks * BLOCK) == 0);
  for (const uint8_t *p = data + 3, *end = data + size; end - p > 4;) {
    off_t place = (off_t)(p[0] | p[1] << 8) * BLOCK + p[2] * 8;
    size_t len = p[3], left = (size_t)(end - p - 4);
    if (len > left) len = left;
    DEMAND(pwrite(fd, p + 4, len, place) == (ssize_t)len);
    p += 4 + len;
  }
}

static bool is_known(const char *container) { return container && *container; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[32];
  struct vlun_iso iso;
  if (size < 3) return 0;
  int fd = memfd_create("image", MFD_CLOEXEC);
  DEMAND(fd >= 0);
  write_image(fd, data, size);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  DEMAND(vlun_iso_probe(path, &iso));
  const char *what;
  DEMAND(memchr(iso.label, 0, sizeof iso.label) && !vlun_bad_byte(iso.label, strlen(iso.label), false, &what));
  DEMAND(iso.platform_count <= VLUN_ISO_PLATFORMS && (iso.bootable || !iso.platform_count));
  DEMAND((iso.broken == VLUN_ISO_CONTAINER) == is_known(iso.container));
  DEMAND(iso.broken != VLUN_ISO_TRUNCATED || iso.expected > iso.size);
  close(fd);
  return 0;
}
