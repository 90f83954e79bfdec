/*
 * lua_marshal.c - turns the tables of a description into a model: every key must be one of the schema, every value
 * of its type.  Ranges and rules are the core's business; here is only what Lua tables can get wrong.
 */
#include <string.h>

#include "lua_common.h"

#define SPARE 4 /* room for HBAs that are added to what is described */
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
  uint64_t unclear;         /* fields of the device that could not be read */
  const char *device_file; /* what the device's table says of its place */
  int device_line;
  const char *file_key, *file; /* the last file's name in Lua and in the model: most devices share it */
  struct memo memo[MEMO];
};

/* --- problems ----------------------------------------------------------------------------------------- */

/* As much of the device as a problem needs to name it; its keys come in no order, so it is asked for them. */
static struct vlun_record *identity_of(struct marshal *m) {
  static const char *const keys[] = {"dev", "alias", "index"};
  struct vlun_draft draft;
  vlun_draft_init(&draft, m->shape);
  if (m->shape == &vlun_shapes[SHAPE_disk]) vlun_draft_set(&draft, VLUN_disk_device, ORIGIN_USER)->u.number = m->word;
  for (size_t i = 0; i < VLUN_COUNT(keys); i++) {
    int row = vlun_row_of_key(m->shape, keys[i]);
    if (row < 0) continue;
    lua_pushstring(m->L, keys[i]);
    int type = lua_rawget(m->L, m->table);
    if (type == LUA_TSTRING && m->shape->rows[row].kind == KIND_STR) {
      size_t len;
      const char *text = lua_tolstring(m->L, -1, &len);
      struct vlun_value *value = vlun_draft_set(&draft, row, ORIGIN_USER);
      value->u.text = vlun_copy(&m->problems->arena, text, len);
      if (value->u.text) value->len = (uint32_t)len;
      else draft.set &= ~BIT(row);
    } else if (lua_isinteger(m->L, -1) && m->shape->rows[row].kind == KIND_INT) {
      vlun_draft_set(&draft, row, ORIGIN_USER)->u.number = lua_tointeger(m->L, -1);
    }
    lua_pop(m->L, 1);
  }
  return vlun_draft_pack(&draft, &m->problems->arena);
}

static const char *raw_text(struct marshal *m, int table, const char *key) {
  lua_pushstring(m->L, key);
  lua_rawget(m->L, table);
  size_t len;
  const char *text = lua_type(m->L, -1) == LUA_TSTRING ? lua_tolstring(m->L, -1, &len) : NULL;
  const char *copy = text ? vlun_copy(&m->model->arena, text, len) : NULL;
  lua_pop(m->L, 1);
  return copy;
}

/* The file's name on top of the stack, as the model has it. */
static const char *known_file(struct marshal *m) {
  const char *key = lua_type(m->L, -1) == LUA_TSTRING ? lua_tostring(m->L, -1) : NULL;
  if (key != m->file_key) {
    m->file_key = key;
    m->file = key ? vlun_copy(&m->model->arena, key, strlen(key)) : NULL;
  }
  return m->file;
}

static const char *raw_file(struct marshal *m, int table) {
  lua_pushstring(m->L, "file");
  lua_rawget(m->L, table);
  const char *file = known_file(m);
  lua_pop(m->L, 1);
  return file;
}

static int raw_line(struct marshal *m, int table) {
  lua_pushstring(m->L, "line");
  lua_rawget(m->L, table);
  int line = lua_isinteger(m->L, -1) ? (int)lua_tointeger(m->L, -1) : 0;
  lua_pop(m->L, 1);
  return line;
}

static void complain(struct marshal *m, const struct vlun_trail *trail, enum vlun_code code,
                     const struct vlun_args *args) {
  struct vlun_device device = {.place = m->place};
  struct vlun_spot spot = {.model = m->model, .place = m->place, .domain = m->number, .row = m->row + 1};
  if (m->table) {
    device.record = m->shape ? identity_of(m) : NULL;
    device.file = raw_file(m, m->table);
    device.line = raw_line(m, m->table);
    spot.device = &device;
  }
  vlun_complain(m->problems, &spot, vlun_trail_text(&m->problems->arena, trail), code, args);
}

