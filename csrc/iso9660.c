/*
 * iso9660.c - looks into a file that is to be a disc: ISO 9660 (ECMA-119), El Torito 1.0, and whether it is whole.
 * Every byte of the file may be a stranger's: numbers are only added in 64 bits and only used to read within the file,
 * lists have a longest length.  What a finding means for a change is not decided here.
 */
#define _FILE_OFFSET_BITS 64 /* images are larger than 2 GiB, also where long is not */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iso.h"

#define SECTOR 2048
#define FIRST_SECTOR 16     /* the system area before it is anybody's */
#define MOST_DESCRIPTORS 32 /* of ISO 9660 and UDF together; real images have about eight */
#define MOST_FOREIGN 2      /* sectors among them that are neither: mkisofs puts its command line there */
#define ENTRY 32            /* bytes of an entry in the boot catalogue */
#define BOOTABLE 0x88
#define SECTION 0x90
#define LAST_SECTION 0x91
#define SECTION_EXTENSION 0x44

/* --- the file ----------------------------------------------------------------------------------------- */

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

/* --- volume descriptors ------------------------------------------------------------------------------- */

static uint32_t be16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t be32(const uint8_t *p) { return be16(p) << 16 | be16(p + 2); }

/* A size counts only if both of its copies, one in either order of bytes, are the same, and blocks have a size that
 * the standard allows on sectors of 2048 bytes: a field that some program left empty must not prove anything. */
static void read_primary(struct vlun_probe *probe, const uint8_t *d) {
  uint32_t blocks = vlun_le32(d + 80), block_size = vlun_le16(d + 128);
  bool agreed = blocks == be32(d + 84) && block_size == be16(d + 130);
  bool usual = block_size == 512 || block_size == 1024 || block_size == 2048;
  if (agreed && usual) vlun_probe_expect(probe, (uint64_t)blocks * block_size, true);
  vlun_label_bytes(probe->iso->label, d + 40, 32);
  probe->iso->format |= VLUN_ISO_9660;
}

static bool is_joliet(const uint8_t *d) {
  const uint8_t *escape = d + 88;
  return escape[0] == '%' && escape[1] == '/' && (escape[2] == '@' || escape[2] == 'C' || escape[2] == 'E');
}

static void read_volume_descriptor(struct vlun_probe *probe, const uint8_t *d) {
  static const char el_torito[] = "EL TORITO SPECIFICATION";
  switch (d[0]) {
    case 0:
      if (!probe->catalog && memcmp(d + 7, el_torito, sizeof el_torito) == 0) probe->catalog = vlun_le32(d + 71);
      break;
    case 1:
      if (!probe->iso->format) read_primary(probe, d);
      break;
    case 2:
      if (!probe->joliet[0] && is_joliet(d)) vlun_label_wide(probe->joliet, d + 40, 32);
      break;
    case 255: probe->listed = true; break;
  }
}

/* One sector of the recognition sequence (ECMA-167 2/8.3).  Behind the end of the list of ISO 9660 may lie a file that
 * is an image itself, so that "CD001" there says nothing.  False if the sector is no descriptor. */
static bool read_descriptor(struct vlun_probe *probe, const uint8_t *d, bool *end) {
  const void *id = d + 1;
  if (memcmp(id, "CD001", 5) == 0) {
    if (!probe->listed) read_volume_descriptor(probe, d);
  } else if (memcmp(id, "BEA01", 5) == 0) {
    probe->extended = true;
  } else if (memcmp(id, "NSR02", 5) == 0 || memcmp(id, "NSR03", 5) == 0) {
    if (probe->extended) probe->iso->format |= VLUN_ISO_UDF;
  } else if (memcmp(id, "TEA01", 5) == 0) {
    *end = true;
  } else {
    return false;
  }
  return true;
}

static void read_descriptors(struct vlun_probe *probe) {
  uint8_t d[SECTOR];
  bool end = false;
  int foreign = 0;
  for (uint64_t i = FIRST_SECTOR; i < FIRST_SECTOR + MOST_DESCRIPTORS && !end && foreign <= MOST_FOREIGN; i++) {
    if (!vlun_probe_read(probe, i * SECTOR, d, SECTOR)) return;
    foreign = read_descriptor(probe, d, &end) ? 0 : foreign + 1;
  }
}

/* --- booting ------------------------------------------------------------------------------------------ */

