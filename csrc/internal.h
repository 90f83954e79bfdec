/*
 * internal.h - what the files of the core share: the schema's types, the model and the steps that work on it.
 * Like the core it must not know Lua, libxml2 or libvirt.
 */
#ifndef VLUN_INTERNAL_H
#define VLUN_INTERNAL_H

#include <string.h>

#include "virtlun.h"

#define VLUN_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(n) (UINT64_C(1) << (n))

/* --- memory (arena.c) -------------------------------------------------------------------------------- */

/* An arena gives memory that is freed all at once.  It remembers that it once failed, so that a long piece of
 * work may check at its end instead of after every word. */
struct vlun_arena {
  struct vlun_chunk *chunks;
  char *free;
  size_t left;
  size_t total; /* bytes taken from the system */
  bool failed;
};

void *vlun_alloc(struct vlun_arena *arena, size_t size); /* zeroed; NULL if there is no memory */
char *vlun_copy(struct vlun_arena *arena, const char *text, size_t len);
void vlun_arena_free(struct vlun_arena *arena);

/* A growing text.  It remembers that it once failed and then ignores what is added. */
struct vlun_buffer {
  char *text;
  size_t len, size;
  bool failed;
};

bool vlun_buffer_grow(struct vlun_buffer *buffer, size_t more);

static inline bool vlun_buffer_room(struct vlun_buffer *buffer, size_t more) {
  return more <= buffer->size - buffer->len || vlun_buffer_grow(buffer, more);
}

/* Inline, for XML is written in pieces of a few bytes. */
static inline void vlun_buffer_add(struct vlun_buffer *buffer, const char *text, size_t len) {
  if (!len || !vlun_buffer_room(buffer, len)) return;
  memcpy(buffer->text + buffer->len, text, len);
  buffer->len += len;
}

void vlun_buffer_free(struct vlun_buffer *buffer);

/* --- the schema (schema.c) --------------------------------------------------------------------------- */

/* clang-format off */
enum vlun_kind { /* how a value is parsed, printed and compared: kind.c */
  KIND_INT,
  KIND_HEX,    /* a number, hexadecimal in XML */
  KIND_BOOL,   /* true or false, never XML */
  KIND_YESNO,  /* "yes" or "no" in XML */
  KIND_ONOFF,  /* "on" or "off" in XML */
  KIND_FLAG,   /* an empty element that is there or not */
  KIND_ENUM,   /* one of words */
  KIND_SET,    /* several of words, as bits; never XML */
  KIND_STR,    /* text of a form */
  KIND_RECORD, /* one of variants */
  KIND_LIST,   /* any number of the only variant */
  KIND_RAW,    /* XML of the user */
  KIND_LIT,    /* constant text, written whenever its element is */
  KIND_TAG,    /* the tag of the variant that row `of` holds */
  KIND_MOVED   /* a key that people try, answered with advice */
};

enum { /* flags of a row */
  IDENTITY = 1,   /* tells which device it is */
  REQUIRED = 2,
  INTERNAL = 4,   /* read from hosts, not for recipes */
  LIVE = 8,       /* may change while the domain runs */
  SHORTHAND = 16, /* plain text stands for the first row of the first variant */
  UPPERCASE = 32, /* libvirt stores it in capitals */
  LASTING = 64,   /* may change, but false cannot take it away */
  MEDIUM = 128,   /* of what is in the drive: may change in a running domain's CD drive */
  ACCESS = 256    /* how a source is reached: not part of which one it is */
};
/* clang-format on */

struct vlun_words {
  const char *name;
  const char *const *word;
  int count;
};

struct vlun_form {
  const char *name;
  const char *expected;
  bool (*fits)(const char *text, size_t len);
};

struct vlun_when { /* the row counts only where row `row` of its record has one of the words */
  uint64_t words;
  int row;
};

