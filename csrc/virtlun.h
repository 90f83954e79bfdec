/*
 * virtlun.h - the core of virtlun for C programs: no type of Lua, libxml2 or libvirt appears here.
 *
 * A vlun_domain holds the SCSI devices of one domain, whether somebody described them or a host has them.
 * Every function that can meet bad input collects problems instead of stopping at the first one.
 * Nothing here prints, aborts or keeps global state; different domains may be used by different threads.
 *
 * What a function gives that is not const is the caller's: freed by the vlun_..._free of its type, text by free().
 * Where memory ends, the result is false or NULL and the problems end with one of code "no_memory"; the objects of the
 * call are still good to be freed.  NULL for an object, as a call that failed gave it, makes the next one fail too, so
 * that a program may look once, at the end.  A pointer through which a function gives something must not be NULL.
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

#ifdef __cplusplus
extern "C" {
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
  const char *code; /* a permanent word, which `virtlun help` explains */
  enum vlun_severity severity;
  const char *path; /* web01.sda.address.unit */
  const char *message;
  const char *hint;     /* NULL if there is none */
  const char *value;    /* what was found, NULL if nothing was */
  const char *expected; /* what is allowed, NULL if the message says it */
  const char *file;     /* where the device is described, NULL if not in a file */
  int line;             /* 0 if unknown */
};

/* Problems, collected by as many calls as there are, in the order of the devices that they are about.  Once there is an
 * error among them, no call with them makes XML or differences any more: what could not be said is not left out
 * silently. */
struct vlun_problems;

/* NULL if there is no memory. */
VLUN_API struct vlun_problems *vlun_problems_new(void);
VLUN_API void vlun_problems_free(struct vlun_problems *problems);
/* How many there are, and how many of them are errors. */
VLUN_API size_t vlun_problems_count(const struct vlun_problems *problems);
VLUN_API size_t vlun_problems_errors(const struct vlun_problems *problems);
/* The one with a number from 0, as long as nothing is added; NULL for a number that none has. */
VLUN_API const struct vlun_problem *vlun_problems_get(const struct vlun_problems *problems, size_t number);

/* --- domains: described (api_value.c) ------------------------------------------------------------------ */

/* Devices are known by their numbers, from 1; 0 is the domain itself.
 *
 * A key is one of the schema's, as in recipes and as `virtlun help cdrom` lists them; one of a table within is joined
 * by a dot, one of a list has its number from 1: "dev", "address.unit", "source.pool", "source.hosts[1].name".  What is
 * left unsaid stays as it is on a device that exists, and is the default on a new one. */
struct vlun_domain;

/* A domain of that name (or UUID) without any device; of no certain name for NULL. */
VLUN_API struct vlun_domain *vlun_domain_new(const char *name, struct vlun_problems *problems);
VLUN_API void vlun_domain_free(struct vlun_domain *domain);
/* A device "controller", "cdrom", "disk", "lun" or "hostdev" more: its number, or 0 with a problem. */
VLUN_API size_t vlun_domain_add(struct vlun_domain *domain, const char *kind, struct vlun_problems *problems);
/* Where the device (or the domain) is described, for its problems; file may be NULL.  False if there is no such device,
 * or no memory. */
VLUN_API bool vlun_domain_locate(struct vlun_domain *domain, size_t device, const char *file, int line);

/* Say something of the device: text in UTF-8, also a word or a path that stands for a source; a number; true or false.
 * false says of anything that it is not to be there: source = false is an empty drive.  false with a problem if the
 * number, the key or the type is wrong, or the text NULL; ranges and rules are checked by vlun_domain_check. */
VLUN_API bool vlun_domain_set_text(struct vlun_domain *domain, size_t device, const char *key, const char *text,
                                   struct vlun_problems *problems);
VLUN_API bool vlun_domain_set_number(struct vlun_domain *domain, size_t device, const char *key, int64_t number,
                                     struct vlun_problems *problems);
VLUN_API bool vlun_domain_set_flag(struct vlun_domain *domain, size_t device, const char *key, bool flag,
                                   struct vlun_problems *problems);

/* What is said of the device: NULL or false if nothing of that type is.  Texts live as long as the domain. */
VLUN_API const char *vlun_domain_get_text(const struct vlun_domain *domain, size_t device, const char *key);
VLUN_API bool vlun_domain_get_number(const struct vlun_domain *domain, size_t device, const char *key, int64_t *number);
VLUN_API bool vlun_domain_get_flag(const struct vlun_domain *domain, size_t device, const char *key, bool *flag);
/* How many devices there are, and the kind of one; NULL for what is none of virtlun's, such as a drive on SATA. */
VLUN_API size_t vlun_domain_count(const struct vlun_domain *domain);
VLUN_API const char *vlun_domain_kind(const struct vlun_domain *domain, size_t device);

