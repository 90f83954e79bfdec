/*
 * lua_complain.c - what is wrong with the tables of a description, told with the device and the place where it is.
 */
#include <string.h>

#include "lua_marshal.h"

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
      value->u.text = vlun_shown(&m->problems->arena, text, len);
      if (value->u.text) value->len = (uint32_t)strlen(value->u.text);
      else draft.set &= ~BIT(row);
    } else if (lua_isinteger(m->L, -1) && m->shape->rows[row].kind == KIND_INT) {
      vlun_draft_set(&draft, row, ORIGIN_USER)->u.number = lua_tointeger(m->L, -1);
    }
    lua_pop(m->L, 1);
  }
  return vlun_draft_pack(&draft, &m->problems->arena);
}

const char *lvlun_field_text(struct marshal *m, int table, const char *key) {
  lua_pushstring(m->L, key);
  lua_rawget(m->L, table);
  size_t len;
  const char *text = lua_type(m->L, -1) == LUA_TSTRING ? lua_tolstring(m->L, -1, &len) : NULL;
  const char *copy = text ? vlun_copy(&m->model->arena, text, len) : NULL;
  lua_pop(m->L, 1);
  return copy;
}

/* The file's name on top of the stack, as the model has it. */
const char *lvlun_known_file(struct marshal *m) {
  const char *key = lua_type(m->L, -1) == LUA_TSTRING ? lua_tostring(m->L, -1) : NULL;
  if (key != m->file_key) {
    m->file_key = key;
    m->file = key ? vlun_copy(&m->model->arena, key, strlen(key)) : NULL;
  }
  return m->file;
}

const char *lvlun_field_file(struct marshal *m, int table) {
  lua_pushstring(m->L, "file");
  lua_rawget(m->L, table);
  const char *file = lvlun_known_file(m);
  lua_pop(m->L, 1);
  return file;
}

int lvlun_field_line(struct marshal *m, int table) {
  lua_pushstring(m->L, "line");
  lua_rawget(m->L, table);
  int line = lua_isinteger(m->L, -1) ? (int)lua_tointeger(m->L, -1) : 0;
  lua_pop(m->L, 1);
  return line;
}

void lvlun_complain(struct marshal *m, const struct vlun_trail *trail, enum vlun_code code,
                    const struct vlun_args *args) {
  struct vlun_device device = {.place = m->place};
  struct vlun_spot spot = {.model = m->model, .place = m->place, .domain = m->number, .row = m->row + 1};
  if (m->table) {
    device.record = m->shape ? identity_of(m) : NULL;
    device.file = lvlun_field_file(m, m->table);
    device.line = lvlun_field_line(m, m->table);
    spot.device = &device;
  }
  vlun_complain(m->problems, &spot, vlun_trail_text(&m->problems->arena, trail), code, args);
}

/* The value on top of the stack as a problem shows it; stays on the stack.  No metamethod may run here: it could
 * change the tables that hold the texts of the description. */
const char *lvlun_shown(struct marshal *m) {
  struct vlun_arena *arena = &m->problems->arena;
  switch (lua_type(m->L, -1)) {
    case LUA_TSTRING: {
      size_t len;
      const char *text = lua_tolstring(m->L, -1, &len);
      text = vlun_shown(arena, text, len);
      return text ? vlun_printf(arena, "'%s'", text) : NULL;
    }
    case LUA_TBOOLEAN: return lua_toboolean(m->L, -1) ? "true" : "false";
    case LUA_TNUMBER:
      return lua_isinteger(m->L, -1) ? vlun_printf(arena, "%lld", (long long)lua_tointeger(m->L, -1))
                                     : vlun_printf(arena, "%.14g", (double)lua_tonumber(m->L, -1));
    case LUA_TNIL: return "nil";
    default: return vlun_printf(arena, "a %s", luaL_typename(m->L, -1));
  }
}

void lvlun_complain_of(struct marshal *m, const struct vlun_trail *trail, const char *expected, const char *hint) {
  lvlun_complain(m, trail, P_wrong_type, &(struct vlun_args){.v = lvlun_shown(m), .e = expected, .a = hint});
}

void lvlun_complain_of_type(struct marshal *m, const struct vlun_trail *trail, const struct vlun_row *row,
                            const char *hint) {
  lvlun_complain_of(m, trail, vlun_expected(&m->problems->arena, row), hint);
}
