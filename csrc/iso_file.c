/*
 * iso_file.c - the file that is to be a disc: opened without doing anything to it, read within its size, and told from
 * what merely holds an image.
 */
#define _FILE_OFFSET_BITS 64 /* images are larger than 2 GiB, also where long is not */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iso_common.h"

static const char *not_regular(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return "it is a directory";
    case S_IFIFO: return "it is a FIFO";
    case S_IFSOCK: return "it is a socket";
    case S_IFBLK: return "it is a block device";
    case S_IFCHR: return "it is a character device";
    default: return "it is no regular file";
  }
}

int vlun_probe_open(struct vlun_probe *probe, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return errno;
  if (S_ISREG(info.st_mode)) {
    probe->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (probe->fd < 0 || fstat(probe->fd, &info) != 0) return errno;
  }
  probe->iso->unusable = !S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode);
  if (!S_ISREG(info.st_mode)) snprintf(probe->iso->reason, sizeof probe->iso->reason, "%s", not_regular(info.st_mode));
  probe->iso->size = (uint64_t)info.st_size;
  return 0;
}

bool vlun_probe_read(struct vlun_probe *probe, uint64_t offset, uint8_t *to, size_t size) {
  size_t have = 0;
  memset(to, 0, size);
  if (offset >= probe->iso->size) return false; /* also what off_t could not say */
  while (have < size && !probe->error) {
    ssize_t n = pread(probe->fd, to + have, size - have, (off_t)(offset + have));
    if (n == 0) break;
    if (n > 0) have += (size_t)n;
    else if (errno != EINTR) probe->error = errno;
  }
  return have > 0 && !probe->error;
}

void vlun_probe_expect(struct vlun_probe *probe, uint64_t bytes, bool certain) {
  if (bytes > probe->iso->expected) probe->iso->expected = bytes;
  if (certain && bytes > probe->proven) probe->proven = bytes;
}

struct magic {
  const char *container;
  uint64_t offset;
  const char *bytes;
  size_t size;
};

#define MAGIC(container, offset, bytes)                                                                                \
  { container, offset, bytes, sizeof(bytes) - 1 }

const char *vlun_probe_container(struct vlun_probe *probe) {
  static const struct magic magics[] = {
      MAGIC("qcow2", 0, "QFI\xFB\0\0\0\2"),
      MAGIC("qcow2", 0, "QFI\xFB\0\0\0\3"),
      MAGIC("qcow", 0, "QFI\xFB\0\0\0\1"),
      MAGIC("vmdk", 0, "KDMV"),
      MAGIC("vmdk", 0, "# Disk DescriptorFile"),
      MAGIC("vdi", 64, "\x7F\x10\xDA\xBE"),
      MAGIC("vhdx", 0, "vhdxfile"),
      MAGIC("vhd", 0, "conectix"),
      MAGIC("gzip", 0, "\x1F\x8B\x08"),
      MAGIC("xz", 0,
            "\xFD"
            "7zXZ\0"),
      MAGIC("bzip2", 4, "1AY&SY"),
      MAGIC("zstd", 0, "\x28\xB5\x2F\xFD"),
      MAGIC("7z", 0, "7z\xBC\xAF\x27\x1C"),
      MAGIC("zip", 0, "PK\3\4"),
      /* What a drive reads of a sector besides its data; QEMU knows only the data. */
      MAGIC("raw CD sectors", 0, "\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0"),
  };
  uint8_t start[128];
  if (!vlun_probe_read(probe, 0, start, sizeof start)) return NULL;
  for (size_t i = 0; i < VLUN_COUNT(magics); i++)
    if (memcmp(start + magics[i].offset, magics[i].bytes, magics[i].size) == 0) return magics[i].container;
  return NULL;
}