static void add_platform(struct vlun_iso *iso, uint8_t platform) {
  iso->bootable = true;
  if (memchr(iso->platforms, platform, iso->platform_count)) return;
  if (iso->platform_count < VLUN_ISO_PLATFORMS) iso->platforms[iso->platform_count++] = platform;
}

/* The first entry of a catalogue proves it: its words add up to nothing (El Torito 2.1). */
static bool is_catalog(const uint8_t *entry) {
  uint32_t sum = 0;
  for (int i = 0; i < ENTRY; i += 2) sum += vlun_le16(entry + i);
  return entry[0] == 1 && entry[30] == 0x55 && entry[31] == 0xAA && (sum & 0xFFFF) == 0;
}

/* The catalogue may be longer than a sector by the standard; no image in the wild has sixty-two entries. */
static void read_catalog(struct vlun_probe *probe) {
  uint8_t catalog[SECTOR];
  if (!vlun_probe_read(probe, probe->catalog * SECTOR, catalog, SECTOR) || !is_catalog(catalog)) return;
  if (catalog[ENTRY] == BOOTABLE) add_platform(probe->iso, catalog[1]);
  uint8_t platform = 0;
  uint32_t left = 0; /* entries of the section */
  bool last = false;
  for (const uint8_t *entry = catalog + 2 * ENTRY; entry < catalog + SECTOR && !(last && left == 0); entry += ENTRY) {
    if (entry[0] == SECTION_EXTENSION) continue;
    if (left > 0) {
      left--;
      if (entry[0] == BOOTABLE) add_platform(probe->iso, platform);
    } else if (entry[0] == SECTION || entry[0] == LAST_SECTION) {
      platform = entry[1];
      left = vlun_le16(entry + 2);
      last = entry[0] == LAST_SECTION;
    } else {
      return;
    }
  }
}

/* --- containers --------------------------------------------------------------------------------------- */

struct magic {
  const char *container;
  uint64_t offset;
  const char *bytes;
  size_t size;
};

#define MAGIC(container, offset, bytes)                                                                                \
  { container, offset, bytes, sizeof(bytes) - 1 }

static const char *find_container(struct vlun_probe *probe) {
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

/* --- all of it ---------------------------------------------------------------------------------------- */

static void choose_label(const struct vlun_probe *probe) {
  struct vlun_iso *iso = probe->iso;
  const char *other = probe->joliet[0] ? probe->joliet : probe->udf;
  if (!iso->label[0]) memcpy(iso->label, other, VLUN_ISO_LABEL);
}

/* What a file has where its system area would be proves nothing if it is an image nevertheless. */
static void judge(struct vlun_probe *probe) {
  struct vlun_iso *iso = probe->iso;
  if (iso->size == 0) {
    iso->broken = VLUN_ISO_EMPTY;
  } else if (!iso->format) {
    iso->container = find_container(probe);
    if (iso->container) iso->broken = VLUN_ISO_CONTAINER;
  } else if (probe->proven > iso->size && probe->proven - iso->size > VLUN_ISO_PADDING) {
    iso->broken = VLUN_ISO_TRUNCATED;
  } else {
    iso->shortened = iso->expected > iso->size;
  }
}

static void look(struct vlun_probe *probe) {
  read_descriptors(probe);
  if (probe->iso->format & VLUN_ISO_UDF) vlun_udf_look(probe);
  if (probe->iso->format & VLUN_ISO_9660 && probe->catalog) read_catalog(probe);
  choose_label(probe);
  judge(probe);
}

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

/* errno if the file cannot be opened; 0 and a reason in iso if it is not a file; else 0, and probe->fd is open.  It is
 * asked twice what it is: opening a device or a FIFO can already do something, and between two calls it may change. */
static int open_regular(struct vlun_probe *probe, const char *path) {
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

bool vlun_iso_probe(const char *path, struct vlun_iso *iso) {
  struct vlun_probe probe = {.fd = -1, .iso = iso};
  *iso = (struct vlun_iso){0};
  probe.error = open_regular(&probe, path);
  if (!probe.error && !iso->reason[0]) look(&probe);
  if (probe.fd >= 0) close(probe.fd);
  iso->error = probe.error;
  if (probe.error && strerror_r(probe.error, iso->reason, sizeof iso->reason) != 0)
    snprintf(iso->reason, sizeof iso->reason, "error %d", probe.error);
  return !iso->reason[0];
}
