/*
 * lua_marshal.c - turns the tables of a description into a model: devices and domains, and where a problem of theirs
 * is.
 */
#include <string.h>

#include "lua_marshal.h"

#define SPARE 4 /* room for HBAs that are added to what is described */

static void complain_of_kind(struct marshal *m, const char *kind) {
  if (!kind) {
    lvlun_complain(m, NULL, P_no_kind, &(struct vlun_args){0});
    return;
  }
  struct vlun_args args = vlun_args_of_kind(&m->problems->arena, kind);
  lvlun_complain(m, NULL, P_unknown_kind, &args);
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
  if (!kind || !vlun_draft_start(&draft, kind)) {
    complain_of_kind(m, kind);
  } else {
    m->shape = draft.shape;
    if (draft.shape == &vlun_shapes[SHAPE_disk]) m->word = draft.value[VLUN_disk_device].u.number;
    lvlun_read_fields(m, m->table, NULL, &draft);
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
  for (lua_Integer i = 1; i <= count && !vlun_problems_enough(m->problems); i++) {
    struct vlun_trail item = {.key = "", .number = (size_t)i};
    m->place = (int)i;
    lua_rawgeti(m->L, table, i);
    if (lua_istable(m->L, -1)) read_device(m, (int)i);
    else lvlun_complain_of(m, &item, "a device", "write: cdrom { ... }");
    lua_pop(m->L, 1);
  }
}

void lvlun_read_domain(lua_State *L, int index, struct vlun_model *model, struct vlun_problems *problems, size_t number,
                       bool copy) {
  struct marshal m = {.L = L, .model = model, .problems = problems, .number = number, .copy = copy, .row = -1};
  struct vlun_draft draft;
  index = lua_absindex(L, index);
  model->file = lvlun_field_file(&m, index);
  model->line = lvlun_field_line(&m, index);
  const char *name = lvlun_field_text(&m, index, "name");
  vlun_draft_init(&draft, &vlun_shapes[SHAPE_domain]);
  if (name) { /* first, so that problems of other fields can name the domain */
    struct vlun_value *value = vlun_draft_set(&draft, VLUN_domain_name, ORIGIN_USER);
    value->u.text = name;
    value->len = (uint32_t)strlen(name);
    model->domain = vlun_draft_pack(&draft, &model->arena);
  }
  lvlun_read_fields(&m, index, NULL, &draft);
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