/* The value on top of the stack as a problem shows it; stays on the stack.  No metamethod may run here: it could
 * change the tables that hold the texts of the description. */
static const char *shown(struct marshal *m) {
  struct vlun_arena *arena = &m->problems->arena;
  switch (lua_type(m->L, -1)) {
    case LUA_TSTRING: return vlun_printf(arena, "'%.80s'", lua_tostring(m->L, -1));
    case LUA_TBOOLEAN: return lua_toboolean(m->L, -1) ? "true" : "false";
    case LUA_TNUMBER:
      return lua_isinteger(m->L, -1) ? vlun_printf(arena, "%lld", (long long)lua_tointeger(m->L, -1))
                                     : vlun_printf(arena, "%.14g", (double)lua_tonumber(m->L, -1));
    case LUA_TNIL: return "nil";
    default: return vlun_printf(arena, "a %s", luaL_typename(m->L, -1));
  }
}

static void complain_of_type(struct marshal *m, const struct vlun_trail *trail, const char *expected,
                             const char *hint) {
  complain(m, trail, P_wrong_type, &(struct vlun_args){.v = shown(m), .e = expected, .a = hint});
}

/* --- values: each reads the value on top of the stack ------------------------------------------------- */

static bool read_record(struct marshal *m, const struct vlun_trail *trail, const struct vlun_shape *shape,
                        struct vlun_value *value);

static bool read_number(struct marshal *m, const struct vlun_trail *trail, struct vlun_value *value) {
  int exact;
  lua_Integer number = lua_tointegerx(m->L, -1, &exact);
  if (lua_type(m->L, -1) != LUA_TNUMBER || !exact) {
    complain_of_type(m, trail, "an integer",
                     lua_isnumber(m->L, -1) && lua_type(m->L, -1) == LUA_TSTRING ? "write the number without quotes"
                                                                                 : NULL);
    return false;
  }
  value->u.number = number;
  return true;
}

static bool read_switch(struct marshal *m, const struct vlun_trail *trail, struct vlun_value *value) {
  if (!lua_isboolean(m->L, -1)) {
    complain_of_type(m, trail, "true or false", NULL);
    return false;
  }
  value->u.number = lua_toboolean(m->L, -1);
  return true;
}

static bool read_text(struct marshal *m, const struct vlun_trail *trail, struct vlun_value *value) {
  if (lua_type(m->L, -1) != LUA_TSTRING) {
    complain_of_type(m, trail, "text", lua_isnumber(m->L, -1) ? "put it into quotes" : NULL);
    return false;
  }
  size_t len;
  value->u.text = lua_tolstring(m->L, -1, &len);
  value->len = (uint32_t)(len > UINT32_MAX ? UINT32_MAX : len);
  if (m->copy) value->u.text = vlun_copy(&m->model->arena, value->u.text, value->len);
  return value->u.text != NULL;
}

static bool read_word(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                      struct vlun_value *value) {
  size_t len;
  const char *text = lua_type(m->L, -1) == LUA_TSTRING ? lua_tolstring(m->L, -1, &len) : NULL;
  const char *allowed = text ? NULL : vlun_word_list(&m->problems->arena, row->words, UINT64_MAX);
  if (!text) {
    complain_of_type(m, trail, allowed ? allowed : "a word", NULL);
    return false;
  }
  if (memchr(text, '\0', len) == NULL &&
      vlun_parse(&(struct vlun_row){.kind = KIND_ENUM, .words = row->words}, text, len, value) == PARSED)
    return true;
  allowed = vlun_word_list(&m->problems->arena, row->words, UINT64_MAX);
  complain(m, trail, P_unknown_word,
           &(struct vlun_args){.v = text, .e = allowed, .s = vlun_suggest_word(row->words, text, len)});
  return false;
}