struct vlun_row {
  const char *key;
  enum vlun_kind kind;
  const char *elem; /* element below the record's own, "" for its own, NULL if never in XML; may be a/b */
  const char *attr; /* attribute, NULL for text or presence */
  unsigned flags;
  int width;             /* digits of KIND_HEX */
  int of;                /* row of KIND_TAG */
  int since;             /* libvirt version as in LIBVIR_VERSION_NUMBER, 0 for 7.0.0 */
  int64_t min, max;      /* range of a number, or length of a text */
  int64_t dflt, implied; /* value of a new device; value that is meant where nothing stands */
  uint64_t dflt_for;     /* devices (words of "device") that get dflt when they are created */
  uint64_t implied_for;  /* devices for which libvirt writes nothing and means implied */
  struct vlun_when when;
  const struct vlun_words *words;
  const struct vlun_form *form;
  const struct vlun_shape *const *variants; /* ends with NULL */
  const char *text;                         /* KIND_LIT, KIND_TAG without source, advice of KIND_MOVED */
  const char *doc;
};

struct vlun_shape { /* rows that belong together: a device, a source, an address ... */
  const char *name;
  const char *element;
  const char *tag; /* what KIND_TAG of the device says for this variant */
  const struct vlun_row *rows;
  int count;
};

#define VLUN_MAX_ROWS 64

enum vlun_shape_id {
#define SHAPE(id, element, tag) SHAPE_##id,
#define ROW(...)
#define END_SHAPE(id)
#include "schema/schema.def"
#undef SHAPE
#undef ROW
#undef END_SHAPE
  SHAPE_count
};

/* clang-format off */
/* Row numbers: VLUN_disk_dev, VLUN_drive_unit ... */
#define SHAPE(id, element, tag) enum vlun_row_of_##id {
#define ROW(shape, id, ...) VLUN_##shape##_##id,
#define END_SHAPE(id) VLUN_##id##_count };
#include "schema/schema.def"
#undef SHAPE
#undef ROW
#undef END_SHAPE

/* Words: VLUN_W_cache_none ... */
#define WORDS(list) enum vlun_word_of_##list {
#define WORD(list, id, text) VLUN_W_##list##_##id,
#define END_WORDS(list) VLUN_W_##list##_count };
#include "schema/words.def"
#undef WORDS
#undef WORD
#undef END_WORDS
/* clang-format on */
#define W(list, id) VLUN_W_##list##_##id

enum { HBA_VIRTIO = 1, HBA_PCI_ONLY = 2, HBA_PSERIES = 4, HBA_NOT_S390 = 8, HBA_BUILT_IN = 16, HBA_BY_TARGET = 32, HBA_UNIT_IS_TARGET = 64 };

struct vlun_hba {
  const char *model;
  int64_t max_target, max_unit, reserved;
  unsigned properties;
  const char *never;
};

extern const struct vlun_shape vlun_shapes[SHAPE_count];
extern const struct vlun_hba vlun_hbas[VLUN_W_model_count];

/* Keys of several kinds of device that are asked for so often that nobody may search for their rows; -1 for none. */
enum vlun_common { COMMON_absent, COMMON_address, COMMON_alias, COMMON_boot, COMMON_raw, COMMON_count };
int vlun_common_row(const struct vlun_shape *shape, enum vlun_common key);
/* The row of a key, or -1. */
int vlun_row_of_key(const struct vlun_shape *shape, const char *key);
/* Whether a recipe may say it. */
bool vlun_row_is_sayable(const struct vlun_row *row);
/* Whether rows of the shape stand in a child element of that name. */
bool vlun_owns_element(const struct vlun_shape *shape, const char *name);

/* --- the model (model.c) ----------------------------------------------------------------------------- */

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
  bool read;       /* came from a document, through Lua */
  int place;       /* number in its recipe, or of its element among those of <devices>; from 1 */
  size_t from, to; /* where its element is in the text of its document */
  const char *given_alias; /* the name that libvirt gave a running device */
  const char *bound; /* what a document has that belongs to the present source: slices, encryption ... */
  uint64_t unclear;  /* rows that could not be read: of a recipe told already; of a document said twice or unknown */
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
/* Number of the first byte that XML cannot carry (from 1), 0 if there is none; what says why.  lines: tabs and ends
 * of lines are welcome. */
