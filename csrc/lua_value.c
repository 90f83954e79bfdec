/*
 * lua_value.c - turns Lua values into values of the schema: every key must be one of the schema, every value of its
 * type.  Ranges and rules are the core's business; here is only what Lua tables can get wrong.
 */
#include <string.h>

#include "lua_marshal.h"

/* --- values: each reads the value on top of the stack ------------------------------------------------- */

static bool read_record(struct marshal *m, const struct vlun_trail *trail, const struct vlun_shape *shape,
                        struct vlun_value *value);

static bool read_number(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                        struct vlun_value *value) {
  int exact;
  lua_Integer number = lua_tointegerx(m->L, -1, &exact);
  if (lua_type(m->L, -1) != LUA_TNUMBER || !exact) {
    lvlun_complain_of_type(
        m, trail, row,
        lua_isnumber(m->L, -1) && lua_type(m->L, -1) == LUA_TSTRING ? "write the number without quotes" : NULL);
    return false;
  }
  value->u.number = number;
  return true;
}

static bool read_switch(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                        struct vlun_value *value) {
  if (!lua_isboolean(m->L, -1)) {
    lvlun_complain_of_type(m, trail, row, NULL);
    return false;
  }
  value->u.number = lua_toboolean(m->L, -1);
  return true;
}

static bool read_text(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                      struct vlun_value *value) {
  if (lua_type(m->L, -1) != LUA_TSTRING) {
    lvlun_complain_of_type(m, trail, row, lua_isnumber(m->L, -1) ? "put it into quotes" : NULL);
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
  if (!text) {
    lvlun_complain_of_type(m, trail, row, NULL);
    return false;
  }
  if (memchr(text, '\0', len) == NULL &&
      vlun_parse(&(struct vlun_row){.kind = KIND_ENUM, .words = row->words}, text, len, value) == PARSED)
    return true;
  struct vlun_args args = vlun_args_of_word(&m->problems->arena, row->words, text);
  lvlun_complain(m, trail, P_unknown_word, &args);
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
    lvlun_complain_of_type(m, trail, row, NULL);
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
    lvlun_complain_of_type(m, trail, row, "write: { { ... }, { ... } }");
    return false;
  }
  size_t count = (size_t)lua_rawlen(m->L, -1);
  struct vlun_list *list = vlun_alloc(&m->model->arena, sizeof *list + count * sizeof list->item[0]);
  if (!list) return false;
  struct vlun_trail item = {trail->up, trail->key, 0};
  bool good = true;
  for (item.number = 1; item.number <= count && !vlun_problems_enough(m->problems); item.number++) {
    struct vlun_value inner = {.u.record = NULL};
    lua_rawgeti(m->L, -1, (lua_Integer)item.number);
    bool table = lua_istable(m->L, -1);
    if (!table) lvlun_complain_of(m, &item, "a table", NULL);
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
  lvlun_complain(m, trail, P_bad_form, &(struct vlun_args){.v = lvlun_shown(m), .e = row->text});
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

static void complain_of_variant(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row) {
  lvlun_complain(m, trail, P_no_variant, &(struct vlun_args){.e = vlun_variant_list(&m->problems->arena, row)});
}

static bool read_shorthand(struct marshal *m, const struct vlun_trail *trail, const struct vlun_shape *shape,
                           struct vlun_value *value) {
  struct vlun_draft draft;
  vlun_draft_init(&draft, shape);
  if (!read_text(m, trail, &shape->rows[0], vlun_draft_set(&draft, 0, ORIGIN_USER))) return false;
  value->u.record = vlun_draft_pack(&draft, &m->model->arena);
  return value->u.record != NULL;
}

static bool read_variant(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                         struct vlun_value *value) {
  if ((row->flags & SHORTHAND) && lua_type(m->L, -1) == LUA_TSTRING)
    return read_shorthand(m, trail, row->variants[0], value);
  if (!lua_istable(m->L, -1)) {
    lvlun_complain_of_type(m, trail, row, NULL);
    return false;
  }
  if (!row->variants[1] && row->variants[0]->rows[0].kind != KIND_LIT)
    return read_record(m, trail, row->variants[0], value);
  for (const struct vlun_shape *const *variant = row->variants; *variant; variant++)
    if (is_variant(m, *variant)) return read_record(m, trail, *variant, value);
  complain_of_variant(m, trail, row);
  return false;
}

static bool read_value(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                       struct vlun_value *value) {
  if (lua_isboolean(m->L, -1) && !lua_toboolean(m->L, -1) && !vlun_row_is_switch(row)) {
    value->no = true;
    return true;
  }
  switch (row->kind) {
    case KIND_INT:
    case KIND_HEX: return read_number(m, trail, row, value);
    case KIND_ENUM: return read_word(m, trail, row, value);
    case KIND_SET: return read_set(m, trail, row, value);
    case KIND_STR:
    case KIND_RAW: return read_text(m, trail, row, value);
    case KIND_RECORD: return read_variant(m, trail, row, value);
    case KIND_LIST: return read_list(m, trail, row, value);
    default: return read_switch(m, trail, row, value);
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
  if (strcmp(key, "file") == 0) m->device_file = lvlun_known_file(m);
  else if (strcmp(key, "line") == 0) m->device_line = lua_isinteger(m->L, -1) ? (int)lua_tointeger(m->L, -1) : 0;
  else return false;
  return true;
}

static void complain_of_key(struct marshal *m, const struct vlun_trail *up, const struct vlun_shape *shape) {
  bool text = lua_type(m->L, -2) == LUA_TSTRING;
  lua_pushvalue(m->L, -2);
  const char *key = text ? lua_tostring(m->L, -1) : lvlun_shown(m);
  lua_pop(m->L, 1); /* the table keeps the text alive */
  const char *near = text ? vlun_suggest_key(shape, key, strlen(key)) : NULL;
  lvlun_complain(m, up, P_unknown_key, &(struct vlun_args){.v = key ? key : "?", .s = near});
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
    lvlun_complain(m, up, P_moved_key, &(struct vlun_args){.v = row->key, .a = row->text});
  } else if (row->kind == KIND_LIT) {
    read_literal(m, &trail, row);
  } else {
    *value = (struct vlun_value){.origin = ORIGIN_USER};
    if (read_value(m, &trail, row, value)) draft->set |= BIT(number);
    else if (!up) m->unclear |= BIT(number);
  }
}

/* Top-level tables (up is NULL) may have array items, which are devices and read apart. */
void lvlun_read_fields(struct marshal *m, int table, const struct vlun_trail *up, struct vlun_draft *draft) {
  luaL_checkstack(m->L, 8, "description");
  lua_Integer devices = draft->shape == &vlun_shapes[SHAPE_domain] ? (lua_Integer)lua_rawlen(m->L, table) : 0;
  lua_pushnil(m->L);
  while (lua_next(m->L, table)) {
    if (vlun_problems_enough(m->problems)) {
      lua_pop(m->L, 2);
      break;
    }
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
  lvlun_read_fields(m, lua_gettop(m->L), trail, &draft);
  if (m->problems->errors == before && says_nothing(&draft)) lvlun_complain(m, trail, P_empty, &(struct vlun_args){0});
  value->u.record = vlun_draft_pack(&draft, &m->model->arena);
  return value->u.record && m->problems->errors == before;
}