/* true stands for the ordinary choice, a list says it word by word. */
static bool is_list(lua_State *L) {
  lua_Integer count = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
  bool list = lua_istable(L, -1);
  lua_pushnil(L);
  while (list && lua_next(L, -2)) {
    lua_Integer number = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    list = number >= 1 && number <= count;
    lua_pop(L, list ? 1 : 2);
  }
  if (!lua_istable(L, -1)) lua_pop(L, 1);
  return list;
}

static bool read_set(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                     struct vlun_value *value) {
  if (lua_isboolean(m->L, -1)) {
    value->u.number = lua_toboolean(m->L, -1) ? row->implied : 0;
    return true;
  }
  if (!is_list(m->L)) {
    complain_of_type(m, trail, "true, false or a list", NULL);
    return false;
  }
  struct vlun_trail item = {trail->up, trail->key, 0};
  for (item.number = 1; lua_rawgeti(m->L, -1, (lua_Integer)item.number) != LUA_TNIL; item.number++) {
    struct vlun_value word = {.u.number = 0};
    if (read_word(m, &item, row, &word)) value->u.number |= (int64_t)BIT(word.u.number);
    lua_pop(m->L, 1);
  }
  lua_pop(m->L, 1);
  return true;
}

static bool read_list(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                      struct vlun_value *value) {
  if (!is_list(m->L)) {
    complain_of_type(m, trail, "a list", "write: { { ... }, { ... } }");
    return false;
  }
  size_t count = (size_t)lua_rawlen(m->L, -1);
  struct vlun_list *list = vlun_alloc(&m->model->arena, sizeof *list + count * sizeof list->item[0]);
  if (!list) return false;
  struct vlun_trail item = {trail->up, trail->key, 0};
  bool good = true;
  for (item.number = 1; item.number <= count; item.number++) {
    struct vlun_value inner = {.u.record = NULL};
    lua_rawgeti(m->L, -1, (lua_Integer)item.number);
    bool table = lua_istable(m->L, -1);
    if (!table) complain_of_type(m, &item, "a table", NULL);
    if (table && read_record(m, &item, row->variants[0], &inner)) list->item[list->count++] = inner.u.record;
    else good = false;
    lua_pop(m->L, 1);
  }
  value->u.list = list;
  return good;
}

/* A constant is only there to tell variants apart. */
static void read_literal(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row) {
  const char *text = lua_type(m->L, -1) == LUA_TSTRING ? lua_tostring(m->L, -1) : NULL;
  if (text && strcmp(text, row->text) == 0) return;
  complain(m, trail, P_bad_form, &(struct vlun_args){.v = shown(m), .e = row->text});
}

/* --- variants ----------------------------------------------------------------------------------------- */

/* A variant is chosen by the key of its first row, and by its text where that row is a constant. */
static bool is_variant(struct marshal *m, const struct vlun_shape *variant) {
  const struct vlun_row *row = &variant->rows[0];
  lua_pushstring(m->L, row->key);
  int type = lua_rawget(m->L, -2);
  bool fits = type != LUA_TNIL;
  if (row->kind == KIND_LIT)
    fits = (type == LUA_TSTRING && strcmp(lua_tostring(m->L, -1), row->text) == 0) ||
           (type == LUA_TNIL && row->implied_for);
  lua_pop(m->L, 1);
  return fits;
}

struct variant_names {
  struct vlun_arena *arena;
  const struct vlun_shape *const *variants;
};

static const char *next_variant(const void *words, size_t i) {
  const struct variant_names *names = words;
  const struct vlun_row *first = &names->variants[i]->rows[0];
  return first->kind == KIND_LIT ? vlun_printf(names->arena, "%s = \"%s\"", first->key, first->text) : first->key;
}

static void complain_of_variant(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row) {
  size_t count = 0;
  while (row->variants[count]) count++;
  struct variant_names names = {&m->problems->arena, row->variants};
  complain(m, trail, P_no_variant,
           &(struct vlun_args){.e = vlun_or_list(&m->problems->arena, next_variant, &names, count)});
}

