/*
 * virtlun.h - the core of virtlun for C programs: no type of Lua, libxml2 or libvirt appears here.
 *
 * A vlun_model holds the SCSI devices of one domain, whether somebody described them or a host has them.
 * Every function that can meet bad input collects problems instead of stopping at the first one.
 * Nothing here prints, aborts or keeps global state; different models may be used by different threads.
 */
#ifndef VIRTLUN_H
#define VIRTLUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define VLUN_API __attribute__((visibility("default")))
#else
#define VLUN_API
#endif

#define VLUN_VERSION "0.1.0"

/* Limits of a drive's address on virtio-scsi: virtio 1.1, 5.6.6, and QEMU's VIRTIO_SCSI_MAX_* (facts 1). */
#define VLUN_MAX_TARGET 255
#define VLUN_MAX_UNIT 16383
/* libvirt creates every HBA up to an index that is used, so a large index must not reach it (facts 3). */
#define VLUN_MAX_CONTROLLER 99
/* The last drive name is sdzzzz (facts 4: libvirt's own limit is an unguarded int). */
#define VLUN_MAX_DEV_INDEX 475253

/* --- SCSI LUNs (lun.c) ------------------------------------------------------------------------------- */

/* The LUN that Linux shows for unit 0..16383 of a virtual HBA: the unit itself up to 255 (peripheral method
 * of SAM), else unit | 0x4000 (flat space method).  False if unit is out of range (facts 1). */
VLUN_API bool vlun_lun_encode(int64_t unit, uint32_t *lun);
/* The inverse.  False for every number that Linux never shows for such a drive: 256..16639 and 32768 up. */
VLUN_API bool vlun_lun_decode(int64_t lun, uint32_t *unit);
/* Eight bytes of the LUN as REPORT LUNS gives them, "0x4100000000000000".  size must be at least 19. */
VLUN_API bool vlun_lun_wire(int64_t unit, char *text, size_t size);

/* --- drive names (name.c) ---------------------------------------------------------------------------- */

/* Index of a drive name: sda 0, sdz 25, sdaa 26 (facts 4).  -1 if text is not such a name: other prefix than
 * sd, hd, vd, xvd or ubd, capital letters, partition digits, or an index above VLUN_MAX_DEV_INDEX. */
VLUN_API int32_t vlun_dev_index(const char *text, size_t len);
/* The name with prefix sd of an index 0..VLUN_MAX_DEV_INDEX.  size must be at least 8. */
VLUN_API bool vlun_dev_name(int32_t index, char *text, size_t size);

/* --- optical images (iso.c) -------------------------------------------------------------------------- */

enum { VLUN_ISO_9660 = 1, VLUN_ISO_UDF = 2 }; /* bits of format */

/* What proves that a guest cannot use a file as a disc. */
enum vlun_iso_fault {
  VLUN_ISO_FINE,      /* nothing does, which is no proof of the contrary */
  VLUN_ISO_EMPTY,     /* it has no bytes */
  VLUN_ISO_TRUNCATED, /* more is missing of it than VLUN_ISO_PADDING */
  VLUN_ISO_CONTAINER  /* it is no raw image but holds one, compressed or in a format of its own */
};

/* Programs that write images add 150 empty sectors, because readers of discs lose some at the end (mkisofs -pad). */
#define VLUN_ISO_PADDING (150 * 2048)
/* Room for the longest label: 126 characters of UDF, of three bytes each at most. */
#define VLUN_ISO_LABEL 384
#define VLUN_ISO_PLATFORMS 8

struct vlun_iso {
  unsigned format; /* VLUN_ISO_... bits: ISO 9660 (ECMA-119), UDF (ECMA-167 and OSTA UDF 2.60), 0 if neither is seen */
  enum vlun_iso_fault broken;
  bool shortened;                        /* something is missing, but not more than the padding, or it is not certain */
  bool bootable;                         /* a valid El Torito 1.0 boot catalogue has an entry that boots */
  uint64_t size;                         /* bytes of the file */
  uint64_t expected;                     /* bytes that the image says it has, 0 if it does not say */
  const char *container;                 /* "qcow2", "gzip" ..., NULL if broken is not VLUN_ISO_CONTAINER; a constant */
  size_t platform_count;                 /* of bootable entries, each platform once */
  uint8_t platforms[VLUN_ISO_PLATFORMS]; /* El Torito: 0 PC BIOS, 1 PowerPC, 2 Mac, 0xEF UEFI */
  char label[VLUN_ISO_LABEL]; /* of ISO 9660, else of Joliet, else of UDF, "" if none; UTF-8 without controls */
  char reason[128];           /* why it was not looked at */
  int error;                  /* errno of that, 0 if the path is no file or the file was looked at */
  bool unusable;              /* it is there, and neither a file nor a block device: QEMU would wait, or act on it */
};

/* Looks into the image of a disc, without changing it.  False if that is not possible: then only iso->reason counts,
 * the text of errno, or that the path is no regular file, which is never opened (a FIFO would wait, a device might
 * act).  It reads some hundred KiB at most, whatever the file says of itself. */
VLUN_API bool vlun_iso_probe(const char *path, struct vlun_iso *iso);

/* --- problems (problem.c) ---------------------------------------------------------------------------- */

enum vlun_severity { VLUN_ERROR, VLUN_WARNING, VLUN_NOTE };

struct vlun_problem {
  const char *code; /* a permanent word: problems.def and rules.def */
  enum vlun_severity severity;
  const char *path; /* web01.sda.address.unit */
  const char *message;
  const char *hint;     /* NULL if there is none */
  const char *value;    /* what was found, NULL if nothing was */
  const char *expected; /* what is allowed, NULL if the message says it */
  const char *file;     /* where the device is described, NULL if not in a file */
  int line;             /* 0 if unknown */
};

#endif
