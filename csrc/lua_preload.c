/*
 * lua_preload.c - puts all of virtlun into package.preload of a Lua state, for programs that have it linked in.
 * It is in no module that Lua loads by itself: who has the files needs no copy of them.
 */
#include <lauxlib.h>

#include "lua_files.h"
#include "virtlun_lua.h"

/* Gets what require gives: the name of the module and where it was found. */
static int open_file(lua_State *L) {
  const struct lvlun_file *file = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbufferx(L, file->text, file->len, file->chunk, "t") != LUA_OK) return lua_error(L);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

int virtlun_preload(lua_State *L) {
  luaL_checkstack(L, 3, "virtlun");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct lvlun_file *file = lvlun_files; file->module; file++) {
    lua_pushlightuserdata(L, (void *)file);
    lua_pushcclosure(L, open_file, 1);
    lua_setfield(L, -2, file->module);
  }
  lua_pushcfunction(L, luaopen_virtlun_core);
  lua_setfield(L, -2, "virtlun.core");
  lua_pushcfunction(L, luaopen_virtlun_libvirt);
  lua_setfield(L, -2, "virtlun.libvirt");
  lua_pop(L, 1);
  return 0;
}