static bool read_shorthand(struct marshal *m, const struct vlun_trail *trail, const struct vlun_shape *shape,
                           struct vlun_value *value) {
  struct vlun_draft draft;
  vlun_draft_init(&draft, shape);
  if (!read_text(m, trail, vlun_draft_set(&draft, 0, ORIGIN_USER))) return false;
  value->u.record = vlun_draft_pack(&draft, &m->model->arena);
  return value->u.record != NULL;
}

static bool read_variant(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                         struct vlun_value *value) {
  if ((row->flags & SHORTHAND) && lua_type(m->L, -1) == LUA_TSTRING)
    return read_shorthand(m, trail, row->variants[0], value);
  if (!lua_istable(m->L, -1)) {
    complain_of_type(m, trail, row->flags & SHORTHAND ? "a path, a table or false" : "a table", NULL);
    return false;
  }
  if (!row->variants[1] && row->variants[0]->rows[0].kind != KIND_LIT)
    return read_record(m, trail, row->variants[0], value);
  for (const struct vlun_shape *const *variant = row->variants; *variant; variant++)
    if (is_variant(m, *variant)) return read_record(m, trail, *variant, value);
  complain_of_variant(m, trail, row);
  return false;
}

static bool is_switch(enum vlun_kind kind) {
  return kind == KIND_BOOL || kind == KIND_YESNO || kind == KIND_ONOFF || kind == KIND_FLAG || kind == KIND_SET;
}

static bool read_value(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                       struct vlun_value *value) {
  if (lua_isboolean(m->L, -1) && !lua_toboolean(m->L, -1) && !is_switch(row->kind)) {
    value->no = true;
    return true;
  }
  switch (row->kind) {
    case KIND_INT:
    case KIND_HEX: return read_number(m, trail, value);
    case KIND_ENUM: return read_word(m, trail, row, value);
    case KIND_SET: return read_set(m, trail, row, value);
    case KIND_STR:
    case KIND_RAW: return read_text(m, trail, value);
    case KIND_RECORD: return read_variant(m, trail, row, value);
    case KIND_LIST: return read_list(m, trail, row, value);
    default: return read_switch(m, trail, value);
  }
}

/* --- keys --------------------------------------------------------------------------------------------- */

static int row_of(struct marshal *m, const struct vlun_shape *shape, const char *key) {
  size_t place = ((uintptr_t)key >> 3) ^ ((uintptr_t)shape >> 5);
  struct memo *memo = &m->memo[place % MEMO];
  for (int tries = 0; memo->shape && tries < MEMO_TRIES;
       tries++) { /* keys of one place must not drive each other out */
    if (memo->shape == shape && memo->key == key) return memo->row;
    memo = &m->memo[++place % MEMO];
  }
  int row = vlun_row_of_key(shape, key);
  if (row >= 0 && !vlun_row_is_sayable(&shape->rows[row])) row = -1;
  *memo = (struct memo){shape, key, row};
  return row;
}

/* What the constructors stamp on a table besides the schema's keys: the kind is known already, the rest is kept. */
static bool take_stamp(struct marshal *m, const char *key) {
  if (strcmp(key, "kind") == 0) return true;
  if (strcmp(key, "file") == 0) m->device_file = known_file(m);
  else if (strcmp(key, "line") == 0) m->device_line = lua_isinteger(m->L, -1) ? (int)lua_tointeger(m->L, -1) : 0;
  else return false;
  return true;
}

static void complain_of_key(struct marshal *m, const struct vlun_trail *up, const struct vlun_shape *shape) {
  bool text = lua_type(m->L, -2) == LUA_TSTRING;
  lua_pushvalue(m->L, -2);
  const char *key = text ? lua_tostring(m->L, -1) : shown(m);
  lua_pop(m->L, 1); /* the table keeps the text alive */
  const char *near = text ? vlun_suggest_key(shape, key, strlen(key)) : NULL;
  complain(m, up, P_unknown_key, &(struct vlun_args){.v = key ? key : "?", .s = near});
}

