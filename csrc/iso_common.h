/*
 * iso_common.h - what the files that look into optical images share.
 */
#ifndef VLUN_ISO_COMMON_H
#define VLUN_ISO_COMMON_H

#include "internal.h"

/* --- a file that is looked at (iso_file.c) ----------------------------------------------------------- */

/* What is found on the way and is not told as it is. */
struct vlun_probe {
  int fd;
  int error; /* errno of the first read that failed, 0 if none did */
  struct vlun_iso *iso;
  uint64_t proven;  /* bytes that the file must have, as fields say that cannot mean anything else */
  uint64_t catalog; /* sector of the boot catalogue, 0 if there is none */
  bool listed;      /* the set of volume descriptors has ended */
  bool extended;    /* the area of extended descriptors has begun */
  char joliet[VLUN_ISO_LABEL], udf[VLUN_ISO_LABEL];
};

/* errno if the file cannot be opened; 0 and a reason in iso if it is not a file; else 0, and probe->fd is open.  It is
 * asked twice what it is: opening a device or a FIFO can already do something, and between two calls it may change. */
int vlun_probe_open(struct vlun_probe *probe, const char *path);
/* Reads what the file has of `size` bytes; the rest are zeros.  False if it has nothing there. */
bool vlun_probe_read(struct vlun_probe *probe, uint64_t offset, uint8_t *to, size_t size);
/* The image says that it has so many bytes, and whether that leaves no doubt. */
void vlun_probe_expect(struct vlun_probe *probe, uint64_t bytes, bool certain);
/* The format that holds an image, or NULL: the file is no image itself. */
const char *vlun_probe_container(struct vlun_probe *probe);

static inline uint32_t vlun_le16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t vlun_le32(const uint8_t *p) { return vlun_le16(p) | vlun_le16(p + 2) << 16; }

/* --- ISO 9660 (iso9660.c) ---------------------------------------------------------------------------- */

/* Label, size, boot catalogue, and whether UDF is announced. */
void vlun_iso9660_look(struct vlun_probe *probe);

/* --- UDF (iso_udf.c) --------------------------------------------------------------------------------- */

/* Label and size of the volume that the recognition sequence announced. */
void vlun_udf_look(struct vlun_probe *probe);

/* --- labels (iso_label.c) ---------------------------------------------------------------------------- */

/* Labels become UTF-8 that can be printed anywhere: trailing blanks are gone, a character that cannot be shown is
 * U+FFFD.  `label` has room for VLUN_ISO_LABEL bytes, which is enough for every field that these may get. */

/* Bytes of a primary volume descriptor: UTF-8 if they are that, else Latin-1. */
void vlun_label_bytes(char *label, const uint8_t *field, size_t size);
/* 16-bit characters, high byte first, as Joliet has them. */
void vlun_label_wide(char *label, const uint8_t *field, size_t size);
/* A dstring of UDF (OSTA UDF 2.60, 2.1.1 and 2.1.3), 32 or 128 bytes. */
void vlun_label_dstring(char *label, const uint8_t *field, size_t size);

#endif
