/*
 * lua_marshal.h - a description being read from Lua: what lua_marshal.c, which knows devices, and lua_value.c, which
 * knows values, share.
 */
#ifndef VLUN_LUA_MARSHAL_H
#define VLUN_LUA_MARSHAL_H

#include "lua_common.h"

#define MEMO 64
#define MEMO_TRIES 4

/* Lua interns short strings, so a key that was looked up once is known by its address for the rest of the call. */
struct memo {
  const struct vlun_shape *shape;
  const char *key;
  int row;
};

struct marshal {
  lua_State *L;
  struct vlun_model *model;
  struct vlun_problems *problems;
  size_t number; /* of the domain within the run */
  bool copy;
  int place, table; /* of the device at hand: its number, and where its table is; 0 for none */
  const struct vlun_shape *shape;
  int64_t word;            /* of disk.device */
  int row;                 /* of the device's field that is being read */
  uint64_t unclear;        /* fields of the device that could not be read */
  const char *device_file; /* what the device's table says of its place */
  int device_line;
  const char *file_key, *file; /* the last file's name in Lua and in the model: most devices share it */
  struct memo memo[MEMO];
};

/* A problem of the device at hand; trail is the way from it, NULL for itself. */
void lvlun_complain(struct marshal *m, const struct vlun_trail *trail, enum vlun_code code,
                    const struct vlun_args *args);
void lvlun_complain_of(struct marshal *m, const struct vlun_trail *trail, const char *expected, const char *hint);
/* The same, where the row says what is expected. */
void lvlun_complain_of_type(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                            const char *hint);
/* The value on top of the stack as a problem shows it; stays on the stack. */
const char *lvlun_shown(struct marshal *m);
/* What the table of a device or domain says: a text, and its place; no metamethod runs.  NULL and 0 if nothing. */
const char *lvlun_field_text(struct marshal *m, int table, const char *key);
const char *lvlun_field_file(struct marshal *m, int table);
int lvlun_field_line(struct marshal *m, int table);
/* The name of a file on top of the stack, as the model has it. */
const char *lvlun_known_file(struct marshal *m);
/* The fields of a table; of a device or domain if up is NULL.  Items of a domain are devices and read apart. */
void lvlun_read_fields(struct marshal *m, int table, const struct vlun_trail *up, struct vlun_draft *draft);

#endif