/* Key at -2, value at -1. */
static void read_field(struct marshal *m, const struct vlun_trail *up, struct vlun_draft *draft) {
  const struct vlun_shape *shape = draft->shape;
  const char *key = lua_type(m->L, -2) == LUA_TSTRING ? lua_tostring(m->L, -2) : NULL;
  int number = key ? row_of(m, shape, key) : -1;
  if (!up) m->row = number;
  if (number < 0) {
    if (up || !key || !take_stamp(m, key)) complain_of_key(m, up, shape);
    return;
  }
  const struct vlun_row *row = &shape->rows[number];
  struct vlun_trail trail = {.up = up, .key = row->key};
  struct vlun_value *value = &draft->value[number];
  if (row->kind == KIND_MOVED) {
    complain(m, up, P_moved_key, &(struct vlun_args){.v = row->key, .a = row->text});
  } else if (row->kind == KIND_LIT) {
    read_literal(m, &trail, row);
  } else {
    *value = (struct vlun_value){.origin = ORIGIN_USER};
    if (read_value(m, &trail, row, value)) draft->set |= BIT(number);
    else if (!up) m->unclear |= BIT(number);
  }
}

/* Top-level tables (up is NULL) may have array items, which are devices and read apart. */
static void read_fields(struct marshal *m, int table, const struct vlun_trail *up, struct vlun_draft *draft) {
  luaL_checkstack(m->L, 8, "description");
  lua_Integer devices = draft->shape == &vlun_shapes[SHAPE_domain] ? (lua_Integer)lua_rawlen(m->L, table) : 0;
  lua_pushnil(m->L);
  while (lua_next(m->L, table)) {
    lua_Integer number = lua_isinteger(m->L, -2) ? lua_tointeger(m->L, -2) : 0;
    if (number < 1 || number > devices) read_field(m, up, draft);
    lua_pop(m->L, 1);
  }
}

/* An empty table where nothing is required; what is required is missed by the checks. */
static bool says_nothing(const struct vlun_draft *draft) {
  if (draft->set || draft->shape->rows[0].kind == KIND_LIT) return false;
  for (int i = 0; i < draft->shape->count; i++)
    if (draft->shape->rows[i].flags & REQUIRED) return false;
  return true;
}

static bool read_record(struct marshal *m, const struct vlun_trail *trail, const struct vlun_shape *shape,
                        struct vlun_value *value) {
  struct vlun_draft draft;
  size_t before = m->problems->errors;
  vlun_draft_init(&draft, shape);
  read_fields(m, lua_gettop(m->L), trail, &draft);
  if (m->problems->errors == before && says_nothing(&draft)) complain(m, trail, P_empty, &(struct vlun_args){0});
  value->u.record = vlun_draft_pack(&draft, &m->model->arena);
  return value->u.record && m->problems->errors == before;
}

/* --- devices and domains ------------------------------------------------------------------------------ */

static const char *next_kind(const void *words, size_t i) {
  (void)words;
  return vlun_kind_name(i);
}

/* Starts the device that `kind` says; its device row is set where it is a disk. */
static bool start_device(struct vlun_draft *draft, const char *kind) {
  size_t number = 0;
  while (vlun_kind_name(number) && strcmp(kind, vlun_kind_name(number)) != 0) number++;
  if (!vlun_kind_name(number)) return false;
  vlun_draft_init(draft, vlun_kind_shape(number));
  if (draft->shape == &vlun_shapes[SHAPE_disk])
    vlun_draft_set(draft, VLUN_disk_device, ORIGIN_USER)->u.number = (int64_t)number;
  return true;
}

static void complain_of_kind(struct marshal *m, const char *kind) {
  const char *near = kind ? vlun_suggest(kind, strlen(kind), next_kind, NULL, VLUN_KINDS) : NULL;
  complain(m, NULL, P_unknown_kind,
           &(struct vlun_args){.v = kind ? kind : "nothing",
                               .s = near,
                               .e = vlun_or_list(&m->problems->arena, next_kind, NULL, VLUN_KINDS)});
}

