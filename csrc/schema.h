/*
 * schema.h - the schema as C sees it: rows and words of the files in schema/, and what is near to a mistyped one.
 */
#ifndef VLUN_SCHEMA_H
#define VLUN_SCHEMA_H

#include "virtlun.h"

#define VLUN_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BIT(n) (UINT64_C(1) << (n))

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

enum {
  HBA_VIRTIO = 1,
  HBA_PCI_ONLY = 2,
  HBA_PSERIES = 4,
  HBA_NOT_S390 = 8,
  HBA_BUILT_IN = 16,
  HBA_BY_TARGET = 32,
  HBA_UNIT_IS_TARGET = 64
};

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
/* Whether true and false are values of its own; of all others, false says that there is none. */
bool vlun_row_is_switch(const struct vlun_row *row);
/* Whether rows of the shape stand in a child element of that name. */
bool vlun_owns_element(const struct vlun_shape *shape, const char *name);

/* --- forms of text (form.c) -------------------------------------------------------------------------- */

extern const struct vlun_form vlun_forms[];
/* Number of the first byte that XML cannot carry (from 1), 0 if there is none; what says why.  lines: tabs and ends
 * of lines are welcome. */
size_t vlun_bad_byte(const char *text, size_t len, bool lines, const char **what);
/* Length of the UTF-8 sequence of more than one byte at p, 0 if it is none that XML 1.0 can carry. */
size_t vlun_utf8_length(const unsigned char *p, size_t left);
/* ASCII only, and independent of the locale, unlike <ctype.h>. */
static inline bool vlun_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool vlun_is_hex(char c) { return vlun_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/* --- suggestions (suggest.c) ------------------------------------------------------------------------- */

/* A word near to `text` among `count` words, or NULL; `next` gives the words. */
typedef const char *vlun_next_word(const void *words, size_t i);
const char *vlun_suggest(const char *text, size_t len, vlun_next_word *next, const void *words, size_t count);
const char *vlun_suggest_key(const struct vlun_shape *shape, const char *text, size_t len);
const char *vlun_suggest_word(const struct vlun_words *words, const char *text, size_t len);

#endif