size_t vlun_bad_byte(const char *text, size_t len, bool lines, const char **what);
/* Length of the UTF-8 sequence of more than one byte at p, 0 if it is none that XML 1.0 can carry. */
size_t vlun_utf8_length(const unsigned char *p, size_t left);
extern const struct vlun_form vlun_forms[];

/* --- suggestions (suggest.c) ------------------------------------------------------------------------- */

/* A word near to `text` among `count` words, or NULL; `next` gives the words. */
typedef const char *vlun_next_word(const void *words, size_t i);
const char *vlun_suggest(const char *text, size_t len, vlun_next_word *next, const void *words, size_t count);
const char *vlun_suggest_key(const struct vlun_shape *shape, const char *text, size_t len);
const char *vlun_suggest_word(const struct vlun_words *words, const char *text, size_t len);

/* --- problems (problem.c) ---------------------------------------------------------------------------- */

enum vlun_code {
#define PROBLEM(id, ...) P_##id,
#define RULE(id, ...) P_##id,
#include "schema/problems.def"
  P_first_rule,
  P_before_rules = P_first_rule - 1, /* so that the first rule gets the number P_first_rule */
#include "schema/rules.def"
#undef PROBLEM
#undef RULE
  P_count
};

struct vlun_code_row {
  const char *code;
  enum vlun_severity severity;
  const char *message, *hint;
};
extern const struct vlun_code_row vlun_codes[P_count];

/* What fills a message's {v}, {e}, {1}, {2} and a hint's {s}; NULL where there is nothing. */
struct vlun_args {
  const char *v, *e, *a, *b, *s;
};

struct vlun_finding {
  struct vlun_problem problem;
  uint64_t order; /* domain, device and row: the document order */
  size_t serial;
};

struct vlun_problems {
  struct vlun_arena arena;
  struct vlun_finding *list;
  size_t count, size, errors;
};

/* Where a problem is.  `tail` of vlun_complain is the field below the device ("address.unit"), "" for the device
 * itself. */
struct vlun_spot {
  const struct vlun_model *model;
  const struct vlun_device *device;
  int place;     /* where there is no device, of what stands in its place */
  size_t domain; /* number of the model within the run, for the order */
  int row;
};

/* The way from a device down to a nested value; a text is made of it only for a problem. */
struct vlun_trail {
  const struct vlun_trail *up;
  const char *key;
  size_t number; /* of an item in a list, from 1; 0 if it is none */
};
const char *vlun_trail_text(struct vlun_arena *arena, const struct vlun_trail *trail);

void vlun_complain(struct vlun_problems *problems, const struct vlun_spot *spot, const char *tail, enum vlun_code code,
                   const struct vlun_args *args);
