/*
 * iso9660.c - what the volume descriptors of ISO 9660 (ECMA-119) say, and the boot catalogue of El Torito 1.0.
 */
#include <string.h>

#include "iso_common.h"

#define SECTOR 2048
#define FIRST_SECTOR 16     /* the system area before it is anybody's */
#define MOST_DESCRIPTORS 32 /* of ISO 9660 and UDF together; real images have about eight */
#define MOST_FOREIGN 2      /* sectors among them that are neither: mkisofs puts its command line there */
#define ENTRY 32            /* bytes of an entry in the boot catalogue */
#define BOOTABLE 0x88
#define SECTION 0x90
#define LAST_SECTION 0x91
#define SECTION_EXTENSION 0x44

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

/* The recognition sequence of UDF lies among the descriptors of ISO 9660, and is read with them. */
void vlun_iso9660_look(struct vlun_probe *probe) {
  read_descriptors(probe);
  if (probe->iso->format & VLUN_ISO_9660 && probe->catalog) read_catalog(probe);
}
