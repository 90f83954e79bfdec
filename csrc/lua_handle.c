/*
 * lua_handle.c - models as userdata: what owns one, and the arguments that name one or a device in it.
 */
#include "lua_model.h"

#define MODEL_TYPE "virtlun.model"

struct vlun_model *lvlun_new_model(lua_State *L) {
  struct vlun_model *model = lua_newuserdata(L, sizeof *model);
  *model = (struct vlun_model){0};
  luaL_setmetatable(L, MODEL_TYPE);
  return model;
}

struct vlun_model *lvlun_check_model(lua_State *L, int index) {
  return luaL_checkudata(L, index, MODEL_TYPE);
}

struct vlun_model *lvlun_check_indexed(lua_State *L, int index) {
  struct vlun_model *host = lvlun_check_model(L, index);
  if (!vlun_index(host)) luaL_error(L, "not enough memory");
  return host;
}

static int free_model(lua_State *L) {
  vlun_model_free(lvlun_check_model(L, 1));
  return 0;
}

size_t lvlun_check_number(lua_State *L, int index, const struct vlun_model *model) {
  lua_Integer number = luaL_checkinteger(L, index);
  bool known = number >= 1 && (size_t)number <= model->count && !vlun_is(&model->device[number - 1], SHAPE_other);
  luaL_argcheck(L, known, index, "no such device");
  return (size_t)number;
}

void lvlun_set_number(lua_State *L, const char *key, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, key);
}

void lvlun_new_model_type(lua_State *L) {
  luaL_newmetatable(L, MODEL_TYPE);
  lua_pushcfunction(L, free_model);
  lua_setfield(L, -2, "__gc");
}
