/*
 * lua_core.c - opens the module virtlun.core and holds its functions that take one step: check, xml, read.
 */
#include <string.h>

#include "lua_common.h"

/* --- one step ----------------------------------------------------------------------------------------- */

/* Reads one device, one domain or a list of domains at `index`. */
static void read_described(lua_State *L, int index, struct lvlun_run *run) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_pushliteral(L, "kind");
  bool has_kind = lua_rawget(L, index) != LUA_TNIL;
  lua_pop(L, 1);
  size_t count = has_kind ? 1 : (size_t)lua_rawlen(L, index);
  lvlun_make_models(L, run, count);
  if (has_kind && lvlun_is_device(L, index)) {
    lvlun_read_device(L, index, run->models[0], &run->problems, false);
  } else if (has_kind) {
    lvlun_read_domain(L, index, run->models[0], &run->problems, 0, false);
  }
  for (size_t i = 0; !has_kind && i < count; i++) {
    if (lua_rawgeti(L, index, (lua_Integer)i + 1) != LUA_TTABLE) luaL_error(L, "a list of domains expected");
    lvlun_read_domain(L, -1, run->models[i], &run->problems, i, false);
    lua_pop(L, 1);
  }
  lvlun_check_memory(L, run);
}

/* core.check(description) -> whether it is without errors, problems. */
static int Lvlun_check(lua_State *L) {
  struct lvlun_run *run = lvlun_new_run(L);
  read_described(L, 1, run);
  vlun_check_all(&(struct vlun_check){.problems = &run->problems, .models = run->models, .count = run->count});
  lvlun_check_memory(L, run);
  lua_pushboolean(L, run->problems.errors == 0);
  lvlun_push_problems(L, run);
  lvlun_end_run(L, run);
  return 2;
}

/* Reads, checks and completes one device or domain; NULL if there are errors. */
static struct vlun_model *complete_described(lua_State *L, struct lvlun_run *run) {
  read_described(L, 1, run);
  luaL_argcheck(L, run->count == 1, 1, "one device or one domain expected");
  bool settled = vlun_settle(run->models[0], &run->problems);
  lvlun_check_memory(L, run);
  return settled ? run->models[0] : NULL;
}

/* core.xml(description) -> XML of the device, or of all devices of the domain; nil if there are errors; problems. */
static int Lvlun_xml(lua_State *L) {
  struct lvlun_run *run = lvlun_new_run(L);
  bool device = lua_istable(L, 1) && lvlun_is_device(L, 1);
  const struct vlun_model *model = complete_described(L, run);
  if (model && device) vlun_write_record(&run->buffer, model->device[0].record, 0);
  else if (model) vlun_write_model(&run->buffer, model);
  lvlun_check_memory(L, run);
  lvlun_push_problems(L, run);
  lvlun_free_models(run); /* before the text is in memory twice */
  if (model) lua_pushlstring(L, run->buffer.text ? run->buffer.text : "", run->buffer.len);
  else lua_pushnil(L);
  lua_insert(L, -2);
  lvlun_end_run(L, run);
  return 2;
}

/* core.complete(domain) -> the domain with defaults, HBAs and provisional addresses, as tables; nil if there are
 * errors; problems. */
static int Lvlun_complete(lua_State *L) {
  struct lvlun_run *run = lvlun_new_run(L);
  const struct vlun_model *model = complete_described(L, run);
  if (model) lvlun_push_model(L, model);
  else lua_pushnil(L);
  lvlun_push_problems(L, run);
  lvlun_end_run(L, run);
  return 2;
}

/* core.read(xml) -> description of a domain's or a device's document; nil if it is neither; problems. */
static int Lvlun_read(lua_State *L) {
  size_t len;
  const char *xml = luaL_checklstring(L, 1, &len);
  struct lvlun_run *run = lvlun_new_run(L);
  lvlun_make_models(L, run, 1);
  bool good = vlun_read(run->models[0], xml, len, &run->problems);
  lvlun_check_memory(L, run);
  const struct vlun_model *model = run->models[0];
  bool device = good && !model->domain && model->count == 1 && !model->device[0].foreign;
  if (!good) lua_pushnil(L);
  else if (device) lvlun_push_device(L, model->device[0].record);
  else lvlun_push_model(L, model);
  lvlun_push_problems(L, run);
  lvlun_end_run(L, run);
  return 2;
}

/* --- help for the Lua layer --------------------------------------------------------------------------- */

static const char *field(lua_State *L, int table, const char *key) {
  lua_getfield(L, table, key);
  const char *text = lua_isnil(L, -1) ? NULL : luaL_checkstring(L, -1);
  return text; /* stays on the stack, which keeps it alive */
}