void vlun_problems_sort(struct vlun_problems *problems);
void vlun_problems_free(struct vlun_problems *problems);
char *vlun_format(struct vlun_arena *arena, const char *template, const struct vlun_args *args);
/* Printed into the arena; NULL if there is no memory. */
char *vlun_printf(struct vlun_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Words as "a, b or c"; those that `next` gives as NULL are left out. */
const char *vlun_or_list(struct vlun_arena *arena, vlun_next_word *next, const void *words, size_t count);
/* Those words of an enumeration whose bits are in `which`. */
const char *vlun_word_list(struct vlun_arena *arena, const struct vlun_words *words, uint64_t which);
const char *vlun_device_label(struct vlun_arena *arena, const struct vlun_device *device);

/* --- the steps --------------------------------------------------------------------------------------- */

#define VLUN_MAX_HOSTS 2 /* a domain has two documents: config and live */

/* Where a drive sits. */
struct vlun_place {
  int64_t controller, bus, target, unit;
};

/* A run: everything that is described together, and what the host of the first model has, where it is known. */
struct vlun_claims;

/* What rules ask again and again of one device, as it was found the first time. */
struct vlun_seen {
  const struct vlun_device *place_of, *match_of; /* the devices that the answers are about */
  struct vlun_place place;
  bool has_place;
  const struct vlun_device *match[VLUN_MAX_HOSTS];
};

struct vlun_check {
  struct vlun_problems *problems;
  struct vlun_model *const *models;
  size_t count;
  struct vlun_model *const *hosts; /* documents of the host: config, live; NULL without a host */
  size_t host_count;
  bool whole; /* without a host: every device is to be written as a new one */
  /* Below: the runner's. */
  const struct vlun_device *existing; /* the host's device that the one at hand is, NULL for a new one */
  bool leaving[VLUN_MAX_CONTROLLER + 1]; /* HBAs that the description removes */
  bool silent, complained;            /* a rule is tried on what the host has */
  struct vlun_spot spot;
  struct vlun_seen seen[2];           /* of the device at hand, and of what the host has of it */
  enum vlun_code code;
  struct vlun_claims *claims, *run_claims; /* of the domain, and of the whole run */
  bool knows_described; /* whether the described devices of the host are among the claims */
  const struct vlun_device **named; /* by number of the first document's device what was described as it */
  const struct vlun_device *controller[VLUN_MAX_CONTROLLER + 1]; /* those described, else those of the host */
  const struct vlun_device *user[VLUN_MAX_CONTROLLER + 1]; /* a described device that uses the index, drives first */
  int64_t highest;                                         /* index that is used, -1 for none */
  struct vlun_arena arena;
};

/* Checks every field and every rule of the run (rules.c); the fields of one record (check.c). */
void vlun_check_run(struct vlun_check *check);
void vlun_check_fields(struct vlun_check *check, const struct vlun_record *record);
void vlun_complain_here(struct vlun_check *check, const char *key, const struct vlun_args *args);

/* Fills in what a recipe may leave out: defaults of new devices, missing HBAs, free addresses (complete.c).
 * hosts are the documents of the domain, config and live, where it is known, the `written` ones that will be changed
 * first; without them every device is new but those that were read from a document.
 * False if there is no memory. */
bool vlun_complete(struct vlun_model *model, struct vlun_model *const *hosts, size_t host_count, size_t written);

/* Where a drive sits (address.c); the key orders by controller, target, unit. */
bool vlun_place_of(const struct vlun_record *record, struct vlun_place *place);
uint64_t vlun_place_key(const struct vlun_place *place);
const struct vlun_hba *vlun_hba_of(const struct vlun_record *controller);
bool vlun_hba_takes(const struct vlun_hba *hba, const struct vlun_place *place);
/* The name below /dev/disk/by-path of a drive; `certain` is false where the guest's firmware may number the bus
 * otherwise. */
bool vlun_by_path(const struct vlun_record *hba_address, const struct vlun_place *place, char *text, size_t size,
                  bool *certain);

/* A table of who owns what (claims.c). */
struct vlun_claims *vlun_claims_new(struct vlun_arena *arena, size_t expected);
/* The owner of the key if it is taken; else NULL, and it is `owner`'s from now on. */
const void *vlun_claim(struct vlun_claims *claims, unsigned space, const void *key, size_t len, const void *owner);
const void *vlun_claimed(const struct vlun_claims *claims, unsigned space, const void *key, size_t len);

/* --- identity and difference (diff.c) ---------------------------------------------------------------- */

/* One text for a source, the same for the same source; NULL without memory. */
bool vlun_is_overlaid(const struct vlun_model *host, const struct vlun_record *current);
const char *vlun_source_key(struct vlun_arena *arena, const struct vlun_record *source);

/* The device of an indexed document that has the name, whatever it is; NULL if there is none. */
const struct vlun_device *vlun_find_dev(const struct vlun_model *host, const struct vlun_value *dev);
const struct vlun_device *vlun_find_alias(const struct vlun_model *host, const struct vlun_value *alias);
/* Makes it possible to find devices in a host's document, which nobody changes from then on.  False: no memory. */
bool vlun_index(struct vlun_model *host);
/* The device of an indexed document that is the described one, or NULL; what it takes to compare is in the arena. */
const struct vlun_device *vlun_find(struct vlun_arena *arena, const struct vlun_model *host,
                                    const struct vlun_record *desired);

enum vlun_action { ACTION_ADD, ACTION_CHANGE, ACTION_REMOVE };

struct vlun_change {
  enum vlun_action action;
  const struct vlun_device *desired, *current;
  uint64_t rows; /* that differ, for ACTION_CHANGE; the tray may be among them although nobody speaks of it */
};

struct vlun_changes {
  struct vlun_change *list;
  size_t count;
};

/* What must change so that the host's document says what the description says.  Unsaid stays.  False: no memory. */
bool vlun_diff(struct vlun_arena *arena, const struct vlun_model *desired, struct vlun_model *host,
               struct vlun_changes *changes);
/* The same for one described device: whether something must change. */
bool vlun_diff_one(struct vlun_arena *arena, const struct vlun_device *desired, const struct vlun_model *host,
                   struct vlun_change *change);

/* --- XML (xml_write.c, xml_read.c, xml_patch.c, xml_unread.c) ---------------------------------------- */

void vlun_write_record(struct vlun_buffer *buffer, const struct vlun_record *record, int indent);
void vlun_write_model(struct vlun_buffer *buffer, const struct vlun_model *model);

/* Reads a <domain> or the document of one device.  False, with a problem, if it is not that. */
bool vlun_read(struct vlun_model *model, const char *xml, size_t len, struct vlun_problems *problems);

/* Checks every `raw` of the run: well-formed elements that the schema does not own. */
void vlun_check_raw(struct vlun_check *check);

/* Applies changes to the host's own document, touching nothing else.  The changes' current devices must have
 * been read from this very text, and no two changes may have the same. */
bool vlun_patch(const char *xml, size_t len, const struct vlun_changes *changes, struct vlun_buffer *out,
                struct vlun_problems *problems);

/* The elements of changes, each as it stands and as it will be; text is NULL where there is none. */
struct vlun_text {
  const char *text;
  size_t len;
};
struct vlun_element {
  struct vlun_text before, after;
};
/* elements: zeroed, one for each change; their texts are in the arena.  A change without a description (action CHANGE,
 * desired NULL) leaves its element as it is, and has only the first. */
bool vlun_elements(const char *xml, size_t len, const struct vlun_model *host, const struct vlun_changes *changes,
                   struct vlun_element *elements, struct vlun_arena *arena, struct vlun_problems *problems);

/* What a domain's document says of a device and its model does not keep. */
struct vlun_unread {
  struct vlun_unread *next;
  size_t device;     /* its number, from 1 */
  const char *place; /* "encryption", "source/slices", "driver@queues" */
  const char *xml;   /* of an element directly below the device's own; NULL for everything else */
};
/* All of it, device by device; model was read from the very text. */
bool vlun_unread(struct vlun_arena *arena, const char *xml, size_t len, const struct vlun_model *model,
                 struct vlun_unread **list, struct vlun_problems *problems);

/* How a domain is to boot by its devices, beginning with one of them if `first` is set.  A device that the description
 * denies a boot order gets none; host was read from the very text. */
struct vlun_boot {
  const struct vlun_model *desired;
  struct vlun_model *host;
  const struct vlun_device *first;
};
bool vlun_boot(const char *xml, size_t len, const struct vlun_boot *boot, struct vlun_buffer *out,
               struct vlun_problems *problems);

#endif
