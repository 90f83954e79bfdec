/*
 * model.h - the devices of one domain, as values of the schema's rows: model.c, and kind.c for single values.
 */
#ifndef VLUN_MODEL_H
#define VLUN_MODEL_H

#include "arena.h"
#include "schema.h"

enum vlun_origin { ORIGIN_USER, ORIGIN_DEFAULT, ORIGIN_ASSIGNED, ORIGIN_HOST };

struct vlun_list {
  size_t count;
  struct vlun_record *item[];
};

struct vlun_value {
  union {
    int64_t number; /* numbers, switches, and the index of a word */
    const char *text;
    struct vlun_record *record;
    struct vlun_list *list;
  } u;
  uint32_t len; /* of text */
  uint8_t origin;
  bool no; /* "explicitly not": false where the kind is no switch */
};

/* The values that are set, packed in row order: `set` has a bit for each of them. */
struct vlun_record {
  const struct vlun_shape *shape;
  uint64_t set;
  struct vlun_value value[];
};

/* A record while it is made: values may come in any order. */
struct vlun_draft {
  const struct vlun_shape *shape;
  uint64_t set;
  struct vlun_value value[VLUN_MAX_ROWS];
};

struct vlun_device {
  struct vlun_record *record;
  const char *file;    /* where a recipe describes it */
  const char *foreign; /* the word that makes a host's device none of ours: "sata", "usb" ... */
  int line;
  bool read;               /* came from a document, through Lua */
  int place;               /* number in its recipe, or of its element among those of <devices>; from 1 */
  size_t from, to;         /* where its element is in the text of its document */
  const char *given_alias; /* the name that libvirt gave a running device */
  const char *bound;       /* what a document has that belongs to the present source: slices, encryption ... */
  uint64_t unclear; /* rows that could not be read: of a recipe told already; of a document said twice or unknown */
};

struct vlun_pool { /* names of iothreads and the like that a document declares */
  int64_t *number;
  size_t count, size;
};

/* Where a running machine can take another PCI device: PCIe ports by the index of their controller. */
struct vlun_slots {
  bool acpi;
  bool port[256], used[256];
};

struct vlun_model {
  struct vlun_arena arena;
  struct vlun_index *index;   /* of its devices, once somebody looks for one (diff.c) */
  struct vlun_record *domain; /* shape domain */
  struct vlun_device *device; /* from malloc, so that what it outgrows is given back */
  size_t count, size;
  const char *file;
  int line;
  /* What a domain document says besides. */
  const char *uuid, *arch, *machine;
  const char *run; /* the number that libvirt gave the running domain; NULL: the document is that of a configuration */
  size_t devices_from; /* where the first element below <devices> begins in the text; 0 if that is not known */
  bool os_boot;
  bool os_kernel; /* a kernel of the host's is booted, whatever the drives have */
  struct vlun_pool iothreads;
  struct vlun_slots slots;
};

void vlun_draft_init(struct vlun_draft *draft, const struct vlun_shape *shape);
/* The draft of a described device; false if there is no such kind. */
bool vlun_draft_start(struct vlun_draft *draft, const char *kind);
void vlun_draft_from(struct vlun_draft *draft, const struct vlun_record *record);
struct vlun_value *vlun_draft_set(struct vlun_draft *draft, int row, enum vlun_origin origin);
struct vlun_record *vlun_draft_pack(struct vlun_draft *draft, struct vlun_arena *arena);

/* How many bits are set; the compiler's own is a call into a library where the processor may lack the instruction. */
static inline int vlun_bits(uint64_t set) {
  set -= set >> 1 & UINT64_C(0x5555555555555555);
  set = (set & UINT64_C(0x3333333333333333)) + (set >> 2 & UINT64_C(0x3333333333333333));
  return (int)(((set + (set >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56);
}

/* The value of a row, or NULL if it is unset; vlun_has also wants that it is not "explicitly not".
 * Inline, for rules do hardly anything else. */
static inline const struct vlun_value *vlun_get(const struct vlun_record *record, int row) {
  return (record->set & BIT(row)) ? &record->value[vlun_bits(record->set & (BIT(row) - 1))] : NULL;
}

static inline const struct vlun_value *vlun_has(const struct vlun_record *record, int row) {
  const struct vlun_value *value = vlun_get(record, row);
  return value && !value->no ? value : NULL;
}

static inline int64_t vlun_number(const struct vlun_record *record, int row, int64_t otherwise) {
  const struct vlun_value *value = vlun_has(record, row);
  return value ? value->u.number : otherwise;
}

static inline bool vlun_is(const struct vlun_device *device, enum vlun_shape_id shape) {
  return device->record->shape == &vlun_shapes[shape];
}

/* The value of a key that several kinds of device have, or NULL. */
const struct vlun_value *vlun_common(const struct vlun_record *record, enum vlun_common key);
/* The value of any key, or NULL. */
const struct vlun_value *vlun_get_key(const struct vlun_record *record, const char *key);
bool vlun_is_absent(const struct vlun_device *device);
bool vlun_device_is_drive(const struct vlun_device *device);
/* The word that a recipe has for the device: controller, cdrom, disk, lun or hostdev. */
const char *vlun_device_kind(const struct vlun_record *record);
/* The kinds by number, the words of disk.device first; NULL above. */
#define VLUN_KINDS (VLUN_W_device_count + 2)
const char *vlun_kind_name(size_t number);
const struct vlun_shape *vlun_kind_shape(size_t number);
/* Room for count devices; vlun_model_add makes it too.  Devices may move. */
bool vlun_model_room(struct vlun_model *model, size_t count);
struct vlun_device *vlun_model_add(struct vlun_model *model);
void vlun_model_free(struct vlun_model *model);
/* How many ports have nothing in them. */
int vlun_free_ports(const struct vlun_model *model);
/* What `over` says, and what `under` says of the rest. */
struct vlun_record *vlun_record_merge(struct vlun_arena *arena, const struct vlun_record *under,
                                      const struct vlun_record *over);

/* --- kinds (kind.c) ---------------------------------------------------------------------------------- */

enum vlun_verdict { PARSED, BAD_TEXT, UNKNOWN_WORD };

enum vlun_verdict vlun_parse(const struct vlun_row *row, const char *text, size_t len, struct vlun_value *value);
/* Text of a value as XML has it; scratch serves numbers. */
const char *vlun_print(const struct vlun_row *row, const struct vlun_value *value, char scratch[32], size_t *len);
bool vlun_equal(const struct vlun_row *row, const struct vlun_value *a, const struct vlun_value *b);
/* Whether a value of row `number` is so in `current`, and whether everything that `desired` says is. */
bool vlun_value_agrees(int number, const struct vlun_value *value, const struct vlun_record *current);
bool vlun_agrees(const struct vlun_record *desired, const struct vlun_record *current);

#endif