/* core.problem{ code =, path =, value =, expected =, a =, b =, near =, file =, line = } -> problem with its message. */
static int Lvlun_problem(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *code = field(L, 1, "code");
  int number = 0;
  while (number < P_count && (!code || strcmp(vlun_codes[number].code, code) != 0)) number++;
  luaL_argcheck(L, number < P_count, 1, "unknown problem code");
  struct vlun_args args = {.v = field(L, 1, "value"),
                           .e = field(L, 1, "expected"),
                           .a = field(L, 1, "a"),
                           .b = field(L, 1, "b"),
                           .s = field(L, 1, "near")};
  const char *path = field(L, 1, "path");
  struct vlun_model place = {.file = field(L, 1, "file")};
  lua_getfield(L, 1, "line");
  place.line = (int)luaL_optinteger(L, -1, 0);
  struct lvlun_run *run = lvlun_new_run(L);
  vlun_complain(&run->problems, &(struct vlun_spot){.model = &place}, path ? path : "", (enum vlun_code)number, &args);
  lvlun_push_problems(L, run);
  lvlun_end_run(L, run);
  lua_rawgeti(L, -1, 1);
  return 1;
}

static const char *next_in_table(const void *words, size_t i) {
  lua_State *L = (lua_State *)words;
  lua_rawgeti(L, 2, (lua_Integer)i + 1);
  const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1); /* the list keeps the text alive */
  return word;
}

/* core.suggest(text, list of words) -> the nearest word, or nil. */
static int Lvlun_suggest(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushstring(L, vlun_suggest(text, len, next_in_table, L, (size_t)lua_rawlen(L, 2)));
  return 1;
}

/* core.dev_index("sda") -> 0, or nil; core.dev_name(0) -> "sda", or nil. */
static int Lvlun_dev_index(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  int32_t index = vlun_dev_index(text, len);
  if (index < 0) return 0;
  lua_pushinteger(L, index);
  return 1;
}

static int Lvlun_dev_name(lua_State *L) {
  char text[16];
  lua_Integer index = luaL_checkinteger(L, 1);
  if (index < 0 || index > VLUN_MAX_DEV_INDEX || !vlun_dev_name((int32_t)index, text, sizeof text)) return 0;
  lua_pushstring(L, text);
  return 1;
}

/* --- the module --------------------------------------------------------------------------------------- */

static void open_lun(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", Lvlun_lun_encode},   {"decode", Lvlun_lun_decode},
                                       {"wire", Lvlun_lun_wire},       {"hctl", Lvlun_lun_hctl},
                                       {"by_path", Lvlun_lun_by_path}, {NULL, NULL}};
  luaL_newlib(L, functions);
}

static void push_kinds(lua_State *L) {
  lua_createtable(L, VLUN_KINDS, 0);
  for (size_t i = 0; vlun_kind_name(i); i++) {
    lua_pushstring(L, vlun_kind_name(i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

VLUN_API int luaopen_virtlun_core(lua_State *L);

VLUN_API int luaopen_virtlun_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"check", Lvlun_check},       {"xml", Lvlun_xml},
                                       {"complete", Lvlun_complete}, {"read", Lvlun_read},
                                       {"schema", Lvlun_schema},     {"problem", Lvlun_problem},
                                       {"suggest", Lvlun_suggest},   {"dev_index", Lvlun_dev_index},
                                       {"dev_name", Lvlun_dev_name}, {"model", Lvlun_model},
                                       {"document", Lvlun_document}, {"diff", Lvlun_diff},
                                       {"find", Lvlun_find},         {"patch", Lvlun_patch},
                                       {"boot", Lvlun_boot},         {"element", Lvlun_element},
                                       {"elements", Lvlun_elements}, {"matches", Lvlun_matches},
                                       {"unread", Lvlun_unread},     {"hash", Lvlun_hash},
                                       {"iso", Lvlun_iso},           {NULL, NULL}};
  luaL_checkversion(L);
  luaL_newmetatable(L, READ_MARK);
  lua_pop(L, 1);
  lvlun_open_run(L);
  lvlun_open_model(L);
  luaL_newlib(L, functions);
  lua_pushcfunction(L, luaopen_virtlun_core);
  lua_pushcclosure(L, Lvlun_recipe, 1);
  lua_setfield(L, -2, "recipe");
  open_lun(L);
  lua_setfield(L, -2, "lun");
  push_kinds(L);
  lua_setfield(L, -2, "kinds");
  lvlun_push_limits(L);
  lua_setfield(L, -2, "limits");
  lua_pushliteral(L, VLUN_VERSION);
  lua_setfield(L, -2, "VERSION");
  return 1;
}