/* --- domains: read, checked, written (api_domain.c) ------------------------------------------------------ */

/* What libvirt's XML of a domain, or of a controller, disk or hostdev alone, has.  NULL with a problem if xml is none.
 * At most 64 MiB, in UTF-8 or in a declared encoding that is like ASCII (ISO 8859, Windows 125x, KOI8); a DOCTYPE is
 * refused, nothing is fetched. */
VLUN_API struct vlun_domain *vlun_domain_read(const char *xml, size_t len, struct vlun_problems *problems);

/* A domain has two documents, configuration and running domain.  Where functions take `hosts`, these are what
 * vlun_domain_read made of them: none (NULL, 0), one or both, those that are to be changed first.  A NULL among them is
 * a problem. */

/* Checks everything that can be checked, also against the hosts; false if there are errors. */
VLUN_API bool vlun_domain_check(const struct vlun_domain *domain, struct vlun_domain *const *hosts, size_t count,
                                struct vlun_problems *problems);
/* The checked description with what it leaves out: defaults of new devices, HBAs that drives need, free addresses.
 * `written` of the hosts are to be changed.  Without hosts every device is new but those that were read.  NULL if there
 * are errors.  The result must be freed before `domain`. */
VLUN_API struct vlun_domain *vlun_domain_complete(const struct vlun_domain *domain, struct vlun_domain *const *hosts,
                                                  size_t count, size_t written, struct vlun_problems *problems);
/* libvirt's XML of a device that is described, or for 0 of all of them; what vlun_domain_complete has not completed for
 * a host is completed for no known one, with a note if drives got addresses.  NULL if there are errors. */
VLUN_API char *vlun_domain_xml(const struct vlun_domain *domain, size_t device, struct vlun_problems *problems);

/* --- differences (api_diff.c) --------------------------------------------------------------------------- */

enum vlun_action { VLUN_ADD, VLUN_CHANGE, VLUN_REMOVE };

struct vlun_difference {
  enum vlun_action action;
  const char *kind;        /* "cdrom" */
  const char *device;      /* the device's name: "sda", "controller0" */
  size_t desired, current; /* its numbers in vlun_diff_desired and in the host; current is 0 if it is new */
  bool assigned;           /* nobody described it: an HBA that drives need */
  size_t key_count;        /* of VLUN_CHANGE: the keys whose values differ */
  const char *const *keys;
};

/* What must change so that a host's document says what a description says.  What the description leaves unsaid, and
 * devices that it does not name, are not compared.  It is the mechanism only.  What may be removed or replaced, what a
 * running guest feels of it, and the keys that speak of that (prune, protect, replace, scope, boot of a domain) are
 * known to the plans of virtlun_lua.h. */
struct vlun_diff;

/* Checks and completes `desired` for the host alone, unless it is what vlun_domain_complete made for it and maybe the
 * domain's other document.  host must be as it was read.  Both must be freed after the difference; once something is
 * said of the host or of a completed `desired`, the difference makes no XML any more.  NULL if there are errors. */
VLUN_API struct vlun_diff *vlun_diff_new(const struct vlun_domain *desired, struct vlun_domain *host,
                                         struct vlun_problems *problems);
VLUN_API void vlun_diff_free(struct vlun_diff *diff);
VLUN_API size_t vlun_diff_count(const struct vlun_diff *diff);
/* The one with a number from 0, in the order of the description; NULL for a number that none has. */
VLUN_API const struct vlun_difference *vlun_diff_get(const struct vlun_diff *diff, size_t number);
/* The complete description that was compared; it belongs to the difference. */
VLUN_API const struct vlun_domain *vlun_diff_desired(const struct vlun_diff *diff);
/* The host's own document with all of the changes; everything else in it, also what virtlun does not know, is as it
 * was.  NULL with a problem if a change would touch what the document says twice, or what belongs to the present
 * medium, such as the slices of an image; or if it would remove an HBA while a drive stays on it or on one above, for
 * which libvirt would make an HBA of a model of its own choice. */
VLUN_API char *vlun_diff_patch(const struct vlun_diff *diff, struct vlun_problems *problems);
/* The device's element as it stands in the document and as it will be, for libvirt's calls that attach, detach and
 * update; NULL where there is none.  False with a problem as above, or if the document is not a domain's but that of a
 * device alone, which is its own element. */
VLUN_API bool vlun_diff_element(const struct vlun_diff *diff, size_t number, char **before, char **after,
                                struct vlun_problems *problems);

#ifdef __cplusplus
}
#endif

#endif