static bool is_read(lua_State *L, int table) {
  if (!lua_getmetatable(L, table)) return false;
  luaL_getmetatable(L, READ_MARK);
  bool read = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return read;
}

/* The device's table is on top of the stack. */
static void read_device(struct marshal *m, int place) {
  struct vlun_draft draft;
  m->place = place;
  m->table = lua_gettop(m->L);
  m->shape = NULL;
  m->row = -1;
  m->device_file = NULL;
  m->device_line = 0;
  m->unclear = 0;
  lua_pushstring(m->L, "kind");
  lua_rawget(m->L, m->table);
  const char *kind = lua_type(m->L, -1) == LUA_TSTRING ? lua_tostring(m->L, -1) : NULL;
  lua_pop(m->L, 1); /* the table keeps the text alive */
  if (!kind || !start_device(&draft, kind)) {
    complain_of_kind(m, kind);
  } else {
    m->shape = draft.shape;
    if (draft.shape == &vlun_shapes[SHAPE_disk]) m->word = draft.value[VLUN_disk_device].u.number;
    read_fields(m, m->table, NULL, &draft);
    struct vlun_device *device = vlun_model_add(m->model);
    struct vlun_record *record = vlun_draft_pack(&draft, &m->model->arena);
    if (device && record)
      *device = (struct vlun_device){.record = record,
                                     .place = place,
                                     .file = m->device_file,
                                     .line = m->device_line,
                                     .unclear = m->unclear,
                                     .read = is_read(m->L, m->table)};
    else if (device) m->model->count--;
  }
  m->table = 0;
}

static void read_devices(struct marshal *m, int table) {
  lua_Integer count = (lua_Integer)lua_rawlen(m->L, table);
  vlun_model_room(m->model, (size_t)count + SPARE);
  for (lua_Integer i = 1; i <= count; i++) {
    struct vlun_trail item = {.key = "", .number = (size_t)i};
    m->place = (int)i;
    lua_rawgeti(m->L, table, i);
    if (lua_istable(m->L, -1)) read_device(m, (int)i);
    else complain_of_type(m, &item, "a device", "write: cdrom { ... }");
    lua_pop(m->L, 1);
  }
}

void lvlun_read_domain(lua_State *L, int index, struct vlun_model *model, struct vlun_problems *problems, size_t number,
                       bool copy) {
  struct marshal m = {.L = L, .model = model, .problems = problems, .number = number, .copy = copy, .row = -1};
  struct vlun_draft draft;
  index = lua_absindex(L, index);
  model->file = raw_file(&m, index);
  model->line = raw_line(&m, index);
  const char *name = raw_text(&m, index, "name");
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_domain]);
  if (name) { /* first, so that problems of other fields can name the domain */
    struct vlun_value *value = vlun_draft_set(&draft, VLUN_domain_name, ORIGIN_USER);
    value->u.text = name;
    value->len = (uint32_t)strlen(name);
    model->domain = vlun_draft_pack(&draft, &model->arena);
  }
  read_fields(&m, index, NULL, &draft);
  model->domain = vlun_draft_pack(&draft, &model->arena);
  read_devices(&m, index);
}

void lvlun_read_device(lua_State *L, int index, struct vlun_model *model, struct vlun_problems *problems, bool copy) {
  struct marshal m = {.L = L, .model = model, .problems = problems, .copy = copy};
  lua_pushvalue(L, index);
  read_device(&m, 1);
  lua_pop(L, 1);
}

bool lvlun_is_device(lua_State *L, int index) {
  lua_pushstring(L, "kind");
  lua_rawget(L, index < 0 ? index - 1 : index);
  const char *kind = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  bool device = kind && strcmp(kind, "domain") != 0;
  lua_pop(L, 1);
  return device;
}
